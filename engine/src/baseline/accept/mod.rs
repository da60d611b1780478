//! The smallest entry that covers an alert.
//!
//! Guarantees: nothing is let through but what the changes say, and nothing is told that was not; both are looked up in the
//! compiled baseline after the change, so that lines a person made overlap are refused rather than guessed at. Alerts that
//! no baseline should quiet (broken messages, floods, scans, blindness) are refused with the reason.

mod widen;

use core::fmt;

use fieldwarden_model::{Alert, PointRange, Talker, Transport};

use super::{
    Baseline, Entry, Function, KnownTalker, Pace,
    compiled::{Compiled, CompiledEntry},
    diff::{Change, Effect, diff, sweep::without},
    reads,
};
use crate::conversation::plain;

/// Why an alert is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No baseline may hold this for normal.
    Never {
        /// The detector that told it.
        detector: String,
        /// Why not, and what to do instead.
        why: &'static str,
    },
    /// A detector whose alerts are not made of what a baseline holds.
    Unknown {
        /// The detector that told it.
        detector: String,
    },
    /// The alert does not carry what the entry must say.
    Lacks {
        /// What is missing, and where to get it.
        what: String,
    },
    /// The baseline covers it already.
    Covered {
        /// The entry that does.
        entry: String,
    },
    /// The entry is written so that nothing can be added without changing something else.
    Tangled {
        /// The entry.
        entry: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never { detector, why } => write!(f, "a `{detector}` alert is never normal: {why}"),
            Self::Unknown { detector } => write!(
                f,
                "what `{detector}` tells is not held against lines of the baseline\n\nhint: its page says what quiets it: docs/detectors/{detector}.md"
            ),
            Self::Lacks { what } => f.write_str(what),
            Self::Covered { entry } => write!(
                f,
                "the baseline covers this already: {entry}\n\nhint: was the alert told by an earlier baseline?"
            ),
            Self::Tangled { entry } => write!(
                f,
                "lines of `writes` in `{entry}` overlap, so that adding to one would change another\n\nhint: make them one line by hand, then accept again"
            ),
        }
    }
}

impl core::error::Error for Refusal {}

/// A baseline that covers an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The baseline with the smallest entry that covers it.
    pub baseline: Baseline,
    /// What that changes; all of it widens.
    pub changes: Vec<Change>,
}

/// Widens a baseline by as little as covers an alert.
///
/// # Errors
/// Each of [`Refusal`].
pub fn accept(baseline: &Baseline, alert: &Alert) -> Result<Accepted, Refusal> {
    let mut after = baseline.clone();
    match alert.detector.as_str() {
        "new-talker" => talker(&mut after, alert),
        "new-conversation" => {
            entry(&mut after, alert)?;
        }
        "new-function" | "controller-mode" | "program-transfer" => {
            function(entry(&mut after, alert)?, alert)?;
        }
        "new-point-write" | "value-out-of-range" => {
            let is_new = find(baseline, alert).is_none();
            let entry = entry(&mut after, alert)?;
            // In a conversation that is there, a function it lacks has an alert of its own.
            if is_new {
                function(entry, alert)?;
            }
            written(entry, alert)?;
        }
        "frozen-report" | "covert-channel" => moving(entry(&mut after, alert)?, alert)?,
        detector => return Err(refusal(detector)),
    }
    after.sort();
    let changes = diff(baseline, &after);
    let name =
        || find(&after, alert).map_or_else(|| format!("talker {}", alert.client), |entry| entry.id.clone());
    if changes.iter().all(|change| change.effect == Effect::Same) {
        return Err(Refusal::Covered { entry: name() });
    }
    let narrows = changes.iter().any(|change| change.effect == Effect::Narrows);
    if narrows || !covers(&Compiled::new(after.clone()), &after, alert) {
        return Err(Refusal::Tangled { entry: name() });
    }
    Ok(Accepted { baseline: after, changes })
}

/// Which of these alerts a baseline covers: told under another one, they would not be told under it.
#[must_use]
pub fn covered<'a>(baseline: &Baseline, alerts: &'a [Alert]) -> Vec<&'a Alert> {
    let compiled = Compiled::new(baseline.clone());
    let detectors = [
        "new-talker",
        "new-conversation",
        "new-function",
        "controller-mode",
        "program-transfer",
        "new-point-write",
        "value-out-of-range",
    ];
    let judged = |alert: &&Alert| detectors.contains(&alert.detector.as_str());
    alerts.iter().filter(judged).filter(|alert| covers(&compiled, baseline, alert)).collect()
}

