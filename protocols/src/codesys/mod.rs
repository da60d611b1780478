//! CODESYS: what the development system of that name speaks with the run-time systems of a few hundred makers of controllers.
//!
//! ```text
//!  V3, TCP 11740-11743 and 1217:  | e8 17 01 00 | length LE, with these 8 | datagram |
//!  V3, UDP 1740-1743:             | datagram |
//!  datagram: | c5 | hops, header | parameters | service | message | lengths of the addresses | addresses | channel message |
//!  channel:  | command | flags | channel LE | block LE | acknowledged LE | remaining LE | CRC-32 LE | service message |
//!  service:  | 55 cd | header LE | group LE | service LE | session LE | content LE | ... | tags |
//!
//!  V2, TCP 1200 and 2455:         | bb bb | length | service | ... |   and   | cc cc | 01 00 | length LE | 16 octets | service | ... |
//! ```
//!
//! There is no published standard. V3 follows Kaspersky ICS CERT ("CODESYS Runtime, a PLC control framework", parts 1 and 2),
//! the dissector `codesys3.lua`, and the structures of Microsoft's `ics-forensics-tools`, which agree. V2 follows Digital
//! Bond's Basecamp scripts (`codesys-transfer`, `codesys-shell`) and Redpoint's `codesys-v2-discover`.
//!
//! Bounds: nothing is kept per flow but the octets of one message of [`MAX_MESSAGE`]. Blocks that continue a service message are
//! told as such; what they continue stands in the first block of their channel.

mod second;
mod service;
#[cfg(test)]
mod tests;
mod third;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, PlainNotation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("codesys");

/// The longest message taken; a datagram of V3 has at most 512 octets in those that were published.
pub const MAX_MESSAGE: usize = 16_384;

/// CODESYS over TCP, and V3 over UDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codesys;

impl Dissector for Codesys {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        matches!(port, 1_200 | 1_217 | 2_455 | 1_740..=1_743 | 11_740..=11_743)
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match bytes {
            [third::DATAGRAM, ..] => third::probe_datagram(bytes),
            [0xe8, ..] => third::probe_stream(bytes),
            _ => second::probe(bytes),
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(Conversation { transport }))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &PlainNotation
    }
}

/// One flow.
#[derive(Clone, Copy, Debug)]
struct Conversation {
    transport: Transport,
}

impl Framed for Conversation {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match (self.transport, bytes) {
            (Transport::Udp, [third::DATAGRAM, ..]) => Extent::Whole(bytes.len()),
            (Transport::Udp, _) => Extent::No,
            (_, [0xe8, ..]) => third::extent(bytes),
            _ => second::extent(bytes),
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        match (self.transport, message) {
            (Transport::Udp, _) => third::tell(direction, message, sink),
            (_, [0xe8, ..]) => {
                third::tell(direction, message.get(third::BLOCK_DRIVER..).unwrap_or_default(), sink)
            }
            _ => second::tell(direction, message, sink),
        }
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match bytes {
            [0xe8, ..] => third::probe_stream(bytes) == Probe::Certain,
            _ => second::begins(bytes),
        }
    }
}
