//! One message: its head line, its tuples, and where it ends.

use fieldwarden_model::{Operation, Outcome};

use crate::{
    anomaly::Anomaly,
    dissector::digits,
    framed::Extent,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::{MAX_MESSAGE, PROTOCOL, command};

/// What every message begins with.
const START: &[u8] = b"fox ";
/// The line that ends it.
const END: &[u8] = b"};;";
/// The longest head line taken.
const LONGEST_HEAD: usize = 256;
/// Frame types: asynchronous, synchronous, reply, error, keep-alive, null.
const TYPES: &[u8] = b"asrekn";

/// What the front of a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head<'a> {
    /// The head line, and where the next line begins.
    Whole {
        /// Its words.
        line: Line<'a>,
        /// Where the tuples begin.
        end: usize,
    },
    /// It goes on.
    Need,
    /// It is none.
    No,
}

/// The words of the head line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    frame_type: &'a str,
    sequence: i64,
    reply: i64,
    channel: &'a str,
    command: &'a str,
}

/// Reads the head line and the brace behind it.
pub(super) fn head(bytes: &[u8]) -> Head<'_> {
    let front = bytes.get(..START.len()).unwrap_or(bytes);
    if !START.starts_with(front) || bytes.get(4).is_some_and(|kind| !TYPES.contains(kind)) {
        return Head::No;
    }
    let looked_at = bytes.get(..LONGEST_HEAD).unwrap_or(bytes);
    let Some(end) = looked_at.iter().position(|octet| *octet == b'\n') else {
        return if bytes.len() < LONGEST_HEAD { Head::Need } else { Head::No };
    };
    let Some(line) = bytes.get(START.len()..end).and_then(words) else { return Head::No };
    match bytes.get(end + 1..).unwrap_or_default() {
        [b'{', b'\n', ..] => Head::Whole { line, end: end + 3 },
        [] | [b'{'] => Head::Need,
        _ => Head::No,
    }
}

fn words(line: &[u8]) -> Option<Line<'_>> {
    let line = core::str::from_utf8(line).ok()?;
    let mut words = line.splitn(5, ' ');
    let frame_type = words.next().filter(|kind| kind.len() == 1)?;
    let (sequence, reply) = (number(words.next()?)?, number(words.next()?)?);
    let channel = words.next().filter(|channel| !channel.is_empty())?;
    let command = words.next().unwrap_or_default();
    Some(Line { frame_type, sequence, reply, channel, command })
}

/// A whole number, which may be negative.
fn number(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => digits::<i64>(rest).map(i64::wrapping_neg),
        None => digits(text),
    }
}

/// How long the message at the front is, looked for from an offset on; and how far it was looked through.
pub(super) fn extent(bytes: &[u8], looked_through: usize) -> (Extent, usize) {
    let mut at = match head(bytes) {
        Head::Whole { end, .. } => end.max(looked_through),
        Head::Need => return (Extent::Need(bytes.len() + 1), 0),
        Head::No => return (Extent::No, 0),
    };
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|octet| *octet == b'\n') else {
            // Nothing but what a blob announced may be known of the length.
            return (Extent::Need(at.max(bytes.len()) + 1), at);
        };
        let line = rest.get(..length).unwrap_or_default();
        if line == END {
            return (Extent::Whole(at + length + 1), at);
        }
        at += blob(line).unwrap_or(length + 1);
        if at > MAX_MESSAGE {
            return (Extent::Need(at), 0);
        }
    }
}

/// The octets from the front of a line to behind the blob that begins in it.
fn blob(line: &[u8]) -> Option<usize> {
    let bracket = line.iter().position(|octet| *octet == b'[')?;
    let before = core::str::from_utf8(line.get(..bracket)?).ok()?;
    let (_, value) = before.split_once('=')?;
    let size = match value.split_once(':')? {
        ("b", size) => size,
        ("o", typed) => typed.rsplit_once(' ')?.1,
        _ => return None,
    };
    digits::<usize>(size).filter(|size| *size <= MAX_MESSAGE).map(|size| bracket + 1 + size)
}

/// Tuples that are told, by their key on the wire and their key here.
const TOLD: [(&str, &str); 16] = [
    ("fox.version", "fox_version"),
    ("hostName", "host_name"),
    ("hostAddress", "host_address"),
    ("hostId", "host_id"),
    ("app.name", "application"),
    ("app.version", "application_version"),
    ("vm.name", "vm_name"),
    ("vm.version", "vm_version"),
    ("os.name", "os_name"),
    ("os.version", "os_version"),
    ("station.name", "station"),
    ("brandId", "brand"),
    ("username", "user"),
    ("userName", "user"),
    ("authAgentTypeSpecs", "authentication"),
    ("ord", "ord"),
];

struct Unit<'a> {
    direction: Direction,
    line: Line<'a>,
    tuples: &'a [u8],
}

impl Unit<'_> {
    fn tuples(&self, each: &mut dyn FnMut(&str, &str)) {
        let mut rest = self.tuples;
        while let Some(length) = rest.iter().position(|octet| *octet == b'\n') {
            let line = rest.get(..length).unwrap_or_default();
            if let Ok(line) = core::str::from_utf8(line)
                && let Some((key, typed)) = line.split_once('=')
                && let Some((_, value)) = typed.split_once(':')
            {
                each(key, value);
            }
            rest = rest.get(blob(line).unwrap_or(length + 1)..).unwrap_or_default();
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.line.frame_type, self.line.command) {
            ("e", _) | (_, "rejected") => Outcome::Refused(0),
            ("r", _) => Outcome::Done,
            _ if self.direction == Direction::ToServer => Outcome::Asked,
            _ => Outcome::Reported,
        }
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("frame_type", FieldValue::Text(self.line.frame_type));
        visitor.field("sequence", FieldValue::Signed(self.line.sequence));
        visitor.field("reply", FieldValue::Signed(self.line.reply));
        visitor.field("channel", FieldValue::Text(self.line.channel));
        visitor.field("command", FieldValue::Text(self.line.command));
        let mut told = 0_u32;
        self.tuples(&mut |key, value| {
            if let Some((place, (_, name))) =
                TOLD.iter().zip(0_u32..).map(|(told, n)| (n, told)).find(|(_, told)| told.0 == key)
                && told >> place & 1 == 0
            {
                told |= 1 << place;
                visitor.field(name, FieldValue::Text(value));
            }
        });
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = command::of(self.line.channel, self.line.command);
        let function = command::number(self.line.channel, self.line.command);
        each(&Operation {
            verb,
            function,
            name,
            unit: None,
            points: None,
            values: None,
            outcome: self.outcome(),
        });
    }
}

/// Tells one message.
pub(super) fn tell(direction: Direction, message: &[u8], sink: &mut dyn Sink) {
    let Head::Whole { line, end } = head(message) else { return };
    let unit = Unit { direction, line, tuples: message.get(end..).unwrap_or_default() };
    let kind = match line.frame_type {
        "r" | "e" => Kind::Response,
        "s" => Kind::Request,
        _ if direction == Direction::ToServer => Kind::Request,
        _ => Kind::Report,
    };
    let mut anomalies = heapless::Vec::<Anomaly, 1>::new();
    if line.command.is_empty() {
        let at = u32::try_from(end.saturating_sub(3)).unwrap_or(u32::MAX);
        let _ = anomalies.push(Anomaly::malformed("no-command", at, 0, 1));
    }
    sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &unit });
}
