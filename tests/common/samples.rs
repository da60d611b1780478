//! What each dissector is found to speak: the octets of recognised flows, and their messages parsed without a tracker.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use fieldwarden_engine::{
    map::Seed,
    track::{self, FlowKey, Heard, Observer, Origin, Packet, SHARDS, TrackEvent, Tracker},
};
use fieldwarden_model::{AddressSpace, FrameRef, Timestamp, Transport};
use fieldwarden_protocols::{
    Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, Protocol, Step, link,
    stream::StreamParser,
};

use super::{decode::is_core, frames::Frame};

/// Segments or datagrams kept of one flow.
const MAX_PARTS: usize = 48;
/// Octets kept of one flow.
const MAX_OCTETS: usize = 128 << 10;

/// A segment or a datagram, and who sent it.
pub(crate) type Part = (Direction, Vec<u8>);

/// A flow that a dissector took.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) path: PathBuf,
    /// The name of the dissector's protocol.
    pub(crate) protocol: &'static str,
    pub(crate) transport: Transport,
    pub(crate) ports: Ports,
    /// Those that carried messages, in order.
    pub(crate) parts: Vec<Part>,
}

/// The flows of a capture that were recognised, with the octets that carried their messages.
pub(crate) fn samples(path: &Path, frames: &[Frame]) -> Vec<Sample> {
    let mut carriers = Carriers::default();
    let mut trackers: BTreeMap<u16, Tracker<Carriers>> = BTreeMap::new();
    let mut clock = Timestamp::MIN;
    for (frame, number) in frames.iter().zip(1..) {
        clock = clock.max(frame.time);
        let raw = frame.raw();
        let layers = &link::dissect(&raw);
        let space = AddressSpace::default();
        let shard = track::shard_of(layers, space);
        assert!(shard < SHARDS);
        let tracker =
            trackers.entry(shard).or_insert_with(|| Tracker::new(track::Settings::default(), Seed(7)));
        let frame = FrameRef { capture: 0, number };
        tracker.packet(&Packet { time: clock, frame, space, layers }, &mut carriers);
    }
    trackers.values_mut().for_each(|tracker| tracker.finish(&mut carriers));
    let flows = carriers.flows.into_iter();
    flows.filter_map(|(key, flow)| sample(path, frames, &key, &flow)).collect()
}

fn sample(path: &Path, frames: &[Frame], key: &FlowKey, flow: &Carrier) -> Option<Sample> {
    let mut octets = 0;
    let mut parts = Vec::new();
    for (number, direction) in &flow.frames {
        let frame = frames.get(usize::try_from(*number).ok()?.checked_sub(1)?)?;
        let payload = link::dissect(&frame.raw()).payload.to_vec();
        octets += payload.len();
        if parts.len() == MAX_PARTS || octets > MAX_OCTETS {
            break;
        }
        if !payload.is_empty() {
            parts.push((*direction, payload));
        }
    }
    let ports = Ports { server: key.server.port.unwrap_or(0), client: key.client.port.unwrap_or(0) };
    let protocol = flow.protocol?;
    let found = Sample { path: path.to_path_buf(), protocol, transport: key.transport, ports, parts };
    (!found.parts.is_empty()).then_some(found)
}

#[derive(Default)]
struct Carriers {
    flows: BTreeMap<FlowKey, Carrier>,
}

#[derive(Default)]
struct Carrier {
    protocol: Option<&'static str>,
    /// Frames that carried messages, and which way.
    frames: BTreeMap<u64, Direction>,
}

