//! Elastic Common Schema 8.11: the fields of `event`, `rule`, `threat`, `related`, `source` and `observer`, and ours under `fieldwarden`.

use serde_json::{Value, json};

use super::{Facts, json, of_ten};

pub(super) fn line(facts: &Facts<'_>) -> String {
    let incident = &facts.told.incident;
    let addresses: Vec<String> = facts.addresses().map(|address| address.to_string()).collect();
    let mut own = json::value(facts);
    if let Some(own) = own.as_object_mut() {
        // These stand under the schema's own names.
        own.retain(|key, _| !matches!(key.as_str(), "schema" | "time" | "title" | "gateway" | "techniques"));
    }
    let mut whole = json!({
        "@timestamp": facts.told.time,
        "ecs": {"version": "8.11.0"},
        "message": facts.sentence(),
        "event": {
            "kind": "alert",
            "category": ["intrusion_detection"],
            "type": ["info"],
            "module": "fieldwarden",
            "dataset": "fieldwarden.incident",
            "provider": "fieldwarden",
            "id": format!("{}:{}", facts.id, incident.revision),
            "severity": of_ten(incident.severity),
            "risk_score": incident.score,
            "start": incident.first,
            "end": incident.last,
        },
        "rule": {"name": facts.title},
        "threat": {"framework": "MITRE ATT&CK", "technique": {"id": facts.techniques}},
        "related": {"ip": addresses},
        "observer": {"vendor": "Fieldwarden", "product": "Fieldwarden", "type": "ids", "version": env!("CARGO_PKG_VERSION")},
        "fieldwarden": {"incident": own},
    });
    set(&mut whole, "/observer", "hostname", (!facts.gateway.is_empty()).then(|| facts.gateway.clone()));
    if let Some(source) = facts.source() {
        let source = source.to_string();
        set(&mut whole, "", "source", Some(json!({"ip": source.clone(), "address": source})));
    }
    whole.to_string()
}

/// Adds a key where there is something to say: an empty text would fail the schema's types.
fn set(whole: &mut Value, at: &str, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (whole.pointer_mut(at).and_then(Value::as_object_mut), value) {
        object.insert(key.into(), value.into());
    }
}
