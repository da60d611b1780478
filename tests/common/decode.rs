//! Frames to messages, reduced to what must not depend on segmentation: per flow and direction, protocol, kind, core fields.

use std::collections::BTreeMap;

use fieldwarden_engine::{
    map::Seed,
    track::{self, FlowKey, Heard, Observer, Origin, Packet, SHARDS, TrackEvent, Tracker},
};
use fieldwarden_model::{AddressSpace, FrameRef, Timestamp};
use fieldwarden_protocols::{Direction, FieldValue, FieldVisitor, Message, link};

use super::frames::Frame;

/// Fields that identify a message, in every protocol decoded by now (level `core` of the conformance table).
const CORE: [&str; 12] = [
    "transaction_id",
    "unit",
    "function_code",
    "exception_code",
    "rosctr",
    "pdu_reference",
    "error_class",
    "error_code",
    "userdata_type",
    "userdata_group",
    "userdata_subfunction",
    "kind",
];

/// Messages in order, per flow and direction.
pub(crate) type Messages = BTreeMap<(FlowKey, Direction), Vec<String>>;

/// Runs the frames through the trackers; asserts that they never hold more than `cap` octets.
pub(crate) fn messages(frames: &[Frame], cap: usize) -> Messages {
    let mut collected = Collector::default();
    let mut trackers: Vec<Tracker<Collector>> =
        (0..SHARDS).map(|_| Tracker::new(track::Settings::default(), Seed(7))).collect();
    let mut clock = Timestamp::MIN;
    for (frame, number) in frames.iter().zip(1..) {
        clock = clock.max(frame.time);
        let raw = frame.raw();
        let layers = link::dissect(&raw);
        let space = AddressSpace::default();
        let shard = usize::from(track::shard_of(&layers, space));
        let frame = FrameRef { capture: 0, number };
        trackers[shard].packet(&Packet { time: clock, frame, space, layers }, &mut collected);
    }
    let held: usize = trackers.iter().map(Tracker::memory).sum();
    assert!(held <= cap, "trackers hold {held} octets");
    for tracker in &mut trackers {
        tracker.finish(&mut collected);
    }
    collected.0
}

/// The first difference between two runs, in words.
pub(crate) fn difference(one: &Messages, two: &Messages) -> Option<String> {
    for key in one.keys().chain(two.keys()) {
        let nothing = Vec::new();
        let (first, second) = (one.get(key).unwrap_or(&nothing), two.get(key).unwrap_or(&nothing));
        if first != second {
            let n =
                first.iter().zip(second).position(|(a, b)| a != b).unwrap_or(first.len().min(second.len()));
            return Some(format!(
                "{} {} > {} {:?}: {} and {} messages, at {n}: {:?} and {:?}",
                key.0.client,
                key.0.server,
                key.0.server,
                key.1,
                first.len(),
                second.len(),
                first.get(n),
                second.get(n)
            ));
        }
    }
    None
}

#[derive(Default)]
struct Collector(Messages);

impl Observer for Collector {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let mut core = Core(format!("{} {}", message.protocol, message.kind.word()));
        message.body.fields(&mut core);
        // Operations run as well: they are what a hostile message reaches in the engine.
        message.body.operations(&mut |operation| drop(format!("{operation:?}")));
        self.0.entry((*origin.key, origin.direction)).or_default().push(core.0);
    }

    fn event(&mut self, _: &Origin<'_>, (): &mut (), _: TrackEvent) {}

    fn heard(&mut self, _: &Heard) {}
}

struct Core(String);

impl FieldVisitor for Core {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        if CORE.contains(&key) {
            self.0.push_str(&format!(" {key}={value:?}"));
        }
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}
