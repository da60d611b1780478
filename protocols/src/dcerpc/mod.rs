//! DCE/RPC (The Open Group C706): connection-oriented over TCP, connectionless over UDP, with the interfaces of OPC Classic
//! and of Windows named by their UUIDs.
//!
//! ```text
//!  TCP | 05 | minor | type | flags | data representation (4) | fragment length | auth length | call id | by type ...
//!  UDP | 04 | type | flags | flags | data representation (3) | serial | object | interface | activity | ... | stub
//! ```
//!
//! Files: [`header`] reads both headers, [`interface`] names interfaces and calls, [`session`] follows a flow, [`body`] tells
//! others. PROFINET speaks connectionless DCE/RPC: [`crate::profinet_cm`] reads what is in it.
//!
//! Bounds per flow: [`session::MAX_CONTEXTS`] interfaces, [`session::MAX_PENDING`] calls, one fragmented call of
//! [`session::MAX_CALL`] octets.

mod body;
mod header;
mod interface;
mod session;
mod uuid;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt;

use fieldwarden_model::{PointRange, Transport};

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    message::{Direction, Protocol},
};

pub(crate) use header::Connectionless;
pub(crate) use session::DatagramSession;
pub(crate) use uuid::Uuid;

/// The protocol's name.
pub const DCERPC: Protocol = Protocol("dcerpc");

/// The port of the endpoint mapper, which tells those of all other interfaces.
pub const PORT: u16 = 135;

/// The longest fragment that its 16-bit length can tell.
const MAX_FRAGMENT: usize = 65_535;

/// The dissector of DCE/RPC.
#[derive(Clone, Copy, Debug)]
pub struct Dcerpc;

impl Dissector for Dcerpc {
    fn protocol(&self) -> Protocol {
        DCERPC
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match bytes.first() {
            Some(5) => header::probe_stream(bytes),
            Some(4) if header::Connectionless::read(bytes).is_some_and(|header| header.is_whole()) => {
                Probe::Certain
            }
            _ => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        if transport == Transport::Udp {
            return Box::<DatagramSession>::default();
        }
        Box::<FramedSession<session::StreamSession>>::default()
    }

    fn max_message(&self) -> usize {
        MAX_FRAGMENT
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// DCE/RPC itself has no points; what calls touch stands in their stubs.
struct NoPoints;

impl Notation for NoPoints {
    fn write(&self, _range: &PointRange, _out: &mut dyn fmt::Write) -> fmt::Result {
        Ok(())
    }

    fn read(&self, _text: &str) -> Option<PointRange> {
        None
    }
}
