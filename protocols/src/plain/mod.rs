//! What the protocols of offices have in common: no points, few fields, datagrams that stand by themselves, lines of text.
//!
//! Such a protocol is a [`Plain`] made of functions, and tells its messages with [`tell`], which walks fields by a closure
//! over what was parsed, so that nothing is allocated and nobody pays for fields that nobody asks for.

mod front;
mod line;
mod text;
#[cfg(test)]
pub(crate) mod trial;

use alloc::boxed::Box;
use core::fmt;

use fieldwarden_model::{Operation, Outcome, PointRange, Transport, Verb};

use crate::{
    anomaly::Anomaly,
    dissector::{Dissector, Notation, Ports, Probe, Session, Step},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

pub(crate) use front::{Front, Fronted, Fronts};
pub(crate) use line::{Line, line};
pub(crate) use text::Text;

/// A protocol made of functions.
pub struct Plain {
    /// Its name.
    pub protocol: Protocol,
    /// What it runs over.
    pub transports: &'static [Transport],
    /// Its well-known ports.
    pub ports: &'static [u16],
    /// The longest message in octets.
    pub max_message: usize,
    /// As [`Dissector::probe`].
    pub probe: fn(Direction, &[u8], Ports) -> Probe,
    /// As [`Dissector::session`].
    pub session: fn(Transport) -> Box<dyn Session>,
}

impl Dissector for Plain {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn carried_by(&self, transport: Transport) -> bool {
        self.transports.contains(&transport)
    }

    fn well_known(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        (self.probe)(direction, bytes, ports)
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        (self.session)(transport)
    }

    fn max_message(&self) -> usize {
        self.max_message
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// The notation of a protocol without points.
#[derive(Clone, Copy, Debug)]
pub struct NoPoints;

impl Notation for NoPoints {
    fn write(&self, _: &PointRange, _: &mut dyn fmt::Write) -> fmt::Result {
        Ok(())
    }

    fn read(&self, _: &str) -> Option<PointRange> {
        None
    }
}

/// A session of datagrams that stand by themselves: the function tells one, or says that it is none of the protocol.
pub(crate) struct Datagrams(pub(crate) fn(Direction, &[u8], &mut dyn Sink) -> Option<()>);

impl Session for Datagrams {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        match (self.0)(direction, bytes, sink) {
            Some(()) => Step::Consumed(bytes.len()),
            None => Step::GiveUp,
        }
    }

    fn gap(&mut self, _: Direction) {}

    fn resynchronise(&self, _: Direction, _: &[u8]) -> Option<usize> {
        Some(0)
    }
}

/// What stands at the head of a message that is told.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) protocol: Protocol,
    pub(crate) kind: Kind,
    pub(crate) direction: Direction,
}

impl Head {
    /// A request or a response, as the direction says.
    pub(crate) const fn new(protocol: Protocol, direction: Direction) -> Self {
        let kind = match direction {
            Direction::ToServer => Kind::Request,
            Direction::ToClient => Kind::Response,
        };
        Self { protocol, kind, direction }
    }

    /// The same of another kind.
    pub(crate) const fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// A request or response by what the message itself says.
    pub(crate) const fn answering(self, is_response: bool) -> Self {
        self.of_kind(if is_response { Kind::Response } else { Kind::Request })
    }
}

struct Spoken<'a, F> {
    fields: F,
    operation: Option<Operation<'a>>,
}

impl<F: Fn(&mut dyn FieldVisitor)> Body for Spoken<'_, F> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        (self.fields)(visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        if let Some(operation) = &self.operation {
            each(operation);
        }
    }
}

/// Tells a message; `fields` walks its fields when somebody asks. One with a fault of the peer's is told as an anomaly.
pub(crate) fn tell(
    sink: &mut dyn Sink,
    head: Head,
    anomalies: &[Anomaly],
    operation: Option<Operation<'_>>,
    fields: impl Fn(&mut dyn FieldVisitor),
) {
    let Head { protocol, kind, direction } = head;
    let body = Spoken { fields, operation };
    sink.message(&Message { protocol, kind, direction, anomalies, body: &body });
}

/// An operation without points.
pub(crate) fn operation(
    verb: Verb,
    function: u32,
    name: &'static str,
    kind: Kind,
) -> Option<Operation<'static>> {
    let outcome = match kind {
        Kind::Request => Outcome::Asked,
        Kind::Response => Outcome::Done,
        Kind::Report | Kind::Anomaly => Outcome::Reported,
    };
    Some(Operation { verb, function, name, unit: None, points: None, values: None, outcome })
}

/// The same operation, refused.
pub(crate) fn refused(operation: Option<Operation<'static>>, code: u32) -> Option<Operation<'static>> {
    operation.map(|operation| Operation { outcome: Outcome::Refused(code), ..operation })
}

/// Octets as text where they are UTF-8, else as they are.
pub(crate) fn words(octets: &[u8]) -> FieldValue<'_> {
    core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text)
}

/// A number.
pub(crate) fn number(value: impl Into<u64>) -> FieldValue<'static> {
    FieldValue::Unsigned(value.into())
}

/// A length or count as anomalies tell it.
pub(crate) fn count(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}
