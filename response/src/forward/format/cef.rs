//! Common Event Format, version 0 (Micro Focus Security ArcSight Common Event Format, Implementation Standard, version 25):
//!
//! ```text
//! CEF:0|Vendor|Product|Version|Event Class ID|Name|Severity|key=value key=value
//! ```
//!
//! In the header `|` and `\` take a backslash before them and lines must not end; in the extension `=` and `\` do, `|` does not, and line ends
//! would be written `\n`. Keys are those of the standard's dictionary, of which each has its own length.

use std::{fmt::Write as _, net::IpAddr};

use super::{Facts, clipped, millis, of_ten};

/// Characters of a name; the standard gives it 512 octets.
const MAX_NAME: usize = 512;
/// Octets of `msg`.
const MAX_MESSAGE: usize = 1_023;
/// Octets of a custom string.
const MAX_CUSTOM: usize = 4_000;
/// Octets of `externalId`.
const MAX_EXTERNAL_ID: usize = 40;
/// Octets of `dvchost`.
const MAX_DEVICE_HOST: usize = 100;

pub(super) fn line(facts: &Facts<'_>) -> String {
    let incident = &facts.told.incident;
    let mut out = format!(
        "CEF:0|Fieldwarden|Fieldwarden|{}|incident|{}|{}|",
        env!("CARGO_PKG_VERSION"),
        header(&clipped(&facts.title, MAX_NAME)),
        of_ten(incident.severity)
    );
    let mut extension = Extension { out: &mut out, first: true };
    extension.add("rt", &millis(facts.told.time).to_string());
    extension.add("start", &millis(incident.first).to_string());
    extension.add("end", &millis(incident.last).to_string());
    extension.add("externalId", &clipped(&facts.id, MAX_EXTERNAL_ID));
    extension.add("cnt", &incident.alerts.to_string());
    extension.add("cat", "ics");
    match facts.source() {
        Some(IpAddr::V4(address)) => extension.add("src", &address.to_string()),
        Some(IpAddr::V6(address)) => extension.custom("c6a2", "Source IPv6 Address", &address.to_string()),
        None => {}
    }
    if !facts.gateway.is_empty() {
        extension.add("dvchost", &clipped(&facts.gateway, MAX_DEVICE_HOST));
    }
    extension.custom("cn1", "revision", &incident.revision.to_string());
    extension.custom("cn2", "score", &incident.score.to_string());
    extension.custom("cs1", "status", facts.told.status.word());
    extension.custom("cs2", "techniques", &joined(&facts.techniques));
    extension.custom("cs3", "talkers", &joined(&facts.texts()));
    extension.custom("cs4", "open", if incident.open { "1" } else { "0" });
    if facts.truncated {
        extension.custom("cs5", "truncated", "1");
    }
    extension.add("msg", &clipped(&facts.sentence(), MAX_MESSAGE));
    out
}

struct Extension<'a> {
    out: &'a mut String,
    first: bool,
}

impl Extension<'_> {
    fn add(&mut self, key: &str, value: &str) {
        let between = if core::mem::take(&mut self.first) { "" } else { " " };
        // Writing to a String cannot fail. A value may not end with a blank: the next key would seem to begin earlier.
        let _ = write!(self.out, "{between}{key}={}", extension(value.trim()));
    }

    fn custom(&mut self, key: &str, label: &str, value: &str) {
        self.add(key, value);
        self.add(&format!("{key}Label"), label);
    }
}

/// As many whole items as a custom string may hold.
fn joined(items: &[String]) -> String {
    let mut text = String::new();
    for item in items {
        if text.len() + item.len() + 1 > MAX_CUSTOM {
            break;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(item);
    }
    text
}

fn header(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|")
}

fn extension(text: &str) -> String {
    text.replace('\\', "\\\\").replace('=', "\\=")
}
