//! RFC 5424 messages: one per incident revision.
//!
//! ```text
//! <PRI>1 TIMESTAMP HOSTNAME fieldwarden PROCID INCIDENT [fieldwarden@32473 id=".." ..] BOM MSG      (section 6)
//! ```
//!
//! The structured data holds what is needed to rebuild the incident; the free text is one sentence for a person.
//! Control characters become spaces (sections 6.3.3 and 6.4 advise against octets below 32). A message that would
//! pass the cap loses, in this order, the end of its sentence, of its talkers, of its techniques, of its title:
//! whole characters and whole list items only, and `truncated="1"` says so. Number 32473 is the one RFC 5612 keeps
//! for uses without a registration of their own.

use std::fmt::Write as _;

use fieldwarden_model::{Severity, Timestamp};

use crate::{
    forward::format::{self, Format},
    store::Told,
};

/// Octets of an id that are told; ours have 16.
const MAX_ID: usize = 128;

/// The longest a HOSTNAME may be (section 6.2.4).
const MAX_HOSTNAME: usize = 255;

/// Byte order mark: what follows is UTF-8 (section 6.4).
const BOM: &str = "\u{feff}";

/// What stands in every message of one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// HOSTNAME; anything that is no printable ASCII is left out.
    pub hostname: String,
    /// PROCID.
    pub process: u32,
    /// Facility, 0 to 23.
    pub facility: u8,
    /// Octets a message may have; below 2048 counts as 2048.
    pub max_bytes: usize,
    /// What stands in a message; structured data and a sentence where absent.
    pub format: Option<Format>,
}

/// The message that tells one revision.
#[must_use]
pub fn encode(told: &Told, origin: &Origin) -> String {
    match origin.format {
        Some(format) => encode_line(told, origin, format),
        None => encode_structured(told, origin),
    }
}

/// With a line of another format as its text, which has no byte order mark before it (MSG-ANY of section 6.4): parsers of these
/// formats look for their own beginning.
fn encode_line(told: &Told, origin: &Origin, format: Format) -> String {
    let incident = &told.incident;
    let mut out = header(origin, incident.severity, told.time, "INCIDENT");
    out.push_str("[fieldwarden@32473");
    parameter(&mut out, "id", &incident.id.0, MAX_ID);
    let _ = write!(out, " revision=\"{}\"] ", incident.revision);
    // The header is at most some 500 octets.
    let most = origin.max_bytes.max(LEAST_WITH_LINE).saturating_sub(out.len());
    out.push_str(&format.line(told, &origin.hostname, most));
    out
}

/// The least cap of a message that carries a line: its header, and a line as short as lines get.
const LEAST_WITH_LINE: usize = 512 + format::LEAST_OCTETS;

fn encode_structured(told: &Told, origin: &Origin) -> String {
    let incident = &told.incident;
    let mut out = header(origin, incident.severity, told.time, "INCIDENT");
    out.push_str("[fieldwarden@32473");
    let mut cut = parameter(&mut out, "id", &incident.id.0, MAX_ID);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        " revision=\"{}\" status=\"{}\" open=\"{}\" severity=\"{}\" score=\"{}\" first=\"{}\" last=\"{}\" alerts=\"{}\"",
        incident.revision,
        told.status.word(),
        u8::from(incident.open),
        incident.severity,
        incident.score,
        incident.first,
        incident.last,
        incident.alerts
    );
    let closing = " truncated=\"1\"] ";
    let room = origin.max_bytes.max(2_048).saturating_sub(out.len() + closing.len() + BOM.len());
    let before = out.len();
    let left = |out: &str| room.saturating_sub(out.len() - before);
    let half = left(&out) / 2;
    cut |= parameter(&mut out, "title", &incident.title, half);
    let techniques = incident.techniques.iter().map(|technique| technique.0.clone());
    let half = left(&out) / 2;
    cut |= list(&mut out, "techniques", techniques, half);
    let most = left(&out) * 3 / 4;
    cut |= list(&mut out, "talkers", incident.talkers.iter().map(ToString::to_string), most);
    let sentence = format!(
        "{}: {} (score {} of 100, {} alerts, {}, last at {})",
        capitalised(incident.severity),
        incident.title,
        incident.score,
        incident.alerts,
        told.status.word().replace('_', " "),
        incident.last
    );
    let mut text = String::new();
    cut |= plain(&mut text, &sentence, left(&out));
    out.push_str(if cut { closing } else { "] " });
    out.push_str(BOM);
    out.push_str(&text);
    out
}

