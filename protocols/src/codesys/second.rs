//! V2: messages with a service octet, in either of two envelopes, and the empty one that keeps a session alive.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    cursor::{Cursor, text},
    dissector::Probe,
    framed::Extent,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::{MAX_MESSAGE, PROTOCOL};

/// Octets of the short envelope.
const SHORT: usize = 6;
/// Octets of the long one.
const LONG: usize = 24;
/// The question by which every client begins.
const HELLO: [u8; 7] = [0xbb, 0xbb, 1, 0, 0, 0, 1];

/// How long the message is.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    let (envelope, at) = match *bytes {
        [0xbb, 0xbb, ..] => (SHORT, 2),
        [0xcc, 0xcc, 1, 0, ..] | [0x66, 0x66, 1, 0, ..] => (LONG, 4),
        [first @ (0xbb | 0xcc | 0x66), second, ..] if first != second => return Extent::No,
        [0xbb | 0xcc | 0x66] => return Extent::Need(SHORT),
        [0xcc | 0x66, _, version, ..] if version != 1 => return Extent::No,
        [0xcc | 0x66, _, _, zero, ..] if zero != 0 => return Extent::No,
        [0xcc | 0x66, ..] => return Extent::Need(LONG),
        _ => return Extent::No,
    };
    let Some((&length, _)) = bytes.get(at..).and_then(<[u8]>::split_first_chunk::<4>) else {
        return Extent::Need(envelope);
    };
    // Little-endian; controllers with processors of the other order write it their way.
    let fits = |length: u32| {
        usize::try_from(length).ok().map(|length| length + envelope).filter(|all| *all <= MAX_MESSAGE)
    };
    match fits(u32::from_le_bytes(length)).or_else(|| fits(u32::from_be_bytes(length))) {
        Some(length) => Extent::Whole(length),
        None => Extent::No,
    }
}

/// Whether a stream begins with a message of V2.
pub(super) fn probe(bytes: &[u8]) -> Probe {
    match extent(bytes) {
        _ if bytes == HELLO => Probe::Certain,
        Extent::No => Probe::No,
        Extent::Need(octets) => Probe::Need(octets),
        Extent::Whole(length) if length >= bytes.len() => Probe::Possible,
        Extent::Whole(length) => match extent(bytes.get(length..).unwrap_or_default()) {
            Extent::No => Probe::No,
            _ => Probe::Possible,
        },
    }
}

/// Whether a message seems to begin here.
pub(super) fn begins(bytes: &[u8]) -> bool {
    matches!(extent(bytes), Extent::Whole(length) if length > SHORT) && probe(bytes) != Probe::No
}

struct Unit<'a> {
    direction: Direction,
    service: Option<u8>,
    data: &'a [u8],
}

impl<'a> Unit<'a> {
    fn read(direction: Direction, message: &'a [u8]) -> Self {
        let envelope = if message.first() == Some(&0xbb) { SHORT } else { LONG };
        let mut cursor = Cursor::new(message);
        cursor.take_up_to(envelope);
        let service = cursor.u8();
        Self { direction, service, data: cursor.rest() }
    }

    /// The name of the file, or the words of the command.
    fn words(&self) -> Option<&'a str> {
        if self.direction == Direction::ToClient || !matches!(self.service, Some(0x2f | 0x31 | 0x92)) {
            return None;
        }
        let front = self.data.get(..64).unwrap_or(self.data);
        let is_word = |octet: &u8| octet.is_ascii_graphic() || *octet == b' ';
        let starts =
            (0..front.len()).filter(|at| front.get(at.wrapping_sub(1)).is_none_or(|before| !is_word(before)));
        let mut runs = starts.filter_map(|at| self.data.get(at..)).map(text);
        runs.find(|run| run.len() >= 3 && run.bytes().all(|octet| is_word(&octet)))
    }

    fn name(&self) -> (Verb, &'static str) {
        let words = self.words().unwrap_or_default();
        let ends = |ending: &str| {
            words.len() > 4
                && words.get(words.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
        };
        let is_program = ends(".prg") || ends(".chk") || ends(".sdb");
        let begins =
            |start: &str| words.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start));
        match self.service {
            None => (Verb::Associate, "keep alive"),
            Some(0x01 | 0x51) => (Verb::Discover, "identify controller"),
            Some(0x2f) if is_program => (Verb::Program, "download program"),
            Some(0x31) if is_program => (Verb::Program, "upload program"),
            Some(0x2f) => (Verb::Transfer, "download file"),
            Some(0x30) => (Verb::Transfer, "continue download"),
            Some(0x31) => (Verb::Transfer, "upload file"),
            Some(0x32) => (Verb::Transfer, "continue upload"),
            Some(0x92) if begins("start") || begins("stop") || begins("reset") => {
                (Verb::Mode, "shell command")
            }
            Some(0x92) => (Verb::Configure, "shell command"),
            Some(_) => (Verb::Unknown, "unknown service"),
        }
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("version", FieldValue::Unsigned(2));
        if let Some(service) = self.service {
            visitor.field("service", FieldValue::Unsigned(service.into()));
        }
        if let Some(words) = self.words() {
            let key = if self.service == Some(0x92) { "shell_command" } else { "file" };
            visitor.field(key, FieldValue::Text(words));
        } else if !self.data.is_empty() {
            visitor.field("data", FieldValue::Bytes(self.data));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.name();
        let outcome = if self.direction == Direction::ToServer { Outcome::Asked } else { Outcome::Done };
        let function = 0x200 | self.service.map_or(0x100, u32::from);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

/// Tells one message.
pub(super) fn tell(direction: Direction, message: &[u8], sink: &mut dyn Sink) {
    let unit = Unit::read(direction, message);
    let kind = if direction == Direction::ToServer { Kind::Request } else { Kind::Response };
    sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &[], body: &unit });
}
