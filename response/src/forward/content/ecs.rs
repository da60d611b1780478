//! Elastic Common Schema: fields of version 8.17 where it has one that means the same, the rest under `fieldwarden`.

use std::net::IpAddr;

use fieldwarden_model::{Severity, Talker, Timestamp};
use serde::Serialize;

use super::{TEST, VENDOR, VERSION, fit::Shown, json::line, technique_page, told_count};

/// `ecs.version`, which the schema requires of every document.
const ECS_VERSION: &str = "8.17.0";

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    ecs: Ecs,
    event: Event,
    observer: Observer<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threat: Option<Threat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related: Option<Related>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fieldwarden: Option<Own<'a>>,
    message: &'a str,
}

#[derive(Serialize)]
struct Ecs {
    version: &'static str,
}

#[derive(Serialize)]
struct Event {
    kind: &'static str,
    category: [&'static str; 1],
    r#type: [&'static str; 1],
    module: &'static str,
    dataset: &'static str,
    #[serde(flatten)]
    judged: Option<Judged>,
}

#[derive(Serialize)]
struct Judged {
    /// Names one revision, so that a repeat is told apart: fit for `_id`.
    id: String,
    sequence: u32,
    start: String,
    end: String,
    severity: u8,
    risk_score: u8,
}

#[derive(Serialize)]
struct Observer<'a> {
    hostname: &'a str,
    vendor: &'static str,
    product: &'static str,
    r#type: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Threat<'a> {
    framework: &'static str,
    technique: Techniques<'a>,
}

#[derive(Serialize)]
struct Techniques<'a> {
    id: Vec<&'a str>,
    reference: Vec<String>,
}

#[derive(Serialize)]
struct Related {
    ip: Vec<IpAddr>,
}

#[derive(Serialize)]
struct Own<'a> {
    id: &'a str,
    revision: u32,
    status: &'static str,
    open: bool,
    severity: Severity,
    alerts: u64,
    title: &'a str,
    talkers: Vec<String>,
    truncated: bool,
}

pub(super) fn encode(shown: &Shown<'_>) -> String {
    let incident = &shown.told.incident;
    let judged = Judged {
        id: format!("{}-{}", shown.id, incident.revision),
        sequence: incident.revision,
        start: incident.first.to_string(),
        end: incident.last.to_string(),
        severity: level(incident.severity),
        risk_score: incident.score,
    };
    let addresses: Vec<IpAddr> = shown.talkers.iter().filter_map(address).collect();
    let own = Own {
        id: shown.id,
        revision: incident.revision,
        status: shown.told.status.word(),
        open: incident.open,
        severity: incident.severity,
        alerts: told_count(incident.alerts),
        title: shown.title,
        talkers: shown.talkers.iter().map(ToString::to_string).collect(),
        truncated: shown.truncated,
    };
    let event = event("alert", "intrusion_detection", "fieldwarden.incident", Some(judged));
    line(&Document {
        threat: threat(shown),
        related: (!addresses.is_empty()).then_some(Related { ip: addresses }),
        fieldwarden: Some(own),
        ..document(shown.told.time, event, &shown.hostname, shown.text)
    })
}

pub(super) fn encode_test(hostname: &str, now: Timestamp) -> String {
    line(&document(now, event("event", "configuration", "fieldwarden.test", None), hostname, TEST))
}

const fn event(
    kind: &'static str,
    category: &'static str,
    dataset: &'static str,
    judged: Option<Judged>,
) -> Event {
    Event { kind, category: [category], r#type: ["info"], module: "fieldwarden", dataset, judged }
}

fn document<'a>(time: Timestamp, event: Event, hostname: &'a str, message: &'a str) -> Document<'a> {
    Document {
        timestamp: time.to_string(),
        ecs: Ecs { version: ECS_VERSION },
        event,
        observer: Observer { hostname, vendor: VENDOR, product: VENDOR, r#type: "ids", version: VERSION },
        threat: None,
        related: None,
        fieldwarden: None,
        message,
    }
}

fn threat<'a>(shown: &Shown<'a>) -> Option<Threat<'a>> {
    let id: Vec<&str> = shown.techniques.iter().map(|technique| technique.0.as_str()).collect();
    let reference = id.iter().filter_map(|id| technique_page(id)).collect();
    (!id.is_empty()).then_some(Threat { framework: "MITRE ATT&CK", technique: Techniques { id, reference } })
}

const fn address(talker: &Talker) -> Option<IpAddr> {
    match talker {
        Talker::Ip(address) => Some(*address),
        Talker::Mac(_) => None,
    }
}

/// `event.severity` leaves its scale to the source; this is the one of Elastic's own detection rules.
const fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 21,
        Severity::Medium => 47,
        Severity::High => 73,
        Severity::Critical => 99,
    }
}
