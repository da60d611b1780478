//! SMB 1, \[MS-CIFS\] and \[MS-SMB\], and the framing that it shares with its successor: NetBIOS sessions (RFC 1002 clause 4.3), their like
//! on port 445, NetBIOS datagrams (RFC 1002 clause 4.4), and NetBIOS over LLC and IPX.
//!
//! Guarantees: a message is told by its first [`MAX_FRONT`] octets, file content beyond is passed over.
//!
//! Non-goals: the content of transactions and files, names that transactions carry; below IP, what comes in several frames.

mod below;
mod message;
mod netbios;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Ports, Probe},
    link::kind,
    message::{Direction, Protocol},
    plain::{Datagrams, Plain},
};

pub(crate) use netbios::{Kind, probe, session, user, version};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("smb1");

/// NetBIOS sessions, NetBIOS datagrams, SMB without NetBIOS; and what carries NetBIOS below IP.
const PORTS: &[u16] = &[139, 138, 445, kind::NETBIOS, kind::IPX];

/// Octets of a message that are waited for: a file's piece of 64 KiB with its headers.
pub const MAX_FRONT: usize = 66_000;

/// SMB 1.
pub static SMB1: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp, Transport::Udp, Transport::Link],
    ports: PORTS,
    max_message: MAX_FRONT,
    probe: recognise,
    session: |transport| match transport {
        Transport::Tcp => session(),
        Transport::Link => Box::new(Datagrams(below::frame)),
        Transport::Udp => Box::new(Datagrams(netbios::datagram)),
    },
};

fn recognise(_: Direction, bytes: &[u8], ports: Ports) -> Probe {
    if below::is_kind(ports.server) && ports.server == ports.client {
        return if below::content(bytes).is_some() { Probe::Certain } else { Probe::No };
    }
    if netbios::datagram_content(bytes).is_some_and(|content| version(content) == Some(Kind::First)) {
        return Probe::Certain;
    }
    probe(bytes, ports, |found| found == Kind::First)
}
