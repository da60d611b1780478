//! SINEC H1, the fetch and write of SIMATIC S5 and of its successors' communication processors: SIEMENS manual "SINEC AP, CP 1430 TF"
//! and "S7 NCM Industrial Ethernet, FETCH/WRITE" ("FW" below); over TCP on any port, and in ISO 8073 class 4 on LLC.
//!
//! ```text
//!  0          2        3                       6                                            14
//! +----------+--------+-----------------------+--------------------------------------------+-----------+-- ... --+
//! | 'S' '5'  | 16     | 1, 3, operation code  | 3, 8, area, block, address:16, length:16   | 0xff, 2   | data    |  asks
//! | 'S' '5'  | 16     | 1, 3, operation code  | 15, 3, error, 0xff, 7, five octets of 0                  | data    |  answers
//! +----------+--------+-----------------------+--------------------------------------------+-----------+-- ... --+
//! ```
//!
//! Guarantees: the same octets give the same messages however they are segmented, as long as the question of an answer was seen, for
//! an answer does not say how much it brings; at most [`MAX_PENDING_REQUESTS`] questions are remembered.
//!
//! Non-goals: H1 within RFC 1006, connection set-up of ISO 8073.

mod body;
mod notation;
mod session;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    datagram::DatagramSession,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    link::kind,
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("sinec_h1");

/// The longest message: a header and 64 Ki octets, of which a job may ask (FW: a length of 16 bits, in words of areas of words, is
/// bounded by what a controller's block holds).
pub const MAX_MESSAGE: usize = 65_552;

/// Questions remembered until they are answered. At the cap the oldest is forgotten and `pending-requests` is remarked.
pub const MAX_PENDING_REQUESTS: usize = 8;

/// SINEC H1 over TCP and on LLC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinecH1;

impl Dissector for SinecH1 {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Link)
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::ISO
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let bytes = if ports.server == kind::ISO && ports.client == kind::ISO {
            match session::on_llc(bytes) {
                Some(inside) => inside,
                None => return Probe::No,
            }
        } else {
            bytes
        };
        session::probe(direction, bytes)
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        match transport {
            Transport::Link => Box::new(DatagramSession(session::OnLlc::default())),
            Transport::Tcp | Transport::Udp => Box::new(FramedSession(session::Jobs::default())),
        }
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Areas
    }
}
