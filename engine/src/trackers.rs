//! The trackers of all shards, fed by frames and by time: what the engine and the learner have in common.

use std::time::Duration;

use fieldwarden_model::{FrameRef, RawFrame, Site, Timestamp};
use fieldwarden_protocols::link::{Layers, dissect};

use crate::{
    batch::{self, Numbered, Schedule, Teller, Told},
    map::Seed,
    track::{self, Observer, Opened, Packet, Pulse, SHARDS, Tracker, place_of, shard_of},
};

/// Ticks made one by one through a silence; beyond it every table of the trackers has run dry (their longest patience
/// is an hour as a rule), and the rest of the silence is passed at once.
const MAX_TICKS: u32 = 7_200;
const TICK: Duration = Duration::from_secs(1);
/// The longest silence passed tick by tick within a batch; well below [`MAX_TICKS`].
const MAX_LEAP: Duration = Duration::from_secs(600);
const TICK_NANOS: i64 = 1_000_000_000;

/// One tracker and one observer per shard.
pub(crate) struct Trackers<O: Observer> {
    shards: Vec<(Tracker<O>, O)>,
    site: Site,
    /// Time never runs backwards: the latest there was.
    pub(crate) now: Timestamp,
    next_tick: Timestamp,
    pub(crate) frames: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) clock_steps: u64,
    /// The time of the frame before, as captured.
    previous: Timestamp,
    /// When frames came.
    pub(crate) pulse: Pulse,
}

impl<O: Observer> Trackers<O> {
    pub(crate) fn new(site: Site, settings: track::Settings, seed: Seed, observer: impl Fn() -> O) -> Self {
        let shards = (0..SHARDS).map(|_| (Tracker::new(settings, seed), observer())).collect();
        Self {
            shards,
            site,
            now: Timestamp::MIN,
            next_tick: Timestamp::MAX,
            frames: 0,
            first: None,
            last: None,
            clock_steps: 0,
            previous: Timestamp::MIN,
            pulse: Pulse { heard: Timestamp::MIN, awake: Timestamp::MIN },
        }
    }

    /// Whether the clock stepped back before a frame that comes next. A little is frames that overtook each other on their
    /// way; time held still bridges it.
    pub(crate) fn is_step(&self, time: Timestamp) -> bool {
        steps_back(self.previous, time)
    }

    /// The time of a frame as the engine takes it, and its count.
    pub(crate) fn clamp(&mut self, time: Timestamp) -> Timestamp {
        self.frames += 1;
        self.clock_steps += u64::from(self.last.is_some_and(|last| time < last));
        self.previous = time;
        self.first = self.first.or(Some(time));
        self.last = self.last.max(Some(time));
        time.max(self.now)
    }

    /// Gives a frame to its shard, whose number is returned; none where other shards were concerned as well. `time` is that of
    /// the frame as [`Trackers::clamp`] takes it.
    pub(crate) fn frame(
        &mut self,
        frame: &RawFrame<'_>,
        time: Timestamp,
        reference: FrameRef,
    ) -> Option<usize> {
        self.pulse.beat(time);
        let layers = &dissect(frame);
        let space = self.site.space_of(layers.vlan.first().copied());
        let packet = Packet { time, frame: reference, space, layers };
        let at = usize::from(shard_of(layers, space));
        let (tracker, observer) = self.shards.get_mut(at)?;
        match tracker.packet_unless_copy(&packet, frame.time, None, observer) {
            None => Some(at),
            Some(opened) => {
                self.distribute(&packet, &opened);
                None
            }
        }
    }

    #[cold]
    fn distribute(&mut self, packet: &Packet<'_>, opened: &Opened) {
        let (site, shards) = (&self.site, &mut self.shards);
        let space_of = |layers: &Layers<'_>| site.space_of(layers.vlan.first().copied());
        opened.distribute(packet, &space_of, &mut |shard, packet, frames| {
            let (tracker, observer) = shards.get_mut(usize::from(shard))?;
            tracker.carried(packet, frames, observer)
        });
    }

