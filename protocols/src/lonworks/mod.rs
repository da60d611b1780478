//! LonWorks over IP: packets of a component network (ISO/IEC 14908-1, formerly EIA-709.1) in the tunnel of ISO/IEC 14908-4
//! (formerly EIA-852), UDP ports 1628 and 1629.
//!
//! ```text
//!  | length | version 1 | type | extension | flags | vendor | session | sequence | time stamp | extension | packet |
//!     2         1          1        1         1        2        4          4           4         4 each
//!  packet, type 1: | priority, path, backlog | version, PDU, address, domain | addresses | domain | TPDU, SPDU or APDU |
//! ```
//!
//! Clause numbers in this folder are those of ISO/IEC 14908-1:2012 (packets) and ISO/IEC 14908-4:2012 (tunnel).
//!
//! Bounds: nothing is kept per flow.

mod application;
mod notation;
mod packet;
#[cfg(test)]
mod tests;
mod tunnel;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("lonworks");

/// The ports of devices and of configuration servers.
pub const PORTS: [u16; 2] = [1_628, 1_629];

/// The longest datagram taken: what Ethernet carries unfragmented, with room for those who do fragment.
pub const MAX_MESSAGE: usize = 2_048;

/// Areas of points.
pub mod area {
    /// Network variables, by selector (0 to 16,383).
    pub const NETWORK_VARIABLE: u16 = 1;
}

/// LonWorks over UDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct LonWorks;

impl Dissector for LonWorks {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        PORTS.contains(&port)
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match tunnel::Header::read(bytes) {
            Some(header) if header.is_sane(bytes.len()) => {
                if header.is_plain_data(bytes) {
                    Probe::Certain
                } else {
                    Probe::Possible
                }
            }
            _ => Probe::No,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(Conversation))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Selectors
    }
}

/// Nothing needs to be remembered.
#[derive(Clone, Copy, Debug)]
struct Conversation;

impl Framed for Conversation {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        // A datagram may bundle packets, each with its own length.
        match tunnel::Header::read(bytes) {
            Some(header) if header.version == 1 => {
                let length = usize::from(header.length);
                Extent::Whole(if (tunnel::SHORTEST..bytes.len()).contains(&length) {
                    length
                } else {
                    bytes.len()
                })
            }
            _ => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        tunnel::tell(direction, message, sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        tunnel::Header::read(bytes).is_some_and(|header| header.is_sane(bytes.len()))
    }
}
