//! What one request reads or writes, followed from answer to answer.

use fieldwarden_model::{Operation, Outcome, Point, PointRange, Timestamp, Values};

use super::{
    Noticed, Random, Room, Still, Wobbles,
    value::{Known, Watched},
};
use crate::{
    baseline::{ReadMotion, compiled::CompiledEntry},
    detect::{Settings, frozen_report},
    readings::{Look, Rhythm},
};

/// Values followed of a block: as many as the longest Modbus answer has registers.
const MAX_VALUES: usize = 128;
/// Values watched at a time for what their neighbours may hide; those of a longer block take turns.
const MAX_WATCHED: usize = 8;

/// What one request reads or writes.
#[derive(Debug)]
pub(super) struct Block {
    unit: Option<u16>,
    points: PointRange,
    stride: u16,
    written: bool,
    /// Whether all its values are watched, since one of them looked like chance.
    closely: bool,
    /// What is to be watched from now on, where other values than before.
    then: Option<Then>,
    /// Whose turn it is to be watched.
    turn: u16,
    rhythm: Rhythm,
    /// Answers looked at.
    looks: u32,
    /// Those of them, in the running window, that were not the same as before.
    moved: u32,
    /// No value is overdue before.
    due: Timestamp,
    /// Values that the baseline says something of.
    known: Vec<Known>,
    /// Values watched for chance.
    watched: Vec<Watched>,
}

/// What is watched next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// All values.
    All,
    /// The next few.
    Others,
}

impl Block {
    pub(super) fn new(
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        operation: &Operation<'_>,
    ) -> Option<Self> {
        let (points, values) = (operation.points?, operation.values?);
        let mut block = Self {
            unit: operation.unit,
            points,
            stride: values.stride,
            written: operation.outcome == Outcome::Asked,
            closely: false,
            then: None,
            turn: 0,
            rhythm: Rhythm::new(values.bytes, time),
            looks: 0,
            moved: 0,
            due: Timestamp::MAX,
            known: Vec::new(),
            watched: Vec::new(),
        };
        let entry = block.entry(entry);
        let known = block
            .numbered(&values)
            .filter_map(|(n, point, value)| Known::new(settings, block.line(entry, point)?, n, value, time));
        block.known = known.collect();
        block.known.shrink_to_fit();
        block.watched = block.watch(Then::Others, settings, entry, &values);
        block.due = block.next_due();
        Some(block)
    }

    /// How many values are followed.
    pub(super) const fn count(&self) -> usize {
        self.known.len() + self.watched.len()
    }

    /// When an answer was looked at last.
    pub(super) const fn looked(&self) -> Timestamp {
        self.rhythm.looked()
    }

    /// Whether this is what an operation reads or writes.
    pub(super) fn is_of(&self, operation: &Operation<'_>, points: &PointRange, values: &Values<'_>) -> bool {
        self.points == *points
            && (self.unit, self.stride, self.written)
                == (operation.unit, values.stride, operation.outcome == Outcome::Asked)
    }

    /// Follows the values of another answer: what is worth a judgement.
    pub(super) fn follow(
        &mut self,
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        values: &Values<'_>,
        room: &mut Room,
    ) -> Option<Noticed> {
        let look = self.rhythm.look(values.bytes, time)?;
        let noticed = self.look(settings, look, time, values);
        match self.then.take() {
            Some(then) => noticed.or(self.turn_to(then, settings, entry, values, room)),
            None => noticed,
        }
    }

    /// Watches other values from now on.
    #[cold]
    fn turn_to(
        &mut self,
        then: Then,
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        values: &Values<'_>,
        room: &mut Room,
    ) -> Option<Noticed> {
        let turn = self.turn;
        self.turn = turn.wrapping_add(u16::from(then == Then::Others));
        let watched = self.watch(then, settings, self.entry(entry), values);
        let before = self.watched.len();
        if !room.take(watched.len().saturating_sub(before)) {
            // Others may be worth the room once there is some.
            self.turn = turn.wrapping_add(1);
            return room.is_full();
        }
        room.give_back(before.saturating_sub(watched.len()));
        (self.watched, self.closely) = (watched, then == Then::All);
        None
    }

