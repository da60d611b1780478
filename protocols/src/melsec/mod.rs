//! Mitsubishi MELSEC communication protocol, also called SLMP: 3E and 4E frames, binary and ASCII, over TCP and UDP
//! (Mitsubishi SH-080008, "MELSEC Communication Protocol Reference Manual", "MC" below; CC-Link Partner Association
//! BAP-C2006, "SLMP"). The cyclic frames of CC-Link IE Field Basic are 3E frames, too (BAP-C2011).
//!
//! ```text
//!  3E  | 50 00 |                  | network | station | module I/O | multidrop | length | timer    | command | sub | data
//!  4E  | 54 00 | serial | 00 00   | network | station | module I/O | multidrop | length | timer    | command | sub | data
//!  response, D0 00 or D4 00       | network | station | module I/O | multidrop | length | end code | data
//! ```
//!
//! Numbers are little-endian; in ASCII each octet is two hexadecimal digits, most significant first. What GX Works speaks on
//! the same controllers (MELSOFT, 57 00 and D7 00) is read by its header, command and simple device accesses.
//!
//! Bounds per flow: [`MAX_PENDING`] requests.

mod body;
mod command;
mod content;
mod device;
mod frame;
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
pub const MELSEC: Protocol = Protocol("melsec");

/// The usual ports: 5000 to 5002 by habit, MELSOFT over UDP and TCP, 5010 for SLMP, and CC-Link IE Field Basic.
pub const PORTS: [u16; 8] = [5_000, 5_001, 5_002, 5_006, 5_007, 5_010, 61_450, 61_451];

/// The longest frame: an ASCII 4E header and what its length can tell.
pub const MAX_FRAME: usize = 26 + 65_535;

/// Requests kept per flow. At the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 32;

/// MELSEC communication protocol and SLMP.
#[derive(Clone, Copy, Debug)]
pub struct Melsec;

impl Dissector for Melsec {
    fn protocol(&self) -> Protocol {
        MELSEC
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        PORTS.contains(&port)
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match frame::Head::read(bytes) {
            frame::Found::Whole(head) => {
                let short = bytes.len() < (head.total()).min(head.body + 8);
                match frame::likeness(&head, bytes) {
                    _ if short => Probe::Need(head.total().min(head.body + 8)),
                    frame::Likeness::Certain => Probe::Certain,
                    frame::Likeness::Possible => Probe::Possible,
                    frame::Likeness::No => Probe::No,
                }
            }
            frame::Found::Need(octets) => Probe::Need(octets),
            frame::Found::No => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::MelsecFlow::default()))
    }

    fn max_message(&self) -> usize {
        MAX_FRAME
    }

    fn notation(&self) -> &'static dyn Notation {
        &device::Devices
    }
}
