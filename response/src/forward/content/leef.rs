//! IBM Log Event Extended Format 2.0.
//!
//! ```text
//! LEEF:2.0|vendor|product|version|event|^|key=value^key=value ..
//! ```
//!
//! LEEF has no escape of any kind. So the delimiter is one that every reader knows and that survives syslog (collectors commonly rewrite a
//! tab), and within values it is U+FFFD, as is every control character. A value ends at the delimiter alone: `=` and `|` may stand in it.

use std::fmt::Write as _;

use fieldwarden_model::{Talker, Timestamp};

use super::{TEST, VENDOR, VERSION, deceives, fit::Shown, severity_of_ten};

const DELIMITER: char = '^';

/// How `devTime` is written, in the words of Java's `SimpleDateFormat`, which the specification asks for.
const TIME_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSSZ";

pub(super) fn encode(shown: &Shown<'_>) -> String {
    let incident = &shown.told.incident;
    let mut out = begin("INCIDENT", shown.told.time, severity_of_ten(incident.severity), &shown.hostname);
    match shown.talkers.first() {
        Some(Talker::Ip(address)) => add(&mut out, "src", address),
        Some(Talker::Mac(address)) => add(&mut out, "srcMAC", address),
        None => {}
    }
    add(&mut out, "id", shown.id);
    add(&mut out, "revision", incident.revision);
    add(&mut out, "status", shown.told.status.word());
    add(&mut out, "open", u8::from(incident.open));
    add(&mut out, "severity", incident.severity);
    add(&mut out, "score", incident.score);
    add(&mut out, "first", incident.first);
    add(&mut out, "last", incident.last);
    add(&mut out, "alerts", incident.alerts);
    add(&mut out, "title", shown.title);
    add(&mut out, "techniques", shown.joined_techniques());
    add(&mut out, "talkers", shown.joined_talkers());
    if shown.truncated {
        add(&mut out, "truncated", 1);
    }
    add(&mut out, "msg", shown.text);
    out
}

pub(super) fn encode_test(hostname: &str, now: Timestamp) -> String {
    let mut out = begin("TEST", now, 1, hostname);
    add(&mut out, "msg", TEST);
    out
}

fn begin(event: &str, time: Timestamp, severity: u8, hostname: &str) -> String {
    let mut out = format!("LEEF:2.0|{VENDOR}|{VENDOR}|{VERSION}|{event}|{DELIMITER}|cat={event}");
    let mut written = time.to_string();
    written.truncate("2026-01-02T03:04:05.000".len());
    add(&mut out, "devTime", format_args!("{written}+0000"));
    add(&mut out, "devTimeFormat", TIME_FORMAT);
    add(&mut out, "sev", severity);
    add(&mut out, "sensor", hostname);
    out
}

fn add(out: &mut String, key: &str, value: impl ToString) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{DELIMITER}{key}=");
    out.extend(value.to_string().chars().map(|character| match character {
        '\n' | '\r' | '\t' => ' ',
        DELIMITER => char::REPLACEMENT_CHARACTER,
        other if other.is_ascii_control() || deceives(other) => char::REPLACEMENT_CHARACTER,
        other => other,
    }));
}
