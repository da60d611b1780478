//! ROC Plus: flow computers and remote operations controllers of Emerson, over TCP and UDP, at the level of messages.
//!
//! ```text
//!  to: unit, group | from: unit, group | opcode | octets of data | data | CRC-16, low octet first
//! ```
//!
//! "RP" below is the ROC Plus Protocol Specifications Manual (D301180X012). Files: [`frame`] frames, [`opcode`] what they
//! ask, [`points`] where, [`body`] what is told. Kept per flow: the opcode that was asked last.

mod body;
mod frame;
mod notation;
mod opcode;
mod points;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    anomaly::Anomaly,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    findings::{Findings, count},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const ROC_PLUS: Protocol = Protocol("roc_plus");

/// The port on which it is usually found.
pub const PORT: u16 = 4_000;

/// The dissector of ROC Plus.
#[derive(Clone, Copy, Debug)]
pub struct RocPlus;

impl Dissector for RocPlus {
    fn protocol(&self) -> Protocol {
        ROC_PLUS
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let Some(known) = bytes.get(4).map(|opcode| opcode::name(*opcode).is_some()) else {
            return Probe::Need(frame::AROUND);
        };
        let at_home = ports.server == PORT;
        if !known && !at_home {
            return Probe::No;
        }
        match frame::extent(bytes) {
            Extent::No => Probe::No,
            Extent::Need(octets) => Probe::Need(octets),
            Extent::Whole(length) => match bytes.get(..length).and_then(frame::Frame::read) {
                None => Probe::Need(length),
                Some(frame) if known && frame.is_sound() && (at_home || !frame.may_be_modbus()) => {
                    Probe::Certain
                }
                Some(frame) if frame.is_sound() || bytes.len() == length => Probe::Possible,
                Some(_) => Probe::No,
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
        &notation::Parameter
    }
}

/// The frames of one flow.
#[derive(Clone, Copy, Debug, Default)]
struct Frames {
    /// What was asked last: an error does not say what it answers.
    asked: Option<u8>,
}

impl Framed for Frames {
    fn extent(&self, _direction: Direction, bytes: &[u8]) -> Extent {
        frame::extent(bytes)
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(frame) = frame::Frame::read(message) else { return };
        let mut findings = Findings::default();
        if !frame.is_sound() {
            findings.fault(Anomaly::malformed("crc", 0, frame.told.into(), frame.reckoned().into()));
        }
        let asks = direction == Direction::ToServer && frame.opcode != opcode::ERROR;
        let (got, least) = (frame.data.len(), opcode::least(frame.opcode));
        if asks && got < least {
            findings.fault(Anomaly::malformed("data-short", 5, count(got), count(least)));
        }
        if frame.opcode == opcode::ERROR && (got == 0 || got % 2 != 0) {
            findings.fault(Anomaly::malformed("error-odd", 5, count(got), count(got / 2 * 2)));
        }
        if asks {
            self.asked = Some(frame.opcode);
        }
        let body = body::FrameBody { frame, asks, asked: self.asked };
        let kind = if findings.broken() { Kind::Anomaly } else { body.kind() };
        sink.message(&Message {
            protocol: ROC_PLUS,
            kind,
            direction,
            anomalies: findings.list(),
            body: &body,
        });
    }

    fn gap(&mut self, direction: Direction) {
        self.doubt(direction);
    }

    fn doubt(&mut self, direction: Direction) {
        if direction == Direction::ToServer {
            self.asked = None;
        }
    }

    /// A CRC over up to 255 octets each.
    const PLACES: usize = 32;

    fn may_begin(&self, _direction: Direction, bytes: &[u8]) -> bool {
        bytes.get(4).is_some_and(|code| opcode::name(*code).is_some())
    }

    fn begins(&self, _direction: Direction, bytes: &[u8]) -> bool {
        let Extent::Whole(length) = frame::extent(bytes) else { return false };
        bytes.get(..length).and_then(frame::Frame::read).is_some_and(|frame| frame.is_sound())
    }
}