/// The message that only tests the way.
#[must_use]
pub fn encode_test(origin: &Origin, now: Timestamp) -> String {
    let mut out = header(origin, Severity::Info, now, "TEST");
    out.push_str("[fieldwarden@32473 test=\"1\"] ");
    out.push_str(BOM);
    out.push_str("Fieldwarden tests the way to this collector; there is nothing to do");
    out
}

/// Octet counting (RFC 5425 section 4.3): `MSG-LEN SP SYSLOG-MSG`.
#[must_use]
pub fn frame(message: &str) -> Vec<u8> {
    let mut framed = message.len().to_string().into_bytes();
    framed.push(b' ');
    framed.extend_from_slice(message.as_bytes());
    framed
}

fn header(origin: &Origin, severity: Severity, time: Timestamp, kind: &str) -> String {
    let priority = u16::from(origin.facility) * 8 + level(severity);
    let hostname: String =
        origin.hostname.chars().filter(char::is_ascii_graphic).take(MAX_HOSTNAME).collect();
    let hostname = if hostname.is_empty() { "-" } else { &hostname };
    // TIME-SECFRAC has six digits at most (section 6.2.3.1), ours has nine.
    let mut time = time.to_string();
    time.truncate("2026-01-02T03:04:05.000000".len());
    format!("<{priority}>1 {time}Z {hostname} fieldwarden {} {kind} ", origin.process)
}

/// Section 6.2.1, table 2. Emergency and alert are left to those who run the plant.
const fn level(severity: Severity) -> u16 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}

const fn capitalised(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

/// Adds ` name="value"`, of at most `room` octets for the value. Tells whether something had to go.
fn parameter(out: &mut String, name: &str, value: &str, room: usize) -> bool {
    let overhead = name.len() + 4;
    let _ = write!(out, " {name}=\"");
    let cut = escaped(out, value, room.saturating_sub(overhead));
    out.push('"');
    cut
}

/// Adds ` name="a,b,c"` with as many whole items as fit.
fn list(out: &mut String, name: &str, items: impl Iterator<Item = String>, room: usize) -> bool {
    let mut joined = String::new();
    let mut left = room.saturating_sub(name.len() + 4);
    let mut cut = false;
    for item in items {
        let cost = usize::from(!joined.is_empty()) + item.chars().map(visible).map(cost).sum::<usize>();
        let Some(rest) = left.checked_sub(cost) else {
            cut = true;
            break;
        };
        left = rest;
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(&item);
    }
    parameter(out, name, &joined, room) || cut
}

/// Section 6.3.3: `"`, `\` and `]` take a backslash before them.
fn escaped(out: &mut String, value: &str, room: usize) -> bool {
    let mut left = room;
    for character in value.chars().map(visible) {
        let Some(rest) = left.checked_sub(cost(character)) else { return true };
        left = rest;
        if needs_escape(character) {
            out.push('\\');
        }
        out.push(character);
    }
    false
}

fn plain(out: &mut String, value: &str, room: usize) -> bool {
    for character in value.chars().map(visible) {
        if out.len() + character.len_utf8() > room {
            return true;
        }
        out.push(character);
    }
    false
}

/// Octets a character takes within a value.
fn cost(character: char) -> usize {
    character.len_utf8() + usize::from(needs_escape(character))
}

const fn needs_escape(character: char) -> bool {
    matches!(character, '"' | '\\' | ']')
}

fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}
