//! Frames to messages, reduced to what must not depend on segmentation: per flow and direction, protocol, kind, core fields.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
    time::Duration,
};

use fieldwarden_engine::{
    map::Seed,
    track::{self, FlowKey, Heard, Observer, Origin, Packet, SHARDS, TrackEvent, Tracker},
};
use fieldwarden_model::{AddressSpace, FrameRef, Timestamp};
use fieldwarden_protocols::{Direction, FieldValue, FieldVisitor, Message, Protocol, link};

use super::frames::Frame;

/// Fields that identify a message, by protocol (level `core` of the conformance table, and the like of it).
const CORE: &str = include_str!("../conformance/core.tsv");

static FIELDS: LazyLock<HashSet<(&str, &str)>> = LazyLock::new(|| {
    let lines = CORE.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.filter_map(|line| line.split_once(char::is_whitespace));
    fields.flat_map(|(protocol, keys)| keys.split_whitespace().map(move |key| (protocol, key))).collect()
});

/// Whether a field identifies a message of a protocol.
pub(crate) fn is_core(protocol: Protocol, key: &str) -> bool {
    FIELDS.contains(&(protocol.name(), key))
}

/// Messages in order, per flow and direction.
pub(crate) type Messages = BTreeMap<(FlowKey, Direction), Vec<String>>;

/// Octets of bookkeeping that a tracker may keep for each flow it once knew: room in its table, which grows by doubling.
const ROOM_PER_FLOW: usize = 1_024;
/// Longer than any flow, fragment or hole is remembered.
const LONG: Duration = Duration::from_secs(24 * 3_600);

/// Runs the frames through the trackers; asserts that they never hold more than `cap` octets, and nothing but room for
/// flows once all is over.
pub(crate) fn messages(frames: &[Frame], cap: usize) -> Messages {
    run(frames, cap, Collector::default())
}

/// The same, with the number of the frame that completed each message.
pub(crate) fn numbered_messages(frames: &[Frame], cap: usize) -> Messages {
    run(frames, cap, Collector { numbered: true, ..Collector::default() })
}

fn run(frames: &[Frame], cap: usize, mut collected: Collector) -> Messages {
    let mut trackers: Vec<Tracker<Collector>> =
        (0..SHARDS).map(|_| Tracker::new(track::Settings::default(), Seed(7))).collect();
    let mut most_flows = vec![0; trackers.len()];
    let mut clock = Timestamp::MIN;
    for (frame, number) in frames.iter().zip(1..) {
        clock = clock.max(frame.time);
        let raw = frame.raw();
        let layers = &link::dissect(&raw);
        let space = AddressSpace::default();
        let shard = usize::from(track::shard_of(layers, space));
        let frame = FrameRef { capture: 0, number };
        let packet = Packet { time: clock, frame, space, layers };
        if let Some(opened) = trackers[shard].packet(&packet, &mut collected) {
            opened.distribute(&packet, &|_| space, &mut |shard, packet, frames| {
                let tracker = &mut trackers[usize::from(shard)];
                let opened = tracker.carried(packet, frames, &mut collected);
                most_flows[usize::from(shard)] = most_flows[usize::from(shard)].max(tracker.flows());
                opened
            });
        }
        most_flows[shard] = most_flows[shard].max(trackers[shard].flows());
        if number.is_multiple_of(LOOK_EVERY) {
            assert_bounded(&trackers, cap);
        }
    }
    assert_bounded(&trackers, cap);
    for tracker in &mut trackers {
        tracker.finish(&mut collected);
    }
    let messages = collected.messages.values().map(Vec::len).sum::<usize>();
    for (tracker, most_flows) in trackers.iter_mut().zip(most_flows) {
        tracker.advance(clock.saturating_add(LONG), &mut collected);
        let left = tracker.memory();
        assert_eq!(tracker.flows(), 0, "flows outlive their silence");
        assert!(
            left <= ROOM_PER_FLOW * (most_flows + 4),
            "{left} octets are left when all is over, of {most_flows} flows"
        );
    }
    assert_eq!(
        collected.messages.values().map(Vec::len).sum::<usize>(),
        messages,
        "the end of a capture hands on all there is"
    );
    collected.messages
}

/// How often, in frames, memory is looked at: adding it up visits every flow.
const LOOK_EVERY: u64 = 4_096;

fn assert_bounded(trackers: &[Tracker<Collector>], cap: usize) {
    let held: usize = trackers.iter().map(Tracker::memory).sum();
    assert!(held <= cap, "trackers hold {held} octets");
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
struct Collector {
    messages: Messages,
    numbered: bool,
}

impl Observer for Collector {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let line = format!("{} {}", message.protocol, message.kind.word());
        let mut core = Core { protocol: message.protocol, line };
        message.body.fields(&mut core);
        // Operations run as well: they are what a hostile message reaches in the engine.
        message.body.operations(&mut |operation| drop(format!("{operation:?}")));
        if self.numbered {
            let last = origin.frames.last().map_or(0, |frame| frame.number);
            core.line.push_str(&format!(" frame={last}"));
        }
        self.messages.entry((*origin.key, origin.direction)).or_default().push(core.line);
    }

    fn event(&mut self, _: &Origin<'_>, (): &mut (), _: TrackEvent) {}

    fn heard(&mut self, _: &Heard) -> Timestamp {
        Timestamp::MAX
    }
}

struct Core {
    protocol: Protocol,
    line: String,
}

impl FieldVisitor for Core {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        if is_core(self.protocol, key) {
            self.line.push_str(&format!(" {key}={value:?}"));
        }
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}
