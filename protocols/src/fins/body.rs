//! What envelopes and frames tell.

use fieldwarden_model::{Operation, Outcome, PointRange, Value, Values, Verb};

use super::{
    area::Area,
    command,
    frame::{self, Envelope, Frame},
};
use crate::{
    cursor::Cursor,
    message::{Body, FieldValue, FieldVisitor},
};

/// The packet of FINS/TCP.
pub(super) struct EnvelopeBody<'a> {
    pub(super) envelope: Envelope,
    pub(super) data: &'a [u8],
}

impl Body for EnvelopeBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        number(visitor, "length", self.envelope.length);
        number(visitor, "tcp_command", self.envelope.command);
        number(visitor, "error_code", self.envelope.error);
        if self.envelope.command < 2 {
            let mut cursor = Cursor::new(self.data);
            maybe(visitor, "client_node", cursor.u32());
            maybe(visitor, "server_node", cursor.u32());
        }
    }

    /// What the connection itself does; a frame tells its own operations (W421, 7-4).
    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, function, name, outcome) = match self.envelope.command {
            0 => (Verb::Associate, 0, "node address", Outcome::Asked),
            1 if self.envelope.error != 0 => {
                (Verb::Associate, 0, "node address", Outcome::Refused(self.envelope.error))
            }
            1 => (Verb::Associate, 0, "node address", Outcome::Done),
            frame::FRAME_SEND => return,
            3 => (Verb::Diagnose, 3, "frame send error notification", Outcome::Reported),
            6 => (Verb::Associate, 6, "connection confirmation", Outcome::Reported),
            other => (Verb::Unknown, other, "unknown command of FINS/TCP", Outcome::Asked),
        };
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

/// The memory that a request names, which its answer leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    area: u8,
    word: u16,
    bit: u8,
    count: u16,
}

impl Named {
    /// The memory that a frame names; of a transfer its source.
    pub(super) fn of(frame: &Frame<'_>) -> Option<Self> {
        let mut cursor = Cursor::new(frame.text);
        match frame.command {
            command::READ | command::WRITE | command::FILL => {
                let (area, word, bit) = (cursor.u8()?, cursor.u16()?, cursor.u8()?);
                Some(Self { area, word, bit, count: cursor.u16()? })
            }
            command::COPY => {
                let (area, word, bit) = (cursor.u8()?, cursor.u16()?, cursor.u8()?);
                cursor.skip(4)?;
                Some(Self { area, word, bit, count: cursor.u16()? })
            }
            _ => None,
        }
    }

    fn points(&self) -> PointRange {
        Area::of(self.area).points(self.word, self.bit, self.count)
    }
}

/// A frame.
pub(super) struct FrameBody<'a> {
    pub(super) frame: Frame<'a>,
    /// The memory of the request, this one or the one that this answers.
    pub(super) named: Option<Named>,
}

impl<'a> FrameBody<'a> {
    /// The values written, filled in, or read.
    fn values(&self) -> Option<Values<'a>> {
        let named = self.named?;
        let response = self.frame.is_response();
        let bytes = match self.frame.command {
            command::READ if response && self.frame.response == Some(0) => self.frame.text,
            command::WRITE | command::FILL if !response => self.frame.text.get(6..)?,
            _ => return None,
        };
        let (encoding, stride) = Area::of(named.area).values()?;
        let present = u32::try_from(bytes.len() / encoding.width()?).ok()?;
        let wanted = if self.frame.command == command::FILL { 1 } else { u32::from(named.count) };
        Some(Values { bytes, encoding, count: present.min(wanted), stride })
    }

    /// The items of commands that list addresses: points each.
    fn items(&self) -> impl Iterator<Item = PointRange> + use<'a> {
        let (skip, before, command) = match (self.frame.command, self.frame.is_response()) {
            (command::READ_SEVERAL, false) => (0, 0, true),
            (command::FORCE, false) => (2, 2, true),
            _ => (0, 0, false),
        };
        let mut cursor = Cursor::new(if command { self.frame.text } else { &[] });
        cursor.take_up_to(skip);
        core::iter::from_fn(move || {
            cursor.skip(before)?;
            let (area, word, bit) = (cursor.u8()?, cursor.u16()?, cursor.u8()?);
            Some(Area::of(area).points(word, bit, 1))
        })
    }
}

