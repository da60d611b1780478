//! HTTP/1.0 and 1.1, RFC 9110 and 9112, over TCP; over UDP what SSDP makes of it (UPnP Device Architecture 2.0 clause 1).
//!
//! Guarantees: a message is told once its body, if short, is there, as one that is whole, though only its head is kept; a body of
//! more than [`MAX_HELD`] octets, or of unknown length, is passed over after its head was told. A session remembers the methods
//! of at most [`MAX_PENDING`] requests.
//!
//! Non-goals: HTTP/2 and later, the content of bodies, what a connection carries after an upgrade, but for BACnet/SC.

mod head;
mod session;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::Probe,
    message::Protocol,
    plain::{Datagrams, Line, Plain, line},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("http");

/// The longest head in octets, and the longest body that is waited for.
pub const MAX_HELD: usize = 32_768;

/// Requests whose method is remembered until they are answered; the oldest goes first.
pub const MAX_PENDING: usize = 32;

/// The longest first line in octets.
const MAX_LINE: usize = 8_192;

/// HTTP.
pub static HTTP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[80, 8_080, 1_900],
    // What BACnet joins behind an upgrade is stated with it.
    max_message: 4 * MAX_HELD,
    probe: |_, bytes, _| probe(bytes),
    session: |transport| match transport {
        Transport::Tcp => Box::new(session::HttpSession::default()),
        _ => Box::new(Datagrams(session::datagram)),
    },
};

fn probe(bytes: &[u8]) -> Probe {
    match line(bytes, MAX_LINE) {
        Line::Whole(text, _) if head::first(text).is_some() => Probe::Certain,
        Line::Open if head::begins(bytes) => Probe::Need(bytes.len() + 1),
        _ => Probe::No,
    }
}
