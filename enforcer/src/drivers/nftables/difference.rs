//! What has to be changed in one table, so that it holds what is desired: pure data, put into a transaction by
//! [`super`].

use std::collections::BTreeMap;

use super::{
    SHORTEST_TIMEOUT_MS,
    ruleset::{self, SETS, Set},
};
use crate::content::{Content, Match, Until};

/// An element that was told to end when it is desired to, and that reads as if it ended within this many milliseconds
/// of it, is left alone.
const LEFT_ALONE_MS: u64 = 500;
/// An element that ends by itself within this many milliseconds may be gone before it can be deleted, which would
/// fail the whole transaction.
const MAY_BE_GONE_MS: u64 = 500;

/// One change, in the order in which they have to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Every element of the set goes, whichever those are.
    Empty(&'static Set),
    /// One that must be there goes.
    Delete(&'static Set, Vec<u8>),
    /// One that must not be there comes, for that many milliseconds.
    Add(&'static Set, Vec<u8>, u64),
}

/// The changes that make `desired` of a table that holds `held`, where `told` is what it was made to hold last.
///
/// A set of which something has to go that is about to go by itself is filled anew.
pub(super) fn between(held: &Content, desired: &Content, told: &Content, now_ms: u64) -> Vec<Change> {
    let stays = |cut: &Match, have: Until| {
        let is_as_told = |want: &&Until| told.get(cut) == Some(*want);
        desired.get(cut).filter(is_as_told).is_some_and(|want| want.0.abs_diff(have.0) <= LEFT_ALONE_MS)
    };
    let (mut filled_anew, mut gone) = (BTreeMap::new(), Vec::new());
    for (cut, until) in held.iter().filter(|(cut, until)| !stays(cut, **until)) {
        let Some((set, key)) = ruleset::place(cut) else { continue };
        if until.0 <= now_ms.saturating_add(MAY_BE_GONE_MS) {
            filled_anew.insert(set.name, set);
        }
        gone.push((set, key));
    }
    let is_anew = |set: &Set| filled_anew.contains_key(set.name);
    let come = desired.iter().filter_map(|(cut, until)| {
        let (set, key) = ruleset::place(cut)?;
        let is_there = !is_anew(set) && held.get(cut).is_some_and(|have| stays(cut, *have));
        if is_there { None } else { added(set, key, *until, now_ms) }
    });
    let emptied = filled_anew.values().map(|set| Change::Empty(set));
    let deleted = gone.into_iter().filter(|(set, _)| !is_anew(set));
    emptied.chain(deleted.map(|(set, key)| Change::Delete(set, key))).chain(come).collect()
}

/// The changes that make `desired` of a table whatever its sets hold.
pub(super) fn anew(desired: &Content, now_ms: u64) -> Vec<Change> {
    let emptied = SETS.iter().filter(|set| set.is_filled_by_orders()).map(Change::Empty);
    let come = desired.iter().filter_map(|(cut, until)| {
        let (set, key) = ruleset::place(cut)?;
        added(set, key, *until, now_ms)
    });
    emptied.chain(come).collect()
}

fn added(set: &'static Set, key: Vec<u8>, Until(until): Until, now_ms: u64) -> Option<Change> {
    let timeout_ms = until.saturating_sub(now_ms);
    (timeout_ms >= SHORTEST_TIMEOUT_MS).then_some(Change::Add(set, key, timeout_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn cut(n: u8) -> Match {
        Match::Talker(format!("10.9.0.{n}").parse().unwrap())
    }

    fn content(cuts: &[(u8, u64)]) -> Content {
        cuts.iter().map(|(n, seconds)| (cut(*n), Until(NOW + seconds * 1_000))).collect()
    }

    fn told(changes: &[Change]) -> Vec<String> {
        let last = |key: &[u8]| key.last().copied().unwrap();
        changes
            .iter()
            .map(|change| match change {
                Change::Empty(_) => "empty".into(),
                Change::Delete(_, key) => format!("-{}", last(key)),
                Change::Add(_, key, timeout_ms) => format!("+{} {timeout_ms}", last(key)),
            })
            .collect()
    }

    #[test]
    fn only_what_differs_is_changed() {
        let held = content(&[(1, 60), (2, 60), (3, 60)]);
        let same = |desired: &Content| told(&between(&held, desired, &held, NOW));
        assert!(same(&held).is_empty());
        assert_eq!(same(&content(&[(1, 60), (2, 60), (3, 60), (4, 60)])), ["+4 60000"]);
        assert_eq!(same(&content(&[(1, 60), (3, 60)])), ["-2"]);
        assert_eq!(same(&content(&[(1, 60), (2, 90), (3, 60)])), ["-2", "+2 90000"], "another end");
        assert_eq!(same(&Content::new()), ["-1", "-2", "-3"]);
    }

    #[test]
    fn an_end_that_nobody_told_or_that_somebody_moved_is_told_again() {
        let desired = content(&[(1, 60)]);
        assert_eq!(told(&between(&desired, &desired, &Content::new(), NOW)), ["-1", "+1 60000"]);
        for seconds in [59, 61, 3_600] {
            let held = content(&[(1, seconds)]);
            assert_eq!(told(&between(&held, &desired, &desired, NOW)), ["-1", "+1 60000"]);
        }
        let jitter = desired.iter().map(|(cut, until)| (cut.clone(), Until(until.0 - 200))).collect();
        assert!(between(&jitter, &desired, &desired, NOW).is_empty(), "a reading takes a while");
    }

    #[test]
    fn what_may_go_by_itself_is_not_deleted_by_name() {
        let held: Content = [(cut(1), Until(NOW + 100)), (cut(2), Until(NOW + 60_000))].into();
        let desired = content(&[(2, 60)]);
        assert_eq!(told(&between(&held, &desired, &held, NOW)), ["empty", "+2 60000"]);
        let ending: Content = [(cut(1), Until(NOW + 100))].into();
        assert!(between(&ending, &ending, &ending, NOW).is_empty(), "it goes by itself");
        assert_eq!(told(&between(&Content::new(), &ending, &ending, NOW + 90)), Vec::<String>::new());
    }
}