    /// Plans the first frames, as many as may be judged together: none overtakes `until`, leaps over so much time that the ticks of
    /// the silence before it would be cut short, or may concern more than one shard. Answers how many.
    pub(crate) fn plan(
        &mut self,
        frames: &[Numbered<'_>],
        until: Timestamp,
        schedule: &mut Schedule,
    ) -> usize {
        schedule.clear();
        let mut count = 0;
        // The first frame of all sets the clock, which takes the careful way.
        let most = if self.now == Timestamp::MIN { 0 } else { batch::MAX_FRAMES };
        schedule.make_room(frames.len().min(most));
        for (_, frame) in frames.iter().take(most) {
            let place = place_of(frame, &self.site);
            // All shards are told of a step back before its frame is judged.
            if self.is_step(frame.time)
                || frame.time >= until
                || frame.time.since(self.now) > MAX_LEAP
                || place.may_open
                || schedule.ticks.len() >= batch::MAX_TICKS
            {
                break;
            }
            let time = self.clamp(frame.time);
            while self.next_tick <= time {
                schedule.tick(self.next_tick, count, self.pulse);
                self.next_tick = self.next_tick.saturating_add(TICK);
            }
            self.now = time;
            self.pulse.beat(time);
            schedule.add(time, place);
            count += 1;
        }
        schedule.close();
        count
    }

    /// Judges the frames planned, each shard its own. What the shards said is kept by them, and `told` says of what.
    pub(crate) fn run(
        &mut self,
        frames: &[Numbered<'_>],
        threads: usize,
        schedule: &Schedule,
        told: &mut Told,
    ) where
        O: Teller,
        O::Flow: Send,
    {
        batch::run(&mut self.shards, schedule, frames, threads, told);
    }

    /// Lets time pass up to `time`, tick by tick; `each` is told of every tick once it has been made.
    pub(crate) fn pass_to(&mut self, time: Timestamp, mut each: impl FnMut(&mut Self)) {
        if self.now == Timestamp::MIN {
            self.resume_at(time);
        }
        let mut ticks = 0;
        while self.next_tick <= time {
            self.now = self.next_tick;
            self.tick();
            ticks += 1;
            self.next_tick =
                if ticks >= MAX_TICKS { next_tick_after(time) } else { self.next_tick.saturating_add(TICK) };
            each(self);
        }
        self.now = self.now.max(time);
    }

    /// When the next tick is due; none before there was any time.
    pub(crate) fn next_tick(&self) -> Option<Timestamp> {
        (self.now > Timestamp::MIN).then_some(self.next_tick)
    }

    /// Begins to count time at `time`.
    pub(crate) fn resume_at(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
        self.next_tick = next_tick_after(self.now);
    }

    /// Makes a tick now.
    fn tick(&mut self) {
        let (now, pulse) = (self.now, self.pulse);
        for (tracker, observer) in &mut self.shards {
            tracker.advance(now, observer);
            observer.tick(now, pulse);
        }
    }

    /// No more frames will come.
    pub(crate) fn finish(&mut self) {
        for (tracker, observer) in &mut self.shards {
            tracker.finish(observer);
        }
    }

    /// Every talker counts as not heard yet.
    pub(crate) fn hear_anew(&mut self) {
        for (tracker, _) in &mut self.shards {
            tracker.hear_anew();
        }
    }

    pub(crate) fn observers(&self) -> impl Iterator<Item = &O> {
        self.shards.iter().map(|(_, observer)| observer)
    }

    pub(crate) fn observers_mut(&mut self) -> impl Iterator<Item = &mut O> {
        self.shards.iter_mut().map(|(_, observer)| observer)
    }

    pub(crate) fn observer(&self, shard: usize) -> Option<&O> {
        self.shards.get(shard).map(|(_, observer)| observer)
    }

    pub(crate) fn observer_mut(&mut self, shard: usize) -> Option<&mut O> {
        self.shards.get_mut(shard).map(|(_, observer)| observer)
    }
}

/// A step back of the clock is at least this long.
const STEP_NANOS: i64 = 100_000_000;

const fn steps_back(before: Timestamp, time: Timestamp) -> bool {
    before.nanos().saturating_sub(time.nanos()) >= STEP_NANOS
}

fn next_tick_after(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(time.nanos().div_euclid(TICK_NANOS).saturating_add(1).saturating_mul(TICK_NANOS))
}
