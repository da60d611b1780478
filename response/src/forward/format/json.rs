//! Our own keys. They stay; new ones may come.

use serde_json::{Value, json};

use super::Facts;

pub(super) fn line(facts: &Facts<'_>) -> String {
    value(facts).to_string()
}

/// The facts of an incident, which the other forms in JSON carry as well, under our name.
pub(super) fn value(facts: &Facts<'_>) -> Value {
    let incident = &facts.told.incident;
    json!({
        "schema": "fieldwarden.incident.1",
        "id": facts.id,
        "revision": incident.revision,
        "time": facts.told.time,
        "status": facts.told.status.word(),
        "open": incident.open,
        "severity": incident.severity.word(),
        "score": incident.score,
        "first": incident.first,
        "last": incident.last,
        "alerts": incident.alerts,
        "title": facts.title,
        "techniques": facts.techniques,
        "talkers": facts.texts(),
        "gateway": facts.gateway,
        "truncated": facts.truncated,
    })
}
