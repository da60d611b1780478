//! BACnet/SC (ANSI/ASHRAE 135-2020, Annex AB): messages of the virtual link layer in WebSocket (RFC 6455) that nobody encrypts.
//!
//! ```text
//!  0                2              +0,4                      0         1         2            4        +0,6     +0,6
//! +----------------+--------------+-------------------------+----------+---------+------------+--------+--------+---------+---------+
//! | fin, opcode:8  | mask, length | masking key             | function | control | message id | origin | desti- | options | payload |
//! |                | :8 to :72    | from clients            |          |         | :16        | :48    | nation | of both |         |
//! +----------------+--------------+-------------------------+----------+---------+------------+--------+--------+---------+---------+
//!  RFC 6455 clause 5.2                                       AB.2.1
//! ```
//!
//! A node opens a connection to a hub, or to another node, over TLS, which the annex demands: there it is opaque, and told as
//! TLS. Read is what a test bench, or a device behind a proxy that ends TLS, speaks in clear. The connection begins as HTTP, whose
//! dissector hands it over ([`upgraded`]); one that is joined later is recognised by its messages. NPDUs are told by `bacnet`.
//!
//! Bounds per flow: those of a conversation in BACnet, and [`MAX_JOINED`] octets of a message that comes in fragments.
//!
//! Non-goals: extensions of WebSocket (compression), what secure path options prove.

mod message;
mod session;
#[cfg(test)]
mod tests;
mod websocket;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    bacnet::{BACNET, BacnetIp, NETWORK},
    dissector::{Dissector, MAX_SESSION, Notation, Ports, Probe, Session},
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("bacnet_sc");

/// The longest frame: a BVLC message of 16 bits behind the longest header of WebSocket.
pub const MAX_MESSAGE: usize = 65_535 + 14;

/// Octets of a message in several WebSocket frames that are kept until the last; no device has been seen to send such.
pub const MAX_JOINED: usize = 16_384;

/// BACnet/SC in clear.
#[derive(Clone, Copy, Debug, Default)]
pub struct BacnetSc;

impl Dissector for BacnetSc {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[BACNET, NETWORK]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, _: u16) -> bool {
        false
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        session::probe(bytes)
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::<session::Connection>::default()
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    /// Beside what waits: the APDUs that [`crate::bacnet`] joins, and fragments of both directions.
    fn max_memory(&self) -> usize {
        let joined = crate::bacnet::MAX_UNFINISHED * crate::bacnet::MAX_REASSEMBLED + 2 * MAX_JOINED;
        4 * MAX_MESSAGE + joined + MAX_SESSION
    }

    fn notation(&self) -> &'static dyn Notation {
        BacnetIp.notation()
    }
}

/// The session of what follows a handshake in which both sides agreed on a protocol inside of WebSocket (AB.7.1), if it is this one.
pub(crate) fn upgraded(subprotocol: &[u8]) -> Option<Box<dyn Session>> {
    let ours = [&b"hub.bsc.bacnet.org"[..], b"dc.bsc.bacnet.org"].contains(&subprotocol.trim_ascii());
    ours.then(|| Box::<session::Connection>::default() as Box<dyn Session>)
}
