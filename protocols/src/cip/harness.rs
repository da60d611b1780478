//! What the tests of this folder and of its neighbours share: a flow under test, and what its messages said, owned.

extern crate std;

use std::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use fieldwarden_model::{FrameRef, Operation, Outcome, Transport, Value, Verb};

use crate::{
    Direction, Dissector,
    message::{FieldValue, FieldVisitor, Kind, Message},
    stream::StreamParser,
};

/// An operation: verb, name, points as written, values, outcome.
pub(crate) type Done = (Verb, &'static str, Option<String>, Vec<Value>, Outcome);

/// What one message said, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) protocol: &'static str,
    pub(crate) kind: Kind,
    pub(crate) fields: BTreeMap<&'static str, Vec<String>>,
    pub(crate) operations: Vec<Done>,
    pub(crate) anomalies: Vec<&'static str>,
}

impl Said {
    /// A field as text, lists with commas.
    pub(crate) fn field(&self, key: &str) -> String {
        self.fields.get(key).map(|list| list.join(",")).unwrap_or_default()
    }
}

#[derive(Default)]
struct Collect(BTreeMap<&'static str, Vec<String>>);

impl FieldVisitor for Collect {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.item(key, value);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        let text = match value {
            FieldValue::Unsigned(number) => number.to_string(),
            FieldValue::Signed(number) => number.to_string(),
            FieldValue::Float(number) => number.to_string(),
            FieldValue::Text(text) => text.into(),
            FieldValue::Bytes(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        self.0.entry(key).or_default().push(text);
    }
}

fn owned(dissector: &dyn Dissector, message: &Message<'_>) -> Said {
    let mut fields = Collect::default();
    message.body.fields(&mut fields);
    let mut operations = Vec::new();
    message.body.operations(&mut |operation: &Operation<'_>| {
        let points = operation.points.map(|range| {
            let mut text = String::new();
            dissector.notation().write(&range, &mut text).unwrap();
            assert_eq!(dissector.notation().read(&text), Some(range), "{text}");
            text
        });
        let values = operation.values.map(|values| values.iter().collect()).unwrap_or_default();
        operations.push((operation.verb, operation.name, points, values, operation.outcome));
    });
    Said {
        protocol: message.protocol.name(),
        kind: message.kind,
        fields: fields.0,
        operations,
        anomalies: message.anomalies.iter().map(|anomaly| anomaly.code).collect(),
    }
}

/// A flow under test.
pub(crate) struct Flow {
    dissector: &'static dyn Dissector,
    parser: StreamParser,
    pub(crate) said: Vec<Said>,
}

impl Flow {
    /// A fresh one.
    pub(crate) fn over(dissector: &'static dyn Dissector, transport: Transport) -> Self {
        let parser = StreamParser::new(dissector.session(transport), dissector.max_message());
        Self { dissector, parser, said: Vec::new() }
    }

    /// Feeds octets.
    pub(crate) fn feed(&mut self, direction: Direction, octets: &[u8]) {
        let (said, dissector) = (&mut self.said, self.dissector);
        self.parser.feed(direction, octets, FrameRef::default(), &mut |message, _| {
            said.push(owned(dissector, message))
        });
    }

    /// What these octets complete.
    pub(crate) fn told(&mut self, direction: Direction, octets: &[u8]) -> Vec<Said> {
        let before = self.said.len();
        self.feed(direction, octets);
        self.said[before..].to_vec()
    }

    /// The one message that these octets complete.
    pub(crate) fn one(&mut self, direction: Direction, octets: &[u8]) -> Said {
        let told = self.told(direction, octets);
        assert_eq!(told.len(), 1, "one message: {told:?}");
        told[0].clone()
    }
}

/// What two streams say when cut into pieces of `size` octets.
pub(crate) fn cut(dissector: &'static dyn Dissector, up: &[u8], down: &[u8], size: usize) -> Vec<Said> {
    let mut flow = Flow::over(dissector, Transport::Tcp);
    up.chunks(size).for_each(|piece| flow.feed(Direction::ToServer, piece));
    down.chunks(size).for_each(|piece| flow.feed(Direction::ToClient, piece));
    flow.said
}

/// Octets out of hexadecimal, blanks ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}
