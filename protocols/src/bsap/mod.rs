//! BSAP over IP: what Bristol (Emerson ControlWave) controllers and their hosts speak over UDP, at the level of messages.
//!
//! ```text
//!  0e 00 | messages | function | sequence, 4 | answered, 4 | { length, 4 | 0c | sequence, 4 | application ... } ...
//! ```
//!
//! Numbers are little-endian. There is no published standard of the IP form; `docs/protocols/bsap.md` says what this was
//! checked against. Files: [`packet`] datagrams and their messages, [`body`] what is told.
//!
//! Bounds per flow: [`MAX_PENDING`] requests.

mod body;
mod notation;
mod packet;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    anomaly::Anomaly,
    dissector::{Dissector, Notation, Ports, Probe, Session, Step},
    findings::{Findings, count},
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const BSAP: Protocol = Protocol("bsap");

/// The ports on which it is usually found.
pub const PORTS: [u16; 2] = [1_234, 1_235];

/// Requests remembered per flow; the oldest is forgotten for a new one.
pub const MAX_PENDING: usize = 32;

/// The dissector of BSAP over IP.
#[derive(Clone, Copy, Debug)]
pub struct Bsap;

impl Dissector for Bsap {
    fn protocol(&self) -> Protocol {
        BSAP
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        PORTS.contains(&port)
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match packet::Packet::read(bytes) {
            Some(packet) if !packet.is_filled() => Probe::Possible,
            Some(packet) if packet.announced > 0 => Probe::Certain,
            Some(_) => Probe::Possible,
            None => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<Packets>::default()
    }

    fn max_message(&self) -> usize {
        packet::LONGEST
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Signal
    }
}

/// The parser state of one flow: sequence numbers of requests, and what they asked.
#[derive(Debug, Default)]
struct Packets {
    pending: heapless::Deque<(u32, u8), MAX_PENDING>,
}

impl Session for Packets {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let Some(packet) = packet::Packet::read(bytes) else { return Step::GiveUp };
        let mut findings = Findings::default();
        if !packet.is_filled() {
            let (got, announced) = (count(packet.messages().count()), packet.announced.into());
            findings.fault(Anomaly::malformed("messages-disagree", 2, got, announced));
        }
        let mut asked = heapless::Vec::<u8, { packet::MOST }>::new();
        for message in packet.messages() {
            let function = match message.function(&packet) {
                Some(function) => {
                    if self.pending.is_full() {
                        let _ = self.pending.pop_front();
                    }
                    let _ = self.pending.push_back((message.sequence, function));
                    function
                }
                None => self.answered(message.sequence).unwrap_or(body::UNKNOWN),
            };
            let _ = asked.push(function);
        }
        let body = body::PacketBody { packet, asked };
        let kind = if findings.broken() { Kind::Anomaly } else { body.kind() };
        sink.message(&Message { protocol: BSAP, kind, direction, anomalies: findings.list(), body: &body });
        Step::Consumed(bytes.len())
    }

    fn gap(&mut self, _direction: Direction) {}

    fn resynchronise(&self, _direction: Direction, bytes: &[u8]) -> Option<usize> {
        packet::Packet::read(bytes).map(|_| 0)
    }
}

impl Packets {
    /// What the request with this number asked; it stays, since answers may come in pieces.
    fn answered(&self, sequence: u32) -> Option<u8> {
        self.pending.iter().rev().find(|(known, _)| *known == sequence).map(|(_, function)| *function)
    }
}
