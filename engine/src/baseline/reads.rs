//! How the values move that are read: what learning notes, what the text says of it, what two texts say otherwise.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{Operation, Point, PointRange, Timestamp, operation::Encoding};

use super::{ReadMotion, compiled::place_of, diff::sweep::without, learn::MAX_READ_POINTS};
use crate::readings::{Reading, Rhythm};

/// A point that moved less often stands still for reasons nobody learned.
const MOVES: u32 = 50;
/// A point that stood still for a longer part of the time than one in so many does so again.
const PARTS: u32 = 20;
/// What was watched for less is not held to moving: a machine that ran all the while stops some day.
const WATCHED: Duration = Duration::from_secs(1_800);
/// A bit is held to moving where it never stood still for so many times as long as it does on average: a life sign is regular, what a
/// machine does is not.
const REGULAR: u32 = 3;
/// Whole minutes that tell how far a value wobbles.
const MINUTES: u32 = 5;
/// Neighbours are one line where none of them moves so many times as much as another.
const ALIKE: f64 = 4.0;

/// What is noted of the points that a conversation reads.
#[derive(Debug, Default)]
pub(super) struct Notes {
    blocks: BTreeMap<(PointRange, u16), Block>,
    points: usize,
}

/// What is noted of the points that one request reads.
#[derive(Debug)]
struct Block {
    rhythm: Rhythm,
    watched: Duration,
    looks: u64,
    /// Whether each value is a bit, which has no digits.
    bits: bool,
    points: Vec<Noted>,
}

/// What is noted of one point.
#[derive(Clone, Copy, Debug)]
struct Noted {
    reading: Reading,
    /// The longest it stood still.
    still: Duration,
    moves: u32,
    minutes: u32,
    wobble: f64,
}

impl Notes {
    /// An answer; how many of its values were left out.
    pub(super) fn note(&mut self, time: Timestamp, operation: &Operation<'_>) -> u64 {
        let (Some(points), Some(values)) = (operation.points, operation.values) else { return 0 };
        let key = (points, values.stride);
        if let Some(block) = self.blocks.get_mut(&key) {
            block.note(time, &values);
            return 0;
        }
        let count = values.iter().count();
        if self.points + count > MAX_READ_POINTS {
            return u64::try_from(count).unwrap_or(u64::MAX);
        }
        self.points += count;
        let noted = |value| Noted {
            reading: Reading::new(value, time),
            still: Duration::ZERO,
            moves: 0,
            minutes: 0,
            wobble: 0.0,
        };
        let rhythm = Rhythm::new(values.bytes, time);
        let points = values.iter().map(noted).collect();
        let bits = matches!(values.encoding, Encoding::BitsLeastFirst | Encoding::OctetBit);
        self.blocks.insert(key, Block { rhythm, watched: Duration::ZERO, looks: 1, bits, points });
        0
    }

    /// What the baseline says: neighbours that move alike are one line. What is `written` here, sorted and merged,
    /// stands still when nobody writes.
    pub(super) fn learned(&self, written: &[PointRange]) -> Vec<ReadMotion> {
        let mut points: BTreeMap<(fieldwarden_model::Space, u16, u64), ReadMotion> = BTreeMap::new();
        for ((range, step), block) in &self.blocks {
            let mut first = range.first;
            for noted in &block.points {
                let last = first.saturating_add(u64::from(*step).saturating_sub(1));
                let mut own = noted.learned(PointRange { first, last, ..*range }, *step, block);
                if own.still_ms.is_some() && touches(written, &own.points) {
                    own.still_ms = None;
                }
                // What two requests read moves as it does for the one that sees more of it.
                points
                    .entry((range.space, *step, first))
                    .and_modify(|other| *other = other.with(&own))
                    .or_insert(own);
                first = first.saturating_add(u64::from((*step).max(1)));
            }
        }
        let mut lines: Vec<ReadMotion> = Vec::new();
        for own in points.into_values().filter(ReadMotion::says_something) {
            match lines.last_mut() {
                Some(line) if line.is_followed_by(&own) => {
                    let first = line.points.first;
                    *line = line.with(&own);
                    line.points = PointRange { first, ..own.points };
                }
                _ => lines.push(own),
            }
        }
        lines.sort_by_key(|line| (line.points, line.step));
        lines
    }
}

