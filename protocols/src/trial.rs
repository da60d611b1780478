//! What tests of dissectors have in common: octets in, owned messages out, and the promises that every one keeps.

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{FrameRef, Operation, Transport};

use crate::{Direction, Dissector, FieldValue, FieldVisitor, Kind, Message, Ports, stream::StreamParser};

/// A message, kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) protocol: &'static str,
    pub(crate) kind: Kind,
    pub(crate) anomalies: Vec<&'static str>,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) operations: Vec<String>,
}

impl Told {
    fn of(dissector: &dyn Dissector, message: &Message<'_>) -> Self {
        let mut fields = Fields::default();
        message.body.fields(&mut fields);
        let mut operations = Vec::new();
        message.body.operations(&mut |operation| operations.push(spell(dissector, operation)));
        assert!(
            message.kind != Kind::Anomaly || !message.anomalies.is_empty(),
            "an anomaly says what is wrong"
        );
        Self {
            protocol: message.protocol.name(),
            kind: message.kind,
            anomalies: message.anomalies.iter().map(|anomaly| anomaly.code).collect(),
            fields: fields.0,
            operations,
        }
    }

    /// The value of a field, the items of a list joined by commas; empty where it is not there.
    pub(crate) fn field(&self, key: &str) -> &str {
        self.fields.iter().find(|(found, _)| *found == key).map_or("", |(_, value)| value.as_str())
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

/// `write 16 write unit 1 40002-40003 = 10,258 (Asked)`; points are read back on the way.
fn spell(dissector: &dyn Dissector, operation: &Operation<'_>) -> String {
    let mut text = format!("{} {} {}", operation.verb, operation.function, operation.name);
    if let Some(unit) = operation.unit {
        text += &format!(" unit {unit}");
    }
    if let Some(points) = &operation.points {
        let mut written = String::new();
        assert!(points.first <= points.last, "{points:?}");
        dissector.notation().write(points, &mut written).unwrap();
        assert_eq!(dissector.notation().read(&written).as_ref(), Some(points), "{written}");
        text += &format!(" {written}");
    }
    if let Some(values) = &operation.values {
        let values: Vec<String> = values.iter().map(|value| format!("{value}")).collect();
        text += &format!(" = {}", values.join(","));
    }
    text + &format!(" ({:?})", operation.outcome)
}

/// A conversation.
pub(crate) struct Conversation {
    dissector: &'static dyn Dissector,
    pub(crate) parser: StreamParser,
    frame: u64,
}

impl Conversation {
    pub(crate) fn over(dissector: &'static dyn Dissector, transport: Transport) -> Self {
        let parser = StreamParser::new(dissector.session(transport), dissector.max_message());
        Self { dissector, parser, frame: 0 }
    }

    /// Feeds octets as one segment.
    pub(crate) fn feed(&mut self, direction: Direction, octets: &[u8]) -> Vec<Told> {
        self.frame += 1;
        let mut told = Vec::new();
        let frame = FrameRef { capture: 0, number: self.frame };
        self.parser.feed(direction, octets, frame, &mut |message, frames| {
            assert_eq!(frames.last(), Some(&frame), "the frame that completes a message comes last");
            told.push(Told::of(self.dissector, message));
        });
        told
    }

    /// Feeds octets that are one message, and gives the last line told.
    pub(crate) fn last(&mut self, direction: Direction, octets: &[u8]) -> Told {
        let mut told = self.feed(direction, octets);
        told.pop().expect("a message is told")
    }
}

/// Octets from hexadecimal digits; spaces separate.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// Whatever the segments, the messages of `conversation` stay the same.
pub(crate) fn segmentation_changes_nothing(
    dissector: &'static dyn Dissector,
    conversation: &[(Direction, Vec<u8>)],
) {
    let told = |size: usize| {
        let mut flow = Conversation::over(dissector, Transport::Tcp);
        let mut told = Vec::new();
        for (direction, octets) in conversation {
            for segment in octets.chunks(size) {
                told.extend(flow.feed(*direction, segment));
                assert!(flow.parser.memory() <= 4 * dissector.max_message());
            }
        }
        told
    };
    let whole = told(usize::MAX);
    assert!(whole.iter().all(|told| told.kind != Kind::Anomaly), "{whole:?}");
    for size in 1..64 {
        assert_eq!(whole, told(size), "segments of {size} octets");
    }
}

/// Every prefix of every message, alone, is quiet: it asks for more, or tells what it is, and never panics.
pub(crate) fn every_prefix_is_quiet(
    dissector: &'static dyn Dissector,
    transport: Transport,
    conversation: &[(Direction, Vec<u8>)],
) {
    for (direction, octets) in conversation {
        for cut in 0..octets.len() {
            let mut flow = Conversation::over(dissector, transport);
            let _ = dissector.probe(*direction, &octets[..cut], Ports { server: 1, client: 2 });
            flow.feed(*direction, &octets[..cut]);
            flow.parser.gap(*direction);
            flow.feed(*direction, octets);
        }
    }
}

/// Damage and noise of every sort: `flips` change octets of the conversation, by place and value.
pub(crate) fn damage_breaks_nothing(
    dissector: &'static dyn Dissector,
    transport: Transport,
    conversation: &[(Direction, Vec<u8>)],
    flips: &[(usize, u8)],
    noise: &[u8],
) {
    let mut flow = Conversation::over(dissector, transport);
    let total: usize = conversation.iter().map(|(_, octets)| octets.len()).sum();
    let mut begin = 0;
    for (direction, octets) in conversation {
        let mut octets = octets.clone();
        for (place, value) in flips {
            let place = place % total.max(1);
            if let Some(octet) = place.checked_sub(begin).and_then(|at| octets.get_mut(at)) {
                *octet = *value;
            }
        }
        begin += octets.len();
        let _ = dissector.probe(*direction, &octets, Ports { server: 1, client: 2 });
        flow.feed(*direction, &octets);
        assert!(flow.parser.memory() <= 4 * dissector.max_message());
    }
    flow.feed(Direction::ToServer, noise);
    flow.parser.gap(Direction::ToClient);
    flow.feed(Direction::ToClient, noise);
    let _ = dissector.probe(Direction::ToServer, noise, Ports { server: 1, client: 2 });
    let mut fresh = Conversation::over(dissector, transport);
    fresh.feed(Direction::ToServer, noise);
}
