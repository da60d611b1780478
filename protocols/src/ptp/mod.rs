//! The precision time protocol: IEEE 1588-2019 ("1588" below), versions 2.0 and 2.1, on Ethernet (annex E) and over UDP (annex C).
//!
//! ```text
//! | sdo:4 | type:4 | minor:4 | version:4 | length:16 | domain:8 | minor sdo:8 | flags:16 | correction:64 | specific:32 |
//! | port identity: clock 64, port 16 | sequence:16 | control:8 | interval:8 | of the type |      (clause 13.3, 34 octets)
//! ```
//!
//! Guarantees: every datagram gives one message; nothing is kept.
//!
//! Non-goals: version 1; the content of signalling and management TLVs beyond the id of a management message.

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
pub const PROTOCOL: Protocol = Protocol("ptp");

/// Event and general messages over UDP (1588 annex C).
pub const PORTS: [u16; 2] = [319, 320];

/// Octets of the common header.
const HEADER: u16 = 34;
const MANAGEMENT: u8 = 0xd;
const ANNOUNCE: u8 = 0xb;

/// The precision time protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ptp;

impl Dissector for Ptp {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Udp | Transport::Link)
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::PTP || PORTS.contains(&port)
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, ports);
        let fits = Header::read(bytes).is_some_and(|header| {
            let length = usize::from(header.length);
            length >= usize::from(HEADER) && length <= bytes.len() && name(header.of).is_some()
        });
        if fits { Probe::Possible } else { Probe::No }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Clock))
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
struct Clock;

impl Datagram for Clock {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(header) = Header::read(octets) else { return false };
        let mut anomalies = Anomalies::new();
        let there = octets.len() as u64;
        if header.length < HEADER || u64::from(header.length) > there {
            note(&mut anomalies, Anomaly::malformed("length-disagrees", 2, u64::from(header.length), there));
        }
        if name(header.of).is_none() {
            note(&mut anomalies, Anomaly::malformed("reserved-type", 0, u64::from(header.of), 0));
        }
        let kind = match header.of {
            _ if !anomalies.is_empty() => Kind::Anomaly,
            1 | 2 => Kind::Request,
            3 | 9 | 10 => Kind::Response,
            _ => Kind::Report,
        };
        let whole = octets.get(usize::from(HEADER)..usize::from(header.length)).unwrap_or_default();
        let body = Unit { header, rest: whole };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &body });
        true
    }
}

/// The name of a message type (1588 table 36).
const fn name(of: u8) -> Option<&'static str> {
    Some(match of {
        0 => "Sync",
        1 => "Delay_Req",
        2 => "Pdelay_Req",
        3 => "Pdelay_Resp",
        8 => "Follow_Up",
        9 => "Delay_Resp",
        10 => "Pdelay_Resp_Follow_Up",
        ANNOUNCE => "Announce",
        12 => "Signaling",
        MANAGEMENT => "Management",
        _ => return None,
    })
}

/// The common header.
#[derive(Clone, Copy, Debug)]
struct Header {
    of: u8,
    minor: u8,
    length: u16,
    domain: u8,
    flags: u16,
    clock: u64,
    port: u16,
    sequence: u16,
}

impl Header {
    /// Reads it; `None` where it is not whole, or of another version.
    fn read(octets: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (of, version, length, domain, _) =
            (cursor.u8()?, cursor.u8()?, cursor.u16()?, cursor.u8()?, cursor.u8()?);
        let (flags, _, _, clock, port, sequence, _) = (
            cursor.u16()?,
            cursor.u64()?,
            cursor.u32()?,
            cursor.u64()?,
            cursor.u16()?,
            cursor.u16()?,
            cursor.u16()?,
        );
        let (of, minor) = (of & 0x0f, version >> 4);
        (version & 0x0f == 2).then_some(Self { of, minor, length, domain, flags, clock, port, sequence })
    }
}

/// A message as it is told.
#[derive(Clone, Copy, Debug)]
struct Unit<'a> {
    header: Header,
    /// What follows the common header.
    rest: &'a [u8],
}

impl Unit<'_> {
    /// What a management message does (1588 table 57): 0 gets, 1 sets, 2 answers, 3 commands, 4 acknowledges.
    fn action(&self) -> Option<u8> {
        let mut cursor = Cursor::new(self.rest);
        // Target port identity, starting and present boundary hops.
        cursor.skip(12)?;
        cursor.u8().map(|octet| octet & 0x0f).filter(|_| self.header.of == MANAGEMENT)
    }

    /// The id of a management message: its TLV begins with type, length, id (1588 clause 15.5.2).
    fn management_id(&self) -> Option<u16> {
        let mut cursor = Cursor::new(self.rest);
        cursor.skip(18)?;
        cursor.u16().filter(|_| self.header.of == MANAGEMENT)
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let header = &self.header;
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("message_type", u64::from(header.of));
        number("minor_version", u64::from(header.minor));
        number("domain", u64::from(header.domain));
        number("flags", u64::from(header.flags));
        number("source_port", u64::from(header.port));
        number("sequence", u64::from(header.sequence));
        if let Some(action) = self.action() {
            number("management_action", u64::from(action));
        }
        if let Some(id) = self.management_id() {
            number("management_id", u64::from(id));
        }
        visitor.field("clock_identity", FieldValue::Bytes(&header.clock.to_be_bytes()));
        if header.of == ANNOUNCE {
            announced(visitor, self.rest);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let header = &self.header;
        let (verb, outcome) = match (header.of, self.action()) {
            (MANAGEMENT, Some(1 | 3)) => (Verb::Configure, Outcome::Asked),
            (MANAGEMENT, Some(2 | 4)) => (Verb::Diagnose, Outcome::Done),
            (MANAGEMENT, _) => (Verb::Diagnose, Outcome::Asked),
            _ => (Verb::Time, Outcome::Reported),
        };
        let function = u32::from(header.of) | u32::from(self.management_id().unwrap_or(0)) << 16;
        let name = name(header.of).unwrap_or("reserved");
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

/// Who is said to be the best clock (1588 clause 13.5).
fn announced(visitor: &mut dyn FieldVisitor, octets: &[u8]) {
    let mut cursor = Cursor::new(octets);
    // Origin timestamp, offset to UTC, a reserved octet.
    let (Some(_), Some(first), Some(quality), Some(second)) =
        (cursor.take(13), cursor.u8(), cursor.u32(), cursor.u8())
    else {
        return;
    };
    let (Some(grandmaster), Some(steps), Some(source)) = (cursor.take(8), cursor.u16(), cursor.u8()) else {
        return;
    };
    visitor.field("priority_1", FieldValue::Unsigned(u64::from(first)));
    visitor.field("clock_class", FieldValue::Unsigned(u64::from(quality >> 24)));
    visitor.field("priority_2", FieldValue::Unsigned(u64::from(second)));
    visitor.field("grandmaster", FieldValue::Bytes(grandmaster));
    visitor.field("steps_removed", FieldValue::Unsigned(u64::from(steps)));
    visitor.field("time_source", FieldValue::Unsigned(u64::from(source)));
}