impl Block {
    fn note(&mut self, time: Timestamp, values: &fieldwarden_model::Values<'_>) {
        let Some(look) = self.rhythm.look(values.bytes, time) else { return };
        self.looks += 1;
        self.watched = self.watched.saturating_add(look.passed.unwrap_or_default());
        if look.passed.is_none() {
            for (noted, value) in self.points.iter_mut().zip(values.iter()) {
                noted.reading = Reading::new(value, time);
            }
            return;
        }
        for noted in self.points.iter_mut().filter(|_| look.minute.is_some()) {
            let minute = noted.reading.end_minute();
            if look.minute == Some(true) {
                noted.minutes = noted.minutes.saturating_add(1);
                noted.wobble = noted.wobble.max(minute.wobble);
            }
        }
        if look.changed {
            for (noted, value) in self.points.iter_mut().zip(values.iter()) {
                let Some(moved) = noted.reading.to(value, time) else { continue };
                noted.still = noted.still.max(moved.stood);
                noted.moves = noted.moves.saturating_add(1);
            }
        }
    }
}

impl Noted {
    fn learned(&self, points: PointRange, step: u16, block: &Block) -> ReadMotion {
        let still = self.still.max(self.reading.stands(block.rhythm.looked()));
        let mut often =
            self.moves >= MOVES && block.watched >= WATCHED && still.saturating_mul(PARTS) <= block.watched;
        if block.bits {
            often &= still.saturating_mul(self.moves) <= block.watched.saturating_mul(REGULAR);
        }
        ReadMotion {
            points,
            step: step.max(1),
            still_ms: often.then(|| u64::try_from(still.as_millis()).unwrap_or(u64::MAX)),
            wobble_per_minute: (self.minutes >= MINUTES && !block.bits).then(|| rounded_up(self.wobble)),
            random: false,
            seen: block.looks,
        }
    }
}

/// Whether one of these ranges, sorted and merged, holds one of these points.
fn touches(ranges: &[PointRange], points: &PointRange) -> bool {
    let after = ranges.partition_point(|range| (range.space, range.first) <= (points.space, points.last));
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| range.overlaps(points))
}

/// With three digits, for people.
fn rounded_up(value: f64) -> f64 {
    let mut scale = 1.0;
    while value > 0.0 && value * scale < 100.0 && scale < 1e9 {
        scale *= 10.0;
    }
    if scale > 1.0 { (value * scale).ceil() / scale } else { value.ceil() }
}

impl ReadMotion {
    /// Whether it judges anything.
    const fn says_something(&self) -> bool {
        self.still_ms.is_some() || self.wobble_per_minute.is_some() || self.random
    }

    /// What holds for the points of this line and of another.
    fn with(&self, other: &Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.max(b));
        let wobble = self.wobble_per_minute.zip(other.wobble_per_minute);
        Self {
            still_ms: both(self.still_ms, other.still_ms),
            wobble_per_minute: wobble.map(|(a, b)| a.max(b)),
            random: self.random || other.random,
            seen: self.seen.max(other.seen),
            ..*self
        }
    }

    /// Whether a point is the next one, and moves much as these do.
    fn is_followed_by(&self, next: &Self) -> bool {
        let near = |a: f64, b: f64| a <= b * ALIKE && b <= a * ALIKE;
        #[expect(clippy::cast_precision_loss, reason = "times of stillness are compared roughly")]
        let still = match (self.still_ms, next.still_ms) {
            (Some(a), Some(b)) => near(a as f64, b as f64),
            (a, b) => a.is_none() && b.is_none(),
        };
        let wobble = match (self.wobble_per_minute, next.wobble_per_minute) {
            (Some(a), Some(b)) => near(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.points.space == next.points.space
            && self.step == next.step
            && self.points.last.checked_add(1) == Some(next.points.first)
            && still
            && wobble
    }

    /// What is held against how the values move: `stands still at most 4000 ms`.
    #[must_use]
    pub fn text(&self) -> String {
        let still = self.still_ms.map(|most| format!("stands still at most {most} ms"));
        let wobble = self.wobble_per_minute.map(|most| format!("wobbles by at most {most} a minute"));
        let random = self.random.then(|| String::from("looks like chance by nature"));
        let all: Vec<String> = [still, wobble, random].into_iter().flatten().collect();
        if all.is_empty() { String::from("moves in any way") } else { all.join(", ") }
    }

    /// Whether two lines say the same of their points.
    pub(super) fn says_as(&self, other: &Self) -> bool {
        let spelled =
            |line: &Self| (line.still_ms, line.wobble_per_minute.map(f64::to_bits), line.random, line.seen);
        spelled(self) == spelled(other)
    }
}

/// The line that says how the value moves that begins at a point; `lines` are in the order of [`place_of`].
pub(crate) fn line_of(lines: &[ReadMotion], point: Point, step: u16) -> Option<&ReadMotion> {
    let here = PointRange { space: point.space, first: point.index, last: point.index };
    let wanted = place_of(&here, step);
    let after = lines.partition_point(|line| place_of(&line.points, line.step) <= wanted);
    let line = lines.get(after.checked_sub(1)?)?;
    let (space, own_step, phase, _) = place_of(&line.points, line.step);
    ((space, own_step, phase) == (wanted.0, wanted.1, wanted.2) && point.index <= line.points.last)
        .then_some(line)
}

/// In the order in which lines are searched.
pub(crate) fn sorted(mut lines: Vec<ReadMotion>) -> Box<[ReadMotion]> {
    lines.sort_by_key(|line| place_of(&line.points, line.step));
    lines.into_boxed_slice()
}

/// Neighbouring points of which two texts say something, and what.
pub(super) struct Piece<'a> {
    pub(super) points: PointRange,
    pub(super) step: u16,
    pub(super) old: Option<&'a ReadMotion>,
    pub(super) new: Option<&'a ReadMotion>,
}