impl Body for FrameBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let frame = &self.frame;
        number(visitor, "control", frame.control);
        number(visitor, "gateway_count", frame.gateways);
        let (network, node, unit) = frame.destination;
        number(visitor, "destination_network", network);
        number(visitor, "destination_node", node);
        number(visitor, "destination_unit", unit);
        let (network, node, unit) = frame.source;
        number(visitor, "source_network", network);
        number(visitor, "source_node", node);
        number(visitor, "source_unit", unit);
        number(visitor, "service_id", frame.service);
        number(visitor, "command", frame.command);
        visitor.field("command_name", FieldValue::Text(command::describe(frame.command).1));
        maybe(visitor, "response_code", frame.response);
        if let Some(named) = self.named {
            number(visitor, "area", named.area);
            number(visitor, "address", named.word);
            number(visitor, "bit", named.bit);
            number(visitor, "count", named.count);
        }
        self.text(visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let frame = &self.frame;
        let (verb, name) = command::describe(frame.command);
        let outcome = match (frame.is_response(), frame.response) {
            (false, _) => Outcome::Asked,
            // The upper bit tells a relay error, the two below PLC errors that do not refuse (W342, 5-1-3).
            (true, Some(code)) if code & 0x7f3f != 0 => Outcome::Refused(code.into()),
            (true, _) => Outcome::Done,
        };
        let operation = |verb, points, values| Operation {
            verb,
            function: frame.command.into(),
            name,
            unit: Some(u16::from(if frame.is_response() { frame.source.2 } else { frame.destination.2 })),
            points,
            values,
            outcome,
        };
        let mut items = 0;
        self.items().for_each(|points| {
            items += 1;
            each(&operation(verb, Some(points), None));
        });
        if items > 0 {
            return;
        }
        if frame.command == command::COPY
            && let Some(named) = self.named
        {
            each(&operation(Verb::Read, Some(named.points()), None));
            if let Some(to) = self.copied_to(&named) {
                each(&operation(Verb::Write, Some(to), None));
            }
            return;
        }
        each(&operation(verb, self.named.map(|named| named.points()), self.values()));
    }
}

impl FrameBody<'_> {
    /// Where a transfer goes; only the request says it.
    fn copied_to(&self, named: &Named) -> Option<PointRange> {
        if self.frame.is_response() {
            return None;
        }
        let mut cursor = Cursor::new(self.frame.text.get(4..)?);
        let (area, word, bit) = (cursor.u8()?, cursor.u16()?, cursor.u8()?);
        Some(Area::of(area).points(word, bit, named.count))
    }

    fn text(&self, visitor: &mut dyn FieldVisitor) {
        let frame = &self.frame;
        let mut cursor = Cursor::new(frame.text);
        if let Some(values) = self.values() {
            for value in values.iter() {
                if let Value::Integer(number) = value {
                    visitor.item("values", FieldValue::Signed(number));
                }
            }
            return;
        }
        match (frame.command, frame.is_response()) {
            (command::RUN, false) => {
                maybe(visitor, "program", cursor.u16());
                // 1 debug, 2 monitor, 4 run; monitor where nothing is said (W342, 5-3-12).
                maybe(visitor, "mode", cursor.u8());
            }
            (command::CONTROLLER, true) if frame.text.len() >= 40 => {
                visitor.field("controller_model", words(cursor.take_up_to(20)));
                visitor.field("controller_version", words(cursor.take_up_to(20)));
            }
            (command::CLOCK_READ, true) | (command::CLOCK_WRITE, false) => {
                visitor.field("clock", FieldValue::Bytes(frame.text));
            }
            (command::READ | command::COPY, false) => {}
            _ if frame.text.is_empty() => {}
            _ => visitor.field("data", FieldValue::Bytes(frame.text)),
        }
    }
}

/// A text without the blanks and zeros behind it.
fn words(octets: &[u8]) -> FieldValue<'_> {
    let end = octets.iter().rposition(|octet| !matches!(octet, 0 | b' ')).map_or(0, |last| last + 1);
    let octets = octets.get(..end).unwrap_or(octets);
    core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text)
}

fn number(visitor: &mut dyn FieldVisitor, key: &'static str, value: impl Into<u64>) {
    visitor.field(key, FieldValue::Unsigned(value.into()));
}

fn maybe(visitor: &mut dyn FieldVisitor, key: &'static str, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        number(visitor, key, value);
    }
}
