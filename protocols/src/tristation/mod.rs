//! TriStation: what the engineering station of Triconex safety controllers speaks to them, UDP port 1502; the protocol that the
//! TRITON malware spoke.
//!
//! ```text
//!  type | 00 | length, little-endian | content, as long as told | CRC-16, low octet first
//!  content of type 5: direction (2) | function | counter | 00 00 | sum (2) | length (2) | data ...
//! ```
//!
//! Message level: who, which function, what class of operation; refusals named. Nothing is published; the page of the protocol says
//! what this follows. State: one byte per flow.

mod function;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Operation, Outcome, Transport, Verb};

use crate::{
    anomaly::Anomaly,
    crc::ARC,
    cursor::Cursor,
    dissector::{Dissector, Notation, PlainNotation, Ports, Probe, Session, Step},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const TRISTATION: Protocol = Protocol("tristation");

/// The port of the controllers.
pub const PORT: u16 = 1_502;

/// Octets before and behind the content.
const HEADER: usize = 4;
const CHECK: usize = 2;
/// Octets of the content of an execution command before its data.
const COMMAND: usize = 10;
/// The type of an execution command.
const EXECUTE: u8 = 5;

/// The dissector of TriStation.
#[derive(Clone, Copy, Debug)]
pub struct TriStation;

impl Dissector for TriStation {
    fn protocol(&self) -> Protocol {
        TRISTATION
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match Packet::read(bytes) {
            Some(packet) if packet.is_whole() && crc(bytes) == 0 => Probe::Certain,
            Some(packet) if packet.is_whole() => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::new(Datagrams)
    }

    fn max_message(&self) -> usize {
        65_535
    }

    fn notation(&self) -> &'static dyn Notation {
        &PlainNotation
    }
}

/// One packet.
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    kind: u8,
    /// Octets of the content, as told.
    length: u16,
    /// Octets behind the header.
    behind: usize,
    command: Option<Command<'a>>,
}

/// An execution command or its answer.
#[derive(Clone, Copy, Debug)]
struct Command<'a> {
    /// 0000 towards the controller, 0101 from it.
    origin: u16,
    function: u8,
    counter: u8,
    sum: u16,
    length: u16,
    data: &'a [u8],
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (kind, zero, length) = (cursor.u8()?, cursor.u8()?, cursor.u16_le()?);
        if zero != 0 || !(1..=11).contains(&kind) {
            return None;
        }
        let behind = cursor.remaining();
        let content = cursor.take_up_to(length.into());
        let command = if kind == EXECUTE { Command::read(content) } else { None };
        Some(Self { kind, length, behind, command })
    }

    /// Whether the lengths agree with each other and with the datagram.
    fn is_whole(&self) -> bool {
        let fits = self.behind == usize::from(self.length) + CHECK;
        let command = self.command.is_some_and(|command| command.length == self.length);
        fits && (command || self.kind != EXECUTE)
    }
}

impl<'a> Command<'a> {
    fn read(content: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        let (origin, function, counter) = (cursor.u16_le()?, cursor.u8()?, cursor.u8()?);
        cursor.skip(2)?;
        let (sum, length) = (cursor.u16_le()?, cursor.u16_le()?);
        Some(Self { origin, function, counter, sum, length, data: cursor.rest() })
    }
}

/// CRC-16 of a packet with its check, 0 where that is right.
fn crc(bytes: &[u8]) -> u16 {
    ARC.over(0, bytes)
}

/// Datagrams stand for themselves.
struct Datagrams;

impl Session for Datagrams {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let Some(packet) = Packet::read(bytes) else { return Step::GiveUp };
        let fault = fault(&packet, bytes);
        let kind = if fault.is_some() { Kind::Anomaly } else { packet.message() };
        let anomalies = fault.as_slice();
        sink.message(&Message { protocol: TRISTATION, kind, direction, anomalies, body: &packet });
        Step::Consumed(bytes.len())
    }

    fn gap(&mut self, _direction: Direction) {}

    fn resynchronise(&self, _direction: Direction, _bytes: &[u8]) -> Option<usize> {
        None
    }
}

fn fault(packet: &Packet<'_>, bytes: &[u8]) -> Option<Anomaly> {
    let there = u64::try_from(packet.behind).unwrap_or(u64::MAX);
    let told = u64::from(packet.length);
    if packet.behind != usize::from(packet.length) + CHECK {
        return Some(Anomaly::malformed("length", 2, told, there.saturating_sub(2)));
    }
    match packet.command {
        None if packet.kind == EXECUTE => {
            Some(Anomaly::malformed("command-short", 4, told, u64::try_from(COMMAND).unwrap_or(0)))
        }
        Some(command) if command.length != packet.length => {
            Some(Anomaly::malformed("command-length", 12, command.length.into(), told))
        }
        _ if crc(bytes) != 0 => Some(Anomaly::malformed(
            "check-wrong",
            u32::try_from(HEADER).unwrap_or(0) + u32::from(packet.length),
            crc(bytes).into(),
            0,
        )),
        _ => None,
    }
}

impl Packet<'_> {
    /// Request, response or report.
    const fn message(&self) -> Kind {
        match (self.kind, self.command) {
            (EXECUTE, Some(Command { function: 0..=99, .. })) | (1 | 4 | 6, _) => Kind::Request,
            _ => Kind::Response,
        }
    }

    fn named(&self) -> (Verb, &'static str) {
        match self.command {
            Some(command) => function::command(command.function),
            None => (Verb::Associate, function::packet(self.kind)),
        }
    }
}

impl Body for Packet<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("packet_type", FieldValue::Unsigned(self.kind.into()));
        visitor.field("packet", FieldValue::Text(function::packet(self.kind)));
        visitor.field("length", FieldValue::Unsigned(self.length.into()));
        let Some(command) = self.command else { return };
        visitor.field("origin", FieldValue::Unsigned(command.origin.into()));
        visitor.field("function_code", FieldValue::Unsigned(command.function.into()));
        visitor.field("function", FieldValue::Text(function::command(command.function).1));
        visitor.field("counter", FieldValue::Unsigned(command.counter.into()));
        visitor.field("sum", FieldValue::Unsigned(command.sum.into()));
        if !command.data.is_empty() {
            visitor.field("data", FieldValue::Bytes(command.data));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.named();
        let outcome = match (self.message(), self.command, self.kind) {
            (Kind::Request, ..) => Outcome::Asked,
            (_, Some(Command { function: code @ (100 | 200..), .. }), _) => Outcome::Refused(code.into()),
            (_, None, code @ 7..=11) => Outcome::Refused(code.into()),
            _ => Outcome::Done,
        };
        let function = self.command.map_or(0, |command| u32::from(command.function)) << 16;
        let function = function | u32::from(self.kind);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}