/// Where two lists of lines, each as [`sorted`] leaves it, say otherwise.
pub(super) fn pieces<'a>(old: &'a [ReadMotion], new: &'a [ReadMotion]) -> Vec<Piece<'a>> {
    let mut edges: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
    for line in old.iter().chain(new) {
        let (space, step, phase, first) = place_of(&line.points, line.step);
        let width = u64::from(step.max(1));
        let values = line.points.last.saturating_sub(first).checked_div(width).unwrap_or(0).saturating_add(1);
        let behind = first.saturating_add(values.saturating_mul(width));
        edges.entry((space, step, phase)).or_default().extend([first, behind]);
    }
    let mut found: Vec<Piece<'_>> = Vec::new();
    for ((space, step, _), places) in edges {
        for (from, until) in places.iter().zip(places.iter().skip(1)) {
            let point = Point { space, index: *from };
            let (old, new) = (line_of(old, point, step), line_of(new, point, step));
            let same = match (old, new) {
                (Some(old), Some(new)) => old.says_as(new),
                (None, None) => true,
                _ => false,
            };
            if !same {
                let points = PointRange { space, first: *from, last: until.saturating_sub(1) };
                found.push(Piece { points, step, old, new });
            }
        }
    }
    found.sort_by_key(|piece| (piece.points, piece.step));
    found
}

/// Changes what lines say of some points, and of no others: a line that covers more is cut.
pub(super) fn relax(
    lines: &mut Vec<ReadMotion>,
    points: PointRange,
    step: u16,
    of: impl Fn(&mut ReadMotion),
) {
    let (mut after, mut covered) = (Vec::with_capacity(lines.len() + 2), Vec::new());
    for line in lines.drain(..) {
        if line.step != step || !line.points.overlaps(&points) {
            after.push(line);
            continue;
        }
        let (first, last) = (line.points.first.max(points.first), line.points.last.min(points.last));
        let own = PointRange { first, last, ..points };
        let parts = [
            (line.points.first < first).then(|| (PointRange { last: first - 1, ..line.points }, false)),
            Some((own, true)),
            (last < line.points.last).then(|| (PointRange { first: last + 1, ..line.points }, false)),
        ];
        for (points, is_own) in parts.into_iter().flatten() {
            let mut part = ReadMotion { points, ..line };
            if is_own {
                of(&mut part);
            }
            after.push(part);
        }
        covered.push(own);
    }
    for points in without(&[points], &covered) {
        let mut fresh = ReadMotion::open(points, step);
        of(&mut fresh);
        after.extend(fresh.says_something().then_some(fresh));
    }
    *lines = after;
    join(lines);
}

/// Neighbours that say the same are one line.
fn join(lines: &mut Vec<ReadMotion>) {
    lines.sort_by_key(|line| place_of(&line.points, line.step));
    lines.dedup_by(|next, line| {
        let follows = line.points.space == next.points.space
            && line.step == next.step
            && line.points.last.checked_add(1) == Some(next.points.first)
            && line.says_as(next);
        if follows {
            line.points.last = next.points.last;
        }
        follows
    });
    lines.sort_by_key(|line| (line.points, line.step));
}

impl ReadMotion {
    /// A line that says nothing yet.
    const fn open(points: PointRange, step: u16) -> Self {
        Self { points, step, still_ms: None, wobble_per_minute: None, random: false, seen: 0 }
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Outcome, Values};

    use super::*;
    use crate::bench::{points, read};

    fn noted(seconds: u64, values: impl Fn(u64) -> [u8; 4]) -> Vec<ReadMotion> {
        noted_as(Encoding::Unsigned8, seconds, values)
    }

