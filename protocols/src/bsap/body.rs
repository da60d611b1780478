//! What is told of a datagram.

use fieldwarden_model::{Operation, Outcome, PointRange, Verb};

use super::{
    notation::SPACE,
    packet::{self, Packet, Part},
};
use crate::message::{Body, FieldValue, FieldVisitor, Kind};

/// Stands for the function of an answer whose request was not seen.
pub(super) const UNKNOWN: u8 = 0xff;

/// A datagram, and the data base function of each of its messages.
#[derive(Clone, Debug)]
pub(super) struct PacketBody<'a> {
    pub(super) packet: Packet<'a>,
    pub(super) asked: heapless::Vec<u8, { packet::MOST }>,
}

impl PacketBody<'_> {
    pub(super) const fn kind(&self) -> Kind {
        match self.packet.function {
            packet::REQUEST => Kind::Request,
            packet::POLL => Kind::Report,
            _ => Kind::Response,
        }
    }

    const fn name(&self) -> &'static str {
        match self.packet.function {
            packet::REQUEST => "request",
            packet::POLL => "poll",
            packet::CONTINUED => "response continued",
            _ => "response",
        }
    }
}

/// Verb and name of a data base function.
const fn verb_and_name(function: u8) -> (Verb, &'static str) {
    match function {
        0x00 => (Verb::Read, "read signal by address"),
        0x01 => (Verb::Read, "read signal by address, matching"),
        0x04 => (Verb::Read, "read signal by name"),
        0x05 => (Verb::Read, "read signal by list, first"),
        0x06 => (Verb::Read, "read signal by list, continued"),
        0x0c | 0x0d => (Verb::Read, "read signal by list"),
        0x80 => (Verb::Write, "write signal by address"),
        0x84 => (Verb::Write, "write signal by name"),
        0x8c | 0x8d => (Verb::Write, "write signal by list"),
        _ => (Verb::Unknown, "unknown data base function"),
    }
}

impl Body for PacketBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let packet = &self.packet;
        visitor.field("messages", FieldValue::Unsigned(packet.announced.into()));
        visitor.field("function_code", FieldValue::Unsigned(packet.function.into()));
        visitor.field("function", FieldValue::Text(self.name()));
        visitor.field("sequence", FieldValue::Unsigned(packet.sequence.into()));
        visitor.field("answered", FieldValue::Unsigned(packet.answered.into()));
        for (message, asked) in packet.messages().zip(&self.asked) {
            fields(packet, &message, *asked, visitor);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let packet = &self.packet;
        let outcome = match self.kind() {
            Kind::Request => Outcome::Asked,
            Kind::Report | Kind::Anomaly => Outcome::Reported,
            Kind::Response => Outcome::Done,
        };
        let function = u32::from(packet.function) << 16;
        let template = Operation {
            verb: Verb::Associate,
            function,
            name: self.name(),
            unit: None,
            points: None,
            values: None,
            outcome,
        };
        if packet.announced == 0 {
            each(&template);
        }
        for (message, asked) in packet.messages().zip(&self.asked) {
            let (verb, name) = verb_and_name(*asked);
            let points = message.written().filter(|_| packet.asks()).map(|(address, _)| {
                let address = u64::from(address);
                PointRange { space: SPACE, first: address, last: address }
            });
            each(&Operation { verb, name, function: function | u32::from(*asked), points, ..template });
        }
    }
}

fn fields(packet: &Packet<'_>, message: &Part<'_>, asked: u8, visitor: &mut dyn FieldVisitor) {
    visitor.item("message_length", FieldValue::Unsigned(message.length.into()));
    visitor.item("message_sequence", FieldValue::Unsigned(message.sequence.into()));
    if packet.asks() {
        visitor.item("application", FieldValue::Unsigned(message.application.into()));
    }
    visitor.item("data_base_code", FieldValue::Unsigned(asked.into()));
    visitor.item("data_base_function", FieldValue::Text(verb_and_name(asked).1));
    if !packet.asks() {
        visitor.item("data", FieldValue::Bytes(message.rest));
        return;
    }
    for name in message.names() {
        match core::str::from_utf8(name) {
            Ok(text) => visitor.item("signal", FieldValue::Text(text)),
            Err(_) => visitor.item("signal", FieldValue::Bytes(name)),
        }
    }
    if let Some((address, value)) = message.written() {
        visitor.item("address", FieldValue::Unsigned(address.into()));
        visitor.item("data", FieldValue::Bytes(value));
    }
}
