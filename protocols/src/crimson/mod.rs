//! Red Lion Crimson v3: what the Crimson software and Red Lion's operator panels speak on TCP port 789.
//!
//! ```text
//!  0             2             4             6
//! +-------------+-------------+-------------+-- ... --+
//! | length      | register    | type        | data    |
//! +-------------+-------------+-------------+-- ... --+
//!               |<------------ length ------------- ->|      big-endian
//! ```
//!
//! There is no published standard: this follows the dissector of T. Manning (`cr3-wireshark`) and the script
//! `cr3-fingerprint`, which agree on the frame and on the two registers that identify a panel.
//!
//! Bounds: nothing is kept per flow but the octets of one message of [`MAX_MESSAGE`].

mod message;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, PlainNotation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("crimson");

/// The port panels listen on.
pub const PORT: u16 = 789;

/// The longest message its length can tell.
pub const MAX_MESSAGE: usize = 65_537;

/// Octets before register and type.
const PREFIX: usize = 2;
/// What the length tells at least: the register and the type.
const SHORTEST: usize = 4;
/// A length that a search believes.
const LIKELY: usize = 2_048;

/// Crimson v3 over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crimson;

impl Dissector for Crimson {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, direction: Direction, bytes: &[u8], _: Ports) -> Probe {
        match *bytes {
            // The two questions that identify a panel, whole.
            [0, 4, 1, 0x2a, 0x1a, 0] | [0, 4, 1, 0x2b, 0x1b, 0] => Probe::Certain,
            [high, low, _, _, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let more = || Conversation.begins(direction, bytes);
                if (SHORTEST..=LIKELY).contains(&length) && (length + PREFIX >= bytes.len() || more()) {
                    Probe::Possible
                } else {
                    Probe::No
                }
            }
            _ => Probe::Need(PREFIX + SHORTEST),
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(Conversation))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &PlainNotation
    }
}

/// Nothing needs to be remembered: an answer repeats the register of its question.
#[derive(Clone, Copy, Debug)]
struct Conversation;

impl Framed for Conversation {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        let Some((&[high, low], _)) = bytes.split_first_chunk() else { return Extent::Need(PREFIX) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < SHORTEST { Extent::No } else { Extent::Whole(length + PREFIX) }
    }

    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        message::tell(direction, octets, sink);
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        // Two messages in a row, or one that ends with the octets: one length alone is soon found in anything.
        match self.extent(direction, bytes) {
            Extent::Whole(length) if length <= LIKELY => match bytes.get(length..) {
                Some([]) => true,
                Some(next) => matches!(self.extent(direction, next), Extent::Whole(next) if next <= LIKELY),
                None => false,
            },
            _ => false,
        }
    }
}