fn refusal(detector: &str) -> Refusal {
    let detector = detector.to_owned();
    match never(&detector) {
        Some(why) => Refusal::Never { detector, why },
        None => Refusal::Unknown { detector },
    }
}

/// Why no baseline may hold for normal what a detector tells, nor quiet it.
#[must_use]
pub fn never(detector: &str) -> Option<&'static str> {
    Some(match detector {
        "malformed" => {
            "a message that breaks its protocol may be an attack on the controller or on the sensor. Mend the device; where its maker says that it talks so, name the code in `oddities` of the conversation by hand"
        }
        "function-scan" => {
            "a scan shows what a controller can do. Accept the functions a tool needs one by one, by their `new-function` alerts"
        }
        "exception-burst" => {
            "a burst of refusals is somebody who does not know the plant, or a flood. Mend what asks for what is not there; `refusals_per_minute` is raised by hand"
        }
        "sensor-blind" => {
            "what is not seen cannot be normal. Mend the mirror or the sensor: docs/blindness.md"
        }
        _ => return None,
    })
}

fn talker(baseline: &mut Baseline, alert: &Alert) {
    let known = KnownTalker { space: alert.space, talker: alert.client, mac: alert.client_mac };
    if !baseline.talkers.iter().any(|other| other.subject() == known.subject()) {
        baseline.talkers.push(known);
    }
}

/// The conversation that an alert is about, as an entry that allows nothing in it.
fn wanted(alert: &Alert) -> Option<Entry> {
    let server = alert.server?;
    let transport = alert.transport.or_else(|| transport_of(alert, server))?;
    let protocol = alert.protocol.as_deref().unwrap_or_else(|| plain(transport).name());
    let mut entry = Entry {
        id: String::new(),
        space: alert.space,
        client: alert.client,
        server,
        transport,
        server_port: alert.server_port,
        protocol: protocol.into(),
        unit: alert.unit,
        functions: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
        motion: Vec::new(),
        period_ms: None,
        refusals_per_minute: 0,
        pace: Pace::default(),
        oddities: Vec::new(),
    };
    entry.id = entry.key()?.to_string();
    Some(entry)
}

/// The transport of an alert told before alerts named it: the one that its community id is made of.
fn transport_of(alert: &Alert, server: Talker) -> Option<Transport> {
    let (Talker::Ip(_), Talker::Ip(_)) = (alert.client, server) else { return Some(Transport::Link) };
    let end = |talker, port| fieldwarden_model::Endpoint { talker, port };
    let (client, server) = (end(alert.client, alert.client_port), end(server, alert.server_port));
    [Transport::Tcp, Transport::Udp].into_iter().find(|transport| {
        alert.community_id.is_some()
            && crate::community_id::community_id(*transport, &client, &server) == alert.community_id
    })
}

/// The entry that judges what an alert is about: of several the last.
fn find<'a>(baseline: &'a Baseline, alert: &Alert) -> Option<&'a Entry> {
    let key = wanted(alert)?.key();
    baseline.conversations.iter().rfind(|entry| entry.key() == key)
}

/// The same to be changed, new where there is none.
fn entry<'a>(baseline: &'a mut Baseline, alert: &Alert) -> Result<&'a mut Entry, Refusal> {
    let Some(mut wanted) = wanted(alert) else {
        let what = "the alert does not say by which transport and protocol its talkers speak\n\nhint: give the capture it was told of, with `--capture`";
        return Err(Refusal::Lacks { what: what.into() });
    };
    let key = wanted.key();
    let entries = &mut baseline.conversations;
    let at = entries.iter().rposition(|entry| entry.key() == key);
    let at = at.unwrap_or_else(|| {
        // A person may have given the usual name to another entry.
        let usual = wanted.id.clone();
        for n in 2_u32.. {
            if !entries.iter().any(|entry| entry.id == wanted.id) {
                break;
            }
            wanted.id = format!("{usual} ({n})");
        }
        entries.push(wanted);
        entries.len() - 1
    });
    entries.get_mut(at).ok_or_else(|| Refusal::Tangled { entry: alert.id.0.clone() })
}

