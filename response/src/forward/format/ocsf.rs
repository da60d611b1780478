//! Open Cybersecurity Schema Framework 1.3.0, class 2004 Detection Finding: what the class requires (`activity_id`, `category_uid`, `class_uid`,
//! `finding_info`, `metadata`, `severity_id`, `time`, `type_uid`) and what it recommends of what we know.

use fieldwarden_model::Severity;
use serde_json::{Value, json};

use super::{Facts, json, millis};
use crate::store::Status;

const CLASS: u32 = 2_004;

pub(super) fn line(facts: &Facts<'_>) -> String {
    let incident = &facts.told.incident;
    // Create, update, close.
    let activity: u32 = match (facts.told.status, incident.revision) {
        (Status::Closed, _) => 3,
        (_, 0 | 1) => 1,
        _ => 2,
    };
    // New, in progress, resolved.
    let status = match facts.told.status {
        Status::New => 1,
        Status::Acknowledged | Status::InProgress => 2,
        Status::Closed => 4,
    };
    let attacks: Vec<Value> =
        facts.techniques.iter().map(|uid| json!({"technique": {"uid": uid}, "version": "18.1"})).collect();
    // 2 is an IP address.
    let observables: Vec<Value> = facts
        .addresses()
        .map(|address| json!({"name": "talker", "type_id": 2, "value": address.to_string()}))
        .collect();
    let mut own = json::value(facts);
    if let Some(own) = own.as_object_mut() {
        own.retain(|key, _| matches!(key.as_str(), "talkers" | "open" | "gateway" | "truncated"));
    }
    json!({
        "activity_id": activity,
        "category_uid": 2,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "time": millis(facts.told.time),
        "severity_id": severity(incident.severity),
        "status_id": status,
        "message": facts.sentence(),
        "count": incident.alerts,
        "start_time": millis(incident.first),
        "end_time": millis(incident.last),
        "risk_score": incident.score,
        "is_alert": true,
        "finding_info": {
            "uid": facts.id,
            "title": facts.title,
            "first_seen_time": millis(incident.first),
            "last_seen_time": millis(incident.last),
            "attacks": attacks,
        },
        "observables": observables,
        "metadata": {
            "version": "1.3.0",
            "uid": format!("{}:{}", facts.id, incident.revision),
            "product": {"name": "Fieldwarden", "vendor_name": "Fieldwarden", "version": env!("CARGO_PKG_VERSION")},
        },
        "unmapped": {"fieldwarden": own},
    })
    .to_string()
}

/// Informational to critical.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
