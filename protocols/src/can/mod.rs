//! CAN frames, and what CANopen does with those of 11 bits: CiA 301 V4.2 ("301" below), over SocketCAN links.
//!
//! ```text
//! | extended:1 | remote:1 | error:1 | identifier:29 | data |        as the link layer hands it on
//! CANopen: identifier = function:4, node:7
//! ```
//!
//! Guarantees: every frame gives one message; nothing is kept. Message level: the service, the node, the object that an SDO names. A bus tells
//! nowhere that it speaks CANopen, so what the identifier and the data make of it is told under keys of its own.
//!
//! Non-goals: process data, the segments of a long SDO, J1939 and other protocols of 29 bits.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Operation, Outcome, Transport, Verb};

use crate::{
    cursor::Cursor,
    datagram::{Datagram, DatagramSession, NoPoints},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("can");

const EXTENDED: u32 = 1 << 31;
const REMOTE: u32 = 1 << 30;
const ERROR: u32 = 1 << 29;

/// CAN, and CANopen on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Can;

impl Dissector for Can {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::CAN
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, ports);
        if bytes.len() >= 4 { Probe::Possible } else { Probe::No }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Bus))
    }

    fn max_message(&self) -> usize {
        68
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Bus;

impl Datagram for Bus {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut cursor = Cursor::new(octets);
        let Some(word) = cursor.u32() else { return false };
        let frame = Frame { word, data: cursor.rest() };
        let kind = match frame.service() {
            _ if word & REMOTE != 0 => Kind::Request,
            Some(Service::Nmt { .. } | Service::Ask { .. }) => Kind::Request,
            Some(Service::Answer { .. }) => Kind::Response,
            _ => Kind::Report,
        };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &[], body: &frame });
        true
    }
}

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    word: u32,
    data: &'a [u8],
}

/// What CANopen makes of a frame (301 clause 7.3.5).
#[derive(Clone, Copy, Debug)]
enum Service {
    /// A node, or with 0 all of them, changes its state.
    Nmt { command: u8, node: u8 },
    /// Synchronisation, time, emergency, process data, heartbeat: by the function in the identifier.
    Other { name: &'static str, verb: Verb },
    /// An object is asked for, or written.
    Ask { command: u8, index: u16, sub: u8 },
    /// A server answers.
    Answer { command: u8, index: u16, sub: u8 },
}

impl Frame<'_> {
    const fn id(&self) -> u32 {
        self.word & !(EXTENDED | REMOTE | ERROR)
    }

    /// The function of CANopen, without the node.
    const fn function(&self) -> u32 {
        self.id() >> 7
    }

    fn node(&self) -> u8 {
        u8::try_from(self.id() & 0x7f).unwrap_or(0)
    }

    fn service(&self) -> Option<Service> {
        use Service::{Answer, Ask, Nmt, Other};
        if self.word & (EXTENDED | REMOTE | ERROR) != 0 {
            return None;
        }
        let object = || match *self.data {
            [command, low, high, sub, _, _, _, _] => Some((command, u16::from_le_bytes([low, high]), sub)),
            _ => None,
        };
        match (self.function(), self.node(), self.data) {
            (0, 0, &[command, node @ 0..=127]) => Some(Nmt { command, node }),
            (1, 0, [] | [_]) => Some(Other { name: "synchronisation", verb: Verb::Time }),
            (1, 1.., [_, _, _, _, _, _, _, _]) => Some(Other { name: "emergency", verb: Verb::Diagnose }),
            (2, 0, [_, _, _, _, _, _]) => Some(Other { name: "time stamp", verb: Verb::Time }),
            (3 | 5 | 7 | 9, 1.., _) => Some(Other { name: "process data sent", verb: Verb::Read }),
            (4 | 6 | 8 | 10, 1.., _) => Some(Other { name: "process data received", verb: Verb::Write }),
            (11, 1.., _) => object().map(|(command, index, sub)| Answer { command, index, sub }),
            (12, 1.., _) => object().map(|(command, index, sub)| Ask { command, index, sub }),
            (14, 1.., [_]) => Some(Other { name: "heartbeat", verb: Verb::Diagnose }),
            _ => None,
        }
    }
}

/// What a command of network management does (301 clause 7.2.8.3.1).
const fn nmt(command: u8) -> (Verb, &'static str) {
    match command {
        1 => (Verb::Mode, "NMT start"),
        2 => (Verb::Mode, "NMT stop"),
        128 => (Verb::Mode, "NMT enter pre-operational"),
        129 => (Verb::Mode, "NMT reset node"),
        130 => (Verb::Mode, "NMT reset communication"),
        _ => (Verb::Unknown, "unknown NMT command"),
    }
}

/// What an SDO does: the upper three bits of a client's command (301 clause 7.2.4.3).
const fn sdo(asks: bool, command: u8) -> (Verb, &'static str) {
    match (asks, command >> 5) {
        (_, 4) => (Verb::Diagnose, "SDO abort"),
        (true, 0 | 1 | 6) | (false, 1 | 3 | 5) => (Verb::Write, "SDO download"),
        _ => (Verb::Read, "SDO upload"),
    }
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("id", u64::from(self.id()));
        number("extended", u64::from(self.word >> 31));
        number("remote", u64::from(self.word >> 30 & 1));
        number("error", u64::from(self.word >> 29 & 1));
        match self.service() {
            Some(Service::Nmt { command, node }) => {
                number("nmt_command", u64::from(command));
                number("nmt_node", u64::from(node));
            }
            Some(Service::Ask { command, index, sub } | Service::Answer { command, index, sub }) => {
                number("node", u64::from(self.node()));
                number("sdo_command", u64::from(command));
                number("sdo_index", u64::from(index));
                number("sdo_subindex", u64::from(sub));
            }
            Some(Service::Other { name, .. }) => {
                number("node", u64::from(self.node()));
                visitor.field("service", FieldValue::Text(name));
            }
            None => {}
        }
        visitor.field("data", FieldValue::Bytes(self.data));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let mut function = self.function();
        let node = Some(u16::from(self.node()));
        let (verb, name, unit, outcome) = match self.service() {
            Some(Service::Nmt { command, node }) => {
                // A start is not the stop that a baseline allows.
                function |= u32::from(command) << 8;
                let (verb, name) = nmt(command);
                (verb, name, Some(u16::from(node)), Outcome::Asked)
            }
            Some(Service::Ask { command, .. }) => {
                let (verb, name) = sdo(true, command);
                (verb, name, node, Outcome::Asked)
            }
            Some(Service::Answer { command, .. }) => {
                let (verb, name) = sdo(false, command);
                let refused = command >> 5 == 4;
                (verb, name, node, if refused { Outcome::Refused(u32::from(command)) } else { Outcome::Done })
            }
            Some(Service::Other { name, verb }) => (verb, name, node, Outcome::Reported),
            None => return,
        };
        each(&Operation { verb, function, name, unit, points: None, values: None, outcome });
    }
}
