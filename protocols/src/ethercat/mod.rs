//! EtherCAT: IEC 61158-4-12 (frames, commands, registers) and ETG.1000.6 (mailbox), on Ethernet and over UDP.
//!
//! ```text
//! | length:11 | 0:1 | type:4 |  then datagrams, little-endian:
//! | command:8 | index:8 | address:16, offset:16 or logical:32 | length:11 .. more:1 | interrupt:16 | data | working counter:16 |
//! ```
//!
//! A master sends a frame through all slaves; it comes back with data filled in and each working counter as high as slaves took part.
//! So a frame all of whose working counters are 0 asks, and any other answers.
//!
//! Guarantees: every frame gives one message; nothing is kept; at most [`MAX_DATAGRAMS`] datagrams of a frame are read.
//!
//! Non-goals: what is mapped where in process data; Ethernet over EtherCAT; network variables.

mod body;
mod datagram;
mod mailbox;
mod notation;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use self::{body::Frame, datagram::Datagrams};
use crate::{
    anomaly::Anomaly,
    datagram::{Anomalies, Datagram, DatagramSession, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("ethercat");

/// The port over UDP, which is the EtherType as well (IEC 61158-4-12 clause 5.2).
pub const PORT: u16 = kind::ETHERCAT;

/// Datagrams read of one frame: more than fit one of 1500 octets with a register each. Beyond it `datagrams` is remarked.
pub const MAX_DATAGRAMS: usize = 128;

/// EtherCAT on Ethernet and over UDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct EtherCat;

impl Dissector for EtherCat {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Udp | Transport::Link)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _: Direction, bytes: &[u8], ports: Ports) -> Probe {
        // A length beyond the frame is told of who is known to speak it; the first octets of others are just octets.
        let fits = |length: u16| (12..bytes.len()).contains(&usize::from(length));
        // Over UDP all datagrams must be whole: below IP the kind of the frame says as much.
        let whole = |length: u16| {
            let mut datagrams = Datagrams::new(bytes.get(2..usize::from(length) + 2).unwrap_or_default());
            ports.server == ports.client || datagrams.by_ref().count() > 0 && !datagrams.stopped()
        };
        if head(bytes).is_some_and(|head| head.of == COMMANDS && fits(head.length) && whole(head.length)) {
            Probe::Possible
        } else {
            Probe::No
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Ring))
    }

    fn max_message(&self) -> usize {
        1_514
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Octets
    }
}

/// The type of a frame that holds datagrams.
const COMMANDS: u8 = 1;

/// The two octets before the datagrams.
#[derive(Clone, Copy, Debug)]
struct Head {
    length: u16,
    of: u8,
}

fn head(octets: &[u8]) -> Option<Head> {
    let (first, _) = octets.split_first_chunk::<2>()?;
    let word = u16::from_le_bytes(*first);
    let [upper, _] = word.to_be_bytes();
    Some(Head { length: word & 0x07ff, of: upper >> 4 })
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Ring;

impl Datagram for Ring {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(head) = head(octets).filter(|head| head.of == COMMANDS) else { return false };
        let mut anomalies = Anomalies::new();
        let inside = octets.get(2..).unwrap_or_default();
        let (length, there) = (usize::from(head.length), inside.len());
        if length > there {
            note(&mut anomalies, Anomaly::malformed("length-beyond-frame", 0, length as u64, there as u64));
        }
        let inside = inside.get(..length).unwrap_or(inside);
        let mut datagrams = Datagrams::new(inside);
        let count = datagrams.by_ref().count();
        if count == MAX_DATAGRAMS {
            let cap = MAX_DATAGRAMS as u64;
            note(&mut anomalies, Anomaly::limit("datagrams", 2, cap + 1, cap));
        } else if datagrams.stopped() {
            note(&mut anomalies, Anomaly::malformed("datagram-cut-short", 2, there as u64, length as u64));
        }
        let frame = Frame::new(inside);
        let broken = anomalies.iter().any(|anomaly| anomaly.blame == crate::Blame::Malformed);
        let kind = match frame.returns() {
            _ if broken => Kind::Anomaly,
            true => Kind::Response,
            false => Kind::Request,
        };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &frame });
        true
    }
}
