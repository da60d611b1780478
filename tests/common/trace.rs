//! What is told of conversations that a test wrote: every message with its fields and operations.

use std::collections::BTreeMap;

use fieldwarden_engine::{
    map::Seed,
    track::{self, Heard, Observer, Origin, Packet, TrackEvent, Tracker},
};
use fieldwarden_model::{AddressSpace, FrameRef, LinkType, RawFrame, Timestamp};
use fieldwarden_protocols::{FieldValue, FieldVisitor, Kind, Message, link};

use super::wire::{self, Carried};

/// What is told of a message.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) frames: Vec<u64>,
    pub(crate) protocol: &'static str,
    pub(crate) kind: Kind,
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// Function and name of each operation.
    pub(crate) operations: Vec<(u32, String)>,
    /// Codes of its anomalies.
    pub(crate) anomalies: Vec<&'static str>,
}

/// What the tracker tells of a conversation that is written as [`wire::packets`] does.
pub(crate) fn traces(carried: Carried, packets: &[Vec<u8>]) -> Vec<Trace> {
    let mut book = Book::default();
    let mut trackers: BTreeMap<u16, Tracker<Book>> = BTreeMap::new();
    for (bytes, number) in packets.iter().zip(1..) {
        let time = Timestamp::from_nanos((i64::from(wire::START) + number) * 1_000_000_000);
        let raw = RawFrame {
            time,
            link_type: LinkType(u16::try_from(wire::link(carried)).unwrap()),
            interface: 0,
            wire_length: u32::try_from(bytes.len()).unwrap(),
            tag: None,
            bytes,
        };
        let layers = &link::dissect(&raw);
        let space = AddressSpace::default();
        let shard = track::shard_of(layers, space);
        let tracker =
            trackers.entry(shard).or_insert_with(|| Tracker::new(track::Settings::default(), Seed(7)));
        let frame = FrameRef { capture: 0, number: number.cast_unsigned() };
        tracker.packet(&Packet { time, frame, space, layers }, &mut book);
    }
    trackers.values_mut().for_each(|tracker| tracker.finish(&mut book));
    book.0
}

#[derive(Default)]
struct Book(Vec<Trace>);

impl Observer for Book {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let mut fields = Fields::default();
        message.body.fields(&mut fields);
        let mut operations = Vec::new();
        message.body.operations(&mut |operation| {
            operations.push((operation.function, operation.name.to_string()));
        });
        self.0.push(Trace {
            frames: origin.frames.iter().map(|frame| frame.number).collect(),
            protocol: message.protocol.name(),
            kind: message.kind,
            fields: fields.0,
            operations,
            anomalies: message.anomalies.iter().map(|anomaly| anomaly.code).collect(),
        });
    }

    fn event(&mut self, _: &Origin<'_>, (): &mut (), _: TrackEvent) {}

    fn heard(&mut self, _: &Heard) -> Timestamp {
        Timestamp::MAX
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl FieldVisitor for Fields {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        let text = match value {
            FieldValue::Unsigned(number) => number.to_string(),
            FieldValue::Text(text) => text.to_owned(),
            other => format!("{other:?}"),
        };
        self.0.insert(key, text);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}
