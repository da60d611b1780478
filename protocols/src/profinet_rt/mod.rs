//! PROFINET real-time frames: cyclic data, alarms, clock synchronisation, fragments. IEC 61158-6-10 clauses 4.2, 4.4 and 4.7 ("6-10"
//! below), on Ethernet.
//!
//! ```text
//! | frame id:16 | data, padded | cycle counter:16 | data status:8 | transfer status:8 |      cyclic
//! | frame id:16 | to:16 | from:16 | type:8 | flags:8 | sequence:16 | acknowledged:16 | length:16 | block |      alarm
//! ```
//!
//! Guarantees: every frame gives one message; nothing is kept.
//!
//! Non-goals: which octets of cyclic data belong to which module (the connection says it, not the frame); the frames of DCP, which
//! are a protocol of their own; the content of synchronisation and fragments.

mod body;
mod notation;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use self::body::{Class, Frame};
use crate::{
    anomaly::Anomaly,
    datagram::{Anomalies, Datagram, DatagramSession, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("profinet_rt");

/// PROFINET real-time frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealTime;

impl Dissector for RealTime {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::PROFINET
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, ports);
        if bytes.len() >= 6 { Probe::Possible } else { Probe::No }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Provider))
    }

    fn max_message(&self) -> usize {
        1_500
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Octets
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Provider;

impl Datagram for Provider {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(frame) = Frame::read(octets) else { return false };
        let mut anomalies = Anomalies::new();
        if frame.class == Class::Reserved {
            note(&mut anomalies, Anomaly::unsupported("reserved-frame-id", 0, u64::from(frame.id)));
        }
        let broken = frame.alarm.is_some_and(|alarm| !alarm.whole);
        if broken {
            note(&mut anomalies, Anomaly::malformed("alarm-cut-short", 2, octets.len() as u64, 14));
        }
        let kind = if broken { Kind::Anomaly } else { Kind::Report };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &frame });
        true
    }
}
