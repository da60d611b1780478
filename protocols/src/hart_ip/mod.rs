//! HART-IP (HCF_SPEC-085, FieldComm TS10085): HART commands over UDP and TCP.
//!
//! ```text
//!  0         1       2      3        4            6
//! +---------+-------+------+--------+------------+------------+-----------------------------------------+
//! | version | type  | id   | status | sequence   | byte count | delimiter, address, command, count, ... |
//! +---------+-------+------+--------+------------+------------+-----------------------------------------+
//!  HART-IP header                                               HART frame (HCF_SPEC-081), passed through
//! ```
//!
//! Files: [`frame`] reads headers and frames, [`command`] says what commands do and which numbers they carry, [`session`] tells.
//!
//! Bounds: a conversation has no state. Non-goals: device-specific commands; what TLS encrypts (version 2).

mod command;
mod frame;
mod notation;
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

pub use command::area;

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("hart_ip");

/// The registered port, UDP and TCP.
pub const PORT: u16 = 5_094;

/// The longest message that is read: a header, and many HART frames' worth of data in audit logs.
pub const MAX_MESSAGE: usize = 4_096;

/// HART-IP.
#[derive(Clone, Copy, Debug, Default)]
pub struct HartIp;

impl Dissector for HartIp {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match frame::Message::read(bytes) {
            Some(message) if message.is_certain(bytes.len()) => Probe::Certain,
            Some(_) => Probe::Possible,
            None if frame::may_begin(bytes) => Probe::Need(frame::HEADER),
            None => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::Hart { datagrams: transport == Transport::Udp }))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Variables
    }
}
