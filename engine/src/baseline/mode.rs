//! Operating modes: what holds in one of them beside what holds always, and when each is due.
//!
//! A baseline is in one mode at a time: the usual one, unless the schedule or a person says otherwise. What holds in a mode
//! adds to what holds always; of a written value that has a line in both, the mode's line counts alone.

mod learned;
mod name;
pub(super) mod read;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{
    Baseline, Entry, Envelope, Function, KnownTalker, Pace, ReadMotion,
    compiled::place,
    diff::sweep::{behind, without},
    merge, reads,
};

pub use name::{ModeName, NoModeName};
pub use schedule::Shift;
pub(crate) use schedule::{mode_at, next_change};

/// What holds in one mode alone.
#[derive(Clone, Debug, PartialEq)]
pub struct InMode {
    /// The mode.
    pub name: ModeName,
    /// Talkers that belong here then, sorted.
    pub talkers: Vec<KnownTalker>,
    /// Conversations that are normal then, or what is normal then in one that always is; sorted.
    pub conversations: Vec<Entry>,
}

impl Baseline {
    /// The name of the usual mode, where it is one.
    #[must_use]
    pub fn usual_mode(&self) -> Option<ModeName> {
        self.mode.parse().ok()
    }

    /// All modes that are spoken of, the usual one among them.
    #[must_use]
    pub fn mode_names(&self) -> Vec<ModeName> {
        let all = self.modes.iter().map(|mode| mode.name).chain(self.schedule.iter().map(|shift| shift.mode));
        let all: std::collections::BTreeSet<ModeName> = all.chain(self.usual_mode()).collect();
        all.into_iter().collect()
    }

    /// Whether what is normal depends on the mode.
    #[must_use]
    pub fn has_modes(&self) -> bool {
        !self.modes.is_empty()
    }

    /// What is normal in a mode, as a baseline without any.
    #[must_use]
    pub fn in_mode(&self, name: Option<ModeName>) -> Self {
        let mut baseline = Self { modes: Vec::new(), schedule: Vec::new(), ..self.clone() };
        let Some(mode) = self.modes.iter().find(|mode| Some(mode.name) == name) else { return baseline };
        let known: Vec<_> = baseline.talkers.iter().map(KnownTalker::subject).collect();
        let new = mode.talkers.iter().filter(|talker| !known.contains(&talker.subject()));
        baseline.talkers.extend(new.copied());
        // Of several tables about one conversation the last counts.
        let at: BTreeMap<_, usize> =
            baseline.conversations.iter().enumerate().map(|(at, entry)| (entry.subject(), at)).collect();
        for entry in &mode.conversations {
            match at.get(&entry.subject()).and_then(|at| baseline.conversations.get_mut(*at)) {
                Some(own) => overlay(own, entry),
                None => baseline.conversations.push(entry.clone()),
            }
        }
        baseline.sort();
        baseline
    }

    /// Takes out what holds in a mode.
    pub(super) fn take_mode(&mut self, name: ModeName) -> InMode {
        match self.modes.iter().position(|mode| mode.name == name) {
            Some(at) => self.modes.remove(at),
            None => InMode { name, talkers: Vec::new(), conversations: Vec::new() },
        }
    }

    /// Puts in what holds in a mode, in the order of names.
    pub(super) fn put_mode(&mut self, mode: InMode) {
        if !mode.talkers.is_empty() || !mode.conversations.is_empty() {
            let at = self.modes.partition_point(|other| other.name < mode.name);
            self.modes.insert(at, mode);
        }
    }

    /// What holds in a mode alone, as a baseline.
    pub(super) fn part(&self, name: ModeName) -> Self {
        let own = self.modes.iter().find(|mode| mode.name == name);
        let (talkers, conversations) =
            own.map(|mode| (mode.talkers.clone(), mode.conversations.clone())).unwrap_or_default();
        Self { talkers, conversations, ..Self::default() }
    }
}

/// Adds to an entry what holds beside it in a mode.
fn overlay(own: &mut Entry, mode: &Entry) {
    let new = |function: &&Function| own.functions.iter().all(|known| known.code != function.code);
    let functions: Vec<Function> = mode.functions.iter().filter(new).cloned().collect();
    own.functions.extend(functions);
    own.functions.sort();
    // An entry that lists no points read leaves them open.
    if !own.reads.is_empty() {
        own.reads.extend(mode.reads.iter().copied());
        merge(&mut own.reads);
    }
    own.writes = lines(&own.writes, &mode.writes);
    for line in &mode.motion {
        let theirs = |own: &mut ReadMotion| *own = ReadMotion { points: own.points, ..*line };
        reads::relax(&mut own.motion, line.points, line.step, theirs);
    }
    own.period_ms = mode.period_ms.or(own.period_ms);
    own.refusals_per_minute = own.refusals_per_minute.max(mode.refusals_per_minute);
    own.pace = wider(&own.pace, &mode.pace);
    own.oddities.extend(mode.oddities.iter().cloned());
    own.oddities.sort();
    own.oddities.dedup();
}

/// The lines of a mode, and of those that hold always what lies beside them.
fn lines(always: &[Envelope], mode: &[Envelope]) -> Vec<Envelope> {
    let class = |envelope: &Envelope| {
        let (space, step, phase, _) = place(envelope);
        (space, step, phase)
    };
    let (mut kept, mut rest) = (mode.to_vec(), Vec::new());
    for line in always {
        let own = mode.iter().filter(|other| class(other) == class(line));
        let taken: Vec<_> = own
            .map(|other| fieldwarden_model::PointRange {
                last: behind(other).saturating_sub(1),
                ..other.points
            })
            .collect();
        // The last value of a line may be cut short; what it takes from another it covers.
        for (own, taken) in kept.iter_mut().zip(mode) {
            if class(taken) == class(line) && taken.points.overlaps(&line.points) {
                let last = behind(taken).saturating_sub(1).min(line.points.last);
                own.points.last = own.points.last.max(last);
            }
        }
        rest.extend(
            without(&[line.points], &taken).into_iter().map(|points| Envelope { points, ..line.clone() }),
        );
    }
    kept.extend(rest);
    kept.sort_by_key(|envelope| (envelope.points, envelope.step));
    kept
}

/// What both let pass; where one says nothing, what the other says.
fn wider(always: &Pace, mode: &Pace) -> Pace {
    let most = |a: Option<u64>, b: Option<u64>| a.max(b);
    let requests = match (always.requests_per_minute, mode.requests_per_minute) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
    Pace {
        requests_per_minute: requests,
        writes_per_minute: most(always.writes_per_minute, mode.writes_per_minute),
        pause_ms: most(always.pause_ms, mode.pause_ms),
    }
}
