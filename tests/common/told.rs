//! Messages as they were told, with the frames that carried them.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_engine::{
    map::Seed,
    track::{self, Heard, Observer, Origin, Packet, SHARDS, TrackEvent, Tracker},
};
use fieldwarden_model::{AddressSpace, FrameRef, Timestamp};
use fieldwarden_protocols::{
    Blame, Direction, FieldValue, FieldVisitor, Message, Protocol, link, stream::MAX_FRAMES_PER_MESSAGE,
};

use super::{decode::is_core, frames::Frame};

/// Fields that tell which messages belong to one exchange. Where a protocol has none, whatever answers repeat of their question
/// may be missing once a question is.
const EXCHANGE: [&str; 8] = [
    "transaction_id",
    "pdu_reference",
    "invoke_id",
    "request_id",
    "transaction",
    "invocation",
    "call_id",
    "sequence",
];

/// What a conversation says once, in whichever message, and all later ones recall.
const LEARNED: [&str; 3] = ["interface", "interface_name", "profile"];

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Both ends of its flow, sender first.
    pub(crate) sender: String,
    /// Protocol, kind and core fields.
    pub(crate) core: String,
    /// All fields that it carries.
    pub(crate) fields: String,
    /// What it only repeats of earlier messages, core fields too.
    pub(crate) recalled: String,
    /// What its exchange is known by.
    pub(crate) exchange: String,
    /// Codes of its anomalies.
    pub(crate) remarks: BTreeSet<&'static str>,
    /// The frames that carried it.
    pub(crate) frames: Vec<u64>,
}

impl Told {
    /// Whether a frame carried it, as far as is known: of a message that took more frames than are remembered, the last ones
    /// before the very last are not.
    pub(crate) fn carried_by(&self, frame: u64) -> bool {
        let unnamed = match self.frames.as_slice() {
            [.., before, last] if self.frames.len() == MAX_FRAMES_PER_MESSAGE => before + 1..*last,
            _ => 0..0,
        };
        self.frames.contains(&frame) || unnamed.contains(&frame)
    }

    /// Whether it tells a fault.
    pub(crate) fn is_fault(&self) -> bool {
        self.core.split(' ').nth(1) == Some("anomaly")
    }
}

/// Every message of numbered frames.
pub(crate) fn told(frames: &[(u64, Frame)]) -> Vec<Told> {
    let mut book = Book::default();
    let mut trackers: BTreeMap<u16, Tracker<Book>> = BTreeMap::new();
    let mut clock = Timestamp::MIN;
    for (number, frame) in frames {
        clock = clock.max(frame.time);
        let raw = frame.raw();
        let layers = &link::dissect(&raw);
        let space = AddressSpace::default();
        let shard = track::shard_of(layers, space);
        assert!(shard < SHARDS);
        let tracker =
            trackers.entry(shard).or_insert_with(|| Tracker::new(track::Settings::default(), Seed(7)));
        let frame = FrameRef { capture: 0, number: *number };
        tracker.packet(&Packet { time: clock, frame, space, layers }, &mut book);
    }
    trackers.values_mut().for_each(|tracker| tracker.finish(&mut book));
    book.0
}

/// The same by sender, in order.
pub(crate) fn by_sender(told: &[Told]) -> BTreeMap<&str, Vec<&Told>> {
    let mut senders: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for told in told {
        senders.entry(&told.sender).or_default().push(told);
    }
    senders
}

#[derive(Default)]
struct Book(Vec<Told>);

impl Observer for Book {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let (client, server) = (origin.key.client, origin.key.server);
        let sender = match origin.direction {
            Direction::ToServer => format!("{client}>{server}"),
            Direction::ToClient => format!("{server}>{client}"),
        };
        let core = format!("{} {}", message.protocol, message.kind.word());
        let (fields, recalled, exchange) = Default::default();
        let mut page = Page { protocol: message.protocol, core, fields, recalled, exchange };
        message.body.fields(&mut page);
        self.0.push(Told {
            sender,
            core: page.core,
            fields: page.fields,
            recalled: page.recalled,
            exchange: page.exchange,
            // A cap of ours may be hit by what waits for an answer that was lost.
            remarks: message.anomalies.iter().filter(|a| a.blame != Blame::Limit).map(|a| a.code).collect(),
            frames: origin.frames.iter().map(|frame| frame.number).collect(),
        });
    }

    fn event(&mut self, _: &Origin<'_>, (): &mut (), _: TrackEvent) {}

    fn heard(&mut self, _: &Heard) -> Timestamp {
        Timestamp::MAX
    }
}

struct Page {
    protocol: Protocol,
    core: String,
    fields: String,
    recalled: String,
    exchange: String,
}

impl FieldVisitor for Page {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        let field = format!(" {key}={value:?}");
        if is_core(self.protocol, key) {
            self.core.push_str(&field);
        }
        if EXCHANGE.contains(&key) {
            self.exchange.push_str(&field);
        }
        self.fields.push_str(&field);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }

    fn recalled(&mut self, key: &'static str, value: FieldValue<'_>) {
        if LEARNED.contains(&key) {
            return;
        }
        self.recalled.push_str(&format!(" {key}={value:?}"));
    }

    fn recalled_item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.recalled(key, value);
    }
}