    fn noted_as(encoding: Encoding, seconds: u64, values: impl Fn(u64) -> [u8; 4]) -> Vec<ReadMotion> {
        let mut notes = Notes::default();
        for n in 0..seconds {
            let bytes = values(n);
            let values = Values { bytes: &bytes, encoding, count: 4, stride: 1 };
            let time = Timestamp::from_seconds(6_000).saturating_add(Duration::from_secs(n));
            let answer = Operation { values: Some(values), outcome: Outcome::Done, ..read("40001-40004") };
            assert_eq!(notes.note(time, &answer), 0);
        }
        notes.learned(&[])
    }

    #[test]
    fn what_moves_often_is_kept_apart_from_what_stands() {
        let octet = |value: u64| u8::try_from(value).unwrap();
        let lines = noted(2_000, |n| [octet(n / 4 % 7), octet(n / 2 % 5), 9, 9]);
        let told: Vec<_> =
            lines.iter().map(|line| (line.points, line.still_ms, line.wobble_per_minute)).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0].0, points("40001-40002"));
        assert_eq!(told[0].1, Some(4_000));
        assert_eq!(told[1], (points("40003-40004"), None, Some(0.0)));
    }

    #[test]
    fn a_point_that_stood_still_for_long_is_not_held_to_moving() {
        let octet = |value: u64| u8::try_from(value % 100).unwrap();
        let lines = noted(2_000, |n| [octet(n.min(1_000)), 9, octet(n), 9]);
        let still: Vec<_> = lines.iter().map(|line| (line.points, line.still_ms)).collect();
        let expected = [("40001", None), ("40002", None), ("40003", Some(1_000)), ("40004", None)];
        assert_eq!(still, expected.map(|(text, still)| (points(text), still)));
    }

    #[test]
    fn of_bits_those_are_held_to_moving_that_are_regular() {
        let bit = |set: bool| u8::from(set);
        let lines = noted_as(Encoding::OctetBit, 2_000, |n| [bit(n / 5 % 2 == 0), 1, bit(n % 100 < 20), 0]);
        let told: Vec<_> = lines.iter().map(|line| (line.points, line.still_ms)).collect();
        assert_eq!(told, [(points("40001"), Some(5_000))]);
    }

    #[test]
    fn what_is_written_here_as_well_is_not_held_to_moving() {
        let octet = |value: u64| u8::try_from(value % 200).unwrap();
        let lines = noted(2_000, |n| [octet(n), octet(n), octet(n), octet(n)]);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].points, lines[0].still_ms), (points("40001-40004"), Some(1_000)));
        let mut notes = Notes::default();
        for n in 0..2_000 {
            let bytes = [octet(n); 4];
            let values = Values { bytes: &bytes, encoding: Encoding::Unsigned8, count: 4, stride: 1 };
            let time = Timestamp::from_seconds(6_000).saturating_add(Duration::from_secs(n));
            notes.note(
                time,
                &Operation { values: Some(values), outcome: Outcome::Done, ..read("40001-40004") },
            );
        }
        let lines = notes.learned(&[points("40002")]);
        let still: Vec<_> = lines.iter().map(|line| (line.points, line.still_ms)).collect();
        let expected = [("40001", Some(1_000)), ("40002", None), ("40003-40004", Some(1_000))];
        assert_eq!(still, expected.map(|(text, still)| (points(text), still)));
    }

    #[test]
    fn few_minutes_say_nothing() {
        assert_eq!(noted(200, |n| [u8::try_from(n / 10).unwrap(), 9, 9, 9]), []);
        let half = noted(1_200, |n| [u8::try_from(n % 200).unwrap(), 9, 9, 9]);
        assert!(half.iter().all(|line| line.still_ms.is_none()), "no half hour");
    }

    #[test]
    fn a_line_is_relaxed_for_some_of_its_points_alone() {
        let line = ReadMotion { still_ms: Some(5), ..ReadMotion::open(points("40001-40010"), 1) };
        let mut lines = vec![line];
        relax(&mut lines, points("40003-40004"), 1, |line| line.still_ms = None);
        let told: Vec<_> = lines.iter().map(|line| (line.points, line.still_ms)).collect();
        let expected = [("40001-40002", Some(5)), ("40003-40004", None), ("40005-40010", Some(5))];
        assert_eq!(told, expected.map(|(text, still)| (points(text), still)));
        let old = [line];
        let lines = sorted(lines);
        let pieces: Vec<_> = pieces(&old, &lines).iter().map(|piece| piece.points).collect();
        assert_eq!(pieces, [points("40003-40004")]);
    }
}
