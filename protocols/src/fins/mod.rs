//! Omron FINS over UDP and TCP (Omron W342, "Communications Commands Reference Manual", and W421, "Ethernet Units
//! Construction of Applications", for FINS/TCP).
//!
//! ```text
//!  FINS/TCP  | 'FINS' | length | command | error | then, with command 2, a frame
//!  frame     | ICF | RSV | GCT | DNA | DA1 | DA2 | SNA | SA1 | SA2 | SID | command code | text ...
//!  response                                                             | command code | response code | text ...
//! ```
//!
//! All numbers are big-endian. Bounds per flow: [`MAX_PENDING`] requests.

mod area;
mod body;
mod command;
mod frame;
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
pub const FINS: Protocol = Protocol("fins");

/// What frames it over TCP.
pub const FINS_TCP: Protocol = Protocol("fins_tcp");

/// The usual port, UDP and TCP (W421, 3-2).
pub const PORT: u16 = 9_600;

/// The longest packet: the header of FINS/TCP, that of FINS and 2012 octets of text, with room for larger ones.
pub const MAX_PACKET: usize = 4_096;

/// Requests kept per flow. At the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 32;

/// Omron FINS.
#[derive(Clone, Copy, Debug)]
pub struct Fins;

impl Dissector for Fins {
    fn protocol(&self) -> Protocol {
        FINS
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[FINS_TCP]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match frame::Envelope::read(bytes) {
            frame::Found::Whole(_) => return Probe::Certain,
            frame::Found::Need(octets) => return Probe::Need(octets),
            frame::Found::No => {}
        }
        match frame::Frame::read(bytes) {
            Some(frame) if frame.is_certain() => Probe::Certain,
            Some(frame) if frame.is_plausible() => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::FinsFlow::new(transport)))
    }

    fn max_message(&self) -> usize {
        MAX_PACKET
    }

    fn notation(&self) -> &'static dyn Notation {
        &area::Addresses
    }
}
