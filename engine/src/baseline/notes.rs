//! What a learner notes down of what it sees, one set of notes for each shard.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{AddressSpace, Mac, Operation, Outcome, PointRange, Space, Talker, Timestamp, Verb};
use fieldwarden_protocols::{Blame, Message};

use super::{
    Allowed, Entry, Envelope, Function, Moves,
    learn::{MAX_LEARNED, MAX_WRITTEN_POINTS},
    merge, pace, reads,
    shape::Shape,
};
use crate::{
    conversation::{ConversationKey, ServiceKey, is_beneath, is_group_or_nobody},
    detect::is_change,
    shard::{begins_service, is_to_group},
    track::{Heard, Observer, Origin, TrackEvent},
    values,
};

/// Requests of one conversation whose repetition is timed.
const MAX_POLLS: usize = 64;
/// Intervals timed per request: the median of the first ones serves.
const MAX_INTERVALS: usize = 256;

/// Minutes of an hour.
const MINUTES: u8 = 60;
const MINUTE_NANOS: i64 = 60_000_000_000;

/// How much happened in each minute of the last hour.
#[derive(Debug)]
pub(super) struct LastHour {
    /// Each minute by its number since 1970, and its count, at the place of its number.
    minutes: [(i64, u64); MINUTES as usize],
}

impl Default for LastHour {
    fn default() -> Self {
        Self { minutes: [(i64::MIN, 0); MINUTES as usize] }
    }
}

impl LastHour {
    pub(super) fn count(&mut self, time: Timestamp) {
        let minute = time.nanos().div_euclid(MINUTE_NANOS);
        let place = usize::try_from(minute.rem_euclid(i64::from(MINUTES))).unwrap_or(0);
        let Some((number, count)) = self.minutes.get_mut(place) else { return };
        if *number != minute {
            (*number, *count) = (minute, 0);
        }
        *count += 1;
    }

    /// What happened in the hour that ends with the minute of `now`.
    pub(super) fn sum(&self, now: Timestamp) -> u64 {
        let minute = now.nanos().div_euclid(MINUTE_NANOS);
        let within = |number: i64| number <= minute && minute.saturating_sub(number) < i64::from(MINUTES);
        self.minutes.iter().filter(|(number, _)| within(*number)).map(|(_, count)| count).sum()
    }
}

/// What one shard notes down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// By which hardware address each was heard first, and when.
    pub(super) talkers: BTreeMap<(AddressSpace, Talker), (Option<Mac>, Timestamp)>,
    services: BTreeSet<ServiceKey>,
    pub(super) conversations: BTreeMap<ConversationKey, Note>,
    oddities: BTreeSet<(ServiceKey, &'static str)>,
    pub(super) novelties: u64,
    pub(super) last_novelty: Option<Timestamp>,
    pub(super) left_out: u64,
    /// Moments at which something new came.
    pub(super) hour: LastHour,
    /// Since when the sensor heard frames without a longer silence.
    pub(super) awake: Timestamp,
}

/// What is noted about one conversation.
#[derive(Debug, Default)]
pub(super) struct Note {
    /// Their names, and how often each was used.
    functions: BTreeMap<u32, (&'static str, u64)>,
    reads: Vec<PointRange>,
    written: BTreeMap<(Space, u16, u64), Seen>,
    unread_writes: Vec<PointRange>,
    polls: BTreeMap<(u32, Option<PointRange>), Poll>,
    refusals: (i64, u64),
    most_refusals: u64,
    asked: bool,
    pace: pace::Notes,
    answers: reads::Notes,
}

#[derive(Clone, Debug)]
struct Seen {
    shape: Shape,
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
        if self.last_novelty < Some(time) {
            self.hour.count(time);
            self.last_novelty = Some(time);
        }
    }

