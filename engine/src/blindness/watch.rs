//! Tells when a reason begins to blind the sensor, and when that is over.

use std::{collections::BTreeMap, time::Duration};

use fieldwarden_model::Timestamp;

use super::{Reason, Settings};

/// Thresholds count within this.
const MINUTE: Duration = Duration::from_secs(60);

/// A reason on one capturing interface; reasons that no interface tells stand under 0.
pub(crate) type Watched = (Reason, u16);

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The threshold was crossed, with this many in the running minute.
    Blind(u64),
    /// Nothing more for the time of recovery; blind for so long.
    Recovered(Duration),
}

/// The reasons watched.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    settings: Settings,
    states: BTreeMap<Watched, State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    total: u64,
    /// Start of the running minute, and the total then.
    since: Timestamp,
    before: u64,
    /// When it last grew.
    grew: Timestamp,
    /// Since when it is blind.
    blind: Option<Timestamp>,
}

impl Watch {
    pub(crate) const fn new(settings: Settings) -> Self {
        Self { settings, states: BTreeMap::new() }
    }

    /// An incident of an earlier run is still open.
    pub(crate) fn resume(&mut self, watched: Watched, blind: Timestamp, now: Timestamp) {
        let state = State { total: 0, since: now, before: 0, grew: now, blind: Some(blind) };
        self.states.insert(watched, state);
    }

    /// The total of a reason at a time, told again and again.
    pub(crate) fn look(&mut self, watched: Watched, total: u64, now: Timestamp) -> Option<Change> {
        let threshold = self.settings.threshold(watched.0);
        let known = self.states.contains_key(&watched);
        if threshold == 0 || (total == 0 && !known) {
            return None;
        }
        let fresh = State { total: 0, since: now, before: 0, grew: now, blind: None };
        let state = self.states.entry(watched).or_insert(fresh);
        if now.since(state.since) >= MINUTE {
            (state.since, state.before) = (now, state.total);
        }
        if total > state.total {
            (state.total, state.grew) = (total, now);
        }
        let grown = state.total - state.before;
        match state.blind {
            None if grown >= threshold => {
                state.blind = Some(now);
                Some(Change::Blind(grown))
            }
            Some(since) if now.since(state.grew) >= self.settings.recovery => {
                state.blind = None;
                (state.since, state.before) = (now, state.total);
                Some(Change::Recovered(now.since(since)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROPS: Watched = (Reason::KernelDrops, 0);
    const GAPS: Watched = (Reason::Gaps, 0);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + second)
    }

    #[test]
    fn one_lost_frame_is_told_once_and_is_over_five_minutes_after_the_last() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(DROPS, 0, at(0)), None);
        assert_eq!(watch.look(DROPS, 1, at(1)), Some(Change::Blind(1)));
        assert_eq!(watch.look(DROPS, 9, at(100)), None);
        assert_eq!(watch.look(DROPS, 9, at(399)), None);
        assert_eq!(watch.look(DROPS, 9, at(400)), Some(Change::Recovered(Duration::from_secs(399))));
        assert_eq!(watch.look(DROPS, 9, at(900)), None);
        assert_eq!(watch.look(DROPS, 10, at(901)), Some(Change::Blind(1)));
    }

    #[test]
    fn a_gap_now_and_then_is_no_incident() {
        let mut watch = Watch::default();
        for minute in 0..20 {
            assert_eq!(watch.look(GAPS, 10 * minute, at(60 * i64::try_from(minute).unwrap())), None);
        }
        assert_eq!(watch.look(GAPS, 400, at(1_201)), Some(Change::Blind(210)));
    }

    #[test]
    fn what_is_not_to_be_told_is_not() {
        let mut watch = Watch::default();
        assert_eq!(watch.look((Reason::Copies, 0), 1_000_000, at(1)), None);
    }
}
