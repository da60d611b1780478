//! What a frame tells.

use fieldwarden_model::{Operation, Outcome, Value, Values, Verb};

use super::{
    command,
    content::{Asked, Content, Range, few_bits},
    device::of_code,
    frame::{Form, Head, Reader},
};
use crate::message::{Body, FieldValue, FieldVisitor};

/// A frame.
pub(super) struct FrameBody<'a> {
    pub(super) head: Head,
    pub(super) content: Content<'a>,
    /// The request: this one, or the one that this answers.
    pub(super) asked: Option<Asked>,
}

impl<'a> FrameBody<'a> {
    fn range(&self) -> Option<Range> {
        self.asked?.range
    }

    /// Whether the data are values of the range.
    fn carries_values(&self) -> bool {
        let command = self.asked.map_or(0, |asked| asked.command);
        match command {
            command::READ | command::MELSOFT_READ => self.head.response && self.content.end_code == Some(0),
            command::WRITE | command::MELSOFT_WRITE => !self.head.response,
            _ => false,
        }
    }

    /// The values, where they lie in the frame as numbers.
    fn values(&self) -> Option<Values<'a>> {
        let range = self.range().filter(|_| self.carries_values())?;
        if !self.head.form.is_ascii() {
            return range.values(self.content.data);
        }
        let digits = self.content.data.iter().map(|digit| digit.wrapping_sub(b'0'));
        if range.by_bit { few_bits(digits, range.count) } else { None }
    }

    /// The values of bits, and those in ASCII, which no encoding tells.
    fn told_values(&self, visitor: &mut dyn FieldVisitor) -> bool {
        let Some(range) = self.range().filter(|_| self.carries_values()) else { return false };
        let ascii = self.head.form.is_ascii();
        let data = self.content.data;
        if let Some(values) = self.values() {
            for value in values.iter() {
                if let Value::Integer(number) = value {
                    visitor.item("values", FieldValue::Signed(number));
                }
            }
            return true;
        }
        let mut tell = |number: u32| visitor.item("values", FieldValue::Unsigned(number.into()));
        let mut reader = Reader::new(data, true);
        match (ascii, range.by_bit) {
            (true, by_bit) => {
                let digits = if by_bit { 1 } else { 4 };
                for _ in 0..range.count {
                    let Some(number) = reader.digits(digits, 16) else { break };
                    tell(number);
                }
            }
            (false, true) => {
                // Two points in an octet, the first one in the upper half (MC, 8.2.1).
                let halves = data.iter().flat_map(|octet| [octet >> 4, octet & 0x0f]);
                halves.take(usize::from(range.count)).for_each(|half| tell(half.into()));
            }
            (false, false) => return false,
        }
        true
    }
}

impl Body for FrameBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let head = &self.head;
        visitor.field("frame", FieldValue::Text(head.form.name()));
        maybe(visitor, "serial", head.serial);
        if head.form != Form::Melsoft {
            number(visitor, "network", head.network);
            number(visitor, "station", head.station);
            number(visitor, "module", head.module);
            number(visitor, "multidrop", head.multidrop);
        }
        maybe(visitor, "timer", self.content.timer);
        maybe(visitor, "end_code", self.content.end_code);
        if let Some(asked) = self.asked {
            let mut tell = |key, value: FieldValue<'_>| match head.response {
                true => visitor.recalled(key, value),
                false => visitor.field(key, value),
            };
            tell("command", FieldValue::Unsigned(asked.command.into()));
            tell("subcommand", FieldValue::Unsigned(asked.subcommand.into()));
            tell("command_name", FieldValue::Text(command::describe(asked.command).1));
        }
        if let Some(range) = self.range() {
            number(visitor, "device_code", range.named.code);
            if let Some(device) = of_code(range.named.code).filter(|_| head.form != Form::Melsoft) {
                visitor.field("device", FieldValue::Text(device.letters));
            }
            number(visitor, "device_number", range.named.number);
            number(visitor, "count", range.count);
        }
        let name = self.asked.is_some_and(|asked| asked.command == command::TYPE_NAME);
        if name && head.response && self.content.data.len() >= 16 {
            let words = self.content.data.get(..16).unwrap_or_default().trim_ascii_end();
            let text = core::str::from_utf8(words).map_or(FieldValue::Bytes(words), FieldValue::Text);
            visitor.field("type_name", text);
        } else if !self.told_values(visitor) && !self.content.data.is_empty() {
            let data = self.content.data;
            let printable = head.form.is_ascii() && data.iter().all(u8::is_ascii_graphic);
            let text = core::str::from_utf8(data).ok().filter(|_| printable);
            visitor.field("data", text.map_or(FieldValue::Bytes(data), FieldValue::Text));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let Some(asked) = self.asked else { return };
        let (verb, name) = command::describe(asked.command);
        let outcome = match (self.head.response, self.content.end_code) {
            (false, _) => Outcome::Asked,
            (true, Some(code)) if code != 0 => Outcome::Refused(code.into()),
            (true, _) => Outcome::Done,
        };
        let sub = if self.head.form == Form::Melsoft { 0 } else { asked.subcommand };
        let operation = |points, values| Operation {
            verb,
            function: u32::from(sub) << 16 | u32::from(asked.command),
            name,
            unit: Some(u16::from(self.head.station)),
            points,
            values,
            outcome,
        };
        let mut told = 0_u32;
        if !self.head.response {
            self.content.random(self.head.form.is_ascii(), &mut |points, values| {
                told += 1;
                each(&operation(Some(points), values));
            });
        }
        // The answer of a controller to cyclic data is what its inputs read.
        let verb = if asked.command == command::CYCLIC && self.head.response { Verb::Read } else { verb };
        if told == 0 {
            let points = self.range().map(|range| range.points());
            each(&Operation { verb, ..operation(points, self.values()) });
        }
    }
}

fn number(visitor: &mut dyn FieldVisitor, key: &'static str, value: impl Into<u64>) {
    visitor.field(key, FieldValue::Unsigned(value.into()));
}

fn maybe(visitor: &mut dyn FieldVisitor, key: &'static str, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        number(visitor, key, value);
    }
}
