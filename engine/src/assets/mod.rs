//! Who is on the wire and what it is, heard passively: nobody is asked anything.
//!
//! Guarantees: what an [`Inventory`] says depends on the frames, the site and the settings alone, never on the seed. Every table is
//! capped; what a cap left out is counted ([`Inventory::left_out`]). Nothing is judged; changes of what devices tell are the
//! matter of the detector `asset-changed`.

mod identity;
mod notes;
mod record;
mod role;
mod vendors;

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{AddressSpace, FrameRef, Mac, RawFrame, Site, Talker};

pub use identity::{Fact, Trait};
pub(crate) use identity::{facts, may_tell};
pub use record::{Asset, Told};
pub(crate) use role::has_sides;
pub use role::{Role, is_control};
pub use vendors::vendor_of;

use crate::{map::Seed, track, trackers::Trackers};
use notes::Notes;

/// Takes frames, and tells who was on the wire.
pub struct Inventory {
    trackers: Trackers<Notes>,
}

impl Inventory {
    /// An inventory that has seen nothing.
    #[must_use]
    pub fn new(site: Site, track: track::Settings, seed: Seed) -> Self {
        Self { trackers: Trackers::new(site, track, seed, Notes::default) }
    }

    /// Takes one frame.
    pub fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef) {
        let time = self.trackers.clamp(frame.time);
        self.trackers.pass_to(time, |_| {});
        self.trackers.frame(&frame, time, reference);
    }

    /// No more frames come: what still waits is looked at.
    pub fn finish(&mut self) {
        self.trackers.finish();
    }

    /// Talkers, roles and facts that a cap left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.trackers.observers().map(|notes| notes.left_out).sum()
    }

    /// Everybody who was heard, by address space and address. What a network card tells below IP (LLDP, PROFINET DCP) stands
    /// with the IP address it carries, where it carries exactly one.
    #[must_use]
    pub fn assets(&self) -> Vec<Asset> {
        let mut assets: BTreeMap<(AddressSpace, Talker), Asset> = BTreeMap::new();
        for noted in self.trackers.observers().flat_map(|notes| notes.assets.values()) {
            match assets.get_mut(&(noted.space, noted.talker)) {
                Some(asset) => asset.join(noted),
                None => {
                    assets.insert((noted.space, noted.talker), noted.clone());
                }
            }
        }
        let carriers = carriers(&assets);
        let (cards, mut assets): (BTreeMap<_, _>, BTreeMap<_, _>) = assets
            .into_iter()
            .partition(|((space, talker), _)| matches!(talker, Talker::Mac(mac) if carriers.contains_key(&(*space, *mac))));
        for ((space, talker), card) in cards {
            let Talker::Mac(mac) = talker else { continue };
            let carrier = carriers.get(&(space, mac)).and_then(|ip| assets.get_mut(&(space, *ip)));
            if let Some(asset) = carrier {
                asset.join(&card);
            }
        }
        assets.into_values().collect()
    }
}

/// Network cards that carry one IP address alone, and which. A router's carries those of everybody behind it. An address of
/// IPv6 that a card makes for itself (link-local) counts only where the card has no other.
fn carriers(assets: &BTreeMap<(AddressSpace, Talker), Asset>) -> BTreeMap<(AddressSpace, Mac), Talker> {
    let mut carried: BTreeMap<(AddressSpace, Mac), BTreeSet<Talker>> = BTreeMap::new();
    for asset in assets.values().filter(|asset| matches!(asset.talker, Talker::Ip(_))) {
        for mac in &asset.macs {
            carried.entry((asset.space, *mac)).or_default().insert(asset.talker);
        }
    }
    let only = |talkers: BTreeSet<Talker>| {
        let routable = talkers.iter().filter(|talker| !is_link_local(**talker)).count();
        let wanted = talkers.iter().find(|talker| routable == 0 || !is_link_local(**talker)).copied();
        wanted.filter(|_| routable == 1 || (routable == 0 && talkers.len() == 1))
    };
    carried.into_iter().filter_map(|(card, talkers)| Some((card, only(talkers)?))).collect()
}

const fn is_link_local(talker: Talker) -> bool {
    matches!(talker, Talker::Ip(core::net::IpAddr::V6(address)) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests;
