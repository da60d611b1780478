//! The guard against poisoning: what an attacker does while a baseline is learned must not become normal.
//!
//! An engine without a baseline judges the same frames. While an incident of it is open, what its attackers say and hear is learned
//! apart. So is, in the end, everything of an attacker that first appeared not long before. A strict guard also sets apart
//! what was seen only once, and whoever appeared in the second half of the time: for learning live, where nobody chose what to
//! learn from. What was set apart is a baseline of its own, the quarantine, from which a person accepts.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{
    AddressSpace, Alert, FrameRef, IncidentId, RawFrame, Severity, Site, Talker, Timestamp,
};
use fieldwarden_protocols::link::{Layers, dissect};

use super::{
    Baseline, Entry, Envelope, KnownTalker,
    learn::{Learner, Settings, Settled},
};
use crate::engine::{Engine, Input, Output, Settings as EngineSettings};

/// Attackers held apart; where there are more, everything is from then on.
pub const MAX_SUSPECTS: usize = 1_024;

/// Who first appeared this long before he was found out is an attacker from the beginning.
const LEAD: Duration = Duration::from_secs(900);
/// Who is heard this early was there before: nearly every talker of a plant says something within it.
const CALM: Duration = Duration::from_secs(30);

/// How careful learning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Sets apart what an open incident's attackers did.
    Incidents,
    /// And what was seen once only, and whoever appeared in the second half of the time.
    Strict,
}

/// Why something was set apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Whose doing.
    pub talker: Talker,
    /// When.
    pub time: Timestamp,
    /// In words.
    pub why: String,
}

/// What was learned.
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    /// What is normal.
    pub baseline: Baseline,
    /// What goes beyond it, and waits for a person.
    pub quarantine: Baseline,
    /// Why, in the order of time.
    pub reasons: Vec<Reason>,
}

/// Learns, and watches what it learns from.
pub struct GuardedLearner {
    guard: Guard,
    site: Site,
    learner: Learner,
    apart: Learner,
    watch: Engine,
    suspects: Vec<Suspect>,
}

/// An attacker of an incident.
#[derive(Clone, Debug)]
struct Suspect {
    space: AddressSpace,
    incident: IncidentId,
    open: bool,
    reason: Reason,
}

