//! Which of two arrivals counts where they overlap, by the names under which receivers are known.
//!
//! Receivers differ, and who knows how a controller's stack decides can send it one message and its monitor another (Ptacek
//! and Newsham 1998). The rules are those measured by Novak and Sturges, "Target-Based TCP Stream Reassembly" (2007), for
//! segments, and by Shankar and Paxson, "Active Mapping" (2003), with Novak, "Target-Based Fragmentation Reassembly" (2005), for
//! fragments. Each compares the arrival as a whole with the earlier one as a whole.

/// How a receiver decides between overlapping TCP segments that wait for one before them. Octets already handed to the
/// application are never replaced, by any stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverlapPolicy {
    /// What arrived first stays: Windows since Vista.
    #[default]
    First,
    /// What arrived last counts.
    Last,
    /// The earlier arrival stays unless the later one begins before it: the BSDs, VxWorks, macOS, HP-UX 10.
    Bsd,
    /// As `bsd`, measured on Windows before Vista.
    Windows,
    /// The later arrival counts where it begins before the earlier one, or with it and reaches further.
    Linux,
    /// The later arrival counts where it reaches further, or as far and begins no later: Solaris, HP-UX 11.
    Solaris,
}

/// The same for fragments of IP datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FragmentPolicy {
    /// What arrived first stays: macOS, HP-UX 11.
    #[default]
    First,
    /// What arrived last counts: Cisco IOS.
    Last,
    /// The earlier arrival stays unless the later one begins before it: the BSDs, VxWorks, HP-UX 10.
    Bsd,
    /// The later arrival counts unless it begins before the earlier one: HP JetDirect.
    BsdRight,
    /// The later arrival counts unless it begins after the earlier one: Linux before 4.20, which since drops both.
    Linux,
    /// The earlier arrival stays unless the later one begins before it and reaches further.
    Windows,
    /// The earlier arrival stays unless the later one begins before it and reaches as far or further.
    Solaris,
}

/// Where an arrival begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// A rule for overlaps.
pub(super) trait Policy: Copy {
    /// Whether `later` counts where both are, rather than `earlier`.
    fn later_counts(self, earlier: Extent, later: Extent) -> bool;
}

impl OverlapPolicy {
    /// Every policy under its name in the configuration.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("first", Self::First),
        ("last", Self::Last),
        ("bsd", Self::Bsd),
        ("windows", Self::Windows),
        ("linux", Self::Linux),
        ("solaris", Self::Solaris),
    ];
}

impl FragmentPolicy {
    /// Every policy under its name in the configuration.
    pub const NAMES: [(&'static str, Self); 7] = [
        ("first", Self::First),
        ("last", Self::Last),
        ("bsd", Self::Bsd),
        ("bsd-right", Self::BsdRight),
        ("linux", Self::Linux),
        ("windows", Self::Windows),
        ("solaris", Self::Solaris),
    ];
}

impl Policy for OverlapPolicy {
    fn later_counts(self, earlier: Extent, later: Extent) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd | Self::Windows => later.begin < earlier.begin,
            Self::Linux => {
                later.begin < earlier.begin || (later.begin == earlier.begin && later.end > earlier.end)
            }
            Self::Solaris => {
                later.end > earlier.end || (later.end == earlier.end && later.begin <= earlier.begin)
            }
        }
    }
}

impl Policy for FragmentPolicy {
    fn later_counts(self, earlier: Extent, later: Extent) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => later.begin < earlier.begin,
            Self::BsdRight => later.begin >= earlier.begin,
            Self::Linux => later.begin <= earlier.begin,
            Self::Windows => later.begin < earlier.begin && later.end > earlier.end,
            Self::Solaris => later.begin < earlier.begin && later.end >= earlier.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::pieces::{Overlap, Pieces};

    /// The arrivals of the published model, in units of eight octets: where each begins, and its content.
    const MODEL: [(u64, &str); 6] = [(0, "111"), (4, "22"), (6, "333"), (1, "4444"), (6, "555"), (9, "666")];

