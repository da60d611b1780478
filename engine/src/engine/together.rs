//! Frames by the batch: what one frame after the other gives, sooner.

use fieldwarden_model::Timestamp;

use super::{Engine, Output};
use crate::{
    batch::{Numbered, Schedule, Told},
    shard::{Judge, Observation},
    site::Site,
    trackers::Trackers,
};

/// Fewer frames than this are judged one by one: a batch has a price of its own.
const WORTH_A_BATCH: usize = 32;

/// So many frames ahead the site looks at what it is going to need.
const AHEAD: usize = 16;

/// What a batch needs, kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Together {
    schedule: Schedule,
    told: Told,
    merged: Merged,
}

/// Observations of several shards, each with its shard, to be put in order.
pub(super) type Merged = Vec<(usize, Observation)>;

impl Together {
    pub(super) const fn merged(&mut self) -> &mut Merged {
        &mut self.merged
    }
}

impl Engine {
    /// Takes frames, in the order given. Gives what [`Engine::step`] gives for one frame after the other, byte for byte, and is
    /// quicker the more frames there are; some ten thousand are enough.
    pub fn frames(&mut self, frames: &[Numbered<'_>], out: &mut dyn FnMut(Output)) {
        let mut rest = frames;
        while let Some((first, after)) = rest.split_first() {
            let count = if rest.len() < WORTH_A_BATCH { 0 } else { self.judge(rest, out) };
            if count == 0 {
                self.frame(first.1, first.0, out);
                rest = after;
            } else {
                rest = rest.get(count..).unwrap_or_default();
            }
        }
    }

    /// Judges the first frames, as many as may be judged together; how many that were.
    fn judge(&mut self, frames: &[Numbered<'_>], out: &mut dyn FnMut(Output)) -> usize {
        let mut together = core::mem::take(&mut self.together);
        let mut now = self.trackers.now;
        let watch = self.watches.iter().map(|watch| watch.until).min().unwrap_or(Timestamp::MAX);
        // A change of the mode looks at all shards, as the end of a watch does.
        let until = watch.min(self.modes.next);
        let count = self.trackers.plan(frames, until, &mut together.schedule);
        let batch = frames.get(..count).unwrap_or_default();
        self.trackers.run(batch, self.threads, &together.schedule, &mut together.told);
        let mut ticks = together.schedule.ticks.iter().enumerate().peekable();
        // Nearly every frame says nothing: before these nothing is to be done but for what was said.
        let mut deadline = self.site.desk.next_deadline().unwrap_or(Timestamp::MAX);
        let mut tick_at = ticks.peek().map_or(usize::MAX, |(_, (_, first))| *first);
        for (at, planned) in together.schedule.frames.iter().enumerate() {
            let time = planned.time;
            let (shard, count) = together.told.of_frame(at);
            if count == 0 && time < deadline && at < tick_at {
                continue;
            }
            while let Some((tick, (when, _))) = ticks.next_if(|(_, (_, first))| *first <= at) {
                self.fire(&mut now, |deadline| deadline < *when, out);
                now = *when;
                let counts = together.told.of_tick(tick);
                gather(&mut self.trackers, counts, &mut together.merged, &mut self.site, out);
                self.site.look_at_sensor(now, out);
            }
            self.fire(&mut now, |deadline| deadline <= time, out);
            now = time;
            if let Some(judge) = self.trackers.observer_mut(shard) {
                hear(judge, count, &mut self.site, out);
            }
            self.look_ahead(&together.told, at);
            deadline = self.site.desk.next_deadline().unwrap_or(Timestamp::MAX);
            tick_at = ticks.peek().map_or(usize::MAX, |(_, (_, first))| *first);
        }
        self.trackers.observers_mut().for_each(|judge| judge.observations.settle());
        self.together = together;
        self.quiet_until = Timestamp::MIN;
        count
    }

    /// Looks at what the site is going to need for what shards said of a frame a little later, so that it is at hand by then.
    fn look_ahead(&self, told: &Told, at: usize) {
        let (shard, count) = told.of_frame(at + AHEAD);
        if count > 0
            && let Some(judge) = self.trackers.observer(shard)
            && let Some(observation) = judge.observations.list.front()
        {
            self.site.look_at(observation, &judge.observations);
        }
    }

    /// Lets those deadlines of incidents pass that are due.
    fn fire(&mut self, now: &mut Timestamp, is_due: impl Fn(Timestamp) -> bool, out: &mut dyn FnMut(Output)) {
        while let Some(deadline) = self.site.desk.next_deadline().filter(|deadline| is_due(*deadline)) {
            *now = (*now).max(deadline);
            self.site.advance(*now, out);
        }
    }
}

/// The site hears what one shard said next.
pub(super) fn hear(judge: &mut Judge, count: usize, site: &mut Site, out: &mut dyn FnMut(Output)) {
    for _ in 0..count {
        let Some(observation) = judge.observations.list.pop_front() else { return };
        site.observe(observation, &judge.observations, out);
    }
}

/// The site hears what several shards said at one moment, so many observations of each, in the order of (time, frame, n).
pub(super) fn gather(
    trackers: &mut Trackers<Judge>,
    counts: impl Iterator<Item = (usize, usize)>,
    merged: &mut Merged,
    site: &mut Site,
    out: &mut dyn FnMut(Output),
) {
    for (shard, count) in counts {
        if let Some(judge) = trackers.observer_mut(shard) {
            merged.extend(judge.observations.list.drain(..count).map(|observation| (shard, observation)));
        }
    }
    // Stable: what one shard said of one frame keeps its order, and a frame belongs to one shard.
    merged.sort_by_key(|(_, observation)| (observation.time, observation.frame));
    for (shard, observation) in merged.drain(..) {
        if let Some(judge) = trackers.observer_mut(shard) {
            site.observe(observation, &judge.observations, out);
        }
    }
}

/// The site hears everything that shards have said.
pub(super) fn gather_everything(
    trackers: &mut Trackers<Judge>,
    merged: &mut Merged,
    site: &mut Site,
    out: &mut dyn FnMut(Output),
) {
    let counts = trackers.observers().map(|judge| judge.observations.list.len()).enumerate();
    let counts: Vec<(usize, usize)> = counts.filter(|(_, count)| *count > 0).collect();
    if !counts.is_empty() {
        gather(trackers, counts.into_iter(), merged, site, out);
        trackers.observers_mut().for_each(|judge| judge.observations.settle());
    }
}
