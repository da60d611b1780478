//! IEC 60870-5-104: telecontrol over TCP, with the information objects of IEC 60870-5-101.
//!
//! ```text
//!  APCI (-104 clause 5)     | 68 | length | control, 4 octets: I (numbered data), S (acknowledgement) or U (start, stop, test)
//!  ASDU (-101 clause 7)     | type | SQ, number | cause, 2 octets | common address | information objects
//! ```
//!
//! Files: [`apci`] frames and control octets, [`asdu`] the data unit, [`types`] every type with the length of its elements,
//! [`value`] what an element holds, [`body`] what is told, [`session`] the flow and its sequence numbers.
//!
//! State per flow is two sequence numbers; nothing is kept of a message.

mod apci;
mod asdu;
mod body;
mod notation;
mod session;
mod types;
mod value;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const IEC104: Protocol = Protocol("iec104");

/// The registered port (IEC 60870-5-104 clause 7.1).
pub const PORT: u16 = 2_404;

/// The dissector of IEC 60870-5-104.
#[derive(Clone, Copy, Debug)]
pub struct Iec104;

impl Dissector for Iec104 {
    fn protocol(&self) -> Protocol {
        IEC104
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match *bytes {
            [] | [apci::START] => Probe::Need(apci::HEADER),
            // The octet of a keep-alive, where the connection is joined in the middle (RFC 9293 clause 3.8.4).
            [0, apci::START, ..] if bytes.get(1..).is_some_and(apci::begins) => Probe::Certain,
            [apci::START, length, ..] if length >= apci::SHORTEST => {
                // Control field and data unit identifier tell enough; a frame may be shorter.
                let telling = (usize::from(length) + 2).min(apci::HEADER + asdu::IDENTIFIER);
                if bytes.len() < telling {
                    Probe::Need(telling)
                } else if apci::begins(bytes) {
                    Probe::Certain
                } else if !apci::is_framed(bytes) {
                    Probe::No
                } else if bytes.len() < usize::from(length) + 2 {
                    // Faulty: what stands behind it tells whether it is a frame at all.
                    Probe::Need(usize::from(length) + 2)
                } else if apci::is_sound(bytes) || apci::is_followed(bytes) {
                    Probe::Possible
                } else {
                    Probe::No
                }
            }
            _ => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<session::Iec104Session>::default()
    }

    fn max_message(&self) -> usize {
        apci::LONGEST
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::ObjectAddress
    }
}
