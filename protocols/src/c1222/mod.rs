//! C12.22: meter reading over networks (ANSI C12.22-2008, IEEE 1703), at the level of messages.
//!
//! ```text
//!  60 | length | a2 called | a4 its invocation | a6 calling | a8 its invocation | ac authentication | be { 28 { 81 EPSEM } }
//!  EPSEM: flags | device class where flagged | length, service | length, service | ... | MAC where authenticated
//! ```
//!
//! Files: [`acse`] the message, [`service`] services of the EPSEM, [`body`] what is told, [`pending`] which answer is whose.
//!
//! Bounds per flow: [`MAX_PENDING`] messages of eight services.

mod acse;
mod body;
mod notation;
mod pending;
mod service;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    anomaly::Anomaly,
    ber::{self, Length},
    cursor::Cursor,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    findings::Findings,
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Kind, Message, Protocol, Sink},
};

pub use pending::MAX_PENDING;

/// The protocol's name.
pub const NAME: Protocol = Protocol("c1222");

/// The registered port of TCP and UDP.
pub const PORT: u16 = 1_153;

/// The longest message taken, in octets.
pub const MAX_MESSAGE: usize = 16_384;

/// The tag of a message: application, constructed, 0.
const TAG: u8 = 0x60;
/// Octets that tell tag and length of any message taken.
const FRONT: usize = 4;

/// The dissector of C12.22.
#[derive(Clone, Copy, Debug)]
pub struct C1222;

impl Dissector for C1222 {
    fn protocol(&self) -> Protocol {
        NAME
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match extent(bytes) {
            Extent::No => Probe::No,
            Extent::Need(octets) => Probe::Need(octets),
            Extent::Whole(length) => match bytes.get(..length) {
                None => Probe::Need(length),
                Some(message) if acse::is_sound(message) => Probe::Certain,
                Some(_) => Probe::Possible,
            },
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<FramedSession<Messages>>::default()
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Table
    }
}

/// How long the message at the front is.
fn extent(bytes: &[u8]) -> Extent {
    if bytes.first() != Some(&TAG) {
        return Extent::No;
    }
    let mut cursor = Cursor::new(bytes);
    match ber::header(&mut cursor) {
        Some((_, Length::Definite(content))) if content + FRONT <= MAX_MESSAGE && content != 0 => {
            Extent::Whole(cursor.offset() + content)
        }
        Some(_) => Extent::No,
        None if bytes.len() < FRONT => Extent::Need(FRONT),
        None => Extent::No,
    }
}

/// The messages of one flow.
#[derive(Debug, Default)]
struct Messages {
    pending: pending::Pending,
}

impl Framed for Messages {
    fn extent(&self, _direction: Direction, bytes: &[u8]) -> Extent {
        extent(bytes)
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let mut findings = Findings::default();
        let mut body = acse::read(message, &mut findings);
        for service in body.services() {
            if !service.is_known() {
                findings.remark(Anomaly::unsupported("command-unknown", 0, service.code.into()));
            }
        }
        match body.kind() {
            Kind::Response => {
                body.questions = self.pending.answer(&body);
                body.check_tables(&mut findings);
            }
            _ if !self.pending.ask(&body) => {
                let cap = MAX_PENDING as u64;
                findings.remark(Anomaly::limit("pending-requests", 0, cap + 1, cap));
            }
            _ => {}
        }
        let kind = if findings.broken() { Kind::Anomaly } else { body.kind() };
        sink.message(&Message { protocol: NAME, kind, direction, anomalies: findings.list(), body: &body });
    }

    /// A walk through the elements each.
    const PLACES: usize = 256;

    fn may_begin(&self, _direction: Direction, bytes: &[u8]) -> bool {
        bytes.first() == Some(&TAG)
    }

    fn begins(&self, _direction: Direction, bytes: &[u8]) -> bool {
        match extent(bytes) {
            Extent::Whole(length) => bytes.get(..length).is_some_and(acse::is_sound),
            Extent::Need(_) | Extent::No => false,
        }
    }
}
