//! GOOSE, the events of substations: IEC 61850-8-1:2011 annexes A and C ("8-1" below), directly on Ethernet.
//!
//! ```text
//!  0       2        4            6           8
//! +-------+--------+------------+-----------+-- ... --+
//! | APPID | length | reserved 1 | reserved 2| APDU    |   (8-1 C.2; length counts from APPID on)
//! +-------+--------+------------+-----------+-- ... --+
//! APDU: [APPLICATION 1] of control block, lifetime, data set, id, time, state and sequence number, revision, values
//! ```
//!
//! Guarantees: every frame gives one message; state and sequence numbers of at most [`MAX_CONTROL_BLOCKS`] control blocks are
//! followed per flow, in a table of fixed size.
//!
//! Non-goals: GSE management (the questions for names that nobody asks), routable GOOSE, signatures of IEC 62351-6.

mod body;
mod data;
mod notation;
mod session;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    datagram::DatagramSession,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Direction, Protocol},
};

pub(crate) use notation::Entries;

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("goose");

/// Control blocks of one publisher whose numbers are followed per flow. Further ones are not, which is remarked once as
/// `control-blocks`. A publisher has one flow per destination, which 8-1 wants to be one per control block.
pub const MAX_CONTROL_BLOCKS: usize = 16;

/// GOOSE on Ethernet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Goose;

impl Dissector for Goose {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::GOOSE
    }

    fn probe(&self, direction: Direction, bytes: &[u8], _: Ports) -> Probe {
        match (direction, bytes) {
            // Nobody answers.
            (Direction::ToClient, _) | (_, []) => Probe::No,
            _ => Probe::Possible,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(session::Publisher::default()))
    }

    fn max_message(&self) -> usize {
        1_500
    }

    fn notation(&self) -> &'static dyn Notation {
        &Entries
    }
}
