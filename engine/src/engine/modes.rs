//! Which operating mode the plant is in, and what is normal then.

use std::sync::Arc;

use fieldwarden_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::{
    baseline::{
        Baseline, ModeName,
        compiled::Compiled,
        mode::{mode_at, next_change},
    },
    shard::Rules,
};

/// Changes of the mode that are told in the summary; of more the last ones.
const MAX_TOLD: usize = 32;

/// From when on the plant was in a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeChange {
    /// The mode; none where the usual one has no name.
    pub mode: Option<ModeName>,
    /// Since when.
    pub since: Timestamp,
}

/// A mode that somebody demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// The mode.
    pub mode: ModeName,
    /// Until when; then the schedule holds again.
    pub until: Option<Timestamp>,
}

/// The mode in force, and what decides it.
#[derive(Debug)]
pub(super) struct Modes {
    /// The whole baseline, where what is normal depends on the mode.
    source: Option<Arc<Baseline>>,
    switch: Option<Switch>,
    in_force: Option<ModeName>,
    /// When to look again; the beginning of time where nobody looked yet.
    pub(super) next: Timestamp,
    told: Vec<ModeChange>,
}

impl Modes {
    /// In the usual mode, until the time is known.
    pub(super) fn new(baseline: Option<Baseline>) -> (Self, Option<Arc<Compiled>>) {
        let usual = baseline.as_ref().and_then(Baseline::usual_mode);
        let has_modes = baseline.as_ref().is_some_and(Baseline::has_modes);
        let source = if has_modes { baseline.clone().map(Arc::new) } else { None };
        let next = if has_modes { Timestamp::MIN } else { Timestamp::MAX };
        let compiled = match &source {
            Some(source) => Some(source.in_mode(usual)),
            None => baseline,
        };
        let modes = Self { source, switch: None, in_force: usual, next, told: Vec::new() };
        (modes, compiled.map(|baseline| Arc::new(Compiled::new(baseline))))
    }

    /// Looks which mode is due; what is normal in it, where it is another one than before.
    fn turn(&mut self, now: Timestamp) -> Option<Baseline> {
        let source = self.source.clone()?;
        self.switch = self.switch.filter(|switch| switch.until.is_none_or(|until| now < until));
        let due = mode_at(&source.schedule, now).or_else(|| source.usual_mode());
        let wanted = self.switch.map(|switch| switch.mode).or(due);
        let end = self.switch.and_then(|switch| switch.until).unwrap_or(Timestamp::MAX);
        self.next = next_change(&source.schedule, now).min(end);
        let is_new = wanted != self.in_force;
        if is_new || self.told.is_empty() {
            if self.told.len() >= MAX_TOLD {
                self.told.remove(0);
            }
            self.told.push(ModeChange { mode: wanted, since: now });
        }
        self.in_force = wanted;
        is_new.then(|| source.in_mode(wanted))
    }
}

impl Engine {
    /// Looks which mode is due, and judges by what is normal in it.
    pub(super) fn turn_mode(&mut self, now: Timestamp) {
        if let Some(baseline) = self.modes.turn(now) {
            self.judge_by(Some(Arc::new(Compiled::new(baseline))));
        }
    }

    /// Another baseline was approved, or none holds any more. A mode that was demanded goes on.
    pub(super) fn approve(&mut self, baseline: Option<&Baseline>) {
        let (modes, compiled) = Modes::new(baseline.cloned());
        let before = core::mem::replace(&mut self.modes, modes);
        (self.modes.switch, self.modes.told) = (before.switch, before.told);
        self.judge_by(compiled);
        if self.trackers.now > Timestamp::MIN {
            self.turn_mode(self.trackers.now);
        }
    }

    /// Somebody demands a mode, or no longer.
    pub(super) fn switch_mode(&mut self, switch: Option<Switch>) {
        self.modes.switch = switch;
        if self.modes.source.is_some() {
            self.modes.next = Timestamp::MIN;
        }
        if self.trackers.now > Timestamp::MIN {
            self.turn_mode(self.trackers.now);
        }
    }

    /// The modes that the baseline speaks of, the one that holds, and what somebody demanded.
    #[must_use]
    pub fn modes(&self) -> (Vec<ModeName>, Option<ModeName>, Option<Switch>) {
        let known = self.modes.source.as_ref().map(|source| source.mode_names()).unwrap_or_default();
        (known, self.modes.in_force, self.modes.switch)
    }

    /// The demand that a checkpoint keeps.
    pub(super) const fn demanded(&self) -> Option<Switch> {
        self.modes.switch
    }

    /// In which modes the plant was; nothing where what is normal does not depend on it.
    pub(super) fn mode_changes(&self) -> Vec<ModeChange> {
        self.modes.told.clone()
    }

    fn judge_by(&mut self, compiled: Option<Arc<Compiled>>) {
        let rules = Rules { baseline: compiled, ..self.site.rules.clone() };
        for judge in self.trackers.observers_mut() {
            judge.replace(rules.clone());
        }
        // Talkers are judged by the new list.
        self.trackers.hear_anew();
        self.site.quiets.keep_those_of(rules.baseline.as_deref());
        self.site.rules = rules;
    }
}
