//! Our own keys, those of `replay --json` where they say the same; and the one way in which JSON is written here.
//!
//! Characters that deceive a reader of the raw line stand as `\uXXXX`, so that nothing is lost by it. NUL alone is U+FFFD: readers written
//! in C end a text there.

use std::fmt::Write as _;

use fieldwarden_model::{Severity, Timestamp};
use serde::Serialize;

use super::{TEST, deceives, fit::Shown, told_count};

/// Counted up when a key changes its meaning; new keys do not count.
const KEYS_VERSION: u8 = 1;

#[derive(Serialize)]
struct Incident<'a> {
    r#type: &'static str,
    version: u8,
    id: &'a str,
    revision: u32,
    time: String,
    status: &'static str,
    open: bool,
    severity: Severity,
    score: u8,
    first: String,
    last: String,
    alerts: u64,
    title: &'a str,
    techniques: Vec<&'a str>,
    talkers: Vec<String>,
    sensor: &'a str,
    truncated: bool,
    message: &'a str,
}

#[derive(Serialize)]
struct Test<'a> {
    r#type: &'static str,
    version: u8,
    time: String,
    sensor: &'a str,
    message: &'static str,
}

pub(super) fn encode(shown: &Shown<'_>) -> String {
    let incident = &shown.told.incident;
    line(&Incident {
        r#type: "incident",
        version: KEYS_VERSION,
        id: shown.id,
        revision: incident.revision,
        time: shown.told.time.to_string(),
        status: shown.told.status.word(),
        open: incident.open,
        severity: incident.severity,
        score: incident.score,
        first: incident.first.to_string(),
        last: incident.last.to_string(),
        alerts: told_count(incident.alerts),
        title: shown.title,
        techniques: shown.techniques.iter().map(|technique| technique.0.as_str()).collect(),
        talkers: shown.talkers.iter().map(ToString::to_string).collect(),
        sensor: &shown.hostname,
        truncated: shown.truncated,
        message: shown.text,
    })
}

pub(super) fn encode_test(hostname: &str, now: Timestamp) -> String {
    line(&Test {
        r#type: "test",
        version: KEYS_VERSION,
        time: now.to_string(),
        sensor: hostname,
        message: TEST,
    })
}

/// One line of JSON.
pub(super) fn line(value: &impl Serialize) -> String {
    // Only a map whose keys are no text, or a `Serialize` that fails by itself, cannot be written: there is neither here.
    let json = serde_json::to_string(value).unwrap_or_default();
    // Outside of texts JSON is ASCII, and within them serde_json has escaped controls and nothing else.
    let mut out = String::with_capacity(json.len());
    let mut characters = json.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => escape(&mut out, &mut characters),
            other if deceives(other) => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            other => out.push(other),
        }
    }
    out
}

/// Passes one escape on, but for that of NUL.
fn escape(out: &mut String, characters: &mut std::str::Chars<'_>) {
    let rest = characters.as_str();
    if let Some(after) = rest.strip_prefix("u0000") {
        out.push(char::REPLACEMENT_CHARACTER);
        *characters = after.chars();
    } else {
        out.push('\\');
        out.extend(characters.next());
    }
}
