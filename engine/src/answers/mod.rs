//! The values a service reads and writes, followed from answer to answer: what stands still, what wobbles, what looks like chance.
//!
//! Nothing is done for an answer that comes too soon after the one before, hardly anything for one of the same octets. Of values that the
//! baseline says nothing of, one of so many neighbours is watched as must look like chance together, a few of a long block at a time, and all
//! of the block once one may be.
//! Bounded: so many blocks a service, values a block, values a shard; what is beyond is not followed, and said so once.

mod block;
mod value;

use core::time::Duration;

use fieldwarden_model::{Operation, Outcome, PointRange, Timestamp, Verb};

use self::block::Block;
use crate::{baseline::compiled::CompiledEntry, detect::Settings};

/// Blocks followed per service.
const MAX_BLOCKS: usize = 32;
/// Requests remembered that were made once: what is asked for again is a poll, and followed.
const MAX_ONCE: usize = 32;
/// Others than those followed are looked at this often: whoever reads here and there costs no more for it.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// Where there was no room, others are looked at again after this.
const NO_ROOM: Duration = Duration::from_secs(10);
/// What was not read for so long makes room for what is.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// What following a service takes beside its values, counted in values.
const OWN: usize = 4;
/// Values followed in one shard.
const MAX_FOLLOWED: usize = 1_024;

/// How many values a shard follows.
#[derive(Debug, Default)]
pub(crate) struct Room {
    taken: usize,
    /// Whether it was told to be full.
    told: bool,
}

impl Room {
    /// So many values are followed, as counted anew.
    pub(crate) const fn is_taken(&mut self, values: usize) {
        self.taken = values;
    }

    /// That there is no more room, the first time.
    fn is_full(&mut self) -> Option<Noticed> {
        (!core::mem::replace(&mut self.told, true)).then_some(Noticed::Full)
    }

    const fn give_back(&mut self, values: usize) {
        self.taken = self.taken.saturating_sub(values);
    }

    fn take(&mut self, values: usize) -> bool {
        let fits = self.taken.saturating_add(values) <= MAX_FOLLOWED;
        self.taken = if fits { self.taken.saturating_add(values) } else { self.taken };
        fits
    }
}

/// What is worth a judgement.
#[derive(Debug)]
pub enum Noticed {
    /// Values stand still that always moved.
    Still(Still),
    /// A value goes to and fro farther than it ever did, for so many minutes.
    Wobbles(Wobbles),
    /// Neighbouring values look like chance.
    Random(Random),
    /// No more values are followed in this shard.
    Full,
}

/// Values that stand still.
#[derive(Debug)]
pub struct Still {
    /// From the first of them to the last.
    pub(crate) points: PointRange,
    /// How many.
    pub(crate) count: usize,
    /// How many of the block always moved.
    pub(crate) of: usize,
    /// How long the first of them has stood still.
    pub(crate) stands: Duration,
}

/// A value that wobbles.
#[derive(Debug)]
pub struct Wobbles {
    pub(crate) points: PointRange,
    pub(crate) wobble: f64,
    pub(crate) most: f64,
}

/// Values that look like chance.
#[derive(Debug)]
pub struct Random {
    pub(crate) points: PointRange,
    pub(crate) count: usize,
    pub(crate) samples: u32,
    pub(crate) written: bool,
}

/// Whether values of an operation are followed: those that answers carry, and those that are written.
#[inline]
pub(crate) const fn is_followed(operation: &Operation<'_>) -> bool {
    operation.values.is_some()
        && matches!(
            (operation.verb, operation.outcome),
            (Verb::Read, Outcome::Done) | (Verb::Write | Verb::Operate, Outcome::Asked)
        )
}

/// The values followed.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    blocks: Vec<Block>,
    /// Their digests, which are searched first.
    digests: heapless::Vec<u32, MAX_BLOCKS>,
    /// Digests of what was asked for once, the latest over the earliest.
    once: Vec<u32>,
    next_once: usize,
    /// When others are looked at again.
    try_again: Timestamp,
    /// Where the block after the last one is likely to stand: polls repeat their order.
    hint: usize,
}

impl Answers {
    /// Nothing yet, where there is room.
    pub(crate) fn begin(room: &mut Room) -> Option<Box<Self>> {
        room.take(OWN).then(Box::default)
    }

    /// How many values are followed, and what that takes.
    pub(crate) fn count(&self) -> usize {
        self.blocks.iter().map(Block::count).sum::<usize>() + OWN
    }

    /// Follows the values of an operation: what is worth a judgement.
    pub(crate) fn follow(
        &mut self,
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        operation: &Operation<'_>,
        room: &mut Room,
    ) -> Option<Noticed> {
        let (points, values) = (operation.points?, operation.values?);
        let digest = digest(operation.unit, &points, values.stride, operation.outcome == Outcome::Asked);
        let hinted = self.digests.get(self.hint).is_some_and(|own| *own == digest).then_some(self.hint);
        let at = hinted.or_else(|| self.digests.iter().position(|own| *own == digest));
        if let Some(at) = at {
            self.hint = at + 1;
            let block = self.blocks.get_mut(at).filter(|block| block.is_of(operation, &points, &values))?;
            return block.follow(settings, entry, time, &values, room);
        }
        if time < self.try_again {
            return None;
        }
        self.try_again = time.saturating_add(TRY_AGAIN);
        if !self.is_asked_again(digest) {
            return None;
        }
        self.forget(time, room);
        let block = Block::new(settings, entry, time, operation)?;
        if room.take(block.count()) {
            if self.digests.push(digest).is_ok() {
                self.blocks.push(block);
                return None;
            }
            room.give_back(block.count());
        }
        self.try_again = time.saturating_add(NO_ROOM);
        room.is_full()
    }

    /// Whether the same was asked for not long ago; it is remembered.
    fn is_asked_again(&mut self, digest: u32) -> bool {
        if self.once.contains(&digest) {
            return true;
        }
        match self.once.get_mut(self.next_once) {
            Some(place) => *place = digest,
            None => self.once.push(digest),
        }
        self.next_once = (self.next_once + 1) % MAX_ONCE;
        false
    }

    /// Where there is no room for another block, lets go of what is read no longer.
    fn forget(&mut self, time: Timestamp, room: &mut Room) {
        if self.blocks.len() < MAX_BLOCKS {
            return;
        }
        let is_old = |block: &Block| time.since(block.looked()) > FORGOTTEN;
        while let Some(at) = self.blocks.iter().position(is_old) {
            room.give_back(self.blocks.swap_remove(at).count());
            self.digests.swap_remove(at);
        }
    }
}

/// What is read or written as one number; two blocks of one digest are one too many, of which the first is followed.
const fn digest(unit: Option<u16>, points: &PointRange, stride: u16, written: bool) -> u32 {
    let PointRange { space, first, last } = *points;
    let unit = match unit {
        Some(unit) => unit as u64,
        None => 1 << 16,
    };
    let place = (space.area as u64) << 32 ^ space.block as u64;
    let own = unit << 20 ^ (stride as u64) << 1 ^ written as u64;
    let mixed = (place ^ first.rotate_left(20) ^ last.rotate_left(44)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29 ^ own).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let [a, b, c, d, ..] = mixed.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
