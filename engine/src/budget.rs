//! One amount of memory for the whole process, and what each table may take of it.
//!
//! The caps of all tables follow from it and from the real size of what they hold, so that a structure that grows lowers
//! its cap instead of breaking the promise. `docs/resources.md` states what is lost when a cap is hit. Shards have equal
//! shares whatever the number of threads, so that no output depends on how many there are.

use crate::{
    shard::{Judge, Services},
    track::{self, SHARDS, Tracker},
};

/// What the allocator adds to a piece of memory, and loses beside it.
pub(crate) const ALLOCATION: usize = 32;

const MEBI: usize = 1 << 20;
/// Octets of one reported talker: address, space, time, and the room a table keeps free.
const HEARD_OCTETS: usize = 64;

/// Memory the process may hold in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    octets: usize,
}

impl Budget {
    /// A quarter of the smallest gateway's gigabyte: the rest is the system's, the enforcer's, and room for a second
    /// process during an update.
    pub const USUAL_MEGABYTES: u32 = 256;
    /// Octets that do not grow with the traffic: program, threads, store, a capture ring of 32 MiB, baseline.
    const FIXED: usize = 64 * MEBI;
    /// Of what is left, in thirty-seconds. One is not given out: values, repetitions, incidents, and what the allocator loses.
    const FLOWS: usize = 12;
    const SERVICES: usize = 13;
    const HEARD: usize = 2;
    const REASSEMBLY: usize = 2;
    const FRAGMENTS: usize = 2;

    /// A budget of so many megabytes of 1,048,576 octets.
    #[must_use]
    pub const fn new(megabytes: u32) -> Self {
        Self { octets: megabytes as usize * MEBI }
    }

    /// The caps of one shard.
    #[must_use]
    pub fn caps(self) -> track::Settings {
        let usual = track::Settings::default();
        let left = self.octets.saturating_sub(Self::FIXED).max(16 * MEBI);
        let share = |parts: usize| left / 32 * parts / usize::from(SHARDS);
        let reassembly = share(Self::REASSEMBLY).max(65_536) / 65_536 * 65_536;
        track::Settings {
            max_flows: fitting(share(Self::FLOWS), Tracker::<Judge>::flow_octets()),
            max_services: fitting(share(Self::SERVICES), Services::octets_each()),
            max_heard: fitting(share(Self::HEARD), HEARD_OCTETS),
            max_reassembly_octets_per_flow: usual.max_reassembly_octets_per_flow.min(reassembly),
            max_reassembly_octets: reassembly,
            max_fragment_octets: share(Self::FRAGMENTS).max(65_536) / 65_536 * 65_536,
            ..usual
        }
    }
}

/// How many things fit: the seven eighths of a power of two that a hash table holds before it doubles, since a table
/// that has just doubled takes twice what it holds.
const fn fitting(octets: usize, each: usize) -> usize {
    let most = octets / each;
    let mut buckets = 32;
    while buckets * 2 <= most {
        buckets *= 2;
    }
    buckets / 8 * 7
}

/// Adds to a list that grows by an eighth and not to twice its size: of what a large plant has a hundred thousand, room for as
/// many again would be most of what the list takes.
pub(crate) fn push_sparingly<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 8).max(8));
    }
    list.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_caps_are_those_of_the_usual_budget() {
        let caps = Budget::new(Budget::USUAL_MEGABYTES).caps();
        assert_eq!(caps, track::Settings::default(), "docs/resources.md states these");
    }

    #[test]
    fn docs_state_the_size_of_what_is_kept() {
        let docs = include_str!("../../docs/resources.md");
        for (octets, share) in [
            (Tracker::<Judge>::flow_octets(), Budget::FLOWS),
            (Services::octets_each(), Budget::SERVICES),
            (HEARD_OCTETS, Budget::HEARD),
        ] {
            assert!(docs.contains(&format!("| {octets} | {share}/32 |")), "{octets} octets of {share}/32");
        }
    }

    #[test]
    fn what_the_tables_may_take_stays_within_the_budget() {
        for megabytes in [128, 256, 512, 2_048] {
            let caps = Budget::new(megabytes).caps();
            let each = caps.max_flows * Tracker::<Judge>::flow_octets()
                + caps.max_services * Services::octets_each()
                + caps.max_heard * HEARD_OCTETS
                + caps.max_reassembly_octets
                + caps.max_fragment_octets;
            let all = each * usize::from(SHARDS) + Budget::FIXED;
            assert!(all <= megabytes as usize * MEBI, "{megabytes}: {all}");
        }
    }
}
