//! Foundation Fieldbus HSE (FF-588 field device access agent, FF-593 system management): over UDP and TCP.
//!
//! ```text
//!  0         1         2                3         4             8
//! +---------+---------+----------------+---------+-------------+----------+-------- ... --------+---------+
//! | version | options | protocol, type | service | FDA address | length   | parameters          | trailer |
//! +---------+---------+----------------+---------+-------------+----------+---------------------+---------+
//! ```
//!
//! The trailer holds what the options announce: message number, invocation, time stamp, extended control.
//!
//! Read at message level: who asks which service; objects of read and write by their index.
//!
//! Bounds: a conversation has no state. Non-goals: the content of object dictionaries.

mod frame;
mod notation;
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
pub const PROTOCOL: Protocol = Protocol("ff_hse");

/// The registered ports: annunciation, field message, system management, redundancy of the LAN.
pub const PORTS: [u16; 4] = [1_089, 1_090, 1_091, 3_622];

/// The longest message that is read.
pub const MAX_MESSAGE: usize = 65_535;

/// Foundation Fieldbus HSE.
#[derive(Clone, Copy, Debug, Default)]
pub struct FfHse;

impl Dissector for FfHse {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        PORTS.contains(&port)
    }

    fn probe(&self, _: Direction, bytes: &[u8], ports: Ports) -> Probe {
        match frame::Message::read(bytes) {
            // The client's port serves too: devices send from their own well-known port.
            Some(message) if message.is_sound(bytes.len()) && self.well_known(ports.client) => Probe::Certain,
            Some(message) if message.is_sound(bytes.len()) => Probe::Possible,
            Some(_) => Probe::No,
            None if frame::may_begin(bytes) => Probe::Need(frame::HEADER),
            None => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::Hse { datagrams: transport == Transport::Udp }))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Indexes
    }
}
