//! A conversation in tests: hexadecimal PDUs in, owned messages out.

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{FrameRef, Operation, Transport};

use crate::{
    Dissector, FieldValue, FieldVisitor, Kind, Message, message::Direction, modbus::Modbus,
    stream::StreamParser,
};

pub(super) use crate::message::Direction::{ToClient, ToServer};

/// A message, kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) direction: Direction,
    pub(super) kind: Kind,
    pub(super) anomalies: Vec<&'static str>,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) operations: Vec<String>,
}

impl Told {
    fn of(message: &Message<'_>) -> Self {
        let mut fields = Fields::default();
        message.body.fields(&mut fields);
        let mut operations = Vec::new();
        message.body.operations(&mut |operation| operations.push(spell(operation)));
        Self {
            direction: message.direction,
            kind: message.kind,
            anomalies: message.anomalies.iter().map(|anomaly| anomaly.code).collect(),
            fields: fields.0,
            operations,
        }
    }

    /// The value of a field; the items of a list are joined by commas.
    pub(super) fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| *found == key).map(|(_, value)| value.as_str())
    }

    /// The only operation.
    pub(super) fn operation(&self) -> &str {
        assert_eq!(self.operations.len(), 1, "{:?}", self.operations);
        &self.operations[0]
    }
}

#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl FieldVisitor for Fields {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        assert!(self.0.iter().all(|(found, _)| *found != key), "{key} occurs twice");
        self.0.push((key, spell_value(value)));
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        let value = spell_value(value);
        match self.0.iter_mut().find(|(found, _)| *found == key) {
            Some((_, list)) => *list = format!("{list},{value}"),
            None => self.0.push((key, value)),
        }
    }
}

fn spell_value(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Unsigned(number) => format!("{number}"),
        FieldValue::Signed(number) => format!("{number}"),
        FieldValue::Float(number) => format!("{number}"),
        FieldValue::Text(text) => String::from(text),
        FieldValue::Bytes(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}

/// `write 16 unit 1 40002-40003 = 10,258 (asked)`
fn spell(operation: &Operation<'_>) -> String {
    let mut text = format!("{} {}", operation.verb, operation.function & 0xffff);
    if operation.function >> 16 != 0 {
        text += &format!("/{}", operation.function >> 16);
    }
    text += &format!(" unit {}", operation.unit.unwrap());
    if let Some(points) = &operation.points {
        text.push(' ');
        Modbus.notation().write(points, &mut text).unwrap();
    }
    if let Some(values) = &operation.values {
        let values: Vec<String> = values.iter().map(|value| format!("{value}")).collect();
        text += &format!(" = {}", values.join(","));
    }
    text + &format!(" ({:?})", operation.outcome)
}

/// A conversation.
pub(super) struct Conversation {
    pub(super) parser: StreamParser,
    frame: u64,
    transaction: u16,
}

impl Conversation {
    pub(super) fn over(transport: Transport) -> Self {
        let parser = StreamParser::new(Modbus.session(transport), Modbus.max_message());
        Self { parser, frame: 0, transaction: 0 }
    }

    pub(super) fn tcp() -> Self {
        Self::over(Transport::Tcp)
    }

    /// Feeds raw octets as one segment.
    pub(super) fn raw(&mut self, direction: Direction, octets: &[u8]) -> Vec<Told> {
        self.frame += 1;
        let mut told = Vec::new();
        let frame = FrameRef { capture: 0, number: self.frame };
        self.parser.feed(direction, octets, frame, &mut |message, frames| {
            assert_eq!(frames.last(), Some(&frame), "the frame that completes a message comes last");
            told.push(Told::of(message));
        });
        told
    }

    /// Asks with a PDU of unit 1, under the next transaction.
    pub(super) fn ask(&mut self, pdu: &str) -> Told {
        self.transaction += 1;
        only(self.raw(ToServer, &adu(self.transaction, 1, pdu)))
    }

    /// Answers the last question.
    pub(super) fn answer(&mut self, pdu: &str) -> Told {
        only(self.raw(ToClient, &adu(self.transaction, 1, pdu)))
    }
}

fn only(mut told: Vec<Told>) -> Told {
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

/// Octets from hexadecimal digits; spaces separate.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// An ADU around a PDU.
pub(super) fn adu(transaction: u16, unit: u8, pdu: &str) -> Vec<u8> {
    let pdu = hex(pdu);
    let length = u16::try_from(pdu.len() + 1).unwrap();
    let mut octets = Vec::from(transaction.to_be_bytes());
    octets.extend([0, 0]);
    octets.extend(length.to_be_bytes());
    octets.push(unit);
    octets.extend(pdu);
    octets
}

/// Question and answer for every function of the standard; the examples are those of its chapter 6.
pub(super) const EXCHANGES: &[(&str, &str)] = &[
    ("01 0013 0013", "01 03 cd6b05"),
    ("02 00c4 0016", "02 03 acdb35"),
    ("03 006b 0003", "03 06 022b 0000 0064"),
    ("04 0008 0001", "04 02 000a"),
    ("05 00ac ff00", "05 00ac ff00"),
    ("06 0001 0003", "06 0001 0003"),
    ("07", "07 6d"),
    ("08 0000 a537", "08 0000 a537"),
    ("08 0001 ff00", "08 0001 ff00"),
    ("08 0002 0000", "08 0002 00ff"),
    ("0b", "0b ffff 0108"),
    ("0c", "0c 08 0000 0108 0121 2000"),
    ("0f 0013 000a 02 cd01", "0f 0013 000a"),
    ("10 0001 0002 04 000a 0102", "10 0001 0002"),
    ("11", "11 05 41 ff 666f6f"),
    ("14 0e 06 0004 0001 0002 06 0003 0009 0002", "14 0c 05 06 0dfe 0020 05 06 33cd 0040"),
    ("15 0d 06 0004 0007 0003 06af 04be 100d", "15 0d 06 0004 0007 0003 06af 04be 100d"),
    ("16 0004 00f2 0025", "16 0004 00f2 0025"),
    ("17 0003 0006 000e 0003 06 00ff 00ff 00ff", "17 0c 00fe 0acd 0001 0003 000d 00ff"),
    ("18 04de", "18 0006 0002 01b8 1284"),
    ("2b 0d 0102", "2b 0d 0304"),
    ("2b 0e 01 00", "2b 0e 01 01 00 00 02 00 03 414243 02 05 56322e3131"),
    ("5a 0002", "5a 00fe 0102"),
    ("03 0000 0001", "83 02"),
];
