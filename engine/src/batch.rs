//! Many frames at once: each shard judges its own frames of the batch one after the other, then the site hears of all of it in
//! the order of the frames. What comes out is what one frame after the other gives, on any number of threads.
//!
//! Two things are won. A shard finds its flows still in the processor's cache, for its next frame is judged right after its
//! last one, and not after those of all other shards. And shards know nothing of each other, so threads may run them.

use std::sync::{Mutex, PoisonError};

use fieldwarden_model::{AddressSpace, FrameRef, RawFrame, Timestamp};
use fieldwarden_protocols::link::dissect;

use crate::track::{Observer, Packet, Place, PlainEnds, Pulse, SHARDS, Seat, Tracker};

/// Frames of one batch: they are numbered by 32 bits, and their schedule is kept beside them.
pub(crate) const MAX_FRAMES: usize = 1 << 16;

/// Ticks of one batch, beyond which no further frame joins it: what is noted of each tick takes 256 octets, and frames of a quiet
/// line may lie minutes apart.
pub(crate) const MAX_TICKS: usize = 1_024;

/// Fewer frames than this are not worth a second thread.
const WORTH_A_THREAD: usize = 1_024;

/// Frames whose memory is asked for together.
const GROUP: usize = 8;

/// Frames of one shard for which it pays to look at all its latest packets first.
const MANY: usize = 64;

/// Octets that memory answers at a time.
const LINE: usize = 64;

/// A frame, and where it stands.
pub(crate) type Numbered<'a> = (FrameRef, RawFrame<'a>);

/// An observer whose observations can be counted, so that what it said of one frame is found again.
pub(crate) trait Teller: Observer + Send {
    /// How many observations wait to be heard.
    fn told(&self) -> usize;

    /// Looks at what a message of a flow is going to need, so that it is at hand by then. Changes nothing.
    fn look_at(&self, flow: &Self::Flow);
}

/// What each shard of a batch has to do, and when.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) frames: Vec<Planned>,
    /// The ticks, each with the frame that it comes before.
    pub(crate) ticks: Vec<(Timestamp, usize)>,
    /// When frames came, by the time of each tick.
    pulses: Vec<Pulse>,
    /// The frames of each shard in their order, shard after shard.
    order: Vec<u32>,
    /// Where the frames of each shard begin in that order; while frames are added, how many each of them has.
    starts: [u32; SHARDS as usize],
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            ticks: Vec::new(),
            pulses: Vec::new(),
            order: Vec::new(),
            starts: [0; SHARDS as usize],
        }
    }
}

/// What is known of a frame before its shard looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    /// When it is judged: its time, or the latest before it.
    pub(crate) time: Timestamp,
    space: AddressSpace,
    shard: u16,
    ends: Option<PlainEnds>,
}

/// What shards said, and of which frame or tick.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// By frame: which shard spoke, and how many observations it made.
    of_frames: Vec<(u8, u32)>,
    /// By tick, and by shard within it: how many observations.
    of_ticks: Vec<u32>,
}

impl Told {
    /// Which shard spoke of a frame, and how many observations it made.
    pub(crate) fn of_frame(&self, at: usize) -> (usize, usize) {
        self.of_frames.get(at).map_or((0, 0), |(shard, count)| (usize::from(*shard), *count as usize))
    }

    /// Which shards spoke at a tick, and how many observations each made.
    pub(crate) fn of_tick(&self, tick: usize) -> impl Iterator<Item = (usize, usize)> {
        let shards = usize::from(SHARDS);
        let counts = self.of_ticks.get(tick * shards..(tick + 1) * shards).unwrap_or_default();
        counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(shard, count)| (shard, *count as usize))
    }
}

impl Schedule {
    /// Begins another batch.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.ticks.clear();
        self.pulses.clear();
        self.starts = [0; SHARDS as usize];
    }

    /// Adds a tick that comes before a frame.
    pub(crate) fn tick(&mut self, time: Timestamp, before: usize, pulse: Pulse) {
        self.ticks.push((time, before));
        self.pulses.push(pulse);
    }

    /// Lets a shard make a tick.
    fn make_tick<O: Observer>(
        &self,
        tick: usize,
        time: Timestamp,
        tracker: &mut Tracker<O>,
        observer: &mut O,
    ) {
        tracker.advance(time, observer);
        observer.tick(time, self.pulses.get(tick).copied().unwrap_or_default());
    }

    /// Makes room for so many frames.
    pub(crate) fn make_room(&mut self, frames: usize) {
        self.frames.reserve(frames);
    }

    /// Adds a frame that is judged at `time`.
    #[inline]
    pub(crate) fn add(&mut self, time: Timestamp, place: Place) {
        let Place { shard, space, ends, .. } = place;
        self.frames.push(Planned { time, space, shard, ends });
        if let Some(count) = self.starts.get_mut(usize::from(shard)) {
            *count += 1;
        }
    }

    /// Sorts the frames by shard.
    pub(crate) fn close(&mut self) {
        let mut next = 0;
        for start in &mut self.starts {
            next += core::mem::replace(start, next);
        }
        let mut places = self.starts;
        self.order.resize(self.frames.len(), 0);
        for (frame, planned) in (0_u32..).zip(&self.frames) {
            let Some(place) = places.get_mut(usize::from(planned.shard)) else { continue };
            if let Some(slot) = self.order.get_mut(*place as usize) {
                *slot = frame;
            }
            *place += 1;
        }
    }

    fn frames_of(&self, shard: usize) -> &[u32] {
        let Some(from) = self.starts.get(shard) else { return &[] };
        let to = self.starts.get(shard + 1).map_or(self.order.len(), |to| *to as usize);
        self.order.get(*from as usize..to).unwrap_or_default()
    }
}

