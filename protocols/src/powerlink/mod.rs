//! Ethernet POWERLINK: EPSG DS 301 V1.3 ("301" below), on Ethernet, and its SDO over UDP.
//!
//! ```text
//! | type:8 | destination:8 | source:8 | of the type; ASnd: service:8, payload |      (301 clause 4.6)
//! ```
//!
//! Guarantees: every frame gives one message; nothing is kept. Message level: nodes, service, NMT command, the object that an SDO names.
//!
//! Non-goals: process data of poll request and response; the segments of a long SDO.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Operation, Outcome, Transport, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::{Anomalies, Datagram, DatagramSession, NoPoints, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("powerlink");

/// SDO over UDP (301 clause 6.3.2.1).
pub const PORT: u16 = 3_819;

/// Message types (301 table 14).
mod message_type {
    pub(super) const START_OF_CYCLE: u8 = 1;
    pub(super) const POLL_REQUEST: u8 = 3;
    pub(super) const POLL_RESPONSE: u8 = 4;
    pub(super) const START_OF_ASYNCHRONOUS: u8 = 5;
    pub(super) const ASYNCHRONOUS: u8 = 6;
    pub(super) const ACTIVE_MANAGING_NODE: u8 = 7;
    pub(super) const ASYNCHRONOUS_INVITE: u8 = 13;
}
use message_type as t;

/// Services of asynchronous frames (301 table 27).
const IDENT: u8 = 1;
const STATUS: u8 = 2;
const NMT_REQUEST: u8 = 3;
const NMT_COMMAND: u8 = 4;
const SDO: u8 = 5;

/// POWERLINK.
#[derive(Clone, Copy, Debug, Default)]
pub struct Powerlink;

impl Dissector for Powerlink {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Udp | Transport::Link)
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::POWERLINK || port == PORT
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = direction;
        match Frame::read(bytes) {
            Some(frame) if ports.server == PORT || ports.client == PORT => {
                if frame.of == t::ASYNCHRONOUS && frame.service() == Some(SDO) {
                    Probe::Possible
                } else {
                    Probe::No
                }
            }
            // Below IP both ports are the EtherType.
            Some(_) if ports.server == ports.client => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Node))
    }

    fn max_message(&self) -> usize {
        1_500
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Node;

impl Datagram for Node {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(frame) = Frame::read(octets) else { return false };
        let mut anomalies = Anomalies::new();
        if name(frame.of).is_none() {
            note(&mut anomalies, Anomaly::unsupported("unknown-message-type", 0, u64::from(frame.of)));
        }
        if frame.of == t::ASYNCHRONOUS && frame.rest.is_empty() {
            note(&mut anomalies, Anomaly::malformed("service-missing", 3, 0, 1));
        }
        let kind = match frame.of {
            t::ASYNCHRONOUS if frame.rest.is_empty() => Kind::Anomaly,
            t::POLL_REQUEST | t::START_OF_ASYNCHRONOUS | t::ASYNCHRONOUS_INVITE => Kind::Request,
            t::POLL_RESPONSE => Kind::Response,
            t::ASYNCHRONOUS => match (frame.service(), frame.command()) {
                (Some(IDENT | STATUS), _) => Kind::Response,
                (Some(NMT_COMMAND), _) => Kind::Request,
                (Some(SDO), Some(command)) if command.answers() => Kind::Response,
                (Some(SDO), Some(_)) => Kind::Request,
                _ => Kind::Report,
            },
            _ => Kind::Report,
        };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &frame });
        true
    }
}

const fn name(of: u8) -> Option<&'static str> {
    Some(match of {
        t::START_OF_CYCLE => "start of cycle",
        t::POLL_REQUEST => "poll request",
        t::POLL_RESPONSE => "poll response",
        t::START_OF_ASYNCHRONOUS => "start of asynchronous",
        t::ASYNCHRONOUS => "asynchronous send",
        t::ACTIVE_MANAGING_NODE => "active managing node indication",
        t::ASYNCHRONOUS_INVITE => "asynchronous invite",
        _ => return None,
    })
}

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    of: u8,
    destination: u8,
    source: u8,
    rest: &'a [u8],
}

/// The command layer of an SDO (301 clause 6.3.2.4).
#[derive(Clone, Copy, Debug)]
struct Command {
    flags: u8,
    id: u8,
    /// Index and sub-index, where the command names them.
    object: Option<(u16, u8)>,
}

impl Command {
    const fn answers(self) -> bool {
        self.flags & 0x80 != 0
    }

    const fn aborts(self) -> bool {
        self.flags & 0x40 != 0
    }
}

impl<'a> Frame<'a> {
    fn read(octets: &'a [u8]) -> Option<Self> {
        let &[of, destination, source, ref rest @ ..] = octets else { return None };
        // The highest bit is reserved (301 clause 4.6.1.1).
        (of & 0x80 == 0).then_some(Self { of, destination, source, rest })
    }

