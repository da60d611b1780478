//! EtherNet/IP and CIP: The CIP Networks Library, Volume 1 (CIP) and Volume 2 (EtherNet/IP adaptation), ODVA; the tag
//! services of Rockwell 1756-PM020 and the PCCC of Rockwell 1770-6.5.16.
//!
//! ```text
//!  0         2        4         8        12               20        24
//! +---------+--------+---------+--------+----------------+---------+---------- ... ---------+
//! | command | length | session | status | sender context | options | handle, timeout, items |
//! +---------+--------+---------+--------+----------------+---------+---------- ... ---------+
//!  encapsulation (Vol. 2, 2-3), little-endian; an item holds a CIP message (Vol. 1, 2-4)
//! ```
//!
//! Files: [`session`] follows a flow; [`encap`] and [`enip`] read the encapsulation, [`packet`] and [`path`] a CIP
//! message, [`attributes`], [`logix`], [`connection`] and [`pccc`] its data; [`body`], [`fields`] and [`classify`] tell
//! others; [`notation`] writes points.
//!
//! Bounds per flow: [`pending::MAX_PENDING`] requests of [`pending::MAX_PENDING_OCTETS`] octets,
//! [`connection::MAX_CONNECTIONS`] connections with paths of [`connection::MAX_CONNECTION_PATH`] octets.

mod attributes;
mod body;
mod classify;
mod connection;
mod encap;
mod enip;
mod fields;
mod logix;
mod notation;
mod packet;
mod path;
mod pccc;
mod pending;
mod session;

#[cfg(test)]
pub(crate) mod harness;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

pub use notation::points_of_tag;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const CIP: Protocol = Protocol("cip");

/// The encapsulation that carries it.
pub const ENIP: Protocol = Protocol("enip");

/// The registered port, TCP and UDP (Vol. 2, 2-2).
pub const PORT: u16 = 44_818;

/// The longest packet: the header, and what its length can tell.
pub const MAX_PACKET: usize = encap::HEADER + 65_535;

/// Anomalies kept per message.
const MAX_ANOMALIES: usize = 8;

/// How deep messages are packed into each other before no more is unpacked.
const MAX_DEPTH: usize = 3;

/// Messages told of one multiple service packet.
const MAX_PARTS: usize = 256;

/// EtherNet/IP and CIP.
#[derive(Clone, Copy, Debug)]
pub struct Cip;

impl Dissector for Cip {
    fn protocol(&self) -> Protocol {
        CIP
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[ENIP]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        probe(bytes)
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::CipFlow::default()))
    }

    fn max_message(&self) -> usize {
        MAX_PACKET
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Objects
    }
}

/// A header whose length fits its command, with no options, is as good as certain where more than zeros speak for it.
fn probe(bytes: &[u8]) -> Probe {
    let Some(header) = encap::Header::read(bytes) else {
        let command = crate::Cursor::new(bytes).u16_le();
        let possible = command.is_none_or(|command| encap::command_name(command).is_some());
        return if possible { Probe::Need(encap::HEADER) } else { Probe::No };
    };
    let known = encap::command_name(header.command).is_some() || header.command < 0x0100;
    if !header.is_plausible() || !known {
        return Probe::No;
    }
    let data = bytes.get(encap::HEADER..).unwrap_or_default();
    match header.command {
        encap::SEND_RR_DATA | encap::SEND_UNIT_DATA if header.length >= 8 && data.len() < 8 => {
            Probe::Need(encap::HEADER + 8)
        }
        encap::SEND_RR_DATA | encap::SEND_UNIT_DATA if matches!(data, [0, 0, 0, 0, _, _, 1..=4, 0, ..]) => {
            Probe::Certain
        }
        encap::REGISTER_SESSION if header.length == 4 => Probe::Certain,
        encap::UNREGISTER_SESSION if header.length == 0 && header.session != 0 => Probe::Certain,
        encap::LIST_IDENTITY | encap::LIST_SERVICES | encap::LIST_INTERFACES
            if bytes.len() == header.total() && header.session == 0 =>
        {
            Probe::Certain
        }
        _ => Probe::Possible,
    }
}
