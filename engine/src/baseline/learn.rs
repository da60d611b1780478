//! Learning: a baseline out of traffic that a person holds to be normal.
//!
//! The same trackers as in the engine tell another observer what they see; nothing is judged. What is learned is what was
//! asked for, refused requests included: the person who reviews the text decides.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{
    AddressSpace, FrameRef, Mac, Operation, Outcome, PointRange, RawFrame, Space, Talker, Timestamp, Value,
    Verb,
};
use fieldwarden_protocols::{Blame, Message};

use super::{Baseline, Entry, Envelope, Function, KnownTalker, Learned, Moves, merge, order, pace};
use crate::{
    conversation::{ConversationKey, ServiceKey, is_beneath, is_group_or_nobody, plain},
    detect::is_change,
    map::Seed,
    shard::{begins_service, is_to_group},
    track::{self, Heard, Observer, Origin, TrackEvent},
    trackers::Trackers,
    values,
};

/// Talkers, services or conversations one shard learns; further ones are not learned, and said so.
pub const MAX_LEARNED: usize = 4_096;
/// Written points learned per conversation; further ones are not learned, and said so.
pub const MAX_WRITTEN_POINTS: usize = 8_192;
/// Requests of one conversation whose repetition is timed.
const MAX_POLLS: usize = 64;
/// Intervals timed per request: the median of the first ones serves.
const MAX_INTERVALS: usize = 256;

/// What a learner is told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The plant as its engineers describe it: VLANs in which addresses repeat.
    pub site: fieldwarden_model::Site,
    /// Caps and patience of tracking.
    pub track: track::Settings,
    /// The operating mode that is learned; empty for `normal`.
    pub mode: String,
    /// Random per process; changes no output.
    pub seed: Seed,
}

/// How far learning has settled: when nothing new came for most of the time, it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Frames learned from.
    pub frames: u64,
    /// Time of the first.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Option<Timestamp>,
    /// Talkers learned.
    pub talkers: usize,
    /// Conversations learned, services without a recognised protocol included.
    pub conversations: usize,
    /// How often something new was learned: a talker, a service, a function, points, a wider envelope.
    pub novelties: u64,
    /// When something new was last learned.
    pub last_novelty: Option<Timestamp>,
    /// Things not learned because a cap was hit.
    pub left_out: u64,
}

/// Learns a baseline.
pub struct Learner {
    trackers: Trackers<Notes>,
    mode: String,
}

impl Learner {
    /// A learner that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mode = if settings.mode.is_empty() { String::from("normal") } else { settings.mode };
        let trackers = Trackers::new(settings.site, settings.track, settings.seed, Notes::default);
        Self { trackers, mode }
    }

    /// Learns from one frame.
    pub fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef) {
        let time = self.trackers.clamp(frame.time);
        self.trackers.pass_to(time, |_| {});
        // A silence of the sensor, or between two captures, is no pause of the plant.
        let awake = self.trackers.pulse.awake;
        self.trackers.frame(&frame, time, reference);
        if self.trackers.pulse.awake != awake {
            self.trackers.observers_mut().for_each(|notes| notes.awake = time);
        }
    }

    /// How far learning has settled.
    #[must_use]
    pub fn settled(&self) -> Settled {
        let mut settled = Settled {
            frames: self.trackers.frames,
            first: self.trackers.first,
            last: self.trackers.last,
            ..Settled::default()
        };
        let mut talkers: BTreeSet<&(AddressSpace, Talker)> = BTreeSet::new();
        for notes in self.trackers.observers() {
            talkers.extend(notes.talkers.keys());
            settled.conversations += notes.conversations.len() + notes.plain_services().count();
            settled.novelties += notes.novelties;
            settled.last_novelty = settled.last_novelty.max(notes.last_novelty);
            settled.left_out += notes.left_out;
        }
        settled.talkers = talkers.len();
        settled
    }

    /// The baseline learned.
    #[must_use]
    pub fn finish(mut self) -> Baseline {
        self.trackers.finish();
        self.so_far()
    }

    /// What was learned so far; streams under way are not cut short for it.
    #[must_use]
    pub fn so_far(&self) -> Baseline {
        let learned = self.trackers.first.zip(self.trackers.last);
        let learned = learned.map(|(from, until)| Learned { from, until, frames: self.trackers.frames });
        let mut baseline = Baseline { mode: self.mode.clone(), learned, ..Baseline::default() };
        let mut talkers: BTreeMap<(AddressSpace, Talker), Option<Mac>> = BTreeMap::new();
        for notes in self.trackers.observers() {
            for (key, mac) in &notes.talkers {
                let known = talkers.entry(*key).or_insert(*mac);
                // The least of several, so that the order of frames decides nothing.
                *known = match (*known, *mac) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            let spoken =
                notes.conversations.iter().map(|(key, note)| notes.entry(key, note, self.trackers.last));
            baseline.conversations.extend(spoken);
            baseline.conversations.extend(notes.plain_services().map(|service| {
                let protocol = plain(service.transport);
                let key = ConversationKey { service: *service, protocol, unit: None };
                notes.entry(&key, &Note::default(), None)
            }));
        }
        let known = |((space, talker), mac): (&(AddressSpace, Talker), &Option<Mac>)| KnownTalker {
            space: *space,
            talker: *talker,
            mac: *mac,
        };
        baseline.talkers = talkers.iter().map(known).collect();
        baseline.sort();
        baseline
    }
}

