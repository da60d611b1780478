//! How an incident is written down: one line of text in a format that somebody else defined.
//!
//! Every format tells the same facts. A line that would pass its cap loses, in this order, the end of its talkers, of its techniques, of its
//! title: whole list items and whole characters only, and says that it did. Whatever an attacker wrote into a name, the line stays one
//! line that the format's own parser accepts.

mod cef;
mod ecs;
mod json;
mod leef;
mod ocsf;

use fieldwarden_model::{Severity, Talker, section::Reader};

use crate::store::Told;

/// Octets of an id that are told; ours have 16.
const MAX_ID: usize = 128;
/// Octets of a hostname that are told: as many as a HOSTNAME of RFC 5424 may have.
const MAX_HOSTNAME: usize = 255;
/// The least cap: none of these formats can tell an incident in fewer octets.
pub const LEAST_OCTETS: usize = 2_048;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ArcSight Common Event Format, version 0.
    Cef,
    /// IBM QRadar Log Event Extended Format 2.0.
    Leef,
    /// Our own keys, as `incident list --json` spells them.
    Json,
    /// Elastic Common Schema 8.11.
    Ecs,
    /// Open Cybersecurity Schema Framework 1.3.0, Detection Finding.
    Ocsf,
}

impl Format {
    /// All, with the words of the configuration.
    pub const ALL: [(&'static str, Self); 5] = [
        ("json", Self::Json),
        ("cef", Self::Cef),
        ("leef", Self::Leef),
        ("ecs", Self::Ecs),
        ("ocsf", Self::Ocsf),
    ];

    /// One line, without its end, of at most `most` octets (or [`LEAST_OCTETS`], where that is more).
    #[must_use]
    pub fn line(self, told: &Told, gateway: &str, most: usize) -> String {
        let write = match self {
            Self::Cef => cef::line,
            Self::Leef => leef::line,
            Self::Json => json::line,
            Self::Ecs => ecs::line,
            Self::Ocsf => ocsf::line,
        };
        let most = most.max(LEAST_OCTETS);
        let mut facts = Facts::of(told, gateway, most);
        loop {
            let line = write(&facts);
            if line.len() <= most || !facts.shorten() {
                return line;
            }
        }
    }
}

/// What is told of an incident.
#[derive(Clone, Debug)]
struct Facts<'a> {
    told: &'a Told,
    id: String,
    gateway: String,
    title: String,
    techniques: Vec<String>,
    talkers: Vec<Talker>,
    /// Whether something had to go.
    truncated: bool,
}

impl<'a> Facts<'a> {
    /// What could never fit is not even tried.
    fn of(told: &'a Told, gateway: &str, most: usize) -> Self {
        let incident = &told.incident;
        let title = clipped(&incident.title, most);
        let fits = |technique: &&fieldwarden_model::Technique| technique.0.len() < most;
        let techniques: Vec<String> =
            incident.techniques.iter().filter(fits).map(|technique| visible(&technique.0)).collect();
        let truncated = title.len() < incident.title.len() || techniques.len() < incident.techniques.len();
        Self {
            told,
            id: clipped(&visible(&incident.id.0), MAX_ID),
            gateway: clipped(&visible(gateway), MAX_HOSTNAME),
            title: visible(&title),
            techniques,
            talkers: incident.talkers.clone(),
            truncated,
        }
    }

    /// Takes half of something away; whether there was anything left to take.
    fn shorten(&mut self) -> bool {
        self.truncated = true;
        if self.talkers.len() > 2 {
            self.talkers.truncate((self.talkers.len() / 2).max(2));
        } else if !self.techniques.is_empty() && self.techniques.iter().map(String::len).sum::<usize>() > 64 {
            self.techniques.truncate(self.techniques.len() / 2);
        } else if self.title.len() > 16 {
            self.title = clipped(&self.title, self.title.len() / 2);
        } else if !self.gateway.is_empty() {
            self.gateway.clear();
        } else {
            return false;
        }
        true
    }

    /// The first of its talkers that is an address of IP: who does it.
    fn source(&self) -> Option<std::net::IpAddr> {
        self.addresses().next()
    }

    /// Its talkers of IP.
    fn addresses(&self) -> impl Iterator<Item = std::net::IpAddr> {
        self.talkers.iter().filter_map(|talker| match talker {
            Talker::Ip(address) => Some(*address),
            Talker::Mac(_) => None,
        })
    }

    fn sentence(&self) -> String {
        let incident = &self.told.incident;
        format!(
            "{} (score {} of 100, {} alerts, {})",
            self.title,
            incident.score,
            incident.alerts,
            self.told.status.word().replace('_', " ")
        )
    }

    fn texts(&self) -> Vec<String> {
        self.talkers.iter().map(ToString::to_string).collect()
    }
}

/// Reads `format` of a table, where it is none of the words of `others`.
pub(super) fn configure<T: Copy>(
    reader: &mut Reader<'_>,
    others: &[(&'static str, T)],
    of: fn(Format) -> T,
) -> Option<T> {
    let known = Format::ALL.map(|(word, format)| (word, of(format)));
    let all: Vec<(&'static str, T)> = others.iter().copied().chain(known).collect();
    reader.one_of("format", &all)
}

/// 0 to 10, as CEF and LEEF count.
const fn of_ten(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 10,
        Severity::High => 8,
        Severity::Medium => 5,
        Severity::Low => 3,
        Severity::Info => 1,
    }
}

/// Milliseconds since 1970.
const fn millis(time: fieldwarden_model::Timestamp) -> i64 {
    time.nanos().div_euclid(1_000_000)
}

/// With every character a space that ends lines, moves cursors or turns the direction of reading.
fn visible(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect()
}

/// Whole characters of at most so many octets.
fn clipped(text: &str, most: usize) -> String {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned()
}
