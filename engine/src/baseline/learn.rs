//! Learning: a baseline out of traffic that a person holds to be normal.
//!
//! The same trackers as in the engine tell another observer what they see; nothing is judged. What is learned is what was
//! asked for, refused requests included: the person who reviews the text decides.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{AddressSpace, FrameRef, Mac, RawFrame, Talker, Timestamp};

use super::{
    Baseline, KnownTalker, Learned,
    notes::{LastHour, Note, Notes},
};
use crate::{
    conversation::{ConversationKey, plain},
    map::Seed,
    track,
    trackers::Trackers,
};

/// Talkers, services or conversations one shard learns; further ones are not learned, and said so.
pub const MAX_LEARNED: usize = 4_096;
/// Written points learned per conversation; further ones are not learned, and said so.
pub const MAX_WRITTEN_POINTS: usize = 8_192;

/// Points that are read, of which is learned how they move, per conversation; of further ones it is not, and said so.
pub const MAX_READ_POINTS: usize = 8_192;

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
    /// Frames of the last hour.
    pub hour_frames: u64,
    /// Those of them that taught something new, as near as one can count: no more than one at a time.
    pub hour_novel: u64,
}

/// Learns a baseline.
pub struct Learner {
    trackers: Trackers<Notes>,
    mode: String,
    hour: LastHour,
}

impl Learner {
    /// A learner that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mode = if settings.mode.is_empty() { String::from("normal") } else { settings.mode };
        let trackers = Trackers::new(settings.site, settings.track, settings.seed, Notes::default);
        Self { trackers, mode, hour: LastHour::default() }
    }

    /// Learns from one frame.
    pub fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef) {
        let time = self.trackers.clamp(frame.time);
        self.trackers.pass_to(time, |_| {});
        self.hour.count(time);
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
        let now = self.trackers.now;
        settled.hour_frames = self.hour.sum(now);
        let mut talkers: BTreeSet<&(AddressSpace, Talker)> = BTreeSet::new();
        for notes in self.trackers.observers() {
            talkers.extend(notes.talkers.keys());
            settled.conversations += notes.conversations.len() + notes.plain_services().count();
            settled.novelties += notes.novelties;
            settled.last_novelty = settled.last_novelty.max(notes.last_novelty);
            settled.left_out += notes.left_out;
            settled.hour_novel += notes.hour.sum(now);
        }
        settled.talkers = talkers.len();
        settled
    }

    /// The baseline learned.
    #[must_use]
    pub fn finish(mut self) -> Baseline {
        self.end();
        self.so_far()
    }

    /// No more frames will come.
    pub(super) fn end(&mut self) {
        self.trackers.finish();
    }

    /// What was learned so far; streams under way are not cut short for it.
    #[must_use]
    pub fn so_far(&self) -> Baseline {
        self.seen_at_least(1)
    }

    /// What was seen again: without functions used and points written once only.
    pub(super) fn seen_again(&self) -> Baseline {
        self.seen_at_least(2)
    }

    /// When each talker was heard first.
    pub(super) fn first_heard(&self) -> BTreeMap<(AddressSpace, Talker), Timestamp> {
        let mut first: BTreeMap<(AddressSpace, Talker), Timestamp> = BTreeMap::new();
        for (key, (_, time)) in self.trackers.observers().flat_map(|notes| &notes.talkers) {
            let known = first.entry(*key).or_insert(*time);
            *known = (*known).min(*time);
        }
        first
    }

    fn seen_at_least(&self, least: u64) -> Baseline {
        let learned = self.trackers.first.zip(self.trackers.last);
        let learned = learned.map(|(from, until)| Learned { from, until, frames: self.trackers.frames });
        let mut baseline = Baseline { mode: self.mode.clone(), learned, ..Baseline::default() };
        let mut talkers: BTreeMap<(AddressSpace, Talker), Option<Mac>> = BTreeMap::new();
        for notes in self.trackers.observers() {
            for (key, (mac, _)) in &notes.talkers {
                let known = talkers.entry(*key).or_insert(*mac);
                // The least of several, so that the order of frames decides nothing.
                *known = match (*known, *mac) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
            let spoken = notes
                .conversations
                .iter()
                .map(|(key, note)| notes.entry(key, note, least, self.trackers.last));
            baseline.conversations.extend(spoken);
            baseline.conversations.extend(notes.plain_services().map(|service| {
                let protocol = plain(service.transport);
                let key = ConversationKey { service: *service, protocol, unit: None };
                notes.entry(&key, &Note::default(), least, None)
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