/// What one shard notes down.
#[derive(Debug, Default)]
struct Notes {
    talkers: BTreeMap<(AddressSpace, Talker), Option<Mac>>,
    services: BTreeSet<ServiceKey>,
    conversations: BTreeMap<ConversationKey, Note>,
    oddities: BTreeSet<(ServiceKey, &'static str)>,
    novelties: u64,
    last_novelty: Option<Timestamp>,
    left_out: u64,
    /// Since when the sensor heard frames without a longer silence.
    awake: Timestamp,
}

/// What is noted about one conversation.
#[derive(Debug, Default)]
struct Note {
    functions: BTreeMap<u32, &'static str>,
    reads: Vec<PointRange>,
    written: BTreeMap<(Space, u16, u64), Seen>,
    unread_writes: Vec<PointRange>,
    polls: BTreeMap<(u32, Option<PointRange>), Poll>,
    refusals: (i64, u64),
    most_refusals: u64,
    asked: bool,
    pace: pace::Notes,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    minimum: Value,
    maximum: Value,
    count: u64,
    moves: pace::Moving,
}

#[derive(Debug)]
struct Poll {
    last: Timestamp,
    count: u64,
    intervals_ms: Vec<u64>,
}

impl Notes {
    fn novelty(&mut self, time: Timestamp) {
        self.novelties += 1;
        self.last_novelty = self.last_novelty.max(Some(time));
    }

    /// What the baseline says of a conversation.
    fn entry(&self, key: &ConversationKey, note: &Note, until: Option<Timestamp>) -> Entry {
        let own = self.oddities.iter().filter(|(service, _)| *service == key.service);
        Entry { oddities: own.map(|(_, code)| (*code).to_owned()).collect(), ..note.entry(key, until) }
    }

    /// Services over which no protocol was recognised.
    fn plain_services(&self) -> impl Iterator<Item = &ServiceKey> {
        let recognised: BTreeSet<ServiceKey> = self.conversations.keys().map(|key| key.service).collect();
        self.services.iter().filter(move |service| !recognised.contains(service))
    }

    fn note(&mut self, key: ConversationKey, time: Timestamp) -> Option<&mut Note> {
        if !self.conversations.contains_key(&key) {
            if self.conversations.len() >= MAX_LEARNED {
                self.left_out += 1;
                return None;
            }
            self.novelty(time);
        }
        Some(self.conversations.entry(key).or_default())
    }

    /// A break of the protocol, which is the device's own whatever unit or layer it shows in.
    fn oddity(&mut self, service: ServiceKey, code: &'static str, time: Timestamp) {
        if self.oddities.len() >= MAX_LEARNED {
            self.left_out += 1;
        } else if self.oddities.insert((service, code)) {
            self.novelty(time);
        }
    }

