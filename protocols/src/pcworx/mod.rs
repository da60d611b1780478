//! PC Worx: what Phoenix Contact's PC Worx and its Inline controllers speak on TCP port 1962.
//!
//! ```text
//!  0      1      2             4             6             8
//! +------+------+-------------+-------------+-------------+-- ... --+
//! | dir. | func.| length      | invocation  | 0, answer 1 | body    |
//! +------+------+-------------+-------------+-------------+-- ... --+
//!  dir.: 01 question, 81 answer; length: of the whole message; big-endian throughout
//! ```
//!
//! There is no published standard. This follows the identification script of Digital Bond (Redpoint, `pcworx-info`), the
//! published study of T. Deneut ("Phoenix Contact PLC remote start/stop", CVE-2014-9195), and captures read octet by octet;
//! `docs/protocols/pcworx.md` says which field comes from where.
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

use self::message::{Header, SHORTEST, function};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("pcworx");

/// The port controllers listen on.
pub const PORT: u16 = 1962;

/// The longest message taken. Those of the captures have at most some hundred octets.
pub const MAX_MESSAGE: usize = 8_192;

/// The name of the node that every open names.
const NODE: &[u8] = b"IBETH01N0_M";

/// PC Worx over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct PcWorx;

impl Dissector for PcWorx {
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
        match extent(direction, bytes) {
            Extent::No => Probe::No,
            Extent::Need(octets) => Probe::Need(octets),
            Extent::Whole(length) if bytes.len() < length => Probe::Need(length),
            Extent::Whole(length) => {
                let names_the_node = bytes.get(14..).is_some_and(|rest| rest.starts_with(NODE));
                if length == bytes.len() && names_the_node { Probe::Certain } else { Probe::Possible }
            }
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

/// How long the message at the front is.
fn extent(direction: Direction, bytes: &[u8]) -> Extent {
    let side = match direction {
        Direction::ToServer => 0x01,
        Direction::ToClient => 0x81,
    };
    if bytes.first().is_some_and(|octet| *octet != side)
        || bytes.get(1).is_some_and(|code| !(1..=0x7f).contains(code))
    {
        return Extent::No;
    }
    let Some(header) = Header::read(bytes) else { return Extent::Need(SHORTEST) };
    let length = usize::from(header.length);
    let marked = u16::from(direction == Direction::ToClient);
    if (SHORTEST..=MAX_MESSAGE).contains(&length) && header.marker == marked {
        Extent::Whole(length)
    } else {
        Extent::No
    }
}

/// Nothing needs to be remembered: an answer repeats the function and the service of its question.
#[derive(Clone, Copy, Debug)]
struct Conversation;

impl Framed for Conversation {
    fn extent(&self, direction: Direction, bytes: &[u8]) -> Extent {
        extent(direction, bytes)
    }

    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        message::tell(direction, octets, sink);
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        let known = bytes.get(1).is_some_and(|code| function::name(*code).is_some());
        known && matches!(extent(direction, bytes), Extent::Whole(length) if length <= 1_024)
    }
}
