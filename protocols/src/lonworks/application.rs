//! Application messages: network variables, network management and diagnosis (ISO/IEC 14908-1 clause 10 and its annexes).

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use crate::message::{FieldValue, FieldVisitor};

use super::{
    area,
    packet::{Packet, Pdu, kind},
};

/// The first octet of a message that names a network variable.
const NETWORK_VARIABLE: u8 = 0x80;

/// A network variable: whether it is polled rather than told, its selector, and its octets.
fn variable(message: &[u8]) -> Option<(bool, u16, &[u8])> {
    match message {
        [high, low, data @ ..] if high & NETWORK_VARIABLE != 0 => {
            Some((high & 0x40 != 0, u16::from_be_bytes([high & 0x3f, *low]), data))
        }
        _ => None,
    }
}

/// Walks the fields of an application message.
pub(super) fn fields(packet: &Packet<'_>, visitor: &mut dyn FieldVisitor) {
    let Some(message) = packet.application else { return };
    if let Some((direction, selector, data)) = variable(message) {
        visitor.field("nv_direction", FieldValue::Unsigned(direction.into()));
        visitor.field("nv_selector", FieldValue::Unsigned(selector.into()));
        if !data.is_empty() {
            visitor.field("data", FieldValue::Bytes(data));
        }
    } else if let Some((code, data)) = message.split_first() {
        visitor.field("code", FieldValue::Unsigned((*code).into()));
        if !data.is_empty() {
            visitor.field("data", FieldValue::Bytes(data));
        }
    }
}

/// What a message asks, by its code.
fn named(code: u8) -> (Verb, &'static str) {
    match code {
        0x00..=0x3f => (Verb::Unknown, "application message"),
        0x40..=0x4f => (Verb::Unknown, "foreign frame"),
        0x51 => (Verb::Diagnose, "query status"),
        0x52 => (Verb::Diagnose, "proxy command"),
        0x53 => (Verb::Diagnose, "clear status"),
        0x54 => (Verb::Diagnose, "query transceiver"),
        0x61 => (Verb::Discover, "query identifier"),
        0x62 => (Verb::Configure, "respond to query"),
        0x63 => (Verb::Configure, "update domain"),
        0x64 => (Verb::Configure, "leave domain"),
        0x65 => (Verb::Configure, "update key"),
        0x66 => (Verb::Configure, "update address"),
        0x67 => (Verb::Discover, "query address"),
        0x68 => (Verb::Discover, "query variable configuration"),
        0x69 => (Verb::Configure, "update group address"),
        0x6a => (Verb::Discover, "query domain"),
        0x6b => (Verb::Configure, "update variable configuration"),
        0x6c => (Verb::Mode, "set node mode"),
        0x6d => (Verb::Read, "read memory"),
        0x6e => (Verb::Program, "write memory"),
        0x6f => (Verb::Program, "recalculate checksum"),
        0x70 => (Verb::Discover, "wink or install"),
        0x71 => (Verb::Program, "refresh memory"),
        0x72 => (Verb::Discover, "query variable types"),
        0x73 => (Verb::Read, "fetch variable"),
        0x7f => (Verb::Discover, "service pin"),
        _ => (Verb::Unknown, "unknown message"),
    }
}

/// The question of an answer to network management: its low five bits, and whether it went well (annex B).
fn answered(code: u8) -> Option<(u8, Outcome)> {
    match code {
        0x01..=0x1f => Some((0x60 | code & 0x1f, Outcome::Refused(code.into()))),
        0x21..=0x3f => Some((0x60 | code & 0x1f, Outcome::Done)),
        _ => None,
    }
}

/// Tells what a packet does.
pub(super) fn operation(packet: &Packet<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let unit = packet.unit();
    let outcome = match packet.pdu {
        Some(Pdu::Transport(kind::ANSWERS) | Pdu::Session(kind::ANSWERS)) => Outcome::Done,
        Some(Pdu::Transport(kind::REPEATED) | Pdu::Application) => Outcome::Reported,
        _ => Outcome::Asked,
    };
    let plain = |verb, function, name, outcome| Operation {
        verb,
        function,
        name,
        unit,
        points: None,
        values: None,
        outcome,
    };
    let Some(message) = packet.application.filter(|message| !message.is_empty()) else {
        let (function, name) = match packet.pdu {
            Some(Pdu::Authentication(_)) => (0x204, "authentication"),
            Some(Pdu::Transport(kind::REMINDER) | Pdu::Session(kind::REMINDER)) => (0x203, "reminder"),
            _ => (0x202, "acknowledge"),
        };
        each(&plain(Verb::Associate, function, name, outcome));
        return;
    };
    if let Some((polls, selector, data)) = variable(message) {
        let answers = outcome == Outcome::Done && packet.pdu == Some(Pdu::Session(kind::ANSWERS));
        let reads = answers || (polls && packet.pdu == Some(Pdu::Session(kind::ASKS)));
        let (verb, name) =
            if reads { (Verb::Read, "poll variable") } else { (Verb::Write, "update variable") };
        let space = Space { area: area::NETWORK_VARIABLE, block: 0 };
        let points = Some(PointRange { space, first: selector.into(), last: selector.into() });
        let encoding = match data.len() {
            1 => Some(Encoding::Unsigned8),
            2 => Some(Encoding::Unsigned16),
            4 => Some(Encoding::Unsigned32),
            _ => None,
        };
        let values = encoding.map(|encoding| Values { bytes: data, encoding, count: 1, stride: 1 });
        let function = NETWORK_VARIABLE.into();
        each(&Operation { verb, function, name, unit, points, values, outcome });
        return;
    }
    let code = message.first().copied().unwrap_or_default();
    let (code, outcome) = match (packet.pdu, answered(code)) {
        (Some(Pdu::Session(kind::ANSWERS)), Some(answered)) => answered,
        _ => (code, outcome),
    };
    let (verb, name) = named(code);
    each(&plain(verb, code.into(), name, outcome));
}