impl GuardedLearner {
    /// A learner that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings, guard: Guard) -> Self {
        let site = settings.site.clone();
        let watch = Engine::new(EngineSettings {
            site: site.clone(),
            track: settings.track,
            seed: settings.seed,
            threads: 1,
            ..EngineSettings::default()
        });
        let apart = Learner::new(settings.clone());
        Self { guard, site, learner: Learner::new(settings), apart, watch, suspects: Vec::new() }
    }

    /// Learns from one frame.
    pub fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef) {
        let suspects = &mut self.suspects;
        self.watch.step(Input::Frame { frame, reference }, &mut |output| take(suspects, output));
        if self.suspects.iter().any(|suspect| suspect.open) && self.concerns(&frame) {
            self.apart.frame(frame, reference);
        } else {
            self.learner.frame(frame, reference);
        }
    }

    /// How far learning has settled.
    #[must_use]
    pub fn settled(&self) -> Settled {
        self.learner.settled()
    }

    /// What was learned so far.
    #[must_use]
    pub fn so_far(&self) -> Lesson {
        let all = self.learner.so_far();
        let (mut sure, mut reasons) = match self.guard {
            Guard::Incidents => (all.clone(), Vec::new()),
            Guard::Strict => (self.learner.seen_again(), self.newcomers()),
        };
        reasons.extend(self.suspects.iter().map(|suspect| suspect.reason.clone()));
        let out: BTreeSet<(AddressSpace, Talker)> = self.out();
        sure.talkers.retain(|known| !out.contains(&(known.space, known.talker)));
        sure.conversations.retain(|entry| !out.contains(&(entry.space, entry.client)));
        let mut quarantine = beyond(&all, &sure);
        let apart = beyond(&self.apart.so_far(), &sure);
        add(&mut quarantine, apart);
        quarantine.mode.clone_from(&sure.mode);
        quarantine.sort();
        reasons.sort_by_key(|reason| (reason.time, reason.talker));
        Lesson { baseline: sure, quarantine, reasons }
    }

    /// What was learned.
    #[must_use]
    pub fn finish(mut self) -> Lesson {
        self.learner.end();
        self.apart.end();
        self.so_far()
    }

    /// Whether a frame is to or from an attacker.
    fn concerns(&self, frame: &RawFrame<'_>) -> bool {
        if self.suspects.len() >= MAX_SUSPECTS {
            return true;
        }
        let layers = dissect(frame);
        let space = self.site.space_of(layers.vlan.first().copied());
        let ends = ends(&layers);
        let is = |suspect: &Suspect| {
            suspect.open && suspect.space == space && ends.contains(&Some(suspect.reason.talker))
        };
        self.suspects.iter().any(is)
    }

    /// Who appeared in the second half of the time.
    fn newcomers(&self) -> Vec<Reason> {
        let Settled { first, last, .. } = self.learner.settled();
        let Some((first, last)) = first.zip(last) else { return Vec::new() };
        let half = first.saturating_add(last.since(first) / 2);
        let late = |((_, talker), time): ((AddressSpace, Talker), Timestamp)| {
            (time > half).then(|| Reason {
                talker,
                time,
                why: String::from("appeared in the second half of the time"),
            })
        };
        self.learner.first_heard().into_iter().filter_map(late).collect()
    }

    /// Talkers of whom nothing is learned: attackers that were new when found out, and newcomers of a strict guard.
    fn out(&self) -> BTreeSet<(AddressSpace, Talker)> {
        let late: BTreeSet<Talker> = match self.guard {
            Guard::Incidents => BTreeSet::new(),
            Guard::Strict => self.newcomers().iter().map(|reason| reason.talker).collect(),
        };
        let begin = self.learner.settled().first.unwrap_or(Timestamp::MIN).saturating_add(CALM);
        let found_out = |key: (AddressSpace, Talker), first: Timestamp| {
            let own = |suspect: &&Suspect| (suspect.space, suspect.reason.talker) == key;
            first > begin && self.suspects.iter().filter(own).any(|own| own.reason.time.since(first) <= LEAD)
        };
        let heard = self.learner.first_heard().into_iter();
        heard
            .filter(|(key, first)| late.contains(&key.1) || found_out(*key, *first))
            .map(|(key, _)| key)
            .collect()
    }
}

/// Notes the attackers of incidents, and that incidents close.
fn take(suspects: &mut Vec<Suspect>, output: Output) {
    match output {
        Output::Alert(alert) if tells_an_attack(&alert) => {
            let is = |suspect: &Suspect| {
                suspect.open && suspect.incident == alert.incident && suspect.reason.talker == alert.client
            };
            if suspects.len() < MAX_SUSPECTS && !suspects.iter().any(is) {
                let reason = Reason { talker: alert.client, time: alert.time, why: alert.summary };
                suspects.push(Suspect { space: alert.space, incident: alert.incident, open: true, reason });
            }
        }
        Output::Incident(incident) if !incident.open => {
            let own = suspects.iter_mut().filter(|suspect| suspect.incident == incident.id);
            own.for_each(|suspect| suspect.open = false);
        }
        _ => {}
    }
}

/// Whether an alert tells of an attack, and not of a device's own way of breaking its protocol, which is to be learned.
fn tells_an_attack(alert: &Alert) -> bool {
    alert.severity >= Severity::High || alert.detector == "function-scan"
}

fn ends(layers: &Layers<'_>) -> [Option<Talker>; 2] {
    match (&layers.network, &layers.arp) {
        (Some(network), _) => [network.source, network.destination].map(|address| Some(Talker::Ip(address))),
        (None, Some(arp)) => [arp.sender.1, arp.target.1].map(|address| Some(Talker::Ip(address.into()))),
        (None, None) => [layers.source_mac, layers.destination_mac].map(|mac| mac.map(Talker::Mac)),
    }
}

