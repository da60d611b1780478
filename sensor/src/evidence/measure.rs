//! What a slice would hold, measured before it is written.

use std::{ops::Range, time::Duration};

use fieldwarden_model::{frame::Loss, time::Timestamp};

use super::slice::{Item, Limits, Slice, Wanted};
use crate::{
    blocks::{self, Notes, Statistics},
    tag::Restored,
};

/// The grain in which the time around an alert is measured and, where it is too much, left out.
const GRAIN: Duration = Duration::from_millis(100);
/// Of a slice's bound, what its header and the descriptions of its interfaces may take.
const HEADER_OCTETS: u64 = 64 * 1024;

/// What a slice would hold.
pub(super) struct Measure<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// The grain in which the alert lies.
    alert: usize,
    pub(super) grains: Vec<Grain>,
    /// When each of the alert's frames was captured, as its number may have been given before.
    pub(super) own: Vec<Option<Timestamp>>,
    own_octets: u64,
    pub(super) lost: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grain {
    pub(super) octets: u64,
    pub(super) frames: u64,
}

impl<'a> Measure<'a> {
    pub(super) fn new(wanted: &'a Wanted, limits: Limits) -> Self {
        let from = wanted.time.saturating_sub(limits.before.min(Limits::MAX_TIME));
        Self {
            wanted,
            from,
            until: wanted.time.saturating_add(limits.after.min(Limits::MAX_TIME)),
            alert: grain_of(from, wanted.time),
            grains: Vec::new(),
            own: vec![None; wanted.frames.len()],
            own_octets: 0,
            lost: 0,
        }
    }

    pub(super) fn take(&mut self, time: Timestamp, item: &Item<'_>) {
        let octets = match item {
            Item::Frame(at, frame) => {
                let notes = Notes { number: at.number, ..Notes::default() };
                let octets = blocks::packet_octets(&Restored::of(frame), &notes);
                if time <= self.wanted.time
                    && let Some(place) = self.wanted.frames.iter().position(|own| own == at)
                    && let Some(own) = self.own.get_mut(place)
                {
                    self.own_octets += octets + self.wanted.remark.len() as u64 + 8;
                    *own = Some(frame.time);
                }
                octets
            }
            Item::Loss(loss) if (self.from..=self.until).contains(&time) => {
                self.lost = self.lost.saturating_add(loss.frames);
                blocks::statistics_octets(&statistics(loss, loss.frames))
            }
            Item::Loss(_) => return,
        };
        if (self.from..=self.until).contains(&time) {
            let at = grain_of(self.from, time);
            if at >= self.grains.len() {
                self.grains.resize(at + 1, Grain::default());
            }
            if let Some(grain) = self.grains.get_mut(at) {
                grain.octets += octets;
                grain.frames += u64::from(matches!(item, Item::Frame(..)));
            }
        }
    }

    /// Which grains fit into the bound: those before the alert first, the closest first, then those after it.
    pub(super) fn fitting(&self, limits: Limits) -> Range<usize> {
        let mut room = limits.octets.saturating_sub(HEADER_OCTETS + self.own_octets);
        let mut fits = |grain: usize| {
            let octets = self.grains.get(grain).map_or(0, |grain| grain.octets);
            let rest = room.checked_sub(octets);
            room = rest.unwrap_or(room);
            rest.is_some()
        };
        let before = (0..=self.alert).rev().take_while(|grain| fits(*grain)).count();
        let start = self.alert + 1 - before;
        if start > 0 {
            return start..self.alert + 1;
        }
        let after = (self.alert + 1..self.grains.len()).take_while(|grain| fits(*grain)).count();
        start..self.alert + 1 + after
    }

    /// What the slice says of itself.
    pub(super) fn facts(&self, grains: &Range<usize>, slice: &Slice) -> Vec<String> {
        let mut facts = self.wanted.facts.clone();
        facts.push(format!("what was heard from {} to {}", self.from, self.until));
        if slice.left_out > 0 {
            let at = |grain: usize| {
                self.from.saturating_add(GRAIN.saturating_mul(u32::try_from(grain).unwrap_or(u32::MAX)))
            };
            facts.push(format!(
                "shortened to its bound: beside the alert's own frames it holds what was heard from {} to {}; {} frames were left out",
                at(grains.start),
                at(grains.end).min(self.until),
                slice.left_out
            ));
        }
        if slice.missing > 0 {
            facts.push(format!("{} of the alert's own frames are not held any more", slice.missing));
        }
        if slice.lost > 0 {
            facts.push(format!(
                "{} frames are missing: the capture lost them, or the ring could not keep them",
                slice.lost
            ));
        }
        facts
    }
}

pub(super) fn grain_of(from: Timestamp, time: Timestamp) -> usize {
    usize::try_from(time.since(from).as_nanos() / GRAIN.as_nanos()).unwrap_or(usize::MAX)
}

/// The block that tells a loss; `dropped` counts from the start of the slice.
pub(super) fn statistics<'a>(loss: &Loss, dropped: u64) -> Statistics<'a> {
    let comment = "frames were lost here by the capture, or could not be kept by the evidence ring";
    Statistics { time: loss.time, received: None, dropped, comment }
}