fn function(entry: &mut Entry, alert: &Alert) -> Result<(), Refusal> {
    let Some(code) = alert.function else {
        let what = "the alert does not say which function was used\n\nhint: give the capture it was told of, with `--capture`";
        return Err(Refusal::Lacks { what: what.into() });
    };
    if !entry.functions.iter().any(|function| function.code == code) {
        let name = alert.function_name.as_deref().unwrap_or_default().into();
        entry.functions.push(Function { code, name });
        entry.functions.sort();
    }
    Ok(())
}

fn written(entry: &mut Entry, alert: &Alert) -> Result<(), Refusal> {
    let points = alert.points.as_deref().and_then(|text| entry.points_of(text));
    let Some(points) = points else {
        return Err(Refusal::Lacks { what: "the alert does not say which points were written".into() });
    };
    if alert.new.is_empty() {
        widen::unread(&mut entry.writes, points);
        return Ok(());
    }
    let step = width(alert, points);
    let told = u64::from(step).saturating_mul(alert.new.len() as u64);
    if points.first.saturating_add(told) <= points.last {
        let what = format!(
            "the alert carries {} values only, fewer than were written to {}\n\nhint: add the points by hand",
            alert.new.len(),
            alert.points.as_deref().unwrap_or_default()
        );
        return Err(Refusal::Lacks { what });
    }
    let old: Vec<_> = if alert.old.len() == alert.new.len() {
        alert.old.iter().copied().map(Some).collect()
    } else {
        vec![None; alert.new.len()]
    };
    let values: Vec<_> = old.into_iter().zip(alert.new.iter().copied()).collect();
    widen::values(&mut entry.writes, points, step, &values)
        .map_err(|what| Refusal::Lacks { what: what.into() })
}

/// Lets the points of an alert stand still, or wobble, as they will.
fn moving(entry: &mut Entry, alert: &Alert) -> Result<(), Refusal> {
    let points = alert.points.as_deref().and_then(|text| entry.points_of(text));
    let Some(points) = points else {
        return Err(Refusal::Lacks { what: "the alert does not say which points it is about".into() });
    };
    let step = alert.step.unwrap_or(1).max(1);
    let freezes = alert.detector == "frozen-report";
    reads::relax(&mut entry.motion, points, step, |line| match freezes {
        true => line.still_ms = None,
        false => (line.wobble_per_minute, line.random) = (None, true),
    });
    Ok(())
}

/// Whether each of these points may stand still, or look like chance.
fn moves_freely(judged: &CompiledEntry, points: PointRange, alert: &Alert) -> bool {
    let step = alert.step.unwrap_or(1).max(1);
    let lines = judged.motion().iter().filter(|line| line.step == step && line.points.overlaps(&points));
    if alert.detector == "frozen-report" {
        return lines.into_iter().all(|line| line.still_ms.is_none());
    }
    let by_nature: Vec<PointRange> = lines
        .filter(|line| line.random && line.wobble_per_minute.is_none())
        .map(|line| line.points)
        .collect();
    without(&[points], &by_nature).is_empty()
}

/// How many points each value spans; of an alert told before alerts said so, the points shared out among the values.
fn width(alert: &Alert, points: PointRange) -> u16 {
    let values = u64::try_from(alert.new.len()).unwrap_or(u64::MAX).max(1);
    let shared = points.last.saturating_sub(points.first).saturating_add(1) / values;
    alert.step.unwrap_or_else(|| u16::try_from(shared).unwrap_or(1)).max(1)
}

/// Whether the baseline as the engine judges by it covers what an alert told.
fn covers(compiled: &Compiled, baseline: &Baseline, alert: &Alert) -> bool {
    if alert.detector == "new-talker" {
        return compiled.knows_talker(alert.space, alert.client);
    }
    let key = find(baseline, alert).and_then(Entry::key);
    let Some(position) = key.and_then(|key| compiled.position(&key)) else { return false };
    let (Some(judged), Some(entry)) = (compiled.entry(position), find(baseline, alert)) else { return false };
    match alert.detector.as_str() {
        "new-conversation" => true,
        "new-point-write" | "value-out-of-range" => {
            let points = alert.points.as_deref().and_then(|text| entry.points_of(text));
            points.is_some_and(|points| {
                judged.covers_write(&points)
                    && widen::allowed(judged, points, width(alert, points), &alert.new)
            })
        }
        "frozen-report" | "covert-channel" => {
            let points = alert.points.as_deref().and_then(|text| entry.points_of(text));
            points.is_some_and(|points| moves_freely(judged, points, alert))
        }
        _ => alert.function.is_some_and(|code| judged.knows_function(code)),
    }
}

#[cfg(test)]
mod tests;