    /// The service of an asynchronous frame, or the one that is asked for (301 clause 4.6.1.1.4).
    fn service(&self) -> Option<u8> {
        match self.of {
            t::ASYNCHRONOUS => self.rest.first().copied(),
            t::START_OF_ASYNCHRONOUS => self.rest.get(3).copied(),
            _ => None,
        }
    }

    /// The command of NMT (301 clause 7.4.2).
    fn nmt(&self) -> Option<u8> {
        (self.of == t::ASYNCHRONOUS && matches!(self.service(), Some(NMT_COMMAND | NMT_REQUEST)))
            .then(|| self.rest.get(1).copied())
            .flatten()
    }

    fn command(&self) -> Option<Command> {
        if self.of != t::ASYNCHRONOUS || self.service() != Some(SDO) {
            return None;
        }
        let mut cursor = Cursor::new(self.rest);
        // The service, four octets of the sequence layer, a reserved octet and the transaction.
        cursor.skip(7)?;
        let (flags, id) = (cursor.u8()?, cursor.u8()?);
        cursor.skip(4)?;
        let names = matches!(id, 1 | 2) && flags & 0xc0 == 0;
        let object = if names { cursor.u16_le().and_then(|index| Some((index, cursor.u8()?))) } else { None };
        Some(Command { flags, id, object })
    }
}

/// What a command of NMT is (301 table 118).
const fn nmt_name(command: u8) -> (Verb, &'static str) {
    match command {
        0x21 => (Verb::Mode, "NMTStartNode"),
        0x22 => (Verb::Mode, "NMTStopNode"),
        0x23 => (Verb::Mode, "NMTEnterPreOperational2"),
        0x24 => (Verb::Mode, "NMTEnableReadyToOperate"),
        0x28 => (Verb::Mode, "NMTResetNode"),
        0x29 => (Verb::Mode, "NMTResetCommunication"),
        0x2a => (Verb::Mode, "NMTResetConfiguration"),
        0x2b => (Verb::Mode, "NMTSwReset"),
        0x41..=0x4b => (Verb::Mode, "NMT command for several nodes"),
        0x62 => (Verb::Configure, "NMTNetHostNameSet"),
        0x63 => (Verb::Configure, "NMTFlushArpEntry"),
        _ => (Verb::Unknown, "NMT command"),
    }
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("message_type", u64::from(self.of));
        number("destination", u64::from(self.destination));
        number("source", u64::from(self.source));
        if let Some(service) = self.service() {
            number("service", u64::from(service));
        }
        if let Some(command) = self.nmt() {
            number("nmt_command", u64::from(command));
        }
        if let Some(command) = self.command() {
            number("sdo_command", u64::from(command.id));
            number("sdo_abort", u64::from(command.aborts()));
            if let Some((index, sub)) = command.object {
                number("sdo_index", u64::from(index));
                number("sdo_subindex", u64::from(sub));
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let mut function = u32::from(self.of) | u32::from(self.service().unwrap_or(0)) << 16;
        let mut name = name(self.of).unwrap_or("unknown message type");
        let (verb, outcome) = match (self.of, self.service()) {
            (t::START_OF_CYCLE, _) => (Verb::Time, Outcome::Reported),
            (t::POLL_REQUEST, _) => (Verb::Write, Outcome::Asked),
            (t::POLL_RESPONSE, _) => (Verb::Read, Outcome::Reported),
            (t::START_OF_ASYNCHRONOUS | t::ASYNCHRONOUS_INVITE, _) => (Verb::Associate, Outcome::Asked),
            (t::ASYNCHRONOUS, Some(IDENT)) => (Verb::Discover, Outcome::Done),
            (t::ASYNCHRONOUS, Some(STATUS)) => (Verb::Diagnose, Outcome::Done),
            (t::ASYNCHRONOUS, Some(NMT_COMMAND | NMT_REQUEST)) => {
                let command = self.nmt().unwrap_or(0);
                function |= u32::from(command) << 24;
                let (verb, command) = nmt_name(command);
                name = command;
                (verb, Outcome::Asked)
            }
            (t::ASYNCHRONOUS, Some(SDO)) => {
                let Some(command) = self.command() else { return };
                function |= u32::from(command.id) << 24;
                let outcome = match command {
                    command if command.aborts() => Outcome::Refused(u32::from(command.id)),
                    command if command.answers() => Outcome::Done,
                    _ => Outcome::Asked,
                };
                let (verb, of) = match command.id {
                    0 => (Verb::Associate, "SDO sequence"),
                    1 | 0x31 | 0x33 => (Verb::Write, "SDO write"),
                    2 | 0x32 | 0x34 => (Verb::Read, "SDO read"),
                    0x20 => (Verb::Transfer, "file write"),
                    0x21 => (Verb::Transfer, "file read"),
                    _ => (Verb::Unknown, "SDO command"),
                };
                name = of;
                (verb, outcome)
            }
            _ => (Verb::Unknown, Outcome::Reported),
        };
        let unit = Some(u16::from(if matches!(outcome, Outcome::Done | Outcome::Reported) {
            self.source
        } else {
            self.destination
        }));
        each(&Operation { verb, function, name, unit, points: None, values: None, outcome });
    }
}
