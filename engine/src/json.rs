//! The JSON Lines that `replay --json` prints: keys in a fixed order, one object a line.

use fieldwarden_model::{Addend, Alert, FrameRef, Incident, Step};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    baseline::{function_text, text::transport_word},
    blindness::Blind,
    engine::{ModeChange, Summary},
    history::WriteRecord,
    site::{QuietUse, WindowUse},
};

mod read;

pub use read::{NoAlert, alert_of};

/// How frames are told apart when several captures are replayed.
#[derive(Clone, Copy, Debug)]
pub enum Captures<'a> {
    /// One capture, or a live one: frame numbers suffice.
    One,
    /// Several, with their names in the order given: every list of frames has a list of names beside it.
    Several(&'a [String]),
}

impl Captures<'_> {
    fn names(&self, frames: &[FrameRef]) -> Option<Vec<String>> {
        let Self::Several(names) = self else { return None };
        let name = |frame: &FrameRef| names.get(usize::from(frame.capture)).cloned().unwrap_or_default();
        Some(frames.iter().map(name).collect())
    }
}

/// An alert as one line, without its end.
#[must_use]
pub fn alert(alert: &Alert, captures: Captures<'_>) -> String {
    line(&AlertLine {
        kind: "alert",
        id: &alert.id.0,
        time: alert.time.to_string(),
        detector: &alert.detector,
        severity: alert.severity.word(),
        techniques: alert.techniques.iter().map(|technique| technique.0.as_str()).collect(),
        client: alert.client.to_string(),
        client_port: alert.client_port,
        client_mac: alert.client_mac.map(|mac| mac.to_string()),
        client_name: alert.client_name.as_deref(),
        server: alert.server.map(|server| server.to_string()),
        server_port: alert.server_port,
        server_mac: alert.server_mac.map(|mac| mac.to_string()),
        server_name: alert.server_name.as_deref(),
        vlan: &alert.vlan,
        protocol: alert.protocol.as_deref(),
        transport: alert.transport.map(transport_word),
        space: alert.space.0,
        unit: alert.unit,
        operation: alert.operation.map(|verb| verb.word()),
        function: alert.function.map(function_text),
        function_name: alert.function_name.as_deref(),
        points: alert.points.as_deref(),
        step: alert.step,
        old: &alert.old,
        new: &alert.new,
        frames: alert.frames.iter().map(|frame| frame.number).collect(),
        capture: captures.names(&alert.frames),
        community_id: alert.community_id.as_deref(),
        assured: alert.assured,
        summary: &alert.summary,
        baseline_entry: alert.baseline_entry.as_deref(),
        quieted_by: alert.quieted_by.as_deref(),
        incident: Some(alert.incident.0.as_str()).filter(|id| !id.is_empty()),
    })
}

/// An incident as one line, without its end.
#[must_use]
pub fn incident(incident: &Incident) -> String {
    line(&IncidentLine {
        kind: "incident",
        id: &incident.id.0,
        first: incident.first.to_string(),
        last: incident.last.to_string(),
        severity: incident.severity.word(),
        score: incident.score,
        addends: &incident.addends,
        talkers: incident.talkers.iter().map(ToString::to_string).collect(),
        alerts: incident.alerts,
        techniques: incident.techniques.iter().map(|technique| technique.0.as_str()).collect(),
        title: &incident.title,
        story: incident.story.iter().map(StepLine::of).collect(),
        revision: incident.revision,
        open: incident.open,
    })
}

/// The summary as one line, without its end.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    let span = summary.first.zip(summary.last).map_or(0, |(first, last)| last.since(first).as_nanos());
    #[expect(
        clippy::cast_precision_loss,
        reason = "nanoseconds past 2^53 are a hundred days: told to the microsecond"
    )]
    let span_seconds = span as f64 / 1e9;
    line(&SummaryLine {
        kind: "summary",
        frames: summary.frames,
        messages: &summary.messages,
        alerts: summary.alerts,
        incidents: summary.incidents,
        gaps: summary.gaps,
        blind: summary.blind.iter().map(BlindLine::of).collect(),
        change_windows: summary.windows.iter().map(WindowLine::of).collect(),
        quiet: summary.quiet.iter().map(QuietLine::of).collect(),
        modes: summary.modes.iter().map(ModeLine::of).collect(),
        span_seconds,
    })
}

/// A change made to a device as one line, without its end.
#[must_use]
pub fn write(record: &WriteRecord, captures: Captures<'_>) -> String {
    let outcome = match record.outcome {
        fieldwarden_model::Outcome::Refused(code) => format!("refused {code}"),
        _ => String::from("asked"),
    };
    line(&WriteLine {
        kind: "write",
        time: record.time.to_string(),
        client: record.client.to_string(),
        client_name: record.client_name.as_deref(),
        server: record.server.to_string(),
        server_name: record.server_name.as_deref(),
        protocol: &record.protocol,
        unit: record.unit,
        operation: record.verb.word(),
        function: &record.function,
        name: &record.name,
        points: record.points.as_deref(),
        old: &record.old,
        new: &record.new,
        tags: record.tags.as_deref(),
        outcome,
        frame: record.frame.number,
        capture: captures.names(&[record.frame]).and_then(|names| names.into_iter().next()),
    })
}

