//! The values a service reads and writes, followed from answer to answer: what stands still, what wobbles, what looks like chance.
//!
//! Nothing is done for an answer that comes too soon after the one before, hardly anything for one of the same octets. Of values that the
//! baseline says nothing of, one of so many neighbours is followed as must look like chance together, and its neighbours only once it does.
//! Bounded: so many blocks a service, values a block, values a shard; what is beyond is not followed, and said so once.

use core::time::Duration;

use fieldwarden_model::{Operation, Outcome, Point, PointRange, Timestamp, Verb};

use super::{Settings, covert_channel::Chance, frozen_report};
use crate::{
    baseline::{ReadMotion, compiled::CompiledEntry},
    readings::{Look, Reading, Rhythm},
};

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
/// Values followed of a block: as many as the longest Modbus answer has registers.
const MAX_VALUES: usize = 128;
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
    digests: Vec<u32>,
    /// Digests of what was asked for once, the latest over the earliest.
    once: Vec<u32>,
    next_once: usize,
    /// When others are looked at again.
    try_again: Timestamp,
    /// Where the block after the last one is likely to stand: polls repeat their order.
    hint: usize,
}

/// What one request reads or writes.
#[derive(Debug)]
struct Block {
    unit: Option<u16>,
    points: PointRange,
    stride: u16,
    written: bool,
    rhythm: Rhythm,
    /// Answers looked at.
    looks: u32,
    /// Those of them, in the running window, that were not the same as before.
    moved: u32,
    /// No value is overdue before.
    due: Timestamp,
    values: Vec<Followed>,
    /// Whether all its values are followed, since one of them looked like chance.
    closely: bool,
    /// How it is to be followed from now on, where otherwise than before.
    then: Option<Closely>,
}

/// Whether all values of a block are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closely {
    All,
    Some,
}

/// One value.
#[derive(Debug)]
struct Followed {
    /// Its number within the block.
    n: u16,
    /// Whether it is followed for what its neighbours may hide.
    watches: bool,
    reading: Reading,
    /// The answer at which it moved last.
    moved_at: u32,
    /// Milliseconds it may stand still; 0 for any time.
    patience_ms: u32,
    /// The farthest it wobbles in a minute; none for any way.
    wobble: Option<f32>,
    chance: Chance,
    /// Minutes in a row in which it wobbled too far.
    minutes: u8,
    /// Whether it was told to stand still.
    frozen: bool,
    /// Whether it looks like chance by nature.
    random: bool,
}

impl Answers {
    /// Nothing yet, where there is room.
    pub(crate) fn begin(room: &mut Room) -> Option<Box<Self>> {
        room.take(OWN).then(Box::default)
    }

