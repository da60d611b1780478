//! How long to wait before the next attempt.

use std::time::Duration;

/// The pauses between attempts. The jitter's source is an argument, so that a test repeats itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    first: Duration,
    longest: Duration,
    seed: u64,
}

impl Pace {
    /// Pauses from one second, doubling, up to a minute. `seed` should differ from gateway to gateway.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self::between(Duration::from_secs(1), Duration::from_secs(60), seed)
    }

    /// Pauses from `first`, doubling, up to `longest`.
    #[must_use]
    pub const fn between(first: Duration, longest: Duration, seed: u64) -> Self {
        Self { first, longest, seed }
    }

    /// The same pace with a jitter of its own.
    pub(super) const fn for_destination(self, number: u64) -> Self {
        Self { seed: self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15), ..self }
    }

    /// The pause after the `failures`-th failure in a row (from 1): the doubled pause, of which the upper half is
    /// left to chance.
    pub(super) fn pause(&mut self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        // SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to spread gateways out.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let thousandths = u32::try_from((mixed >> 32) % 1_000).unwrap_or(0);
        whole / 2 + whole / 2 * thousandths / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_are_spread() {
        let mut pace = Pace::new(7);
        let pauses: Vec<Duration> = (1..12).map(|failures| pace.pause(failures)).collect();
        for (n, pause) in pauses.iter().enumerate() {
            let whole = Duration::from_secs(1 << n.min(6)).min(Duration::from_secs(60));
            assert!(whole / 2 <= *pause && *pause <= whole, "attempt {n}: {pause:?}");
        }
        let mut other = Pace::new(7).for_destination(1);
        assert_ne!(Pace::new(7).pause(3), other.pause(3), "two destinations do not come back together");
        assert_eq!(Pace::new(7).pause(u32::MAX), Pace::new(7).pause(40));
    }
}
