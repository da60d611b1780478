//! OCSF 1.3.0: Detection Finding, class 2004 of category 2.
//!
//! Required by the class: `activity_id`, `category_uid`, `class_uid`, `finding_info` (with `title` and `uid`), `metadata` (with `product` and
//! `version`), `severity_id`, `time`, `type_uid` = class × 100 + activity. What it has no attribute for stands in `unmapped`. Times are
//! milliseconds since 1970. A test is a Base Event (class 0): it must not count as a finding anywhere.

use fieldwarden_model::{Severity, Talker, Timestamp};
use serde::Serialize;

use super::{
    ATTACK_VERSION, TEST, VENDOR, VERSION, fit::Shown, json::line, milliseconds, technique_page, told_count,
};
use crate::store::Status;

const SCHEMA_VERSION: &str = "1.3.0";

const CATEGORY: u16 = 2;

const CLASS: u32 = 2_004;

#[derive(Serialize)]
struct Finding<'a> {
    category_uid: u16,
    class_uid: u32,
    activity_id: u32,
    type_uid: u32,
    time: i64,
    severity_id: u8,
    #[serde(flatten)]
    state: Option<State>,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding_info: Option<Info<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observables: Vec<Observable>,
    unmapped: Unmapped<'a>,
    message: &'a str,
}

#[derive(Serialize)]
struct State {
    status_id: u8,
    status: &'static str,
    start_time: i64,
    end_time: i64,
    risk_score: u8,
}

#[derive(Serialize)]
struct Metadata {
    version: &'static str,
    product: Product,
    /// Names one revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u32>,
}

#[derive(Serialize)]
struct Product {
    name: &'static str,
    vendor_name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Info<'a> {
    /// The same over all revisions.
    uid: &'a str,
    title: &'a str,
    first_seen_time: i64,
    last_seen_time: i64,
    modified_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attacks: Vec<Attack<'a>>,
}

#[derive(Serialize)]
struct Attack<'a> {
    version: &'static str,
    technique: Technique<'a>,
}

#[derive(Serialize)]
struct Technique<'a> {
    uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_url: Option<String>,
}

#[derive(Serialize)]
struct Observable {
    /// Where in this event the value stands.
    name: &'static str,
    /// 2 is an IP address, 3 a MAC address.
    type_id: u8,
    value: String,
}

#[derive(Serialize)]
struct Unmapped<'a> {
    sensor: &'a str,
    #[serde(flatten)]
    own: Option<Own>,
}

#[derive(Serialize)]
struct Own {
    open: bool,
    alerts: u64,
    truncated: bool,
    talkers: Vec<String>,
}

pub(super) fn encode(shown: &Shown<'_>) -> String {
    let incident = &shown.told.incident;
    let told = shown.told;
    let activity_id = activity(told.status, incident.revision);
    let (status_id, status) = status(told.status);
    let state = State {
        status_id,
        status,
        start_time: milliseconds(incident.first),
        end_time: milliseconds(incident.last),
        risk_score: incident.score,
    };
    let own = Own {
        open: incident.open,
        alerts: told_count(incident.alerts),
        truncated: shown.truncated,
        talkers: shown.talkers.iter().map(ToString::to_string).collect(),
    };
    let uid = format!("{}-{}", shown.id, incident.revision);
    line(&Finding {
        category_uid: CATEGORY,
        class_uid: CLASS,
        activity_id,
        type_uid: CLASS * 100 + activity_id,
        time: milliseconds(told.time),
        severity_id: severity(incident.severity),
        state: Some(state),
        metadata: metadata(Some(uid), Some(incident.revision)),
        finding_info: Some(info(shown)),
        observables: shown.talkers.iter().map(observable).collect(),
        unmapped: Unmapped { sensor: &shown.hostname, own: Some(own) },
        message: shown.text,
    })
}

pub(super) fn encode_test(hostname: &str, now: Timestamp) -> String {
    line(&Finding {
        category_uid: 0,
        class_uid: 0,
        activity_id: 0,
        type_uid: 0,
        time: milliseconds(now),
        severity_id: severity(Severity::Info),
        state: None,
        metadata: metadata(None, None),
        finding_info: None,
        observables: vec![],
        unmapped: Unmapped { sensor: hostname, own: None },
        message: TEST,
    })
}

fn info<'a>(shown: &Shown<'a>) -> Info<'a> {
    let incident = &shown.told.incident;
    let attacks = shown.techniques.iter().map(|technique| Attack {
        version: ATTACK_VERSION,
        technique: Technique { uid: &technique.0, src_url: technique_page(&technique.0) },
    });
    Info {
        uid: shown.id,
        title: shown.title,
        first_seen_time: milliseconds(incident.first),
        last_seen_time: milliseconds(incident.last),
        modified_time: milliseconds(shown.told.time),
        attacks: attacks.collect(),
    }
}

const fn metadata(uid: Option<String>, sequence: Option<u32>) -> Metadata {
    let product = Product { name: VENDOR, vendor_name: VENDOR, version: VERSION };
    Metadata { version: SCHEMA_VERSION, product, uid, sequence }
}

fn observable(talker: &Talker) -> Observable {
    let type_id = match talker {
        Talker::Ip(_) => 2,
        Talker::Mac(_) => 3,
    };
    Observable { name: "unmapped.talkers", type_id, value: talker.to_string() }
}

/// 1 created, 2 updated, 3 closed.
const fn activity(status: Status, revision: u32) -> u32 {
    match (status, revision) {
        (Status::Closed, _) => 3,
        (_, 0 | 1) => 1,
        _ => 2,
    }
}

/// A state the schema has no number for is 99, with the source's own word.
const fn status(status: Status) -> (u8, &'static str) {
    match status {
        Status::New => (1, "New"),
        Status::InProgress => (2, "In Progress"),
        Status::Closed => (4, "Resolved"),
        Status::Acknowledged => (99, "acknowledged"),
    }
}

/// 6, fatal, is left to those who run the plant.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