    fn operation(&mut self, key: ConversationKey, time: Timestamp, operation: &Operation<'_>, first: bool) {
        let awake = self.awake;
        let Some(note) = self.note(key, time) else { return };
        let asks = matches!(operation.outcome, Outcome::Asked | Outcome::Reported);
        if asks {
            note.pace.note(time, awake, is_change(operation), first);
        }
        let (new, left_out) = note.learn(time, operation);
        self.left_out += left_out;
        if new {
            self.novelty(time);
        }
    }
}

impl Observer for Notes {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let service = ServiceKey::of(origin.key);
        if !is_beneath(message.protocol) {
            let key = |unit| ConversationKey { service, protocol: message.protocol, unit };
            let mut first = true;
            message.body.operations(&mut |operation| {
                let together = values::together(operation);
                let operation = together.as_ref().unwrap_or(operation);
                self.operation(key(operation.unit), origin.time, operation, core::mem::take(&mut first));
            });
        }
        let malformed = message.anomalies.iter().filter(|anomaly| anomaly.blame == Blame::Malformed);
        for anomaly in malformed {
            self.oddity(service, anomaly.code, origin.time);
        }
    }

    /// Nothing is judged of it, so nothing is learned.
    fn upkeep(&mut self, _: &Origin<'_>, _: &Message<'_>) {}

    fn event(&mut self, origin: &Origin<'_>, (): &mut (), event: TrackEvent) {
        let service = ServiceKey::of(origin.key);
        match event {
            TrackEvent::Started | TrackEvent::Recognised(_)
                if begins_service(&service, event) && !is_to_group(&service, origin) =>
            {
                if self.services.contains(&service) {
                    return;
                }
                if self.services.len() >= MAX_LEARNED {
                    self.left_out += 1;
                    return;
                }
                self.services.insert(service);
                self.novelty(origin.time);
            }
            TrackEvent::Limit { .. } => self.left_out += 1,
            _ => {}
        }
    }

    fn heard(&mut self, heard: &Heard) -> Timestamp {
        let key = (heard.space, heard.talker);
        if self.talkers.contains_key(&key) || is_group_or_nobody(heard.talker) {
            return Timestamp::MAX;
        }
        if self.talkers.len() >= MAX_LEARNED {
            self.left_out += 1;
        } else {
            self.talkers.insert(key, heard.mac);
            self.novelty(heard.time);
        }
        Timestamp::MAX
    }
}

impl Note {
    /// Learns from one operation: whether there was something new in it, and what was left out.
    fn learn(&mut self, time: Timestamp, operation: &Operation<'_>) -> (bool, u64) {
        match operation.outcome {
            Outcome::Asked => self.asked = true,
            Outcome::Refused(_) => {
                self.refused(time);
                return (false, 0);
            }
            // Where only answers are seen, the answer stands for the demand.
            Outcome::Done if self.asked => return (false, 0),
            Outcome::Done | Outcome::Reported => {}
        }
        let mut new = self.functions.insert(operation.function, operation.name).is_none();
        let mut left_out = 0;
        if let Some(points) = operation.points {
            if matches!(operation.verb, Verb::Write | Verb::Operate) {
                let (wider, out) = self.write(time, points, operation);
                new |= wider;
                left_out = out;
            } else if !self.reads.iter().any(|range| range.contains(&points)) {
                self.reads.push(points);
                merge(&mut self.reads);
                new = true;
            }
        }
        self.time(time, (operation.function, operation.points));
        (new, left_out)
    }

    fn write(&mut self, time: Timestamp, points: PointRange, operation: &Operation<'_>) -> (bool, u64) {
        let Some(values) = operation.values else {
            let known = self.unread_writes.iter().any(|range| range.contains(&points));
            if !known {
                self.unread_writes.push(points);
                merge(&mut self.unread_writes);
            }
            return (!known, 0);
        };
        let (mut wider, mut left_out) = (false, 0);
        let mut index = points.first;
        for value in values.iter() {
            let key = (points.space, values.stride, index);
            if self.written.len() >= MAX_WRITTEN_POINTS && !self.written.contains_key(&key) {
                left_out += 1;
            } else {
                let seen = self.written.entry(key).or_insert_with(|| {
                    wider = true;
                    Seen { minimum: value, maximum: value, count: 0, moves: pace::Moving::default() }
                });
                wider |= seen.widen(value);
                seen.moves.to(value, time);
            }
            index = index.saturating_add(u64::from(values.stride));
        }
        (wider, left_out)
    }

