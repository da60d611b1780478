//! SERCOS III: the telegrams of a drive ring. IEC 61158-4-19 and IEC 61784-2 CPF 16 ("4-19" below), on Ethernet.
//!
//! ```text
//! | channel:1 | AT:1 | 0:2 | number:4 | new phase:1 | 0:3 | phase:4 | check:32 | data |        (4-19, telegram header)
//! ```
//!
//! Guarantees: every telegram gives one message; nothing is kept. Message level: which telegram, in which phase.
//!
//! Non-goals: service channel, device control and connections within the data; the check sum.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Operation, Outcome, Transport, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::{Anomalies, Datagram, DatagramSession, NoPoints, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("sercos");

/// The highest phase: 0 to 4, in which a ring is brought up (4-19, communication phases).
const LAST_PHASE: u8 = 4;

/// SERCOS III.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sercos;

impl Dissector for Sercos {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::SERCOS
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, ports);
        if bytes.len() >= 6 { Probe::Possible } else { Probe::No }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Ring))
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
struct Ring;

impl Datagram for Ring {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut cursor = Cursor::new(octets);
        let (Some(of), Some(phase), Some(_check)) = (cursor.u8(), cursor.u8(), cursor.u32()) else {
            return false;
        };
        let telegram = Telegram { of, phase, octets: cursor.rest().len() as u64 };
        let mut anomalies = Anomalies::new();
        let number = telegram.phase_number();
        if number > LAST_PHASE {
            note(
                &mut anomalies,
                Anomaly::malformed("phase-out-of-range", 1, u64::from(number), u64::from(LAST_PHASE)),
            );
        }
        let kind = match telegram.is_answer() {
            _ if !anomalies.is_empty() => Kind::Anomaly,
            true => Kind::Response,
            false => Kind::Request,
        };
        sink.message(&Message {
            protocol: PROTOCOL,
            kind,
            direction,
            anomalies: &anomalies,
            body: &telegram,
        });
        true
    }
}

/// A telegram as it is told.
#[derive(Clone, Copy, Debug)]
struct Telegram {
    of: u8,
    phase: u8,
    octets: u64,
}

impl Telegram {
    /// Whether it is an acknowledge telegram, which slaves fill, and not the master's.
    const fn is_answer(&self) -> bool {
        self.of & 0x40 != 0
    }

    const fn phase_number(&self) -> u8 {
        self.phase & 0x0f
    }

    const fn is_new_phase(&self) -> bool {
        self.phase & 0x80 != 0
    }
}

impl Body for Telegram {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("secondary_channel", u64::from(self.of >> 7));
        number("acknowledge_telegram", u64::from(self.is_answer()));
        number("telegram_number", u64::from(self.of & 0x0f));
        number("new_phase", u64::from(self.is_new_phase()));
        number("phase", u64::from(self.phase_number()));
        number("data_length", self.octets);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name, outcome) = match (self.is_answer(), self.is_new_phase()) {
            (true, _) => (Verb::Read, "acknowledge telegram", Outcome::Reported),
            (false, true) => (Verb::Mode, "master data telegram: new phase", Outcome::Asked),
            (false, false) => (Verb::Write, "master data telegram", Outcome::Asked),
        };
        let function = u32::from(self.phase_number()) << 16 | u32::from(self.of & 0x4f);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}
