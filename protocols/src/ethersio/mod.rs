//! Ether-S-I/O: how controllers of Saia Burgess (PCD) exchange the data of their remote inputs and outputs over UDP.
//!
//! ```text
//!  0           4        6         8        10           12
//! +-----------+--------+---------+--------+-------------+------------------------------------------------------------+
//! | "ESIO"    | type   | version | length | transaction | transfer: telegram, station, count, flags, then per block  |
//! +-----------+--------+---------+--------+-------------+ its number, destination, length, data; status: type, length,|
//!                                                        | station, status, lost telegrams, diagnostics, flags        |
//!                                                        +------------------------------------------------------------+
//! ```
//!
//! All numbers are big-endian. Nothing is published; the layout was read off a public capture, and names follow what Wireshark
//! shows. Nothing is remembered: each datagram stands by itself.
//!
//! Non-goals: which module of a station an octet belongs to, which only the configuration of both ends knows.

mod message;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt;

use fieldwarden_model::{PointRange, Space, Transport};

use crate::{
    datagram::{DatagramSession, read_span, write_span},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("ethersio");

/// The usual port.
pub const PORT: u16 = 6_060;

/// The longest datagram.
pub const MAX_MESSAGE: usize = 65_535;

/// Ether-S-I/O.
#[derive(Clone, Copy, Debug, Default)]
pub struct EtherSio;

impl Dissector for EtherSio {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match message::Header::read(bytes) {
            Some(header) if header.is_plausible(bytes.len()) => Probe::Certain,
            Some(_) => Probe::Possible,
            None => Probe::No,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(message::Stations))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &Blocks
    }
}

/// Octets of a block of data: `block 92 octet 0-16`, by the number of the block.
#[derive(Clone, Copy, Debug)]
struct Blocks;

impl Notation for Blocks {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "block {} octet ", range.space.block)?;
        write_span(range, out)
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (block, span) = text.strip_prefix("block ")?.split_once(" octet ")?;
        let (first, last) = read_span(span)?;
        Some(PointRange { space: Space { area: 0, block: block.parse().ok()? }, first, last })
    }
}
