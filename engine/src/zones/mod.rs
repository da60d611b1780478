//! Drift between what conduits permit and what is seen (IEC 62443-3-2): heard passively, judged by the site file alone.

use std::collections::BTreeMap;

use fieldwarden_model::{FrameRef, RawFrame, Site, Timestamp, Verb};
use fieldwarden_protocols::{Message, Protocol};

use crate::{
    conversation::{ServiceKey, is_beneath, is_group_or_nobody, plain},
    map::Seed,
    shard::is_to_group,
    track::{self, Heard, Observer, Origin, TrackEvent},
    trackers::Trackers,
};

/// Conversations one shard notes; further ones are left out, and counted.
const MAX_NOTED: usize = 8_192;

/// A conversation and what was asked in it.
type Passed = (ServiceKey, Protocol, Option<Verb>);

/// How often something passed, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Messages.
    pub count: u64,
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

impl Use {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// What passed between two zones, or from or to somebody without one, and which conduit permits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Who used which service of whom.
    pub service: ServiceKey,
    /// What was spoken; `tcp` or `udp` where that was not recognised.
    pub protocol: Protocol,
    /// What was asked; none where nothing is known of it.
    pub verb: Option<Verb>,
    /// The conduit, by its place in [`Site::conduits`].
    pub conduit: Option<usize>,
    /// How often.
    pub used: Use,
}

/// Takes frames, and tells what crossed zones.
pub struct Crossings {
    trackers: Trackers<Notes>,
    site: Site,
}

impl Crossings {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(site: Site, track: track::Settings, seed: Seed) -> Self {
        Self { trackers: Trackers::new(site.clone(), track, seed, Notes::default), site }
    }

    /// Takes one frame.
    pub fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef) {
        let time = self.trackers.clamp(frame.time);
        self.trackers.pass_to(time, |_| {});
        self.trackers.frame(&frame, time, reference);
    }

    /// No more frames come.
    pub fn finish(&mut self) {
        self.trackers.finish();
    }

    /// Conversations that a cap left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.trackers.observers().map(|notes| notes.left_out).sum()
    }

    /// Everything that crossed, by client and server. What stays within a zone needs no conduit.
    #[must_use]
    pub fn crossings(&self) -> Vec<Crossing> {
        let mut all: BTreeMap<Passed, Use> = BTreeMap::new();
        for notes in self.trackers.observers() {
            let recognised =
                |service: &ServiceKey| notes.passed.range((*service, Protocol(""), None)..).next();
            let unread = notes
                .services
                .iter()
                .filter(|(service, _)| recognised(service).is_none_or(|((other, ..), _)| other != *service));
            let unread = unread.map(|(service, used)| ((*service, plain(service.transport), None), *used));
            for (passed, used) in notes.passed.iter().map(|(passed, used)| (*passed, *used)).chain(unread) {
                all.entry(passed).and_modify(|known| known.add(used)).or_insert(used);
            }
        }
        all.into_iter().filter_map(|(passed, used)| self.crossing(passed, used)).collect()
    }

    fn crossing(&self, (service, protocol, verb): Passed, used: Use) -> Option<Crossing> {
        let ends = (self.site.zone_of(service.client), self.site.zone_of(service.server));
        let conduit = match ends {
            (Some(from), Some(to)) if from == to => return None,
            (Some(from), Some(to)) => {
                let fits = |conduit: &fieldwarden_model::zone::Conduit| {
                    conduit.from == from && conduit.to == to && conduit.permits(protocol.name(), verb)
                };
                self.site.conduits.iter().position(fits)
            }
            _ => None,
        };
        Some(Crossing { service, protocol, verb, conduit, used })
    }
}

/// What one shard notes.
#[derive(Debug, Default)]
struct Notes {
    passed: BTreeMap<Passed, Use>,
    services: BTreeMap<ServiceKey, Use>,
    left_out: u64,
}

fn note<K: Ord>(table: &mut BTreeMap<K, Use>, key: K, time: Timestamp) -> u64 {
    let once = Use { count: 1, first: time, last: time };
    if let Some(known) = table.get_mut(&key) {
        known.add(once);
        return 0;
    }
    if table.len() >= MAX_NOTED {
        return 1;
    }
    table.insert(key, once);
    0
}

impl Observer for Notes {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let service = ServiceKey::of(origin.key);
        if is_beneath(message.protocol) || is_to_group(&service, origin) {
            return;
        }
        let mut told = false;
        message.body.operations(&mut |operation| {
            told = true;
            self.left_out +=
                note(&mut self.passed, (service, message.protocol, Some(operation.verb)), origin.time);
        });
        if !told {
            self.left_out += note(&mut self.passed, (service, message.protocol, None), origin.time);
        }
    }

    /// The network's own upkeep crosses no zone.
    fn upkeep(&mut self, _: &Origin<'_>, _: &Message<'_>) {}

    fn event(&mut self, origin: &Origin<'_>, (): &mut (), event: TrackEvent) {
        let service = ServiceKey::of(origin.key);
        if event == TrackEvent::Answered && !is_group_or_nobody(service.server) {
            self.left_out += note(&mut self.services, service, origin.time);
        }
    }

    fn heard(&mut self, _: &Heard) -> Timestamp {
        Timestamp::MAX
    }
}

#[cfg(test)]
mod tests;
