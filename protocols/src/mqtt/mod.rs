//! MQTT 3.1, 3.1.1 (ISO/IEC 20922) and 5.0 (OASIS).
//!
//! Guarantees: a packet is told by its first [`MAX_FRONT`] octets; what a publication carries beyond is passed over.
//!
//! Non-goals: payloads, properties of version 5, MQTT inside web sockets.

mod packet;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    cursor::Cursor,
    dissector::Probe,
    message::{Direction, FieldVisitor, Protocol, Sink},
    plain::{self, Front, Fronted, Fronts, Head, Plain, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("mqtt");

/// The registered port.
pub const PORT: u16 = 1_883;

/// Octets of a packet that are looked at.
pub const MAX_FRONT: usize = 4_096;

/// MQTT.
pub static MQTT: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[PORT],
    max_message: MAX_FRONT,
    probe: |_, bytes, _| probe(bytes),
    session: |_| Box::new(Fronts::new(Broker::default())),
};

/// The first packet of a client names the protocol (MQTT 3.1.1 clause 3.1.2.1); others could be anything.
fn probe(bytes: &[u8]) -> Probe {
    let Some(header) = packet::header(bytes) else {
        return if bytes.first() == Some(&0x10) && bytes.len() < 5 { Probe::Need(5) } else { Probe::No };
    };
    let rest = bytes.get(header.length..).unwrap_or_default();
    let names: [&[u8]; 2] = [b"\0\x04MQTT", b"\0\x06MQIsdp"];
    if header.kind == packet::CONNECT {
        return match names.iter().any(|name| rest.starts_with(name)) {
            true => Probe::Certain,
            false if names.iter().any(|name| name.starts_with(rest)) => Probe::Need(header.length + 8),
            false => Probe::No,
        };
    }
    if header.kind == 0 { Probe::No } else { Probe::Possible }
}

/// A connection; remembers its version.
#[derive(Clone, Copy, Debug, Default)]
struct Broker {
    version: u8,
}

impl Fronted for Broker {
    fn front(&mut self, _: Direction, bytes: &[u8]) -> Front {
        match packet::header(bytes) {
            Some(header) => {
                let whole = plain::count(header.length) + u64::from(header.remaining);
                Front::Of { front: usize::try_from(whole).unwrap_or(MAX_FRONT).min(MAX_FRONT), whole }
            }
            None if bytes.len() < 5 && packet::may_be_header(bytes) => Front::Need(bytes.len() + 1),
            None => Front::No,
        }
    }

    fn tell(&mut self, direction: Direction, front: &[u8], sink: &mut dyn Sink) {
        let Some(header) = packet::header(front) else { return };
        let body = front.get(header.length..).unwrap_or_default();
        if header.kind == packet::CONNECT {
            self.version = packet::version(body).unwrap_or_default();
        }
        let (name, verb) = packet::name(header.kind);
        let head = Head::new(PROTOCOL, direction);
        let operation = plain::operation(verb, header.kind.into(), name, head.kind);
        // CONNACK: a flag, then the code (clause 3.2.2.3).
        let code = body.get(1).copied().filter(|code| header.kind == packet::CONNACK && *code != 0);
        let operation = code.map_or(operation, |code| plain::refused(operation, code.into()));
        let version = self.version;
        plain::tell(sink, head, &[], operation, |visitor| fields(header, version, body, visitor));
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        packet::header(bytes).is_some_and(|header| header.kind != 0)
    }
}

fn fields(header: packet::Header, version: u8, body: &[u8], visitor: &mut dyn FieldVisitor) {
    visitor.field("message_type", number(header.kind));
    let mut cursor = Cursor::new(body);
    match header.kind {
        packet::CONNECT => packet::connect(&mut cursor, visitor),
        packet::CONNACK => {
            if let Some(code) = body.get(1) {
                visitor.field("code", number(*code));
            }
        }
        packet::PUBLISH => {
            if let Some(topic) = packet::sized(&mut cursor) {
                visitor.item("topic", words(topic));
            }
            visitor.field("quality", number(header.flags >> 1 & 3));
            visitor.field("retain", number(header.flags & 1));
        }
        packet::SUBSCRIBE | packet::UNSUBSCRIBE => packet::topics(header.kind, version, &mut cursor, visitor),
        _ => {}
    }
}
