//! Where a port stands: its PVID and the VLANs it is in. What it had before it was moved, what it has in quarantine, and what
//! of the way between the two is done.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::tables::{Vlan, has};

/// Where one port stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// `dot1qPvid`: the VLAN of the untagged frames it receives.
    pub pvid: u16,
    /// VLANs whose frames it sends (`dot1qVlanStaticEgressPorts`).
    pub egress: BTreeSet<u16>,
    /// Of these, those it sends without a tag (`dot1qVlanStaticUntaggedPorts`).
    pub untagged: BTreeSet<u16>,
    /// Whether it drops frames tagged for VLANs it is not in (`dot1qPortIngressFiltering`); none where the switch does not say.
    pub filters: Option<bool>,
}

/// One object of a switch that is to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The port's bit among the ports of a VLAN.
    Egress(u16, bool),
    /// The port's bit among those without a tag.
    Untagged(u16, bool),
    /// Its PVID.
    Pvid(u16),
    /// Its ingress filtering.
    Filters(bool),
}

/// How a port that we have moved, or were about to move, is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// In quarantine, as we put it.
    Held,
    /// As it was before.
    Free,
    /// On the way from one to the other.
    Between,
    /// As only somebody else can have made it, in these ways.
    Foreign {
        /// How it differs, as the end of a sentence.
        how: String,
        /// Whether its PVID is neither ours nor the one it had: it was moved on.
        is_moved: bool,
    },
}

impl Standing {
    /// Where port `number` stands.
    #[must_use]
    pub fn read(number: u32, pvid: u16, filters: Option<bool>, vlans: &BTreeMap<u16, Vlan>) -> Self {
        let within = |list: fn(&Vlan) -> &Vec<u8>| {
            vlans.iter().filter(|(_, vlan)| has(list(vlan), number)).map(|(number, _)| *number).collect()
        };
        Self { pvid, egress: within(|vlan| &vlan.egress), untagged: within(|vlan| &vlan.untagged), filters }
    }

    /// The same port in quarantine: in that VLAN alone, and deaf to tags.
    #[must_use]
    pub fn quarantined(&self, vlan: u16) -> Self {
        Self {
            pvid: vlan,
            egress: [vlan].into(),
            untagged: [vlan].into(),
            filters: self.filters.map(|_| true),
        }
    }

    /// The objects that lead from here to `goal`, in an order in which the port is in some VLAN all the time. VLANs that
    /// neither `goal` nor `other` is in are left alone.
    #[must_use]
    pub fn changes(&self, goal: &Self, other: &Self) -> Vec<Change> {
        let ours = |vlan: &u16| {
            [goal, other].iter().any(|one| one.egress.contains(vlan) || one.untagged.contains(vlan))
        };
        let added =
            |to: &BTreeSet<u16>, from: &BTreeSet<u16>| to.difference(from).copied().collect::<Vec<_>>();
        let removed = |from: &BTreeSet<u16>, to: &BTreeSet<u16>| {
            from.difference(to).copied().filter(|vlan| ours(vlan)).collect::<Vec<_>>()
        };
        let mut changes = Vec::new();
        changes.extend(added(&goal.egress, &self.egress).into_iter().map(|vlan| Change::Egress(vlan, true)));
        changes.extend(
            added(&goal.untagged, &self.untagged).into_iter().map(|vlan| Change::Untagged(vlan, true)),
        );
        if self.pvid != goal.pvid {
            changes.push(Change::Pvid(goal.pvid));
        }
        changes.extend(
            removed(&self.untagged, &goal.untagged).into_iter().map(|vlan| Change::Untagged(vlan, false)),
        );
        changes
            .extend(removed(&self.egress, &goal.egress).into_iter().map(|vlan| Change::Egress(vlan, false)));
        if let Some(filters) = goal.filters.filter(|filters| self.filters != Some(*filters)) {
            changes.push(Change::Filters(filters));
        }
        changes
    }

