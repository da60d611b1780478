//! One message: a register, a type, and what goes with them.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    cursor::{Cursor, text},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::PROTOCOL;

/// The model of the panel.
const MODEL: u16 = 0x012a;
/// Its manufacturer.
const MANUFACTURER: u16 = 0x012b;
/// The type of an answer that is a text.
const TEXT: u16 = 0x0300;

struct Unit<'a> {
    direction: Direction,
    register: u16,
    kind: u16,
    data: &'a [u8],
}

impl<'a> Unit<'a> {
    fn read(direction: Direction, octets: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        cursor.skip(2)?;
        Some(Self { direction, register: cursor.u16()?, kind: cursor.u16()?, data: cursor.rest() })
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("register", FieldValue::Unsigned(self.register.into()));
        visitor.field("type", FieldValue::Unsigned(self.kind.into()));
        match self.register {
            MODEL | MANUFACTURER if self.kind == TEXT => {
                let key = if self.register == MODEL { "model" } else { "manufacturer" };
                visitor.field(key, FieldValue::Text(text(self.data)));
            }
            _ if !self.data.is_empty() => visitor.field("data", FieldValue::Bytes(self.data)),
            _ => {}
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = match self.register {
            MODEL => (Verb::Discover, "read model"),
            MANUFACTURER => (Verb::Discover, "read manufacturer"),
            _ => (Verb::Unknown, "access register"),
        };
        let outcome = if self.direction == Direction::ToServer { Outcome::Asked } else { Outcome::Done };
        let function = u32::from(self.register);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

/// Tells one message.
pub(super) fn tell(direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
    let Some(unit) = Unit::read(direction, octets) else { return };
    let kind = if direction == Direction::ToServer { Kind::Request } else { Kind::Response };
    sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &[], body: &unit });
}
