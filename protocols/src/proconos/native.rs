//! The native dialect: a function code, a sequence number, and a checksum that tells it from anything else.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::Anomaly,
    crc::CCITT,
    cursor::{Cursor, text},
    framed::Extent,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::PROTOCOL;

/// The first octet.
pub(super) const MAGIC: u8 = 0xcc;
/// Octets before the data.
const HEADER: usize = 8;
/// Octets of the checksum behind it.
const CHECK: usize = 2;

/// Stops the controller.
const STOP: u8 = 0x01;
/// Starts it cold.
const COLD_START: u8 = 0x04;
/// Begins a session.
const CONNECT: u8 = 0x0d;
/// Tells run-time, controller and project.
const IDENTIFY: u8 = 0x0b;
/// Tells the state of the controller.
const STATE: u8 = 0x0f;

/// How long the message is.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    match *bytes {
        [_, version, ..] if version > 1 => Extent::No,
        [_, _, reserved, ..] if reserved != 0 => Extent::No,
        [_, _, _, _, _, _, low, high, ..] => {
            Extent::Whole(HEADER + usize::from(u16::from_le_bytes([low, high])) + CHECK)
        }
        _ => Extent::Need(HEADER),
    }
}

/// Whether the checksum of a whole message is right.
pub(super) fn is_sound(message: &[u8]) -> bool {
    message.first() == Some(&MAGIC) && check(message).is_some_and(|(got, expected)| got == expected)
}

/// The checksum that stands there, and the one that should.
fn check(message: &[u8]) -> Option<(u16, u16)> {
    let (summed, check) = message.split_last_chunk::<CHECK>()?;
    Some((u16::from_le_bytes(*check), crc(summed)))
}

/// CRC-16, polynomial 0x1021 reflected, from 0.
fn crc(octets: &[u8]) -> u16 {
    CCITT.over(0, octets)
}

struct Unit<'a> {
    direction: Direction,
    function: u8,
    flags: u8,
    sequence: u8,
    data: &'a [u8],
}

impl<'a> Unit<'a> {
    fn read(direction: Direction, message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        cursor.skip(3)?;
        let (function, flags, sequence) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let length = cursor.u16_le()?;
        Some(Self { direction, function, flags, sequence, data: cursor.take_up_to(usize::from(length)) })
    }

    fn name(&self) -> (Verb, &'static str) {
        match self.function {
            STOP => (Verb::Mode, "stop"),
            COLD_START => (Verb::Mode, "cold start"),
            CONNECT => (Verb::Associate, "connect"),
            IDENTIFY => (Verb::Discover, "identify controller"),
            STATE => (Verb::Diagnose, "read state"),
            _ => (Verb::Unknown, "unknown function"),
        }
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("function_code", FieldValue::Unsigned(self.function.into()));
        visitor.field("sequence", FieldValue::Unsigned(self.sequence.into()));
        visitor.field("flags", FieldValue::Unsigned(self.flags.into()));
        let answers = self.direction == Direction::ToClient;
        match (self.function, self.data.first()) {
            (STATE, Some(state)) if answers => {
                visitor.field("state", FieldValue::Text(state_name(*state)));
            }
            (IDENTIFY, Some(_)) if answers => {
                for (key, at) in [("runtime", 4), ("controller", 36), ("project", 69)] {
                    let value = self.data.get(at..).map_or("", text);
                    if !value.is_empty() {
                        visitor.field(key, FieldValue::Text(value));
                    }
                }
            }
            _ => {}
        }
        if !self.data.is_empty() {
            visitor.field("data", FieldValue::Bytes(self.data));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.name();
        let outcome = if self.direction == Direction::ToServer { Outcome::Asked } else { Outcome::Done };
        let function = self.function.into();
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

const fn state_name(state: u8) -> &'static str {
    match state {
        2 => "run",
        4 => "stop",
        _ => "other",
    }
}

/// Tells one message.
pub(super) fn tell(direction: Direction, message: &[u8], sink: &mut dyn Sink) {
    let Some(unit) = Unit::read(direction, message) else { return };
    let mut anomalies = heapless::Vec::<Anomaly, 2>::new();
    let kind = match (check(message), direction) {
        (Some((got, expected)), _) if got != expected => {
            let at = u32::try_from(message.len() - CHECK).unwrap_or(u32::MAX);
            let _ = anomalies.push(Anomaly::malformed("checksum", at, got.into(), expected.into()));
            Kind::Anomaly
        }
        (_, Direction::ToServer) => Kind::Request,
        (_, Direction::ToClient) => Kind::Response,
    };
    if unit.name().0 == Verb::Unknown {
        let _ = anomalies.push(Anomaly::unsupported("unknown-function", 3, unit.function.into()));
    }
    sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &unit });
}
