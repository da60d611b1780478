//! When something is: the wall clock for people, and the time since boot for deadlines.
//!
//! Stepping the wall clock must neither lengthen nor shorten an order, so deadlines count time since boot. Across a
//! reboot only the wall clock is left; then a deadline is never further away than it was at first.

use std::time::Duration;

use fieldwarden_model::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// What people call it.
    pub wall: Timestamp,
    /// Milliseconds since the machine started.
    pub uptime_ms: u64,
}

/// The name the kernel gives to one run of the machine, from start to stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot(pub String);

impl Moment {
    /// The moment `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self { wall: self.wall.saturating_add(span), uptime_ms: self.uptime_ms.saturating_add(millis) }
    }

    /// How long until this moment, counted from `now` by the time since boot; zero when it is past.
    #[must_use]
    pub const fn remaining(self, now: Self) -> Duration {
        Duration::from_millis(self.uptime_ms.saturating_sub(now.uptime_ms))
    }

    /// Whether this moment has come.
    #[must_use]
    pub const fn is_past(self, now: Self) -> bool {
        self.uptime_ms <= now.uptime_ms
    }

    /// The same moment told by the clock of a later boot: from the wall clock, but at most `at_most` from `now`.
    #[must_use]
    pub fn in_boot_of(self, now: Self, at_most: Duration) -> Self {
        now.after(self.wall.since(now.wall).min(at_most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_set_back_does_not_lengthen_a_deadline_across_a_reboot() {
        let begun = Moment { wall: Timestamp::from_seconds(1_000_000), uptime_ms: 500_000 };
        let deadline = begun.after(Duration::from_secs(600));
        let rebooted = Moment { wall: Timestamp::from_seconds(0), uptime_ms: 7_000 };
        assert_eq!(deadline.in_boot_of(rebooted, Duration::from_secs(600)).uptime_ms, 607_000);
        let later = Moment { wall: Timestamp::from_seconds(1_000_500), uptime_ms: 7_000 };
        assert_eq!(deadline.in_boot_of(later, Duration::from_secs(600)).uptime_ms, 107_000);
    }
}