    /// The entry that says how the values move: of what is written it says nothing.
    fn entry<'a>(&self, entry: Option<&'a CompiledEntry>) -> Option<&'a CompiledEntry> {
        entry.filter(|_| !self.written)
    }

    fn line<'a>(&self, entry: Option<&'a CompiledEntry>, point: Point) -> Option<&'a ReadMotion> {
        entry.and_then(|entry| entry.motion_of(point, self.stride))
    }

    /// Values with their numbers and points, as far as any are followed.
    fn numbered(&self, values: &Values<'_>) -> impl Iterator<Item = (u16, Point, fieldwarden_model::Value)> {
        let (space, first, stride) = (self.points.space, self.points.first, u64::from(self.stride.max(1)));
        (0..).zip(values.iter().take(MAX_VALUES)).map(move |(n, value)| {
            let index = first.saturating_add(stride.saturating_mul(u64::from(n)));
            (n, Point { space, index }, value)
        })
    }

    /// The values to be watched: all, or the few whose turn it is. Of as many neighbours as must look like chance together one is enough.
    fn watch(
        &self,
        then: Then,
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        values: &Values<'_>,
    ) -> Vec<Watched> {
        let together = usize::try_from(settings.covert_channel.points).unwrap_or(usize::MAX).max(1);
        let turns = (MAX_VALUES.min(values.count as usize) / together).div_ceil(MAX_WATCHED).max(1);
        let turn = usize::from(self.turn) % turns;
        let is_watched = |n: u16| {
            let n = usize::from(n);
            then == Then::All || (n % together == together - 1 && n / together / MAX_WATCHED == turn)
        };
        let mut watched: Vec<Watched> = self
            .numbered(values)
            .filter(|(n, ..)| is_watched(*n))
            .map(|(n, point, value)| {
                Watched::new(n, value, self.line(entry, point).is_some_and(|line| line.random))
            })
            .collect();
        watched.shrink_to_fit();
        watched
    }

    fn look(
        &mut self,
        settings: &Settings,
        look: Look,
        time: Timestamp,
        values: &Values<'_>,
    ) -> Option<Noticed> {
        self.looks = self.looks.wrapping_add(1);
        if look.passed.is_none() {
            self.begin_anew(time, values);
            return None;
        }
        let wobbles = look.minute.and_then(|whole| self.end_minute(settings, whole));
        if look.changed {
            self.move_to(time, values);
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

    fn begin_anew(&mut self, time: Timestamp, values: &Values<'_>) {
        for known in &mut self.known {
            if let Some(value) = values.nth(known.n.into()) {
                known.begin_anew(value, time, self.looks);
            }
        }
        for watched in &mut self.watched {
            if let Some(value) = values.nth(watched.n.into()) {
                watched.begin_anew(value);
            }
        }
        (self.moved, self.due) = (0, self.next_due());
    }

    fn move_to(&mut self, time: Timestamp, values: &Values<'_>) {
        for known in &mut self.known {
            let Some(value) = values.nth(known.n.into()) else { continue };
            // What was told to stand still goes on, and may stand still again.
            if known.to(value, time, self.looks) {
                self.due = self.due.min(known.due().unwrap_or(Timestamp::MAX));
            }
        }
        for watched in &mut self.watched {
            if let Some(value) = values.nth(watched.n.into()) {
                watched.to(value);
            }
        }
        self.moved += 1;
    }

    /// When the next value may have stood still for too long; what moves meanwhile only puts it off.
    fn next_due(&self) -> Timestamp {
        self.known.iter().filter_map(Known::due).min().unwrap_or(Timestamp::MAX)
    }

    fn stands_still(&mut self, time: Timestamp) -> Option<Still> {
        let looks = self.looks;
        let overdue = |value: &Known| {
            value.due().is_some_and(|due| due <= time)
                && looks.wrapping_sub(value.moved_at) >= frozen_report::ANSWERS
        };
        let mut found: Option<Still> = None;
        for value in self.known.iter_mut().filter(|value| overdue(value)) {
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
        still.count = self.known.iter().filter(|value| value.frozen).count();
        still.of = self.known.iter().filter(|value| value.patience_ms > 0).count();
        Some(still)
    }

    fn end_minute(&mut self, settings: &Settings, whole: bool) -> Option<Wobbles> {
        let mut found = None;
        for value in &mut self.known {
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
    /// watched, one that does calls for the others.
    fn end_window(&mut self, settings: &Settings) -> Option<Random> {
        let samples = core::mem::take(&mut self.moved);
        let rule = &settings.covert_channel;
        let (mut run, mut longest, mut next) = (0_usize, (0_usize, 0_usize), 0);
        for value in &mut self.watched {
            let chance = core::mem::take(&mut value.chance);
            let n = usize::from(value.n);
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
            self.then = Some(if count > 0 { Then::All } else { Then::Others });
            return None;
        }
        if count < rule.points as usize {
            self.then = Some(Then::Others);
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