/// Lets every shard judge its frames of the batch, on so many threads.
pub(crate) fn run<O: Teller>(
    shards: &mut [(Tracker<O>, O)],
    schedule: &Schedule,
    batch: &[Numbered<'_>],
    threads: usize,
    told: &mut Told,
) where
    O::Flow: Send,
{
    told.of_frames.clear();
    told.of_frames.resize(batch.len(), (0, 0));
    told.of_ticks.clear();
    told.of_ticks.resize(schedule.ticks.len() * usize::from(SHARDS), 0);
    let work = |shard: usize, pair: &mut (Tracker<O>, O), spoken: &mut Spoken| {
        Shift { shard, schedule, batch }.run(pair, spoken);
    };
    if threads < 2 || batch.len() < WORTH_A_THREAD {
        let mut spoken = Spoken::default();
        for (shard, pair) in shards.iter_mut().enumerate() {
            work(shard, pair, &mut spoken);
            told.note(shard, &mut spoken);
        }
        return;
    }
    let queue = Mutex::new(shards.iter_mut().enumerate());
    let told = Mutex::new(told);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| take_turns(&queue, &told, &work));
        }
        take_turns(&queue, &told, &work);
    });
}

/// Takes one shard after the other off the queue, as the other threads do.
fn take_turns<'s, P: 's>(
    queue: &Mutex<impl Iterator<Item = (usize, &'s mut P)>>,
    told: &Mutex<&mut Told>,
    work: &impl Fn(usize, &mut P, &mut Spoken),
) {
    let mut spoken = Spoken::default();
    loop {
        // A thread that panicked ends the process; until then its shard is simply not there.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some((shard, pair)) = next else { return };
        work(shard, pair, &mut spoken);
        told.lock().unwrap_or_else(PoisonError::into_inner).note(shard, &mut spoken);
    }
}

/// What one shard said: of which frames and ticks, and how many observations each time.
#[derive(Default)]
struct Spoken {
    frames: Vec<(u32, u32)>,
    ticks: Vec<(usize, u32)>,
}

impl Told {
    /// Takes down what a shard said.
    fn note(&mut self, shard: usize, spoken: &mut Spoken) {
        let number = u8::try_from(shard).unwrap_or(0);
        for (frame, count) in spoken.frames.drain(..) {
            if let Some(slot) = self.of_frames.get_mut(frame as usize) {
                *slot = (number, count);
            }
        }
        for (tick, count) in spoken.ticks.drain(..) {
            if let Some(slot) = self.of_ticks.get_mut(tick * usize::from(SHARDS) + shard) {
                *slot = count;
            }
        }
    }
}

/// One shard's part of a batch.
struct Shift<'a, 'f> {
    shard: usize,
    schedule: &'a Schedule,
    batch: &'a [Numbered<'f>],
}

impl Shift<'_, '_> {
    fn run<O: Teller>(&self, (tracker, observer): &mut (Tracker<O>, O), spoken: &mut Spoken) {
        let mut ticks = self.schedule.ticks.iter().enumerate().peekable();
        let mut before = observer.told();
        let mut fresh =
            |told: usize| u32::try_from(told - core::mem::replace(&mut before, told)).unwrap_or(0);
        let frames = self.schedule.frames_of(self.shard);
        if frames.len() >= MANY {
            tracker.look_at_copies();
        }
        for group in frames.chunks(GROUP) {
            let seats = self.fetch(group, tracker, observer);
            for (&frame, seat) in group.iter().zip(&seats) {
                while let Some((tick, (time, _))) = ticks.next_if(|(_, (_, first))| *first <= frame as usize)
                {
                    self.schedule.make_tick(tick, *time, tracker, observer);
                    spoken.note_tick(tick, fresh(observer.told()));
                }
                let Some((reference, raw, planned)) = self.frame(frame) else { continue };
                let Planned { time, space, .. } = *planned;
                let packet = Packet { time, frame: *reference, space, layers: &dissect(raw) };
                // Nothing is opened here: frames that may open something are judged by themselves.
                let _ = tracker.packet_unless_copy(&packet, raw.time, *seat, observer);
                let count = fresh(observer.told());
                if count > 0 {
                    spoken.frames.push((frame, count));
                }
            }
        }
        for (tick, (time, _)) in ticks {
            self.schedule.make_tick(tick, *time, tracker, observer);
            spoken.note_tick(tick, fresh(observer.told()));
        }
    }

    /// Looks at what each of the next frames is going to need, before the first of them is judged: memory is slow, but it
    /// answers many questions at once as fast as one.
    fn fetch<O: Teller>(
        &self,
        group: &[u32],
        tracker: &Tracker<O>,
        observer: &O,
    ) -> heapless::Vec<Option<Seat>, GROUP> {
        let seats: heapless::Vec<Option<Seat>, GROUP> = group
            .iter()
            .map(|&frame| {
                let (_, raw, planned) = self.frame(frame)?;
                core::hint::black_box((raw.bytes.first(), raw.bytes.get(LINE), raw.bytes.last()));
                tracker.seat(planned.ends.as_ref()?, planned.space)
            })
            .collect();
        for seat in &seats {
            tracker.look_at(seat.as_ref());
        }
        for seat in &seats {
            if let Some(kept) = tracker.kept(seat.as_ref()) {
                observer.look_at(kept);
            }
        }
        seats
    }

    fn frame(&self, at: u32) -> Option<(&FrameRef, &RawFrame<'_>, &Planned)> {
        let (reference, raw) = self.batch.get(at as usize)?;
        Some((reference, raw, self.schedule.frames.get(at as usize)?))
    }
}

impl Spoken {
    fn note_tick(&mut self, tick: usize, count: u32) {
        if count > 0 {
            self.ticks.push((tick, count));
        }
    }
}
