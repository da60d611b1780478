//! OPC UA over TCP in the binary encoding (IEC 62541 / OPC 10000; "Part" below): UA Connection Protocol and UA Secure
//! Conversation.
//!
//! ```text
//!  0        3       4        8          12        16         20          24
//! +--------+-------+--------+----------+---------+----------+-----------+----------------------+
//! | MSG    | F C A | size   | channel  | token   | sequence | request   | type of service, ... |
//! +--------+-------+--------+----------+---------+----------+-----------+----------------------+
//!  Part 6, 7.1.2.2            Part 6, 6.7.2.3    Part 6, 6.7.2.4         Part 6, 5.2 and Part 4
//! ```
//!
//! Files: [`frame`] reads headers, [`chunks`] joins, [`binary`] reads built-in types, [`content`] walks services by
//! [`service`], [`session`] follows a connection; [`classify`] and [`fields`] tell others.
//!
//! Bounds per connection: chunks of [`MAX_CHUNK`] octets, [`MAX_UNFINISHED`] messages of [`MAX_MESSAGE`] octets in each direction,
//! [`MAX_PENDING`] questions of [`MAX_POINTS`] points, [`MAX_ITEMS`] monitored items.
//!
//! Non-goals: decryption; the XML and JSON encodings; PubSub.

mod binary;
mod chunks;
mod classify;
mod content;
mod fields;
mod frame;
mod notation;
mod pending;
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

pub use chunks::{MAX_MESSAGE, MAX_UNFINISHED};
pub use frame::MAX_CHUNK;
pub use pending::{MAX_ITEMS, MAX_PENDING, MAX_POINTS};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("opcua");

/// The registered port (Part 6, 7.4.1).
pub const PORT: u16 = 4_840;

/// OPC UA over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpcUa;

impl Dissector for OpcUa {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match frame::Front::read(bytes) {
            Some(_) => Probe::Certain,
            None if bytes.len() < frame::HEADER && frame::may_begin(bytes) => Probe::Need(frame::HEADER),
            None => Probe::No,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::<FramedSession<session::OpcUa>>::default()
    }

    fn max_message(&self) -> usize {
        MAX_CHUNK
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Nodes
    }
}
