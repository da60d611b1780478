//! What a message says, in the words a SOC's own tools read, whatever carries it.
//!
//! | format | specification |
//! |---|---|
//! | [`Format::Cef`] | ArcSight Common Event Format, header version 0 |
//! | [`Format::Leef`] | IBM Log Event Extended Format 2.0 |
//! | [`Format::Json`] | our own keys, version 1; they only ever gain companions |
//! | [`Format::Ecs`] | Elastic Common Schema 8.17 |
//! | [`Format::Ocsf`] | Open Cybersecurity Schema Framework 1.3.0, Detection Finding (class 2004) |
//!
//! Every message is one line of UTF-8, whatever an attacker wrote into a name: what a format cannot say is U+FFFD, never left out.
//! What makes text look like something it is not (NUL, the controls of writing direction, Unicode's own line ends) is never sent
//! as it stands. A message that would pass its room loses the end of its sentence, then of its talkers, its techniques, its title, by
//! whole characters and whole items, just as much as it takes, and says that it did.

mod cef;
mod ecs;
mod fit;
mod json;
mod leef;
mod ocsf;

use fieldwarden_model::{Severity, Timestamp, section::Reader};

use self::fit::{Limits, Shown};
use crate::store::Told;

/// The least room a message may be given, octets: what RFC 5425 section 4.3.1 makes every receiver take, less a syslog header.
pub const LEAST_ROOM: usize = 1_700;

/// Who tells, in each format's own field.
const VENDOR: &str = "Fieldwarden";

/// What its version is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The matrix that [`fieldwarden_model::Technique`] speaks of.
const ATTACK_VERSION: &str = "18.1";

/// Characters of our own name that are told (CEF's `dvchost`).
const MAX_HOSTNAME: usize = 100;

/// What a test says.
const TEST: &str = "Fieldwarden tests the way to this destination; there is nothing to do";

/// How an incident is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `CEF:0|...`
    Cef,
    /// `LEEF:2.0|...`
    Leef,
    /// Our own keys.
    Json,
    /// Elastic Common Schema.
    Ecs,
    /// A Detection Finding of OCSF.
    Ocsf,
}

impl Format {
    /// Each with its word in the configuration.
    pub const ALL: [(&'static str, Self); 5] = [
        ("cef", Self::Cef),
        ("leef", Self::Leef),
        ("json", Self::Json),
        ("ecs", Self::Ecs),
        ("ocsf", Self::Ocsf),
    ];

    const fn limits(self) -> Limits {
        match self {
            Self::Cef => cef::LIMITS,
            Self::Leef | Self::Json | Self::Ecs | Self::Ocsf => Limits::NONE,
        }
    }
}

/// The words of the configuration where JSON is what is usual.
pub(super) fn words() -> Vec<(&'static str, Format)> {
    let others = Format::ALL.into_iter().filter(|(_, format)| *format != Format::Json);
    [("json", Format::Json)].into_iter().chain(others).collect()
}

/// Reads `format` where only a form of JSON will do for what carries it (`a webhook`).
pub(super) fn json_form(reader: &mut Reader<'_>, carrier: &str) -> Option<Format> {
    let format = reader.one_of("format", &words());
    if matches!(format, Some(Format::Cef | Format::Leef)) {
        let help = Some("write json, ecs or ocsf".into());
        reader.fault_at("format", format!("is no form of JSON, which {carrier} carries"), help);
    }
    format
}

/// One revision of an incident in one line of at most `room` octets; less than [`LEAST_ROOM`] counts as that.
#[must_use]
pub fn encode(format: Format, told: &Told, hostname: &str, room: usize) -> String {
    let sentence = sentence(told);
    let whole = Shown::whole(told, &sentence, hostname, format.limits());
    let render = match format {
        Format::Cef => cef::encode,
        Format::Leef => leef::encode,
        Format::Json => json::encode,
        Format::Ecs => ecs::encode,
        Format::Ocsf => ocsf::encode,
    };
    whole.fit(room.max(LEAST_ROOM), render)
}

/// A message that only tests the way, and is no incident in anybody's books.
#[must_use]
pub fn encode_test(format: Format, hostname: &str, now: Timestamp) -> String {
    let hostname = told_hostname(hostname);
    match format {
        Format::Cef => cef::encode_test(&hostname, now),
        Format::Leef => leef::encode_test(&hostname, now),
        Format::Json => json::encode_test(&hostname, now),
        Format::Ecs => ecs::encode_test(&hostname, now),
        Format::Ocsf => ocsf::encode_test(&hostname, now),
    }
}

/// One sentence for a person.
pub(super) fn sentence(told: &Told) -> String {
    let incident = &told.incident;
    let word = match incident.severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    };
    format!(
        "{word}: {} (score {} of 100, {} alerts, {}, last at {})",
        incident.title,
        incident.score,
        incident.alerts,
        told.status.word().replace('_', " "),
        incident.last
    )
}

/// 1 to 10, as CEF and LEEF count: up to 3 is low, up to 6 medium, up to 8 high, above very high.
const fn severity_of_ten(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

/// Counts stay below 2^53: beyond, readers that take numbers as floating point, or as signed, tell another one.
fn told_count(count: u64) -> u64 {
    count.min((1 << 53) - 1)
}

const fn milliseconds(time: Timestamp) -> i64 {
    time.nanos().div_euclid(1_000_000)
}

fn told_hostname(hostname: &str) -> String {
    hostname.chars().filter(char::is_ascii_graphic).take(MAX_HOSTNAME).collect()
}

/// Where a technique is described; only for what is shaped like one.
fn technique_page(id: &str) -> Option<String> {
    let digits = id.strip_prefix('T')?;
    let shaped = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let (major, _) = ATTACK_VERSION.split_once('.')?;
    shaped.then(|| format!("https://attack.mitre.org/versions/v{major}/techniques/{id}/"))
}

/// Whether a character would deceive whoever reads the raw text: it turns the direction of writing, ends a line in some eyes, or
/// cannot be seen at all (tag characters spell whole sentences that way).
pub(crate) const fn deceives(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
