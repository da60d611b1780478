//! What learning notes of how lively a conversation is, and how written values move.

use fieldwarden_model::{Timestamp, Value};

use super::{Allowed, Moves, Pace};
use crate::motion::{Motion, number};

/// Fewer requests than this in a minute tell no pace.
const FEWEST: u64 = 6;
/// Whole minutes that tell a pace.
const MINUTES: u32 = 5;

/// What is noted of a conversation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Notes {
    last: Option<Timestamp>,
    requests: u64,
    pause_ms: u64,
    minute: i64,
    /// Requests and writes of the running minute.
    running: (u64, u64),
    /// Whole minutes so far: the first one is not, nor is the running one.
    minutes: Option<u32>,
    fewest: u64,
    most: u64,
    most_writes: u64,
}

impl Notes {
    /// Something was asked for, as the first thing of a message or not; a message is one request whatever it asks for.
    /// The sensor heard frames since `awake`.
    pub(super) fn note(&mut self, time: Timestamp, awake: Timestamp, writes: bool, first: bool) {
        if let Some(last) = self.last.replace(time) {
            self.pause_ms = self.pause_ms.max(millis(time, last.max(awake)));
        }
        let minute = time.nanos().div_euclid(60_000_000_000);
        if self.requests > 0 && minute != self.minute {
            self.end_minute(minute != self.minute.saturating_add(1));
        }
        self.minute = minute;
        self.requests += u64::from(first);
        self.running.0 += u64::from(first);
        self.running.1 += u64::from(writes);
        self.most_writes = self.most_writes.max(self.running.1);
    }

    fn end_minute(&mut self, silence_follows: bool) {
        let (requests, _) = core::mem::take(&mut self.running);
        self.minutes = match self.minutes {
            None => {
                (self.fewest, self.most) = (u64::MAX, 0);
                Some(0)
            }
            Some(minutes) => {
                self.fewest = self.fewest.min(requests);
                self.most = self.most.max(requests);
                Some(minutes.saturating_add(1))
            }
        };
        if silence_follows {
            self.fewest = 0;
        }
    }

    /// What the baseline says. A conversation that was over before learning was had a pause as well.
    pub(super) fn learned(&self, until: Option<Timestamp>) -> Pace {
        let rest = until.zip(self.last).map_or(0, |(until, last)| millis(until, last));

        let settled = self.minutes.is_some_and(|minutes| minutes >= MINUTES) && self.fewest >= FEWEST;
        Pace {
            requests_per_minute: settled.then_some((self.fewest, self.most)),
            writes_per_minute: (self.most_writes > 0).then_some(self.most_writes),
            pause_ms: (self.requests >= 3).then_some(self.pause_ms.max(rest)),
        }
    }
}

fn millis(time: Timestamp, since: Timestamp) -> u64 {
    u64::try_from(time.since(since).as_millis()).unwrap_or(u64::MAX)
}

/// How one value moves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moving {
    motion: Motion,
    step: f64,
    run: f64,
    turns: u32,
}

impl Moving {
    /// The value is written.
    pub(super) fn to(&mut self, value: Value, time: Timestamp) {
        let Some(moved) = self.motion.to(value, time) else { return };
        self.step = self.step.max(moved.step);
        self.run = self.run.max(moved.run);
        self.turns = self.turns.max(moved.turns);
    }

    /// What the baseline says of a point that takes these values, seen between these bounds.
    pub(super) fn learned(&self, allowed: &Allowed, (minimum, maximum): (Value, Value)) -> Moves {
        // Bits do not lie far apart or near, and how a counter goes on is said by its kind.
        if matches!(allowed, Allowed::Bits(_) | Allowed::Counter(_)) {
            return Moves { turns_per_minute: self.turns, ..Moves::default() };
        }
        let width = number(maximum) - number(minimum);
        // As wide as the envelope, it says nothing that the envelope does not.
        let telling = |most: f64| (most > 0.0 && most < width).then_some(most);
        Moves {
            step_maximum: telling(self.step),
            run_maximum: telling(self.run),
            turns_per_minute: self.turns,
        }
    }
}

impl Moves {
    /// What holds for two points together.
    pub(super) fn with(&self, other: &Self) -> Self {
        let most = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a.max(b));
        Self {
            step_maximum: most(self.step_maximum, other.step_maximum),
            run_maximum: most(self.run_maximum, other.run_maximum),
            turns_per_minute: self.turns_per_minute.max(other.turns_per_minute),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_seconds(6_000).saturating_add(Duration::from_millis(millis))
    }

    #[test]
    fn a_poll_a_second_has_a_pace() {
        let mut notes = Notes::default();
        for second in 0..400 {
            notes.note(at(second * 1_000 + 5_000), Timestamp::MIN, second % 20 == 0, true);
            notes.note(at(second * 1_000 + 5_000), Timestamp::MIN, false, false);
        }
        let pace = notes.learned(None);
        assert_eq!(pace.requests_per_minute, Some((60, 60)));
        assert_eq!((pace.writes_per_minute, pace.pause_ms), (Some(3), Some(1_000)));
    }

    #[test]
    fn few_minutes_and_silences_tell_none() {
        let mut few = Notes::default();
        (0..200).for_each(|second| few.note(at(second * 1_000), Timestamp::MIN, false, true));
        assert_eq!(few.learned(None).requests_per_minute, None);
        assert_eq!(few.learned(None).writes_per_minute, None);
        let mut silent = Notes::default();
        (0..400)
            .filter(|second| !(150..300).contains(second))
            .for_each(|second| silent.note(at(second * 1_000), Timestamp::MIN, false, true));
        assert_eq!(silent.learned(None).requests_per_minute, None);
        assert_eq!(silent.learned(None).pause_ms, Some(151_000));
    }

    #[test]
    fn moves_are_kept_where_they_tell_more_than_the_envelope() {
        let mut moving = Moving::default();
        for (n, value) in [50, 52, 51, 54, 58, 57, 40].into_iter().enumerate() {
            moving.to(Value::Integer(value), at(u64::try_from(n).unwrap() * 1_000));
        }
        let moves = moving.learned(&Allowed::ANY, (Value::Integer(30), Value::Integer(58)));
        assert_eq!(
            (moves.step_maximum, moves.run_maximum, moves.turns_per_minute),
            (Some(17.0), Some(18.0), 3)
        );
        let bit = moving.learned(&Allowed::ANY, (Value::Integer(41), Value::Integer(58)));
        assert_eq!((bit.step_maximum, bit.run_maximum), (None, None));
    }
}