    /// What the baseline says of a conversation.
    pub(super) fn entry(
        &self,
        key: &ConversationKey,
        note: &Note,
        least: u64,
        until: Option<Timestamp>,
    ) -> Entry {
        let own = self.oddities.iter().filter(|(service, _)| *service == key.service);
        Entry { oddities: own.map(|(_, code)| (*code).to_owned()).collect(), ..note.entry(key, least, until) }
    }

    /// Services over which no protocol was recognised.
    pub(super) fn plain_services(&self) -> impl Iterator<Item = &ServiceKey> {
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
            self.talkers.insert(key, (heard.mac, heard.time));
            self.novelty(heard.time);
        }
        Timestamp::MAX
    }
}

impl Note {
    /// Learns from one operation: whether there was something new in it, and what was left out.
    fn learn(&mut self, time: Timestamp, operation: &Operation<'_>) -> (bool, u64) {
        if operation.verb == Verb::Read && operation.outcome == Outcome::Done {
            let left_out = self.answers.note(time, operation);
            if self.asked {
                return (false, left_out);
            }
        }
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
        let (_, used) = self.functions.entry(operation.function).or_insert((operation.name, 0));
        *used += 1;
        let mut new = *used == 1;
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
                    Seen { shape: Shape::new(value), moves: pace::Moving::default() }
                });
                wider |= seen.shape.take(value);
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

    /// What was seen at least so often.
    fn entry(&self, key: &ConversationKey, least: u64, until: Option<Timestamp>) -> Entry {
        let service = &key.service;
        let function = |(code, (name, used)): (&u32, &(&str, u64))| {
            (*used >= least).then(|| Function { code: *code, name: (*name).into() })
        };
        Entry {
            id: key.to_string(),
            space: service.space,
            client: service.client,
            server: service.server,
            transport: service.transport,
            server_port: service.port,
            protocol: key.protocol.name().into(),
            unit: key.unit,
            functions: self.functions.iter().filter_map(function).collect(),
            reads: self.reads.clone(),
            writes: self.envelopes(least),
            motion: self.answers.learned(&self.all_written()),
            period_ms: self.period_ms(),
            refusals_per_minute: self.most_refusals,
            pace: self.pace.learned(until),
            oddities: Vec::new(),
        }
    }

    /// All points written here, sorted, neighbours merged.
    fn all_written(&self) -> Vec<PointRange> {
        let mut all: Vec<PointRange> = self.unread_writes.clone();
        all.extend(self.written.keys().map(|(space, step, first)| {
            let last = first.saturating_add(u64::from(*step).saturating_sub(1));
            PointRange { space: *space, first: *first, last }
        }));
        merge(&mut all);
        all
    }

    /// Neighbouring points with the same bounds become one line.
    fn envelopes(&self, least: u64) -> Vec<Envelope> {
        let mut envelopes: Vec<Envelope> = Vec::new();
        for ((space, step, first), seen) in self.written.iter().filter(|(_, seen)| seen.shape.count >= least)
        {
            let last = first.saturating_add(u64::from(*step).saturating_sub(1));
            let allowed = seen.shape.learned();
            let moves = seen.moves.learned(&allowed, seen.shape.bounds());
            if let Some(before) = envelopes.last_mut()
                && before.points.space == *space
                && before.step == *step
                && before.points.last.saturating_add(1) == *first
                && before.allowed.same(&allowed)
                // A life sign is no neighbour of what stands still.
                && (before.moves.turns_per_minute == 0) == (moves.turns_per_minute == 0)
            {
                before.points.last = last;
                before.seen += seen.shape.count;
                before.moves = before.moves.with(&moves);
                continue;
            }
            let points = PointRange { space: *space, first: *first, last };
            envelopes.push(Envelope { points, step: *step, allowed, seen: seen.shape.count, moves });
        }
        let unread = self.unread_writes.iter();
        envelopes.extend(unread.map(|&points| Envelope {
            points,
            step: 1,
            allowed: Allowed::ANY,
            seen: 0,
            moves: Moves::default(),
        }));
        envelopes.sort_by_key(|envelope| (envelope.points, envelope.step));
        envelopes
    }
}
