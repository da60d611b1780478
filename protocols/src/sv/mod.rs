//! Sampled values, the currents and voltages of merging units: IEC 61850-9-2:2011 ("9-2" below), directly on Ethernet.
//!
//! ```text
//!  0       2        4            6           8
//! +-------+--------+------------+-----------+-- ... --+
//! | APPID | length | reserved 1 | reserved 2| APDU    |   (9-2 clause 5.3.3; length counts from APPID on)
//! +-------+--------+------------+-----------+-- ... --+
//! APDU: [APPLICATION 0] of a number of ASDUs: id, data set, sample count, revision, time, synchronisation, samples
//! ```
//!
//! Guarantees: every frame gives one message; the sample counts of at most [`MAX_STREAMS`] streams are followed per flow.
//!
//! Non-goals: the types of samples. 9-2 leaves them to the data set; where an ASDU has the 64 octets of the guideline 9-2LE,
//! eight values of 32 bits with their qualities, they are read so.

mod body;
mod session;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    datagram::DatagramSession,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    goose::Entries,
    link::kind,
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("sv");

/// Streams of one publisher whose sample counts are followed per flow. Further ones are not, which is remarked once as
/// `streams`.
pub const MAX_STREAMS: usize = 8;

/// Sampled values on Ethernet.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampledValues;

impl Dissector for SampledValues {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::SAMPLED_VALUES
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
