//! The baseline: approved normal. Who is there, who talks to whom, with which functions, about which points, with
//! which values.
//!
//! A [`Baseline`] is what a person reviews: plain, sorted, written as a text. [`compiled`] turns it into what the
//! engine judges by. [`learn`] makes one out of traffic.

pub mod accept;
mod allowed;
#[cfg(test)]
mod arbitrary;
pub(crate) mod compiled;
pub mod diff;
pub mod explain;
pub mod guard;
pub mod learn;
pub mod merge;
pub mod mode;
mod notes;
mod pace;
mod place;
pub mod quiet;
mod read;
pub(crate) mod reads;
mod shape;
pub mod text;
mod write;

pub use allowed::{Allowed, Bits, Counter, Few, MAX_LISTED};
pub use mode::{InMode, ModeName, Shift};
pub use place::{Placed, Placing, Subject};
pub use quiet::Quiet;
pub use read::Reading;

use fieldwarden_model::{AddressSpace, Mac, PointRange, ShortText, Talker, Timestamp, Transport, Value};

use crate::conversation::{ConversationKey, ServiceKey, protocol_named};

/// Approved normal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// The usual operating mode, such as `normal` or `production`.
    pub mode: String,
    /// What it was learned from; absent when a person wrote it.
    pub learned: Option<Learned>,
    /// Talkers that belong here, sorted.
    pub talkers: Vec<KnownTalker>,
    /// Conversations that are normal, sorted by their ids' parts.
    pub conversations: Vec<Entry>,
    /// What holds in one mode alone, sorted by the mode's name.
    pub modes: Vec<InMode>,
    /// When each mode is due, sorted.
    pub schedule: Vec<Shift>,
    /// What is told quietly, sorted by scope.
    pub quiet: Vec<Quiet>,
}

/// What a baseline was learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Time of the first frame.
    pub from: Timestamp,
    /// Time of the last frame.
    pub until: Timestamp,
    /// How many frames.
    pub frames: u64,
}

/// A talker that belongs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownTalker {
    /// Where its address is unique.
    pub space: AddressSpace,
    /// Its address.
    pub talker: Talker,
    /// The hardware address it was heard with, for people; not judged.
    pub mac: Option<Mac>,
}

/// A conversation that is normal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name within the baseline, stable and unique.
    pub id: String,
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asks.
    pub client: Talker,
    /// Who is asked.
    pub server: Talker,
    /// TCP, UDP or the link.
    pub transport: Transport,
    /// The server's port.
    pub server_port: Option<u16>,
    /// The protocol's name; `tcp`, `udp` or `link` where it is not recognised.
    pub protocol: ShortText,
    /// The unit behind the server's address.
    pub unit: Option<u16>,
    /// Functions used, sorted by code.
    pub functions: Vec<Function>,
    /// Points read, sorted, neighbours merged.
    pub reads: Vec<PointRange>,
    /// Points written with the values seen, sorted.
    pub writes: Vec<Envelope>,
    /// How the values move that are read, sorted; what is not listed is not judged.
    pub motion: Vec<ReadMotion>,
    /// Milliseconds between two polls, the median; absent where nothing repeats.
    pub period_ms: Option<u64>,
    /// The most refusals seen in one minute.
    pub refusals_per_minute: u64,
    /// How lively it is.
    pub pace: Pace,
    /// Breaks of the protocol that are normal here, by their codes, sorted.
    pub oddities: Vec<String>,
}

/// How lively a conversation is; what is absent is not judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// The fewest and the most requests seen in one whole minute; absent where a minute held hardly any.
    pub requests_per_minute: Option<(u64, u64)>,
    /// The most writes and commands seen in one minute; absent where nothing was written.
    pub writes_per_minute: Option<u64>,
    /// Milliseconds of the longest silence between two requests; absent below three requests.
    pub pause_ms: Option<u64>,
}

/// A function code in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// The code; a sub-function stands in the upper half.
    pub code: u32,
    /// The standard's name, for people; not judged.
    pub name: ShortText,
}

/// Points that are written, and the values they were seen to take.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The points.
    pub points: PointRange,
    /// How many points one value spans.
    pub step: u16,
    /// The values; any where they could not be read.
    pub allowed: Allowed,
    /// How many values were seen.
    pub seen: u64,
    /// How values move from one to the next.
    pub moves: Moves,
}

/// How the values written to a point move; what is absent is not judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moves {
    /// The largest step from one value to the next; absent where it is as large as the envelope is wide.
    pub step_maximum: Option<f64>,
    /// The largest sum of steps one way; absent where it is as large as the envelope is wide.
    pub run_maximum: Option<f64>,
    /// The most turns, up after down or down after up, in one minute.
    pub turns_per_minute: u32,
}

/// How the values of points move that are read; what is absent is not judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadMotion {
    /// The points.
    pub points: PointRange,
    /// How many points one value spans.
    pub step: u16,
    /// Milliseconds of the longest time any of them stood still; absent where one did so often, or hardly ever moved.
    pub still_ms: Option<u64>,
    /// The farthest that any of them went to and fro in one minute without getting anywhere.
    pub wobble_per_minute: Option<f64>,
    /// Whether they look like chance by nature, as the low half of a meter's count may; never learned.
    pub random: bool,
    /// How many answers that rests on.
    pub seen: u64,
}

impl Entry {
    /// The conversation this entry allows; none for a protocol this build does not know.
    #[must_use]
    pub fn key(&self) -> Option<ConversationKey> {
        let service = ServiceKey {
            space: self.space,
            client: self.client,
            server: self.server,
            transport: self.transport,
            port: self.server_port,
        };
        Some(ConversationKey { service, protocol: protocol_named(&self.protocol)?, unit: self.unit })
    }
}

/// How a function code is written: `16`, or `8/1` with its sub-function.
#[must_use]
pub fn function_text(code: u32) -> String {
    match code >> 16 {
        0 => code.to_string(),
        sub => format!("{}/{sub}", code & 0xffff),
    }
}

/// The code out of what [`function_text`] writes.
#[must_use]
pub fn function_code(text: &str) -> Option<u32> {
    let (code, sub) = text.split_once('/').unwrap_or((text, "0"));
    let (code, sub) = code.parse::<u16>().ok().zip(sub.parse::<u16>().ok())?;
    Some(u32::from(sub) << 16 | u32::from(code))
}

/// Sorts ranges and merges those that overlap or touch.
pub(crate) fn merge(ranges: &mut Vec<PointRange>) {
    ranges.sort_unstable();
    let mut merged: Vec<PointRange> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if last.space == range.space && range.first <= last.last.saturating_add(1) => {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    *ranges = merged;
}

/// Orders two values; a number that is not one lies beyond all others.
#[must_use]
pub(crate) fn order(a: Value, b: Value) -> core::cmp::Ordering {
    #[expect(clippy::cast_precision_loss, reason = "wire integers beside floats are at most 32 bits wide")]
    let float = |value| match value {
        Value::Integer(value) => value as f64,
        Value::Float(value) => value,
    };
    match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(&b),
        _ => float(a).total_cmp(&float(b)),
    }
}
