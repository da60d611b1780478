//! How a written value moves: what learning and judging measure alike.

use fieldwarden_model::{Timestamp, Value};

/// The moves of one value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Motion {
    last: Option<f64>,
    /// The sum of the steps in the direction of the last one, with their sign.
    run: f64,
    steps: u32,
    minute: i64,
    turns: u32,
}

/// One move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moved {
    /// The value before.
    pub(crate) before: f64,
    /// How far from the value before, without sign.
    pub(crate) step: f64,
    /// The sum of the steps in this direction since the last turn, without sign.
    pub(crate) run: f64,
    /// How many steps that are.
    pub(crate) steps: u32,
    /// How often the value turned back in the running minute.
    pub(crate) turns: u32,
}

impl Motion {
    /// The value is written; none where it stays, or was not known before. Minutes are those of the clock, so that learning and
    /// judging cut the same.
    pub(crate) fn to(&mut self, value: Value, time: Timestamp) -> Option<Moved> {
        let value = number(value);
        let before = self.last.replace(value)?;
        let step = value - before;
        // Neither zero nor what is no number moves.
        if step.is_nan() || step.abs() <= 0.0 {
            return None;
        }
        let minute = time.nanos().div_euclid(60_000_000_000);
        if self.minute != minute {
            (self.minute, self.turns) = (minute, 0);
        }
        if self.steps > 0 && (self.run < 0.0) != (step < 0.0) {
            self.turns = self.turns.saturating_add(1);
            (self.run, self.steps) = (0.0, 0);
        }
        self.run += step;
        self.steps = self.steps.saturating_add(1);
        Some(Moved { before, step: step.abs(), run: self.run.abs(), steps: self.steps, turns: self.turns })
    }
}

/// A value as a real number.
#[expect(clippy::cast_precision_loss, reason = "what a set-point means does not hang on its fifteenth digit")]
pub(crate) const fn number(value: Value) -> f64 {
    match value {
        Value::Integer(value) => value as f64,
        Value::Float(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_runs_and_turns_are_measured() {
        let start = Timestamp::from_seconds(6_000);
        let mut motion = Motion::default();
        let mut to = |value, seconds| {
            let time = start.saturating_add(core::time::Duration::from_secs(seconds));
            motion.to(Value::Integer(value), time).map(|moved| (moved.step, moved.run, moved.turns))
        };
        assert_eq!(to(10, 0), None, "nothing is known before the first");
        assert_eq!(to(12, 1), Some((2.0, 2.0, 0)));
        assert_eq!(to(12, 2), None);
        assert_eq!(to(15, 3), Some((3.0, 5.0, 0)));
        assert_eq!(to(14, 4), Some((1.0, 1.0, 1)));
        assert_eq!(to(16, 61), Some((2.0, 2.0, 1)), "another minute");
    }
}