#[derive(Serialize)]
struct AlertLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    time: String,
    detector: &'a str,
    severity: &'static str,
    techniques: Vec<&'a str>,
    client: String,
    client_port: Option<u16>,
    client_mac: Option<String>,
    client_name: Option<&'a str>,
    server: Option<String>,
    server_port: Option<u16>,
    server_mac: Option<String>,
    server_name: Option<&'a str>,
    vlan: &'a [u16],
    protocol: Option<&'a str>,
    transport: Option<&'static str>,
    space: u16,
    unit: Option<u16>,
    operation: Option<&'static str>,
    function: Option<String>,
    function_name: Option<&'a str>,
    points: Option<&'a str>,
    step: Option<u16>,
    old: &'a [fieldwarden_model::Value],
    new: &'a [fieldwarden_model::Value],
    frames: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<Vec<String>>,
    community_id: Option<&'a str>,
    assured: bool,
    summary: &'a str,
    baseline_entry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quieted_by: Option<&'a str>,
    /// None of an alert that is quiet.
    incident: Option<&'a str>,
}

#[derive(Serialize)]
struct IncidentLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    first: String,
    last: String,
    severity: &'static str,
    score: u8,
    addends: &'a [Addend],
    talkers: Vec<String>,
    alerts: u64,
    techniques: Vec<&'a str>,
    title: &'a str,
    story: Vec<StepLine<'a>>,
    revision: u32,
    open: bool,
}

#[derive(Serialize)]
struct StepLine<'a> {
    time: String,
    what: &'a str,
}

impl<'a> StepLine<'a> {
    fn of(step: &'a Step) -> Self {
        Self { time: step.time.to_string(), what: &step.what }
    }
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    frames: u64,
    messages: &'a std::collections::BTreeMap<&'static str, u64>,
    alerts: u64,
    incidents: u64,
    gaps: u64,
    blind: Vec<BlindLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    change_windows: Vec<WindowLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quiet: Vec<QuietLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    modes: Vec<ModeLine>,
    span_seconds: f64,
}

#[derive(Serialize)]
struct WindowLine<'a> {
    number: &'a str,
    state: &'static str,
    within: u64,
    overrun: u64,
}

impl<'a> WindowLine<'a> {
    fn of(window: &'a WindowUse) -> Self {
        Self { number: &window.number, state: window.word(), within: window.within, overrun: window.overrun }
    }
}

#[derive(Serialize)]
struct QuietLine<'a> {
    scope: &'a str,
    reason: &'a str,
    until: Option<String>,
    state: &'static str,
    within: u64,
    overrun: u64,
}

impl<'a> QuietLine<'a> {
    fn of(quiet: &'a QuietUse) -> Self {
        Self {
            scope: &quiet.scope,
            reason: &quiet.reason,
            until: quiet.until.map(|until| until.to_string()),
            state: quiet.word(),
            within: quiet.within,
            overrun: quiet.overrun,
        }
    }
}

#[derive(Serialize)]
struct ModeLine {
    mode: Option<String>,
    since: String,
}

impl ModeLine {
    fn of(change: &ModeChange) -> Self {
        Self { mode: change.mode.map(|mode| mode.to_string()), since: change.since.to_string() }
    }
}

#[derive(Serialize)]
struct BlindLine<'a> {
    reason: &'static str,
    #[serde(rename = "where")]
    place: &'a str,
    count: u64,
    first: String,
    last: String,
    detectors: &'a [&'static str],
}

impl<'a> BlindLine<'a> {
    fn of(blind: &'a Blind) -> Self {
        Self {
            reason: blind.reason.word(),
            place: &blind.place,
            count: blind.count,
            first: blind.first.to_string(),
            last: blind.last.to_string(),
            detectors: &blind.detectors,
        }
    }
}

#[derive(Serialize)]
struct WriteLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    time: String,
    client: String,
    client_name: Option<&'a str>,
    server: String,
    server_name: Option<&'a str>,
    protocol: &'a str,
    unit: Option<u16>,
    operation: &'static str,
    function: &'a str,
    name: &'a str,
    points: Option<&'a str>,
    old: &'a [fieldwarden_model::Value],
    new: &'a [fieldwarden_model::Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a str>,
    outcome: String,
    frame: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<String>,
}

/// Plain data with text keys serialises without fail; should it not, the line says so instead of being left out.
fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap_or_else(|error| Json::String(error.to_string()).to_string())
}
