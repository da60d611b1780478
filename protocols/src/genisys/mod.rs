//! Genisys: the vital-less code line of railway and utility field stations, carried over TCP, at the level of messages.
//!
//! ```text
//!  header f1..fe | server | address, value | ... | CRC, low octet first | f6
//! ```
//!
//! Octets of f0 and above within are written as f0 and the difference. Files: [`frame`] frames, [`body`] what is told.
//! Nothing is kept between frames.

mod body;
mod frame;
mod notation;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    anomaly::Anomaly,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    findings::Findings,
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const GENISYS: Protocol = Protocol("genisys");

/// The port on which it is usually found.
pub const PORT: u16 = 10_001;

/// The dissector of Genisys.
#[derive(Clone, Copy, Debug)]
pub struct Genisys;

impl Dissector for Genisys {
    fn protocol(&self) -> Protocol {
        GENISYS
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match Frames.extent(direction, bytes) {
            Extent::No => Probe::No,
            Extent::Need(octets) => Probe::Need(octets),
            Extent::Whole(length) => match bytes.get(..length).and_then(frame::Frame::read) {
                Some(frame) => match frame.is_sound() {
                    Some(true) => Probe::Certain,
                    // The first octets of others often look like a frame whose CRC is wrong.
                    Some(false) => Probe::No,
                    None => Probe::Possible,
                },
                None => Probe::No,
            },
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<FramedSession<Frames>>::default()
    }

    fn max_message(&self) -> usize {
        frame::LONGEST
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::DataByte
    }
}

/// The frames of one flow.
#[derive(Clone, Copy, Debug, Default)]
struct Frames;

impl Framed for Frames {
    fn extent(&self, _direction: Direction, bytes: &[u8]) -> Extent {
        frame::extent(bytes)
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(frame) = frame::Frame::read(message) else { return };
        let mut findings = Findings::default();
        if frame.is_sound() == Some(false) {
            let (told, reckoned) = (frame.told.unwrap_or(0), frame.reckoned());
            findings.fault(Anomaly::malformed("crc", 0, told.into(), reckoned.into()));
        }
        if frame.data().len() % 2 != 0 {
            findings.fault(Anomaly::malformed("data-odd", 2, 1, 0));
        }
        let body = body::FrameBody(frame);
        let kind = if findings.broken() { Kind::Anomaly } else { body.kind() };
        sink.message(&Message {
            protocol: GENISYS,
            kind,
            direction,
            anomalies: findings.list(),
            body: &body,
        });
    }

    fn begins(&self, _direction: Direction, bytes: &[u8]) -> bool {
        match frame::extent(bytes) {
            Extent::Whole(length) => bytes.get(..length).and_then(frame::Frame::read).is_some(),
            Extent::Need(_) | Extent::No => false,
        }
    }
}
