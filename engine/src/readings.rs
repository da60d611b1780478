//! How values that are read move: what learning and judging measure alike.
//!
//! The unit is a block: what one request reads. Its answers are looked at as often as `AGAIN` allows, and where the octets are those of the
//! answer before, nothing moved and no value is looked at.

use core::time::Duration;

use fieldwarden_model::{Timestamp, Value};

use crate::motion::number;

/// Answers to one request are looked at this often at most: of a faster poll some serve.
const AGAIN: Duration = Duration::from_millis(500);
/// After a longer silence of a poll nobody knows what moved, and everything counts anew.
const PAUSE: Duration = Duration::from_secs(60);

/// When the answers to one request were looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    looked: Timestamp,
    minute: i64,
    digest: u64,
    /// Whether the running minute was heard from its beginning.
    whole: bool,
}

/// What there is to do about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The time since the answer before; none after a pause.
    pub(crate) passed: Option<Duration>,
    /// Whether a minute is over, and if so whether it was heard as a whole.
    pub(crate) minute: Option<bool>,
    /// Whether the octets are others than before.
    pub(crate) changed: bool,
}

impl Rhythm {
    /// The first answer.
    pub(crate) fn new(octets: &[u8], time: Timestamp) -> Self {
        Self { looked: time, minute: minute(time), digest: digest(octets), whole: false }
    }

    /// When an answer was looked at last.
    pub(crate) const fn looked(&self) -> Timestamp {
        self.looked
    }

    /// Another answer; none where it comes too soon to be looked at.
    #[inline]
    pub(crate) fn look(&mut self, octets: &[u8], time: Timestamp) -> Option<Look> {
        let passed = time.since(self.looked);
        if passed < AGAIN {
            return None;
        }
        self.looked = time;
        let passed = (passed <= PAUSE).then_some(passed);
        let this = minute(time);
        let over = this != self.minute;
        let follows = passed.is_some() && this == self.minute.saturating_add(1);
        let whole = self.whole && follows;
        if over {
            (self.minute, self.whole) = (this, follows);
        }
        let before = core::mem::replace(&mut self.digest, digest(octets));
        Some(Look { passed, minute: over.then_some(whole), changed: before != self.digest })
    }
}

/// How one value moves from answer to answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    last: f64,
    /// When it took its last value.
    since: Timestamp,
    /// Where it was when the minute began.
    first: f64,
    /// How far it went since, to and fro.
    travel: f64,
    moves: u16,
    turns: u16,
    up: bool,
}

/// What a value did within a minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Minute {
    /// How far it went without getting anywhere: its way to and fro, less what lies between its ends.
    pub(crate) wobble: f64,
    /// How often it moved.
    pub(crate) moves: u16,
    /// How often it turned back.
    pub(crate) turns: u16,
}

/// One move of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moved {
    /// How far, without sign.
    pub(crate) step: f64,
    /// Whether it turned back.
    pub(crate) turned: bool,
    /// How long it stood still before.
    pub(crate) stood: Duration,
}

impl Reading {
    pub(crate) const fn new(value: Value, time: Timestamp) -> Self {
        let last = number(value);
        Self { last, since: time, first: last, travel: 0.0, moves: 0, turns: 0, up: false }
    }

    /// The value as it is now; none where it stays, or is no number.
    #[inline]
    pub(crate) fn to(&mut self, value: Value, time: Timestamp) -> Option<Moved> {
        let value = number(value);
        let step = value - core::mem::replace(&mut self.last, value);
        if step.is_nan() || step.abs() <= 0.0 {
            return None;
        }
        let up = step > 0.0;
        let turned = core::mem::replace(&mut self.up, up) != up && self.moves > 0;
        self.travel += step.abs();
        self.moves = self.moves.saturating_add(1);
        self.turns = self.turns.saturating_add(u16::from(turned));
        let stood = time.since(core::mem::replace(&mut self.since, time));
        Some(Moved { step: step.abs(), turned, stood })
    }

    /// How long it has stood still.
    pub(crate) fn stands(&self, time: Timestamp) -> Duration {
        time.since(self.since)
    }

    /// When it took its last value.
    pub(crate) const fn since(&self) -> Timestamp {
        self.since
    }

    /// A minute is over.
    pub(crate) fn end_minute(&mut self) -> Minute {
        let wobble = (self.travel - (self.last - self.first).abs()).max(0.0);
        let over = Minute { wobble, moves: self.moves, turns: self.turns };
        (self.first, self.travel, self.moves, self.turns) = (self.last, 0.0, 0, 0);
        over
    }
}

fn minute(time: Timestamp) -> i64 {
    time.nanos().div_euclid(60_000_000_000)
}

/// Octets as one number, the same in every process. Whoever makes two answers with one digest hides a move, which moving values
/// show again a poll later.
fn digest(octets: &[u8]) -> u64 {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, rest) = octets.as_chunks::<8>();
    let sum = words.iter().fold(0, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter()
        .fold(mix(sum, u64::try_from(octets.len()).unwrap_or(0)), |sum, octet| mix(sum, u64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_seconds(6_000).saturating_add(Duration::from_millis(millis))
    }

    #[test]
    fn a_fast_poll_is_looked_at_now_and_then_and_a_pause_counts_anew() {
        let mut rhythm = Rhythm::new(&[1, 2], at(0));
        assert_eq!(rhythm.look(&[1, 3], at(100)), None);
        let look = rhythm.look(&[1, 3], at(600)).unwrap();
        assert_eq!((look.changed, look.passed), (true, Some(Duration::from_millis(600))));
        assert!(!rhythm.look(&[1, 3], at(1_600)).unwrap().changed);
        assert_eq!(rhythm.look(&[1, 3], at(90_000)).unwrap().passed, None);
    }

    #[test]
    fn minutes_count_where_they_were_heard_as_a_whole() {
        let mut rhythm = Rhythm::new(&[], at(0));
        let over: Vec<Option<bool>> = (1..=40)
            .filter_map(|n| rhythm.look(&[], at(n * 10_000)))
            .map(|look| look.minute)
            .filter(Option::is_some)
            .collect();
        assert_eq!(over, [Some(false), Some(true), Some(true), Some(true), Some(true), Some(true)]);
    }

    #[test]
    fn a_ramp_does_not_wobble_and_noise_does() {
        let values = |values: &[i64]| {
            let mut reading = Reading::new(Value::Integer(0), at(0));
            for (value, n) in values.iter().zip(1..) {
                reading.to(Value::Integer(*value), at(n * 1_000));
            }
            (reading.end_minute(), reading.stands(at(10_000)))
        };
        let (ramp, _) = values(&[1, 3, 6, 6, 9]);
        assert_eq!(ramp, Minute { wobble: 0.0, moves: 4, turns: 0 });
        let (noise, stands) = values(&[4, 1, 5, 2, 2]);
        assert_eq!(noise, Minute { wobble: 12.0, moves: 4, turns: 3 });
        assert_eq!(stands, Duration::from_secs(6));
    }
}
