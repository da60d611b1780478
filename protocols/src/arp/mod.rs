//! ARP and RARP: who has which address (RFC 826, RFC 903; operations of the IANA registry "ARP parameters").
//!
//! ```text
//! | hardware:16 | protocol:16 | width:8 | width:8 | operation:16 | sender: hardware, protocol | target: hardware, protocol |
//! ```
//!
//! Guarantees: every frame gives one message; nothing is kept. Protocol addresses are told where they are of
//! IPv4, hardware addresses where they have six octets. Messages are upkeep: nobody makes conversations of them.

#[cfg(test)]
mod tests;

use core::{fmt::Write as _, net::Ipv4Addr};

use alloc::boxed::Box;

use fieldwarden_model::{Mac, Operation, Transport};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::{Anomalies, Datagram, DatagramSession, NoPoints, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("arp");

/// The EtherType of reverse ARP.
const REVERSE: u16 = 0x8035;

/// ARP and RARP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arp;

impl Dissector for Arp {
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
        port == kind::ARP || port == REVERSE
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, bytes, ports);
        Probe::Possible
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Asker))
    }

    fn max_message(&self) -> usize {
        128
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Asker;

impl Datagram for Asker {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut anomalies = Anomalies::new();
        let Some(packet) = Packet::read(octets, &mut anomalies) else { return false };
        let kind = match packet.operation {
            _ if !anomalies.is_empty() => Kind::Anomaly,
            1 | 3 | 8 => Kind::Request,
            2 | 4 | 9 => Kind::Response,
            _ => Kind::Report,
        };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &packet });
        true
    }
}

/// A packet as it is told.
#[derive(Clone, Copy, Debug)]
struct Packet {
    hardware: u16,
    protocol: u16,
    operation: u16,
    /// Sender and target, where they are of IPv4.
    ends: Option<[(Option<Mac>, Ipv4Addr); 2]>,
}

impl Packet {
    fn read(octets: &[u8], anomalies: &mut Anomalies) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (hardware, protocol, widths, operation) =
            (cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let mut packet = Self { hardware, protocol, operation, ends: None };
        let [hardware_width, protocol_width] = widths.to_be_bytes();
        let needed = 2 * (usize::from(hardware_width) + usize::from(protocol_width));
        let there = cursor.rest().len();
        if there < needed {
            note(anomalies, Anomaly::malformed("addresses-cut-short", 8, there as u64, needed as u64));
        } else if (protocol, protocol_width) == (0x0800, 4) {
            let mut end = || end(&mut cursor, hardware_width.into());
            packet.ends = end().and_then(|sender| Some([sender, end()?]));
        }
        Some(packet)
    }
}

fn end(cursor: &mut Cursor<'_>, width: usize) -> Option<(Option<Mac>, Ipv4Addr)> {
    let hardware = <[u8; 6]>::try_from(cursor.take(width)?).ok().map(Mac);
    Some((hardware, Ipv4Addr::from_bits(cursor.u32()?)))
}

impl Body for Packet {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("hardware_type", FieldValue::Unsigned(u64::from(self.hardware)));
        visitor.field("protocol_type", FieldValue::Unsigned(u64::from(self.protocol)));
        visitor.field("opcode", FieldValue::Unsigned(u64::from(self.operation)));
        let keys = [("sender_mac", "sender_ip"), ("target_mac", "target_ip")];
        for ((mac_key, ip_key), (mac, ip)) in keys.into_iter().zip(self.ends.into_iter().flatten()) {
            let mut text = heapless::String::<17>::new();
            // Neither address is longer than a hardware address is written.
            if let Some(mac) = mac {
                let _ = write!(text, "{mac}");
                visitor.field(mac_key, FieldValue::Text(&text));
                text.clear();
            }
            let _ = write!(text, "{ip}");
            visitor.field(ip_key, FieldValue::Text(&text));
        }
    }

    fn operations(&self, _: &mut dyn FnMut(&Operation<'_>)) {}
}
