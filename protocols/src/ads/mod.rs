//! Beckhoff ADS over AMS (Beckhoff Information System, TE1000 "ADS/AMS specification"): TCP, and the discovery over UDP.
//!
//! ```text
//!  0        2          6               12       14              20       22       24       26
//! +--------+----------+---------------+--------+---------------+--------+--------+--------+-----
//! | 0      | length   | target NetId  | port   | source NetId  | port   | command| flags  | ...
//! +--------+----------+---------------+--------+---------------+--------+--------+--------+-----
//!  AMS/TCP header      AMS header, little-endian: then length, error, invocation, data
//! ```
//!
//! Files: [`frame`] reads headers, [`command`] says what commands and index groups do, [`discovery`] reads the datagrams,
//! [`session`] follows a connection and tells.
//!
//! Bounds per connection: [`MAX_PENDING`] questions, [`MAX_NOTIFICATIONS`] notifications.
//!
//! Non-goals: the content of symbol tables; ADS over Secure ADS (TLS).

mod command;
mod discovery;
mod frame;
mod notation;
mod pending;
mod session;
#[cfg(test)]
mod tests;
mod told;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    message::{Direction, Protocol},
};

pub use frame::MAX_MESSAGE;
pub use pending::{MAX_NOTIFICATIONS, MAX_PENDING};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("ads");
/// Datagrams by which controllers are found and routes added.
pub const DISCOVERY: Protocol = Protocol("ads_discovery");

/// The registered port of AMS over TCP.
pub const PORT: u16 = 48_898;
/// The port of discovery over UDP.
pub const DISCOVERY_PORT: u16 = 48_899;

/// ADS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ads;

impl Dissector for Ads {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[DISCOVERY]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        matches!(port, PORT | DISCOVERY_PORT)
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        if discovery::begins(bytes) {
            return Probe::Certain;
        }
        match frame::Ams::read(bytes) {
            Ok(ams) if ams.is_sound() => Probe::Certain,
            Ok(_) | Err(frame::Stop::No) => Probe::No,
            Err(frame::Stop::Need(octets)) => Probe::Need(octets),
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        let datagrams = transport == Transport::Udp;
        Box::new(FramedSession(session::Connection { datagrams, ..session::Connection::default() }))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Groups
    }
}