    fn refused(&mut self, time: Timestamp) {
        let minute = time.nanos().div_euclid(60_000_000_000);
        if self.refusals.0 != minute {
            self.refusals = (minute, 0);
        }
        self.refusals.1 += 1;
        self.most_refusals = self.most_refusals.max(self.refusals.1);
    }

    fn time(&mut self, time: Timestamp, request: (u32, Option<PointRange>)) {
        if self.polls.len() >= MAX_POLLS && !self.polls.contains_key(&request) {
            return;
        }
        let fresh = Poll { last: time, count: 0, intervals_ms: Vec::new() };
        let poll = self.polls.entry(request).or_insert(fresh);
        if poll.count > 0 && poll.intervals_ms.len() < MAX_INTERVALS {
            poll.intervals_ms.push(u64::try_from(time.since(poll.last).as_millis()).unwrap_or(u64::MAX));
        }
        poll.last = time;
        poll.count += 1;
    }

    /// The median interval of the request that was made most often.
    fn period_ms(&self) -> Option<u64> {
        let poll = self.polls.values().rev().max_by_key(|poll| poll.count)?;
        // Two intervals may be chance; three that agree are a poll.
        if poll.intervals_ms.len() < 3 {
            return None;
        }
        let mut intervals = poll.intervals_ms.clone();
        intervals.sort_unstable();
        intervals.get(intervals.len() / 2).copied().filter(|period| *period > 0)
    }

    fn entry(&self, key: &ConversationKey, until: Option<Timestamp>) -> Entry {
        let service = &key.service;
        let function = |(code, name): (&u32, &&str)| Function { code: *code, name: (*name).into() };
        Entry {
            id: key.to_string(),
            space: service.space,
            client: service.client,
            server: service.server,
            transport: service.transport,
            server_port: service.port,
            protocol: key.protocol.name().into(),
            unit: key.unit,
            functions: self.functions.iter().map(function).collect(),
            reads: self.reads.clone(),
            writes: self.envelopes(),
            period_ms: self.period_ms(),
            refusals_per_minute: self.most_refusals,
            pace: self.pace.learned(until),
            oddities: Vec::new(),
        }
    }

    /// Neighbouring points with the same bounds become one line.
    fn envelopes(&self) -> Vec<Envelope> {
        let mut envelopes: Vec<Envelope> = Vec::new();
        for ((space, step, first), seen) in &self.written {
            let last = first.saturating_add(u64::from(*step).saturating_sub(1));
            let (minimum, maximum) = (Some(seen.minimum), Some(seen.maximum));
            let moves = seen.moves.learned(seen.minimum, seen.maximum);
            if let Some(before) = envelopes.last_mut()
                && before.points.space == *space
                && before.step == *step
                && before.points.last.saturating_add(1) == *first
                && (before.minimum, before.maximum) == (minimum, maximum)
                // A life sign is no neighbour of what stands still.
                && (before.moves.turns_per_minute == 0) == (moves.turns_per_minute == 0)
            {
                before.points.last = last;
                before.seen += seen.count;
                before.moves = before.moves.with(&moves);
                continue;
            }
            let points = PointRange { space: *space, first: *first, last };
            envelopes.push(Envelope { points, step: *step, minimum, maximum, seen: seen.count, moves });
        }
        let unread = self.unread_writes.iter();
        envelopes.extend(unread.map(|&points| Envelope {
            points,
            step: 1,
            minimum: None,
            maximum: None,
            seen: 0,
            moves: Moves::default(),
        }));
        envelopes.sort_by_key(|envelope| (envelope.points, envelope.step));
        envelopes
    }
}

impl Seen {
    /// Whether the value lies outside what was seen before.
    fn widen(&mut self, value: Value) -> bool {
        self.count += 1;
        let (below, above) = (order(value, self.minimum).is_lt(), order(value, self.maximum).is_gt());
        if below {
            self.minimum = value;
        }
        if above {
            self.maximum = value;
        }
        below || above
    }
}
