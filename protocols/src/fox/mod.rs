//! Niagara Fox: what Tridium's Niagara stations, supervisors and workbenches speak on TCP port 1911.
//!
//! ```text
//!  fox <frame type> <sequence> <sequence replied to> <channel> <command> LF
//!  { LF
//!  <key>=<type>:<value> LF          any number of them; a blob says how long it is: b:5[.....] and o:bog 74[...]
//!  };; LF
//! ```
//!
//! Texts all through. There is no published standard: this follows the script `fox-info` of Digital Bond, the dissector of
//! M. Tommasini (`foxdissector`), which names frame types and value types, and captures. On port 4911 the same runs inside
//! TLS and is told as such.
//!
//! Bounds per flow: the octets of one message of [`MAX_MESSAGE`] per direction, and how far they were looked through.

mod command;
mod frame;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::cell::Cell;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, PlainNotation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("fox");

/// The port of stations; 3011 is that of platform daemons.
pub const PORTS: [u16; 2] = [1_911, 3_011];

/// The longest message taken.
pub const MAX_MESSAGE: usize = 65_536;

/// Fox over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fox;

impl Dissector for Fox {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        PORTS.contains(&port)
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match frame::head(bytes) {
            frame::Head::Whole { .. } => Probe::Certain,
            frame::Head::Need => Probe::Need(bytes.len() + 1),
            frame::Head::No => Probe::No,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::<FramedSession<Conversation>>::default()
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &PlainNotation
    }
}

/// One flow. An end is found by looking for it, so what was looked through is remembered, lest a message that comes octet by
/// octet is looked through from its front each time.
#[derive(Debug, Default)]
struct Conversation {
    looked_through: [Cell<usize>; 2],
}

impl Conversation {
    const fn place(&self, direction: Direction) -> &Cell<usize> {
        let [to_server, to_client] = &self.looked_through;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

impl Framed for Conversation {
    fn extent(&self, direction: Direction, bytes: &[u8]) -> Extent {
        let place = self.place(direction);
        let (extent, looked_through) = frame::extent(bytes, place.get());
        let waits = matches!(extent, Extent::Need(octets) if octets <= MAX_MESSAGE);
        place.set(if waits { looked_through } else { 0 });
        extent
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        frame::tell(direction, message, sink);
    }

    fn gap(&mut self, direction: Direction) {
        self.place(direction).set(0);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(frame::head(bytes), frame::Head::Whole { .. })
    }
}
