//! ICMP: reachability of IPv4 hosts (RFC 792, RFC 950, RFC 1256; types of the IANA registry "ICMP parameters").
//!
//! ```text
//! | type:8 | code:8 | checksum:16 | of the type: identifier:16, sequence:16; a gateway; nothing | data |
//! ```
//!
//! Guarantees: every packet gives one message; nothing is kept. Messages are upkeep: nobody makes conversations of them.
//!
//! The packet that an error quotes is told under keys of its own, and never as a message: it was told when it was sent, if it was seen.
//!
//! Non-goals: ICMP for IPv6; the content of the packet that an error quotes, beyond its addresses, ports and protocol.

#[cfg(test)]
mod tests;

use core::{fmt::Write as _, net::Ipv4Addr};

use alloc::boxed::Box;

use fieldwarden_model::{Operation, Transport};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::{Anomalies, Datagram, DatagramSession, NoPoints, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("icmp");

/// ICMP for IPv4.
#[derive(Clone, Copy, Debug, Default)]
pub struct Icmp;

impl Dissector for Icmp {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn is_upkeep(&self) -> bool {
        true
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::ICMP
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, bytes, ports);
        Probe::Possible
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Host))
    }

    fn max_message(&self) -> usize {
        65_535
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Host;

impl Datagram for Host {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let &[of, code, ref rest @ ..] = octets else { return false };
        let mut anomalies = Anomalies::new();
        if rest.len() < 6 {
            note(&mut anomalies, Anomaly::malformed("header-cut-short", 0, octets.len() as u64, 8));
        }
        let kind = match of {
            _ if !anomalies.is_empty() => Kind::Anomaly,
            8 | 10 | 13 | 15 | 17 | 42 => Kind::Request,
            0 | 9 | 14 | 16 | 18 | 43 => Kind::Response,
            _ => Kind::Report,
        };
        let body = Packet { of, code, rest: rest.get(2..).unwrap_or_default() };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &body });
        true
    }
}

/// A packet as it is told.
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    of: u8,
    code: u8,
    /// What follows the checksum.
    rest: &'a [u8],
}

impl Body for Packet<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("type", FieldValue::Unsigned(u64::from(self.of)));
        visitor.field("code", FieldValue::Unsigned(u64::from(self.code)));
        let mut cursor = Cursor::new(self.rest);
        match self.of {
            0 | 8 | 13..=18 => {
                let (Some(identifier), Some(sequence)) = (cursor.u16(), cursor.u16()) else { return };
                visitor.field("identifier", FieldValue::Unsigned(u64::from(identifier)));
                visitor.field("sequence", FieldValue::Unsigned(u64::from(sequence)));
                visitor.field("data_length", FieldValue::Unsigned(cursor.rest().len() as u64));
            }
            3..=5 | 11 | 12 => {
                let Some(word) = cursor.u32() else { return };
                if self.of == 5 {
                    address(visitor, "gateway", word);
                }
                quoted(visitor, cursor.rest());
            }
            _ => {}
        }
    }

    fn operations(&self, _: &mut dyn FnMut(&Operation<'_>)) {}
}

/// The packet that an error speaks of (RFC 792: its header and 64 bits; RFC 1812 clause 4.3.2.3: as much as fits).
fn quoted(visitor: &mut dyn FieldVisitor, octets: &[u8]) {
    let mut cursor = Cursor::new(octets);
    let (Some(front), Some(protocol), Some(_)) = (cursor.take(9), cursor.u8(), cursor.u16()) else { return };
    let (Some(source), Some(destination)) = (cursor.u32(), cursor.u32()) else { return };
    visitor.field("quoted_protocol", FieldValue::Unsigned(u64::from(protocol)));
    address(visitor, "quoted_source", source);
    address(visitor, "quoted_destination", destination);
    let &[first, _, _, _, _, _, high, low, _] = front else { return };
    // The header counts words of four octets; only the first fragment has what follows the header.
    let options = usize::from(first & 0x0f).saturating_sub(5) * 4;
    if cursor.skip(options).is_some() && u16::from_be_bytes([high, low]) & 0x1fff == 0 {
        above(visitor, protocol, cursor);
    }
}

/// What the quoted packet carries: ports, and which application they and the octets behind them are of.
fn above(visitor: &mut dyn FieldVisitor, protocol: u8, mut cursor: Cursor<'_>) {
    let transport = match protocol {
        1 => {
            if let (Some(of), Some(code)) = (cursor.u8(), cursor.u8()) {
                visitor.field("quoted_type", FieldValue::Unsigned(of.into()));
                visitor.field("quoted_code", FieldValue::Unsigned(code.into()));
            }
            return;
        }
        6 => Transport::Tcp,
        17 => Transport::Udp,
        _ => return,
    };
    let (Some(client), Some(server)) = (cursor.u16(), cursor.u16()) else { return };
    visitor.field("quoted_source_port", FieldValue::Unsigned(client.into()));
    visitor.field("quoted_destination_port", FieldValue::Unsigned(server.into()));
    let payload = match transport {
        Transport::Tcp => cursor.take(9).and_then(|rest| {
            let words = usize::from(rest.get(8)? >> 4);
            cursor.skip((words * 4).checked_sub(13)?)?;
            Some(cursor.rest())
        }),
        _ => cursor.skip(4).map(|()| cursor.rest()),
    };
    if let Some(name) = payload.and_then(|payload| application(transport, Ports { server, client }, payload))
    {
        visitor.field("quoted_application", FieldValue::Text(name));
    }
}

/// The protocol that takes octets for its own: on any port, or on the well-known one of either side.
fn application(transport: Transport, ports: Ports, payload: &[u8]) -> Option<&'static str> {
    let answers = Ports { server: ports.client, client: ports.server };
    let both = [(Direction::ToServer, ports), (Direction::ToClient, answers)];
    let mut spoken = crate::DISSECTORS.iter().filter(|dissector| dissector.carried_by(transport));
    let found = spoken.find(|dissector| {
        both.iter().any(|(direction, ports)| match dissector.probe(*direction, payload, *ports) {
            Probe::Certain => true,
            // What is quoted is often cut.
            Probe::Possible | Probe::Need(_) => !payload.is_empty() && dissector.well_known(ports.server),
            Probe::No => false,
        })
    });
    found.map(|dissector| dissector.protocol().name())
}

fn address(visitor: &mut dyn FieldVisitor, key: &'static str, word: u32) {
    let mut text = heapless::String::<15>::new();
    // An IPv4 address is at most that long.
    let _ = write!(text, "{}", Ipv4Addr::from_bits(word));
    visitor.field(key, FieldValue::Text(&text));
}