    /// How many values are followed, and what that takes.
    pub(crate) fn count(&self) -> usize {
        self.blocks.iter().map(|block| block.values.len()).sum::<usize>() + OWN
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
        let written = operation.outcome == Outcome::Asked;
        let digest = digest(operation.unit, &points, values.stride, written);
        let hinted = self.digests.get(self.hint).is_some_and(|own| *own == digest).then_some(self.hint);
        let at = hinted.or_else(|| self.digests.iter().position(|own| *own == digest));
        let is = |block: &&mut Block| {
            block.points == points
                && (block.unit, block.stride, block.written) == (operation.unit, values.stride, written)
        };
        if let Some(at) = at {
            self.hint = at + 1;
            let block = self.blocks.get_mut(at).filter(is)?;
            let look = block.rhythm.look(values.bytes, time)?;
            let noticed = block.follow(settings, look, time, &values);
            return match block.then.take() {
                Some(how) => noticed.or(block.turn(how, settings, entry, time, operation, room)),
                None => noticed,
            };
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
        if self.blocks.len() < MAX_BLOCKS && room.take(block.values.len()) {
            self.blocks.push(block);
            self.digests.push(digest);
            return None;
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
        let is_old = |block: &Block| time.since(block.rhythm.looked()) > FORGOTTEN;
        while let Some(at) = self.blocks.iter().position(is_old) {
            room.taken = room.taken.saturating_sub(self.blocks.swap_remove(at).values.len());
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

impl Block {
    fn new(
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        operation: &Operation<'_>,
    ) -> Option<Self> {
        let (points, values) = (operation.points?, operation.values?);
        let mut followed = Followed::all(settings, entry, time, operation);
        followed.retain(Followed::stays);
        followed.shrink_to_fit();
        let mut block = Self {
            unit: operation.unit,
            points,
            stride: values.stride,
            written: operation.outcome == Outcome::Asked,
            rhythm: Rhythm::new(values.bytes, time),
            looks: 0,
            moved: 0,
            due: Timestamp::MAX,
            values: followed,
            closely: false,
            then: None,
        };
        block.due = block.next_due();
        Some(block)
    }

    /// Follows all values from now on, or those alone that are followed as a rule.
    #[cold]
    fn turn(
        &mut self,
        how: Closely,
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        operation: &Operation<'_>,
        room: &mut Room,
    ) -> Option<Noticed> {
        let before = self.values.len();
        match how {
            Closely::Some => {
                self.values.retain(Followed::stays);
                room.taken = room.taken.saturating_sub(before - self.values.len());
            }
            Closely::All => {
                let mut all = Followed::all(settings, entry, time, operation);
                if !room.take(all.len().saturating_sub(before)) {
                    return room.is_full();
                }
                for own in self.values.drain(..) {
                    if let Some(place) = all.get_mut(usize::from(own.n)) {
                        *place = own;
                    }
                }
                self.values = all;
            }
        }
        self.closely = how == Closely::All;
        None
    }

    fn follow(
        &mut self,
        settings: &Settings,
        look: Look,
        time: Timestamp,
        values: &fieldwarden_model::Values<'_>,
    ) -> Option<Noticed> {
        self.looks = self.looks.wrapping_add(1);
        if look.passed.is_none() {
            for followed in &mut self.values {
                if let Some(value) = values.nth(followed.n.into()) {
                    followed.begin_anew(Reading::new(value, time), self.looks);
                }
            }
            (self.moved, self.due) = (0, self.next_due());
            return None;
        }
        let wobbles = look.minute.and_then(|whole| self.end_minute(settings, whole));
        if look.changed {
            for followed in &mut self.values {
                let Some(value) = values.nth(followed.n.into()) else { continue };
                if let Some(moved) = followed.reading.to(value, time) {
                    followed.chance.moved(followed.reading.value(), moved);
                    followed.moved_at = self.looks;
                    // What was told to stand still goes on, and may stand still again.
                    if core::mem::take(&mut followed.frozen) {
                        self.due = self.due.min(followed.due().unwrap_or(Timestamp::MAX));
                    }
                }
            }
            self.moved += 1;
        }
        let random = (look.changed && self.moved >= settings.covert_channel.window(self.closely))
            .then(|| self.end_window(settings))
            .flatten();
        let still = (time >= self.due).then(|| self.stands_still(time)).flatten();
        if look.changed && self.due <= time {
            self.due = self.next_due();
        }
        still.map(Noticed::Still).or(random.map(Noticed::Random)).or(wobbles.map(Noticed::Wobbles))
    }

    /// When the next value may have stood still for too long; what moves meanwhile only puts it off.
    fn next_due(&self) -> Timestamp {
        self.values.iter().filter_map(Followed::due).min().unwrap_or(Timestamp::MAX)
    }

    fn stands_still(&mut self, time: Timestamp) -> Option<Still> {
        let looks = self.looks;
        let overdue = |value: &Followed| {
            value.due().is_some_and(|due| due <= time)
                && looks.wrapping_sub(value.moved_at) >= frozen_report::ANSWERS
        };
        let mut found: Option<Still> = None;
        for value in self.values.iter_mut().filter(|value| overdue(value)) {
            value.frozen = true;
            let n = usize::from(value.n);
            let (points, stride) = (self.points, self.stride);
            let still = found.get_or_insert_with(|| Still {
                points: place(points, stride, n),
                count: 0,
                of: 0,
                stands: value.reading.stands(time),
            });
            still.points.last = place(points, stride, n).last;
        }
        self.due = self.next_due();
        let mut still = found?;
        still.count = self.values.iter().filter(|value| value.frozen).count();
        still.of = self.values.iter().filter(|value| value.patience_ms > 0).count();
        Some(still)
    }

    fn end_minute(&mut self, settings: &Settings, whole: bool) -> Option<Wobbles> {
        let mut found = None;
        for value in &mut self.values {
            let minute = value.reading.end_minute();
            let Some(most) = value.wobble.filter(|_| whole) else { continue };
            let most = f64::from(most);
            if !settings.covert_channel.wobbles(minute, most) {
                value.minutes = 0;
                continue;
            }
            value.minutes = value.minutes.saturating_add(1);
            if u32::from(value.minutes) == settings.covert_channel.minutes && found.is_none() {
                let points = place(self.points, self.stride, value.n.into());
                found = Some(Wobbles { points, wobble: minute.wobble, most });
            }
        }
        found
    }

    /// The longest run of neighbours that look like chance, as far as no line of the baseline says they do by nature. Where not all are
    /// followed, one that does calls for the others.
    fn end_window(&mut self, settings: &Settings) -> Option<Random> {
        let samples = core::mem::take(&mut self.moved);
        let (mut run, mut longest, mut next) = (0_usize, (0_usize, 0_usize), 0);
        for value in &mut self.values {
            let chance = core::mem::take(&mut value.chance);
            let n = usize::from(value.n);
            let rule = &settings.covert_channel;
            let looks_so = if self.closely {
                rule.is_chance(&chance, samples)
            } else {
                rule.may_be_chance(&chance, samples)
            };
            run = match !value.random && looks_so {
                true if n == next => run + 1,
                true => 1,
                false => 0,
            };
            next = n + 1;
            if run > longest.1 {
                longest = (n, run);
            }
        }
        let (last, count) = longest;
        if !self.closely {
            self.then = (count > 0).then_some(Closely::All);
            return None;
        }
        if count < settings.covert_channel.points as usize {
            self.then = Some(Closely::Some);
            return None;
        }
        let first = place(self.points, self.stride, (last + 1).saturating_sub(count));
        let points = PointRange { last: place(self.points, self.stride, last).last, ..first };
        Some(Random { points, count, samples, written: self.written })
    }
}

/// The points of the n-th value.
fn place(points: PointRange, stride: u16, n: usize) -> PointRange {
    let stride = u64::from(stride.max(1));
    let first = points.first.saturating_add(stride.saturating_mul(u64::try_from(n).unwrap_or(u64::MAX)));
    PointRange { first, last: first.saturating_add(stride - 1).min(points.last), ..points }
}

impl Followed {
    /// All values of a block, as far as any are followed.
    fn all(
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        operation: &Operation<'_>,
    ) -> Vec<Self> {
        let (Some(points), Some(values)) = (operation.points, operation.values) else { return Vec::new() };
        let entry = entry.filter(|_| operation.outcome != Outcome::Asked);
        let points_together = u16::try_from(settings.covert_channel.points).unwrap_or(u16::MAX).max(1);
        let mut index = points.first;
        let mut followed = Vec::new();
        followed.reserve_exact(MAX_VALUES.min(values.count as usize));
        for (n, value) in (0..).zip(values.iter().take(MAX_VALUES)) {
            let point = Point { space: points.space, index };
            let line = entry.and_then(|entry| entry.motion_of(point, values.stride));
            let mut own = Self::new(settings, line, Reading::new(value, time));
            // Of so many neighbours it is always one.
            (own.n, own.watches) = (n, n % points_together == points_together - 1);
            followed.push(own);
            index = index.saturating_add(u64::from(values.stride.max(1)));
        }
        followed
    }

    fn new(settings: &Settings, line: Option<&ReadMotion>, reading: Reading) -> Self {
        let still = line.and_then(|line| line.still_ms);
        #[expect(clippy::cast_possible_truncation, reason = "a limit is compared roughly")]
        let wobble = line.and_then(|line| line.wobble_per_minute).map(|most| most as f32);
        Self {
            n: 0,
            watches: false,
            reading,
            moved_at: 0,
            patience_ms: still.map_or(0, |most| settings.frozen_report.patience_ms(most)),
            wobble,
            chance: Chance::default(),
            minutes: 0,
            frozen: false,
            random: line.is_some_and(|line| line.random),
        }
    }

    /// Whether it is followed while nothing looks like chance.
    const fn stays(&self) -> bool {
        self.watches || self.patience_ms > 0 || self.wobble.is_some()
    }

    fn begin_anew(&mut self, reading: Reading, looks: u32) {
        (self.reading, self.moved_at, self.frozen) = (reading, looks, false);
        (self.chance, self.minutes) = (Chance::default(), 0);
    }

    /// When it has stood still for too long; none where that is not judged, or was told.
    fn due(&self) -> Option<Timestamp> {
        let patience = Duration::from_millis(u64::from(self.patience_ms));
        (self.patience_ms > 0 && !self.frozen).then(|| self.reading.since().saturating_add(patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_state_what_following_values_takes() {
        let docs = include_str!("../../../docs/resources.md");
        let each = size_of::<Followed>();
        assert!(docs.contains(&format!("1,024 values a shard, {each} octets each")), "{each}");
    }
}
