//! ArcSight Common Event Format, header version 0: the oldest that every reader takes.
//!
//! ```text
//! CEF:0|vendor|product|version|signature|name|severity|key=value key=value ..
//! ```
//!
//! * **Header:** `\` and `|` take a backslash; it has no way to say a line end.
//! * **Extension:** `\` and `=` take a backslash, `|` does not; line ends are `\n` and `\r`. A value ends where the next
//!   ` key=` begins, so that blanks at either end belong to nobody: they are not told.
//! * **Limits:** keys have types and lengths of their own in characters, which the receiver enforces: `name` 512, `msg` 1023, `cs1` to `cs6`
//!   4000, `externalId` 40, `dvchost` 100. `src` and `dst` hold IPv4 alone in this version: IPv6 goes to `c6a2`, a MAC to `smac`.

use std::{fmt::Write as _, net::IpAddr};

use fieldwarden_model::{Talker, Timestamp};

use super::{
    TEST, VENDOR, VERSION, deceives,
    fit::{Limits, Shown},
    milliseconds, severity_of_ten,
};

/// As the key dictionary has them.
pub(super) const LIMITS: Limits = Limits { title: 512, text: 1_023, list: 4_000 };

pub(super) fn encode(shown: &Shown<'_>) -> String {
    let incident = &shown.told.incident;
    let mut out = String::new();
    add(&mut out, "externalId", shown.id);
    add(&mut out, "rt", milliseconds(shown.told.time));
    add(&mut out, "start", milliseconds(incident.first));
    add(&mut out, "end", milliseconds(incident.last));
    add(&mut out, "cnt", incident.alerts.min(i32::MAX.unsigned_abs().into()));
    add(&mut out, "dvchost", &shown.hostname);
    source(&mut out, shown.talkers.first());
    labelled(&mut out, "cn1", "score", incident.score);
    labelled(&mut out, "cn2", "revision", incident.revision);
    labelled(&mut out, "cn3", "open", u8::from(incident.open));
    labelled(&mut out, "cs1", "status", shown.told.status.word());
    labelled(&mut out, "cs2", "techniques", shown.joined_techniques());
    labelled(&mut out, "cs3", "talkers", shown.joined_talkers());
    if shown.truncated {
        labelled(&mut out, "cs4", "truncated", 1);
    }
    add(&mut out, "msg", shown.text);
    header("incident", shown.title, severity_of_ten(incident.severity)) + &out
}

pub(super) fn encode_test(hostname: &str, now: Timestamp) -> String {
    let mut out = String::new();
    add(&mut out, "rt", milliseconds(now));
    add(&mut out, "dvchost", hostname);
    header("test", TEST, 0) + &out
}

fn header(signature: &str, name: &str, severity: u8) -> String {
    let mut out = format!("CEF:0|{VENDOR}|{VENDOR}|{VERSION}|{signature}|");
    for character in name.chars() {
        match character {
            '\\' | '|' => out.extend(['\\', character]),
            '\n' | '\r' | '\t' => out.push(' '),
            other => out.push(sayable(other)),
        }
    }
    // Writing to a String cannot fail.
    let _ = write!(out, "|{severity}|");
    out
}

fn source(out: &mut String, attacker: Option<&Talker>) {
    match attacker {
        Some(Talker::Ip(IpAddr::V4(address))) => add(out, "src", address),
        Some(Talker::Ip(IpAddr::V6(address))) => labelled(out, "c6a2", "Source IPv6 Address", address),
        Some(Talker::Mac(address)) => add(out, "smac", address),
        None => {}
    }
}

fn labelled(out: &mut String, key: &str, label: &str, value: impl ToString) {
    let before = out.len();
    add(out, key, value);
    if out.len() > before {
        add(out, &format!("{key}Label"), label);
    }
}

/// Adds `key=value` to an extension; a key without a value is none.
fn add(out: &mut String, key: &str, value: impl ToString) {
    let value = value.to_string();
    let value = value.trim_matches(|character: char| character.is_whitespace() || character.is_control());
    if value.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(key);
    out.push('=');
    for character in value.chars() {
        match character {
            '\\' | '=' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            other => out.push(sayable(other)),
        }
    }
}

/// CEF has no escape for anything else.
const fn sayable(character: char) -> char {
    if character.is_ascii_control() || deceives(character) { char::REPLACEMENT_CHARACTER } else { character }
}