impl Observer for Carriers {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let flow = self.flows.entry(*origin.key).or_default();
        if flow.protocol.is_none() {
            // What belongs to no flow is recognised each time, and never told to be.
            let dissector = fieldwarden_protocols::dissector(message.protocol.name());
            flow.protocol = dissector.map(|dissector| dissector.protocol().name());
        }
        // A long message names but some of its frames: what it lacks is a gap to the parser, as it is on a bad mirror.
        for frame in origin.frames {
            if flow.frames.len() > MAX_PARTS {
                break;
            }
            flow.frames.entry(frame.number).or_insert(origin.direction);
        }
    }

    fn event(&mut self, origin: &Origin<'_>, (): &mut (), event: TrackEvent) {
        if let TrackEvent::Recognised(protocol) = event {
            self.flows.entry(*origin.key).or_default().protocol = Some(protocol.name());
        }
    }

    fn heard(&mut self, _: &Heard) -> Timestamp {
        Timestamp::MAX
    }
}

/// What a parser said.
pub(crate) struct Told {
    /// Protocol, kind and core fields of each message, by direction.
    pub(crate) messages: Vec<String>,
    /// The most that `usage` gave after a part, the messages not counted.
    pub(crate) held: usize,
}

/// Parses parts as a stream or as datagrams, and asks every message all it can tell. `usage` says how many octets are allocated.
pub(crate) fn parse(
    dissector: &dyn Dissector,
    transport: Transport,
    parts: &[Part],
    usage: &dyn Fn() -> usize,
) -> Told {
    let mut told = Told { messages: Vec::new(), held: 0 };
    // The lines of messages are ours, not the dissector's: room for them is there before anything is measured.
    let mut page = Page { lines: [Vec::new(), Vec::new()], octets: 0 };
    let mut note = |page: &Page| told.held = told.held.max(usage().saturating_sub(page.octets));
    if transport == Transport::Tcp {
        let mut parser = StreamParser::new(dissector.session(transport), dissector.max_message());
        for ((direction, octets), number) in parts.iter().zip(1..) {
            let frame = FrameRef { capture: 0, number };
            parser.feed(*direction, octets, frame, &mut |message, _| page.write(dissector, message));
            note(&page);
        }
    } else {
        let mut session = dissector.session(transport);
        for (direction, octets) in parts {
            let mut rest = octets.as_slice();
            while !rest.is_empty() {
                let sink = &mut |message: &Message<'_>| page.write(dissector, message);
                match session.step(*direction, rest, sink) {
                    Step::Consumed(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
                    Step::Need(_) | Step::Lost | Step::GiveUp => break,
                }
            }
            note(&page);
        }
    }
    told.messages = page.lines.into_iter().flatten().collect();
    told
}

struct Page {
    lines: [Vec<String>; 2],
    /// Octets that the lines take.
    octets: usize,
}

impl Page {
    fn write(&mut self, dissector: &dyn Dissector, message: &Message<'_>) {
        // What another dissector reads inside of this one is written as that one writes it.
        let dissector = fieldwarden_protocols::dissector(message.protocol.name()).unwrap_or(dissector);
        let line = format!("{} {}", message.protocol, message.kind.word());
        let mut line = Core { protocol: message.protocol, line };
        message.body.fields(&mut line);
        message.body.operations(&mut |operation| {
            if let Some(points) = &operation.points {
                let mut text = String::new();
                assert!(points.first <= points.last, "{operation:?}");
                dissector.notation().write(points, &mut text).unwrap();
                assert_eq!(dissector.notation().read(&text).as_ref(), Some(points), "{text}");
            }
            if let Some(values) = &operation.values {
                assert!(values.iter().take(100_000).count() <= values.count as usize);
            }
        });
        assert!(message.anomalies.iter().all(|anomaly| !anomaly.to_string().is_empty()));
        let lines = &mut self.lines[usize::from(message.direction == Direction::ToClient)];
        let room = lines.capacity();
        let line = line.line;
        self.octets += line.capacity();
        lines.push(line);
        self.octets += (lines.capacity() - room) * size_of::<String>();
    }
}

struct Core {
    protocol: Protocol,
    line: String,
}

impl FieldVisitor for Core {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        if is_core(self.protocol, key) {
            let _ = write!(self.line, " {key}={value:?}");
        }
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}
