//! Who holds which address.

use core::net::IpAddr;
use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, FrameRef, Mac, Timestamp};

use crate::track::Heard;

/// Addresses remembered; when full, the sixteenth part heard longest ago is forgotten.
pub(crate) const MAX_ADDRESSES: usize = 8_192;
/// A card that speaks for so many addresses without having said by ARP that they are its own is a router. Two: a host says its
/// own address by ARP before it says anything else.
pub(super) const ROUTER: usize = 2;

/// Addresses and their cards.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    holders: BTreeMap<(AddressSpace, IpAddr), Holder>,
    /// Addresses by the card that holds them without having said so by ARP.
    spoken: BTreeMap<(AddressSpace, Mac), usize>,
}

/// The card that holds an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) mac: Mac,
    pub(super) last: Timestamp,
    pub(super) frame: FrameRef,
    /// Whether it said so by ARP.
    pub(super) by_arp: bool,
    /// The card that held it before, and when that was last heard.
    pub(super) before: Option<(Mac, Timestamp)>,
    /// The card that was the first to hold it.
    pub(super) first: Mac,
}

impl Holder {
    pub(super) const fn of(heard: &Heard, mac: Mac) -> Self {
        Self {
            mac,
            last: heard.time,
            frame: heard.frame,
            by_arp: heard.arp.is_some(),
            before: None,
            first: mac,
        }
    }

    /// The same holder, heard again.
    pub(super) fn again(self, now: &Self) -> Self {
        Self { by_arp: self.by_arp || now.by_arp, before: self.before, first: self.first, ..*now }
    }
}

impl Memory {
    pub(super) fn holder(&self, space: AddressSpace, address: IpAddr) -> Option<Holder> {
        self.holders.get(&(space, address)).copied()
    }

    /// Whether somebody was heard with an address.
    pub(crate) fn is_held(&self, space: AddressSpace, address: IpAddr) -> bool {
        self.holders.contains_key(&(space, address))
    }

    /// For how many addresses a card speaks without having said by ARP that they are its own.
    pub(super) fn spoken_for(&self, space: AddressSpace, mac: Mac) -> usize {
        self.spoken.get(&(space, mac)).copied().unwrap_or(0)
    }

    /// An address that a card said to be its own, beside this one.
    pub(super) fn other_address(&self, space: AddressSpace, mac: Mac, but: IpAddr) -> Option<IpAddr> {
        let mut of_card = self.holders.iter().filter(|((of, address), holder)| {
            *of == space && holder.mac == mac && *address != but && holder.before.is_none()
        });
        of_card.next().map(|((_, address), _)| *address)
    }

    pub(super) fn hold(&mut self, space: AddressSpace, address: IpAddr, holder: Holder) {
        let old = self.holders.insert((space, address), holder);
        self.count(space, old.as_ref(), Some(&holder));
        if self.holders.len() > MAX_ADDRESSES {
            self.forget_stalest();
        }
    }

    fn count(&mut self, space: AddressSpace, old: Option<&Holder>, new: Option<&Holder>) {
        if let Some(new) = new.filter(|holder| !holder.by_arp) {
            *self.spoken.entry((space, new.mac)).or_default() += 1;
        }
        let Some(old) = old.filter(|holder| !holder.by_arp) else { return };
        if let Some(count) = self.spoken.get_mut(&(space, old.mac)) {
            *count -= 1;
            if *count == 0 {
                self.spoken.remove(&(space, old.mac));
            }
        }
    }

    fn forget_stalest(&mut self) {
        let mut ages: Vec<_> = self.holders.iter().map(|(key, holder)| (holder.last, *key)).collect();
        ages.sort_unstable();
        for (_, key) in ages.into_iter().take(MAX_ADDRESSES / 16) {
            let old = self.holders.remove(&key);
            self.count(key.0, old.as_ref(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Talker;

    use super::*;

    #[test]
    fn made_up_addresses_push_out_the_oldest_and_no_more() {
        let mut memory = Memory::default();
        for n in 0..20_000_u32 {
            let address = IpAddr::V4((0x0a00_0000 + n).into());
            let time = Timestamp::from_seconds(i64::from(n));
            let heard = Heard {
                space: AddressSpace(0),
                talker: Talker::Ip(address),
                mac: None,
                arp: None,
                time,
                frame: FrameRef::default(),
            };
            memory.hold(AddressSpace(0), address, Holder::of(&heard, Mac([2, 0, 0, 0, 0, 1])));
        }
        assert!(memory.holders.len() <= MAX_ADDRESSES);
        assert_eq!(memory.spoken_for(AddressSpace(0), Mac([2, 0, 0, 0, 0, 1])), memory.holders.len());
        assert!(memory.is_held(AddressSpace(0), "10.0.78.31".parse().unwrap()), "the newest stays");
    }
}
