//! GE-SRTP: the Service Request Transport Protocol of GE Fanuc Series 90 and PACSystems controllers, TCP 18245.
//!
//! ```text
//!  0      2       4       6        26     30         31        32       36            40     41    42
//! +------+-------+-------+-- ... -+------+----------+---------+--------+-------------+------+-----+----------------+
//! | type | index | text  |        | time | sequence | message | source | destination | part | of  | request / answer |
//! +------+-------+-------+-- ... -+------+----------+---------+--------+-------------+------+-----+----------------+
//!  56 octets, then as many as `text` says; numbers are little-endian
//! ```
//!
//! There is no published standard. The layout follows Denton, Karpisek, Breitinger and Baggili, "Leveraging the SRTP
//! protocol for over-the-network memory acquisition of a GE Fanuc Series 90-30" (DFRWS 2017, "D" below), checked octet by
//! octet against a capture; `docs/protocols/ge_srtp.md` says which fields are known.
//!
//! Bounds per flow: [`MAX_PENDING`] requests.

mod notation;
mod packet;
mod service;
mod session;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const GE_SRTP: Protocol = Protocol("ge_srtp");

/// The registered port.
pub const PORT: u16 = 18_245;

/// The longest packet: the header and what its length can tell.
pub const MAX_PACKET: usize = packet::HEADER + 65_535;

/// Requests kept per flow. At the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 32;

/// GE-SRTP.
#[derive(Clone, Copy, Debug)]
pub struct GeSrtp;

impl Dissector for GeSrtp {
    fn protocol(&self) -> Protocol {
        GE_SRTP
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        if bytes.len() < packet::HEADER {
            let may = matches!(bytes, [0 | 1 | 2 | 3 | 8] | [0 | 1 | 2 | 3 | 8, 0, ..]);
            return if may { Probe::Need(packet::HEADER) } else { Probe::No };
        }
        match packet::Packet::read(bytes) {
            Some(packet) if packet.is_certain() => Probe::Certain,
            Some(packet) if packet.is_plausible() => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::SrtpFlow::default()))
    }

    fn max_message(&self) -> usize {
        MAX_PACKET
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::References
    }
}