/// What one baseline has beyond another.
fn beyond(all: &Baseline, known: &Baseline) -> Baseline {
    let talkers = strangers(all, known);
    let entries: BTreeMap<_, &Entry> = known.conversations.iter().map(|own| (own.key(), own)).collect();
    let conversations = all.conversations.iter().filter_map(|entry| match entries.get(&entry.key()) {
        Some(own) => rest(entry, own),
        None => Some(entry.clone()),
    });
    Baseline { talkers, conversations: conversations.collect(), ..all.clone() }
}

/// The talkers of one baseline that another does not know.
pub(super) fn strangers(all: &Baseline, known: &Baseline) -> Vec<KnownTalker> {
    let talkers: BTreeSet<_> = known.talkers.iter().map(|own| (own.space, own.talker)).collect();
    let strange = |own: &&KnownTalker| !talkers.contains(&(own.space, own.talker));
    all.talkers.iter().filter(strange).copied().collect()
}

/// What an entry has beyond another of its conversation.
pub(super) fn rest(entry: &Entry, known: &Entry) -> Option<Entry> {
    let mut rest = entry.clone();
    rest.functions.retain(|own| known.functions.iter().all(|function| function.code != own.code));
    rest.reads.retain(|own| !known.reads.iter().any(|range| range.contains(own)));
    rest.writes.retain(|own| !known.writes.iter().any(|envelope| covers(envelope, own)));
    rest.motion.clear();
    rest.oddities.retain(|own| !known.oddities.contains(own));
    let empty = rest.functions.is_empty() && rest.reads.is_empty() && rest.writes.is_empty();
    (!empty || !rest.oddities.is_empty()).then_some(rest)
}

/// Whether an envelope lets through all that another does.
fn covers(wide: &Envelope, narrow: &Envelope) -> bool {
    let offset = narrow.points.first.saturating_sub(wide.points.first);
    wide.step == narrow.step
        // Values that begin between those of the other are none of them.
        && offset.is_multiple_of(u64::from(wide.step.max(1)))
        && wide.points.contains(&narrow.points)
        && wide.allowed.covers(&narrow.allowed)
}

/// Adds what is not there yet; of a conversation that is there, what goes beyond it becomes part of it.
fn add(to: &mut Baseline, more: Baseline) {
    for known in more.talkers {
        if !to.talkers.iter().any(|own| (own.space, own.talker) == (known.space, known.talker)) {
            to.talkers.push(known);
        }
    }
    for entry in more.conversations {
        match to.conversations.iter_mut().find(|own| own.key() == entry.key()) {
            None => to.conversations.push(entry),
            Some(own) => {
                let Some(rest) = rest(&entry, own) else { continue };
                own.functions.extend(rest.functions);
                own.functions.sort();
                own.reads.extend(rest.reads);
                super::merge(&mut own.reads);
                own.writes.extend(rest.writes);
                own.writes.sort_by_key(|envelope| (envelope.points, envelope.step));
                own.oddities.extend(rest.oddities);
                own.oddities.sort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Point, Value};
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::baseline::{
        arbitrary::{self, POINTS, REGISTERS},
        compiled::CompiledEntry,
    };

    fn allows(entry: &Entry, (index, step, value): (u64, u16, i64)) -> bool {
        let compiled = CompiledEntry::new(entry.clone()).unwrap();
        let envelope = compiled.envelope(Point { space: REGISTERS, index }, step);
        envelope.is_some_and(|envelope| envelope.allows(Value::Integer(value)))
    }

    proptest! {
        /// Whatever the sure part does not hold is set apart, of whatever kind both are.
        #[test]
        fn what_goes_beyond_is_set_apart(
            all in arbitrary::envelope(),
            known in vec(arbitrary::envelope(), 1),
        ) {
            let of = |writes| Entry { writes, ..arbitrary::bare_entry() };
            let (all, known) = (of(vec![all]), of(known));
            let apart = rest(&all, &known);
            for index in 0..POINTS + 6 {
                for at in [1, 2].into_iter().flat_map(|step| (-4..12).map(move |value| (index, step, value))) {
                    let is_beyond = allows(&all, at) && !allows(&known, at);
                    let is_apart = apart.as_ref().is_some_and(|apart| allows(apart, at));
                    prop_assert!(!is_beyond || is_apart, "{:?} {:?}", at, apart);
                }
            }
        }
    }
}