    /// What a receiver makes of arrivals, each digit eight octets.
    fn made(arrivals: &[(u64, &str)], policy: impl Policy) -> String {
        let mut pieces = Pieces::default();
        for (at, content) in arrivals {
            let octets: Vec<u8> = content.bytes().flat_map(|digit| [digit; 8]).collect();
            pieces.insert(at * 8, &octets, (), policy);
        }
        let octets: Vec<u8> = pieces.iter().flat_map(|(_, octets)| octets.iter().copied()).collect();
        octets.chunks(8).map(|unit| char::from(unit[0])).collect()
    }

    #[test]
    fn fragments_make_what_the_published_model_says() {
        // Shankar and Paxson, "Active Mapping", table of section 4; Novak, "Target-Based Fragmentation Reassembly".
        for (policy, made_of_it) in [
            (FragmentPolicy::First, "111422333666"),
            (FragmentPolicy::Last, "144442555666"),
            (FragmentPolicy::Bsd, "111442333666"),
            (FragmentPolicy::BsdRight, "144422555666"),
            (FragmentPolicy::Linux, "111442555666"),
            (FragmentPolicy::Windows, "111422333666"),
            (FragmentPolicy::Solaris, "111422333666"),
        ] {
            assert_eq!(made(&MODEL, policy), made_of_it, "{policy:?}");
        }
    }

    #[test]
    fn segments_make_what_the_stacks_make_of_the_same_model() {
        for (policy, made_of_it) in [
            (OverlapPolicy::First, "111422333666"),
            (OverlapPolicy::Last, "144442555666"),
            (OverlapPolicy::Bsd, "111442333666"),
            (OverlapPolicy::Windows, "111442333666"),
            (OverlapPolicy::Linux, "111442333666"),
            (OverlapPolicy::Solaris, "144422555666"),
        ] {
            assert_eq!(made(&MODEL, policy), made_of_it, "{policy:?}");
        }
    }

    /// One arrival (`o`, units 2 to 4), then a later one in each of the nine relations.
    const RELATIONS: [(u64, &str); 9] = [
        (1, "nn"),    // begins before, ends before
        (1, "nnnn"),  // begins before, ends with it
        (1, "nnnnn"), // begins before, ends after
        (2, "nn"),    // begins with it, ends before
        (2, "nnn"),   // the same place
        (2, "nnnn"),  // begins with it, ends after
        (3, "n"),     // within
        (3, "nn"),    // begins after, ends with it
        (3, "nnn"),   // begins after, ends after
    ];

    fn later_wins(policy: impl Policy) -> String {
        let earlier = (2, "ooo");
        let overlapped = |later: (u64, &str)| {
            let all = made(&[earlier, later], policy);
            let only = made(&[later], policy);
            u8::from(all.matches('n').count() == only.len())
        };
        RELATIONS.iter().map(|later| overlapped(*later).to_string()).collect()
    }

    #[test]
    fn each_policy_decides_each_relation_of_two_arrivals() {
        for (policy, later) in [
            (OverlapPolicy::First, "000000000"),
            (OverlapPolicy::Last, "111111111"),
            (OverlapPolicy::Bsd, "111000000"),
            (OverlapPolicy::Windows, "111000000"),
            (OverlapPolicy::Linux, "111001000"),
            (OverlapPolicy::Solaris, "011011001"),
        ] {
            assert_eq!(later_wins(policy), later, "{policy:?}");
        }
        for (policy, later) in [
            (FragmentPolicy::First, "000000000"),
            (FragmentPolicy::Last, "111111111"),
            (FragmentPolicy::Bsd, "111000000"),
            (FragmentPolicy::BsdRight, "000111111"),
            (FragmentPolicy::Linux, "111111000"),
            (FragmentPolicy::Windows, "001000000"),
            (FragmentPolicy::Solaris, "011000000"),
        ] {
            assert_eq!(later_wins(policy), later, "{policy:?}");
        }
    }

    #[test]
    fn a_conflict_is_told_whatever_counts() {
        for (_, policy) in OverlapPolicy::NAMES {
            let mut pieces = Pieces::default();
            assert_eq!(pieces.insert(0, b"abc", (), policy), Overlap::Consistent);
            assert_eq!(pieces.insert(1, b"bc", (), policy), Overlap::Consistent);
            assert_eq!(pieces.insert(1, b"xyz", (), policy), Overlap::Conflict);
            let charge: usize = pieces.iter().map(|(_, octets)| octets.len() + 64).sum();
            assert_eq!(pieces.charge(), charge, "what is charged is what is there");
        }
    }
}
