//! DNP3 (IEEE 1815-2012): what masters and outstations of power, water and gas networks speak, over TCP, over UDP and through
//! terminal servers that pass a serial line on.
//!
//! ```text
//!  link (clause 9)       | 05 64 | length | control | destination | source | CRC | 1..16 octets | CRC | ...
//!  transport (clause 8)  | FIN FIR sequence | a piece of a fragment
//!  application (4)       | FIR FIN CON UNS sequence | function | internal indications of answers | object headers
//! ```
//!
//! A line of `decode` stands for each link frame, and one for each application fragment. Files: [`link`] frames and their CRCs,
//! [`transport`] reassembly, [`fragment`] the application header, [`object`] object headers and their ranges, [`library`] how
//! long objects are and where their values stand, [`file`] objects of group 70, [`classify`] functions, [`body`],
//! [`fields`] and [`operations`] what is told, [`notation`] how points are written.
//!
//! Bounds per flow: [`transport::MAX_ASSEMBLIES`] unfinished fragments of [`transport::MAX_FRAGMENT`] octets, and
//! [`pending::MAX_PENDING`] requests.

mod authentication;
mod body;
mod classify;
mod fields;
mod file;
mod fragment;
mod library;
mod link;
mod notation;
mod object;
mod operations;
mod pending;
mod session;
mod transport;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const DNP3: Protocol = Protocol("dnp3");

/// The registered port of TCP and UDP (IEEE 1815 clause 13.2.2).
pub const PORT: u16 = 20_000;

/// The dissector of DNP3.
#[derive(Clone, Copy, Debug)]
pub struct Dnp3;

impl Dissector for Dnp3 {
    fn protocol(&self) -> Protocol {
        DNP3
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match *bytes {
            [] | [link::START_0] => Probe::Need(link::HEADER),
            [link::START_0, link::START_1, ..] if bytes.len() < link::HEADER => Probe::Need(link::HEADER),
            [link::START_0, link::START_1, length, ..] if length >= link::SHORTEST => {
                if link::begins(bytes) {
                    Probe::Certain
                } else {
                    Probe::Possible
                }
            }
            _ => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<session::Dnp3Session>::default()
    }

    fn max_message(&self) -> usize {
        link::LONGEST
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::GroupAndIndex
    }
}