    /// How this, read now, relates to what the port had `before` and what it has in `quarantine`.
    #[must_use]
    pub fn found(&self, before: &Self, quarantine: &Self) -> Found {
        let mut how = Vec::new();
        let is_moved = self.pvid != before.pvid && self.pvid != quarantine.pvid;
        if is_moved {
            how.push(format!("its PVID is {}", self.pvid));
        }
        let known = |vlan: &&u16| {
            [before, quarantine].iter().any(|one| one.egress.contains(vlan) || one.untagged.contains(vlan))
        };
        let beside: BTreeSet<&u16> = self.egress.union(&self.untagged).filter(|vlan| !known(vlan)).collect();
        how.extend(beside.into_iter().map(|vlan| format!("it is in VLAN {vlan}")));
        if self.filters != before.filters && self.filters != quarantine.filters {
            how.push("its ingress filtering is another".into());
        }
        if !how.is_empty() {
            return Found::Foreign { how: how.join(", "), is_moved };
        }
        if self.changes(quarantine, before).is_empty() {
            Found::Held
        } else if self.changes(before, quarantine).is_empty() {
            Found::Free
        } else {
            Found::Between
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn access(vlan: u16, filters: Option<bool>) -> Standing {
        Standing { pvid: vlan, egress: [vlan].into(), untagged: [vlan].into(), filters }
    }

    fn make(standing: &mut Standing, change: Change) {
        let put =
            |set: &mut BTreeSet<u16>, vlan, is_in| if is_in { set.insert(vlan) } else { set.remove(&vlan) };
        match change {
            Change::Egress(vlan, is_in) => drop(put(&mut standing.egress, vlan, is_in)),
            Change::Untagged(vlan, is_in) => drop(put(&mut standing.untagged, vlan, is_in)),
            Change::Pvid(vlan) => standing.pvid = vlan,
            Change::Filters(filters) => standing.filters = Some(filters),
        }
    }

    #[test]
    fn every_step_of_the_way_is_known_for_ours_and_leads_both_ways() {
        for filters in [None, Some(false), Some(true)] {
            let (before, quarantine) = (access(10, filters), access(10, filters).quarantined(666));
            let mut now = before.clone();
            let way = now.changes(&quarantine, &before);
            assert_eq!(way.len(), if filters == Some(false) { 6 } else { 5 });
            for change in way {
                assert!(matches!(now.found(&before, &quarantine), Found::Free | Found::Between));
                let mut back = now.clone();
                back.changes(&before, &quarantine).into_iter().for_each(|change| make(&mut back, change));
                assert_eq!(back, before, "given back from there, exactly");
                make(&mut now, change);
                assert!(!now.egress.is_empty() && now.untagged.is_subset(&now.egress), "{now:?}");
            }
            assert_eq!(now, quarantine);
            assert_eq!(now.found(&before, &quarantine), Found::Held);
        }
    }

    #[test]
    fn what_somebody_else_did_is_told_apart() {
        let (before, quarantine) = (access(10, None), access(10, None).quarantined(666));
        let moved = access(20, None).found(&before, &quarantine);
        let Found::Foreign { how, is_moved: true } = moved else { panic!("{moved:?}") };
        assert!(how.contains("PVID is 20") && how.contains("VLAN 20"), "{how}");
        let mut beside = quarantine.clone();
        beside.egress.insert(30);
        assert!(matches!(beside.found(&before, &quarantine), Found::Foreign { is_moved: false, .. }));
        beside.changes(&before, &quarantine).into_iter().for_each(|change| make(&mut beside, change));
        assert_eq!(beside.egress, [10, 30].into(), "and is left when the rest is given back");
    }

    proptest! {
        /// From wherever a port is found, all of ours is given back, and nothing of anybody else's changed.
        #[test]
        fn whatever_is_found_is_given_back_but_for_what_is_not_ours(
            pvid in 1_u16..40, egress in proptest::collection::btree_set(1_u16..40, 0..6),
            untagged in proptest::collection::btree_set(1_u16..40, 0..6), filters in proptest::option::of(any::<bool>())
        ) {
            let (before, quarantine) = (access(10, Some(false)), access(10, Some(false)).quarantined(20));
            let mut now = Standing { pvid, egress, untagged, filters };
            let theirs = |set: &BTreeSet<u16>| set.iter().copied().filter(|v| ![10, 20].contains(v)).collect::<Vec<_>>();
            let had = (theirs(&now.egress), theirs(&now.untagged));
            now.changes(&before, &quarantine).into_iter().for_each(|change| make(&mut now, change));
            prop_assert_eq!((theirs(&now.egress), theirs(&now.untagged)), had);
            prop_assert!(now.egress.contains(&10) && !now.egress.contains(&20));
            prop_assert!(now.untagged.contains(&10) && !now.untagged.contains(&20));
            prop_assert_eq!((now.pvid, now.filters), (10, Some(false)));
        }
    }
}
