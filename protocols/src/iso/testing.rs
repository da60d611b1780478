//! What the tests of dissectors share: a conversation under test, and what no octets may break.

extern crate std;

use std::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use fieldwarden_model::{FrameRef, Operation, Transport};

use crate::{
    Direction, Dissector, FieldValue, FieldVisitor, Kind, Message, Ports, Session, stream::StreamParser,
};

/// What one message said, owned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) protocol: &'static str,
    pub(crate) kind: Kind,
    pub(crate) direction: Direction,
    pub(crate) anomalies: Vec<&'static str>,
    fields: BTreeMap<&'static str, Vec<String>>,
    /// `write 16 name unit 1 40002-40003 = 10,258 (Asked)`
    pub(crate) operations: Vec<String>,
}

impl Said {
    /// The value of a field; the items of a list are joined by commas; nothing where it is absent.
    pub(crate) fn field(&self, key: &str) -> String {
        self.fields.get(key).map(|list| list.join(",")).unwrap_or_default()
    }
}

#[derive(Default)]
struct Collect(BTreeMap<&'static str, Vec<String>>);

impl FieldVisitor for Collect {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        assert!(!self.0.contains_key(key), "`{key}` told twice as one field");
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

fn said(dissector: &dyn Dissector, message: &Message<'_>) -> Said {
    let mut fields = Collect::default();
    message.body.fields(&mut fields);
    let mut operations = Vec::new();
    message.body.operations(&mut |operation| operations.push(spell(dissector, operation)));
    for anomaly in message.anomalies {
        assert!(!anomaly.to_string().is_empty());
    }
    Said {
        protocol: message.protocol.name(),
        kind: message.kind,
        direction: message.direction,
        anomalies: message.anomalies.iter().map(|anomaly| anomaly.code).collect(),
        fields: fields.0,
        operations,
    }
}

fn spell(dissector: &dyn Dissector, operation: &Operation<'_>) -> String {
    let mut text = format!("{} {}", operation.verb, operation.function & 0xffff);
    if operation.function >> 16 != 0 {
        text += &format!("/{}", operation.function >> 16);
    }
    text += &format!(" {}", operation.name);
    if let Some(unit) = operation.unit {
        text += &format!(" unit {unit}");
    }
    if let Some(points) = &operation.points {
        let mut written = String::new();
        assert!(points.first <= points.last);
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

/// A conversation under test.
pub(crate) struct Flow {
    dissector: &'static dyn Dissector,
    transport: Transport,
    parser: StreamParser,
    datagrams: std::boxed::Box<dyn Session>,
}

impl Flow {
    pub(crate) fn new(dissector: &'static dyn Dissector, transport: Transport) -> Self {
        let parser = StreamParser::new(dissector.session(transport), dissector.max_message());
        Self { dissector, transport, parser, datagrams: dissector.session(transport) }
    }

    pub(crate) fn tcp(dissector: &'static dyn Dissector) -> Self {
        Self::new(dissector, Transport::Tcp)
    }

    pub(crate) fn udp(dissector: &'static dyn Dissector) -> Self {
        Self::new(dissector, Transport::Udp)
    }

    /// Feeds one segment or datagram.
    pub(crate) fn feed(&mut self, direction: Direction, octets: &[u8]) -> Vec<Said> {
        let dissector = self.dissector;
        let mut list = Vec::new();
        if self.transport == Transport::Udp && !octets.is_empty() {
            let sink = &mut |message: &Message<'_>| list.push(said(dissector, message));
            let _ = self.datagrams.step(direction, octets, sink);
            return list;
        }
        let frame = FrameRef { capture: 0, number: 1 };
        self.parser.feed(direction, octets, frame, &mut |message, _| list.push(said(dissector, message)));
        assert!(self.parser.memory() <= 4 * dissector.max_message(), "memory is bounded");
        list
    }

    /// The one message that these octets complete.
    pub(crate) fn one(&mut self, direction: Direction, octets: &[u8]) -> Said {
        let mut list = self.feed(direction, octets);
        assert_eq!(list.len(), 1, "{list:?}");
        list.remove(0)
    }

    pub(crate) fn gap(&mut self, direction: Direction) {
        self.parser.gap(direction);
        self.datagrams.gap(direction);
    }
}

/// Octets from hexadecimal digits; everything else separates.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    assert!(digits.len().is_multiple_of(2), "{text}");
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// What holds for every dissector: however a conversation is cut it says the same; its prefixes, its mutations and
/// random octets are quiet, with gaps and without.
pub(crate) fn withstands(
    dissector: &'static dyn Dissector,
    transport: Transport,
    conversation: &[(Direction, Vec<u8>)],
) {
    let run = |cut: usize| {
        let mut flow = Flow::new(dissector, transport);
        let mut told = Vec::new();
        for (direction, octets) in conversation {
            octets.chunks(cut).for_each(|piece| told.extend(flow.feed(*direction, piece)));
        }
        told
    };
    let whole = run(usize::MAX);
    assert!(!whole.is_empty());
    if transport == Transport::Tcp {
        for cut in [1, 2, 3, 5, 7, 11, 16, 64] {
            assert_eq!(run(cut), whole, "cut into {cut}");
        }
    }
    let ports = Ports { server: 1, client: 40_000 };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..1_500 {
        let mut flow = Flow::new(dissector, transport);
        for (direction, octets) in conversation {
            let mut octets = octets.clone();
            for _ in 0..random.below(4) {
                let place = random.below(octets.len());
                octets[place] = u8::try_from(random.below(256)).unwrap();
            }
            if random.below(4) == 0 {
                octets.truncate(random.below(octets.len()));
            }
            if round % 3 == 0 && random.below(4) == 0 {
                flow.gap(*direction);
            }
            let _ = dissector.probe(*direction, &octets, ports);
            let _ = flow.feed(*direction, &octets);
        }
        let noise: Vec<u8> =
            (0..random.below(300)).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        let _ = dissector.probe(Direction::ToServer, &noise, ports);
        let _ = flow.feed(Direction::ToServer, &noise);
    }
}
