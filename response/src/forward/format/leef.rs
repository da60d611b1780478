//! Log Event Extended Format 2.0 (IBM QRadar DSM guide, "LEEF event components"):
//!
//! ```text
//! LEEF:2.0|Vendor|Product|Version|EventID|Delimiter|key=value<delimiter>key=value
//! ```
//!
//! The delimiter is a tab, written `x09`: no value of ours holds one, nor a line end. There are no escapes. A value ends at the delimiter, so
//! that `=` and `|` may stand in it.

use super::{Facts, millis, of_ten};

pub(super) fn line(facts: &Facts<'_>) -> String {
    let incident = &facts.told.incident;
    let time = facts.told.time.to_string();
    // Milliseconds, as the format that is named beside them says.
    let time = time.get(.."2026-01-02T03:04:05.000".len()).map(|time| format!("{time}Z")).unwrap_or_default();
    let mut fields = vec![
        ("devTime", time),
        ("devTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSX".into()),
        ("cat", "ics".into()),
        // 1 to 10.
        ("sev", of_ten(incident.severity).to_string()),
        ("incident", facts.id.clone()),
        ("revision", incident.revision.to_string()),
        ("status", facts.told.status.word().into()),
        ("open", u8::from(incident.open).to_string()),
        ("score", incident.score.to_string()),
        ("alerts", incident.alerts.to_string()),
        ("firstSeen", millis(incident.first).to_string()),
        ("lastSeen", millis(incident.last).to_string()),
        ("techniques", facts.techniques.join(",")),
        ("talkers", facts.texts().join(",")),
        ("title", facts.title.clone()),
    ];
    fields.extend(facts.source().map(|address| ("src", address.to_string())));
    if !facts.gateway.is_empty() {
        fields.push(("gateway", facts.gateway.clone()));
    }
    if facts.truncated {
        fields.push(("truncated", "1".into()));
    }
    let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!(
        "LEEF:2.0|Fieldwarden|Fieldwarden|{}|incident|x09|{}",
        env!("CARGO_PKG_VERSION"),
        fields.join("\t")
    )
}
