//! What the tests of protocol folders share: a conversation that keeps what was told, and what every dissector owes.

#![allow(dead_code, reason = "folders take what they need")]

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{FrameRef, Operation, Transport};
use proptest::{
    strategy::Strategy as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    Direction, Dissector, FieldValue, FieldVisitor, Kind, Message, Ports, Probe, stream::StreamParser,
};

/// A message, kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) protocol: &'static str,
    pub(crate) direction: Direction,
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
        for anomaly in message.anomalies {
            assert!(!format!("{anomaly}").is_empty());
        }
        Self {
            protocol: message.protocol.name(),
            direction: message.direction,
            kind: message.kind,
            anomalies: message.anomalies.iter().map(|anomaly| anomaly.code).collect(),
            fields: fields.0,
            operations,
        }
    }

    /// The value of a field; the items of a list are joined by commas.
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

/// `write 15 analog-output 1 present-value = 3.5 (Asked)`; checks that the points read back as written.
fn spell(dissector: &dyn Dissector, operation: &Operation<'_>) -> String {
    assert!(!operation.name.is_empty());
    let mut text = format!("{} {}", operation.verb, operation.function & 0xffff);
    if operation.function >> 16 != 0 {
        text += &format!("/{}", operation.function >> 16);
    }
    if let Some(unit) = operation.unit {
        text += &format!(" unit {unit}");
    }
    if let Some(points) = &operation.points {
        assert!(points.first <= points.last);
        let mut written = String::new();
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
    parser: StreamParser,
    frame: u64,
}

impl Conversation {
    pub(crate) fn over(dissector: &'static dyn Dissector, transport: Transport) -> Self {
        let parser = StreamParser::new(dissector.session(transport), dissector.max_message());
        Self { dissector, parser, frame: 0 }
    }

    /// Octets as one segment or datagram.
    pub(crate) fn say(&mut self, direction: Direction, octets: &[u8]) -> Vec<Told> {
        self.frame += 1;
        let mut told = Vec::new();
        let frame = FrameRef { capture: 0, number: self.frame };
        let dissector = self.dissector;
        self.parser.feed(direction, octets, frame, &mut |message, _| {
            told.push(Told::of(dissector, message));
        });
        assert!(self.parser.memory() <= 4 * dissector.max_message());
        told
    }

    /// A question in hexadecimal digits: the only message of a segment.
    pub(crate) fn ask(&mut self, text: &str) -> Told {
        only(self.say(Direction::ToServer, &hex(text)))
    }

    /// An answer.
    pub(crate) fn answer(&mut self, text: &str) -> Told {
        only(self.say(Direction::ToClient, &hex(text)))
    }

    /// Octets are missing.
    pub(crate) fn gap(&mut self, direction: Direction) {
        self.parser.gap(direction);
    }
}

fn only(mut told: Vec<Told>) -> Told {
    assert_eq!(told.len(), 1, "{told:#?}");
    told.remove(0)
}

/// Octets from hexadecimal digits; whatever is no digit separates.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// Cuts of all sizes give what whole segments give.
pub(crate) fn any_segmentation_says_the_same(
    dissector: &'static dyn Dissector,
    exchange: &[(Direction, Vec<u8>)],
) {
    let told = |size: usize| {
        let mut conversation = Conversation::over(dissector, Transport::Tcp);
        let mut told = Vec::new();
        for (direction, octets) in exchange {
            for segment in octets.chunks(size) {
                told.extend(conversation.say(*direction, segment));
            }
        }
        told
    };
    let whole = told(usize::MAX);
    assert!(!whole.is_empty());
    for size in 1..64 {
        assert_eq!(told(size), whole, "cut into {size}");
    }
}

/// Prefixes of every message, and messages with octets changed at random, make no panic and no endless loop.
pub(crate) fn hostile_octets_are_harmless(
    dissector: &'static dyn Dissector,
    transport: Transport,
    exchange: &[(Direction, Vec<u8>)],
) {
    let ports = Ports { server: 1, client: 2 };
    for (direction, octets) in exchange {
        for end in 0..octets.len() {
            let _ = dissector.probe(*direction, &octets[..end], ports);
            Conversation::over(dissector, transport).say(*direction, &octets[..end]);
        }
    }
    let longest = exchange.iter().map(|(_, octets)| octets.len()).max().unwrap_or(0);
    let changes = proptest::collection::vec((0..exchange.len(), 0..longest, proptest::num::u8::ANY), 1..6);
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config { cases: 1_500, ..Config::default() }, seed);
    let run = runner.run(&changes, |changes| {
        let mut exchange = exchange.to_vec();
        for (message, at, octet) in changes {
            if let Some(place) = exchange[message].1.get_mut(at) {
                *place = octet;
            }
        }
        let mut conversation = Conversation::over(dissector, transport);
        for (direction, octets) in &exchange {
            let _ = dissector.probe(*direction, octets, ports);
            conversation.say(*direction, octets);
        }
        Ok(())
    });
    run.unwrap();
    let noise = proptest::collection::vec(proptest::num::u8::ANY, 1..200).prop_map(|octets| octets);
    let run = runner.run(&noise, |octets| {
        let _ = dissector.probe(Direction::ToServer, &octets, ports);
        Conversation::over(dissector, transport).say(Direction::ToServer, &octets);
        Ok(())
    });
    run.unwrap();
}

/// What the probe says of the first octets.
pub(crate) fn probed(dissector: &dyn Dissector, direction: Direction, text: &str) -> Probe {
    dissector.probe(direction, &hex(text), Ports { server: 1, client: 2 })
}
