//! PROFINET DCP: devices are found, named and given addresses. IEC 61158-6-10 clause 4.3 ("6-10" below), on Ethernet.
//!
//! ```text
//! | frame id:16 | service:8 | type:8 | xid:32 | delay or 0:16 | length:16 | blocks of option:8, sub-option:8, length:16, value |
//! ```
//!
//! Guarantees: every frame gives one message; nothing is kept.
//!
//! Non-goals: the values of rare blocks, which are told by option and sub-option alone.

mod block;
mod body;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use self::body::Frame;
use crate::{
    anomaly::Blame,
    datagram::{Anomalies, Datagram, DatagramSession, NoPoints},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("profinet_dcp");

/// Blocks read of one frame: each takes two octets at least, so more than fit are padding. Beyond it `blocks` is remarked.
pub const MAX_BLOCKS: usize = 64;

/// PROFINET DCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dcp;

impl Dissector for Dcp {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::PROFINET_DCP
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = ports;
        let Some(frame) = Frame::read(bytes, &mut Anomalies::new()) else { return Probe::No };
        match (direction, frame.answers()) {
            (Direction::ToServer, false) | (Direction::ToClient, true) => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Station))
    }

    fn max_message(&self) -> usize {
        1_500
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Station;

impl Datagram for Station {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut anomalies = Anomalies::new();
        let Some(frame) = Frame::read(octets, &mut anomalies) else { return false };
        let kind = match (frame.answers(), frame.is_hello()) {
            _ if anomalies.iter().any(|anomaly| anomaly.blame == Blame::Malformed) => Kind::Anomaly,
            (true, _) => Kind::Response,
            (_, true) => Kind::Report,
            _ => Kind::Request,
        };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &frame });
        true
    }
}
