//! One value, followed from answer to answer. Small, since a site has many of them and each answer touches them all.

use core::time::Duration;

use fieldwarden_model::{Timestamp, Value};

use crate::{
    baseline::ReadMotion,
    detect::{Settings, covert_channel::Chance},
    motion::number,
    readings::Reading,
};

/// A value that the baseline says something of: how long it may stand still, how far it may wobble.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) reading: Reading,
    /// The answer at which it moved last.
    pub(super) moved_at: u32,
    /// Milliseconds it may stand still; 0 for any time.
    pub(super) patience_ms: u32,
    /// The farthest it wobbles in a minute; none for any way.
    pub(super) wobble: Option<f32>,
    /// Its number within the block.
    pub(super) n: u16,
    /// Minutes in a row in which it wobbled too far.
    pub(super) minutes: u8,
    /// Whether it was told to stand still.
    pub(super) frozen: bool,
}

/// A value watched for chance.
#[derive(Debug)]
pub(super) struct Watched {
    last: f64,
    pub(super) chance: Chance,
    /// Its number within the block.
    pub(super) n: u16,
    up: bool,
    /// Whether it looks like chance by nature.
    pub(super) random: bool,
}

impl Known {
    /// None where the line leaves it free.
    pub(super) fn new(
        settings: &Settings,
        line: &ReadMotion,
        n: u16,
        value: Value,
        time: Timestamp,
    ) -> Option<Self> {
        let patience_ms = line.still_ms.map_or(0, |most| settings.frozen_report.patience_ms(most));
        #[expect(clippy::cast_possible_truncation, reason = "a limit is compared roughly")]
        let wobble = line.wobble_per_minute.map(|most| most as f32);
        let reading = Reading::new(value, time);
        (patience_ms > 0 || wobble.is_some()).then_some(Self {
            reading,
            moved_at: 0,
            patience_ms,
            wobble,
            n,
            minutes: 0,
            frozen: false,
        })
    }

    pub(super) const fn begin_anew(&mut self, value: Value, time: Timestamp, looks: u32) {
        (self.reading, self.moved_at) = (Reading::new(value, time), looks);
        (self.frozen, self.minutes) = (false, 0);
    }

    /// The value as it is now; whether it was told to stand still before and goes on.
    #[inline]
    pub(super) fn to(&mut self, value: Value, time: Timestamp, looks: u32) -> bool {
        if self.reading.to(value, time).is_some() {
            self.moved_at = looks;
            return core::mem::take(&mut self.frozen);
        }
        false
    }

    /// When it has stood still for too long; none where that is not judged, or was told.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let patience = Duration::from_millis(u64::from(self.patience_ms));
        (self.patience_ms > 0 && !self.frozen).then(|| self.reading.since().saturating_add(patience))
    }
}

impl Watched {
    pub(super) fn new(n: u16, value: Value, random: bool) -> Self {
        Self { last: number(value), chance: Chance::default(), n, up: false, random }
    }

    pub(super) fn begin_anew(&mut self, value: Value) {
        *self = Self::new(self.n, value, self.random);
    }

    /// The value as it is now.
    #[inline]
    pub(super) fn to(&mut self, value: Value) {
        let value = number(value);
        let step = value - core::mem::replace(&mut self.last, value);
        if step.is_nan() || step.abs() <= 0.0 {
            return;
        }
        let up = step > 0.0;
        let turned = core::mem::replace(&mut self.up, up) != up;
        self.chance.moved(value, step.abs(), turned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_state_what_following_values_takes() {
        let docs = include_str!("../../../docs/resources.md");
        let (known, watched) = (size_of::<Known>(), size_of::<Watched>());
        let each = format!(
            "1,024 values a shard, {known} octets for each that the baseline knows and {watched} for each other"
        );
        assert!(docs.contains(&each), "{each}");
    }
}
