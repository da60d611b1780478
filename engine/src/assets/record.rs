//! What is known of one talker.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{AddressSpace, Mac, ShortText, Talker, Timestamp, Verb};
use fieldwarden_protocols::Protocol;

use super::{Fact, Role, Trait, role, vendor_of};

/// Hardware addresses and VLANs remembered of one talker; a router shows the addresses of many.
pub(super) const MAX_PLACES: usize = 16;
/// Protocols remembered per side, and facts of one talker; what one protocol tells of many units is most of them.
pub(super) const MAX_PROTOCOLS: usize = 64;
/// See [`MAX_PROTOCOLS`].
pub(super) const MAX_FACTS: usize = 256;

/// A talker, and everything it showed of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Where its address is unique.
    pub space: AddressSpace,
    /// Its address.
    pub talker: Talker,
    /// Hardware addresses it was heard with, its own or those of routers.
    pub macs: BTreeSet<Mac>,
    /// VLANs it was heard in, all tags of a stack.
    pub vlans: BTreeSet<u16>,
    /// What it asks, by protocol: the verbs.
    pub client_of: BTreeMap<Protocol, BTreeSet<Verb>>,
    /// What it answers or publishes, by protocol: the units, where a protocol has them.
    pub server_of: BTreeMap<Protocol, BTreeSet<u16>>,
    /// What it told, newest.
    pub told: BTreeMap<(Trait, Protocol, Option<u32>), Told>,
    /// First heard.
    pub first: Timestamp,
    /// Last heard.
    pub last: Timestamp,
    /// Frames it sent.
    pub frames: u64,
}

/// A text, and when it was told last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// When.
    pub time: Timestamp,
    /// What.
    pub text: ShortText,
}

impl Asset {
    pub(super) const fn new(space: AddressSpace, talker: Talker, time: Timestamp) -> Self {
        Self {
            space,
            talker,
            macs: BTreeSet::new(),
            vlans: BTreeSet::new(),
            client_of: BTreeMap::new(),
            server_of: BTreeMap::new(),
            told: BTreeMap::new(),
            first: time,
            last: time,
            frames: 0,
        }
    }

    /// What it is for, as far as it shows, and why.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        role::infer(self)
    }

    /// The vendor of its network card, where it has one alone: more are routers'.
    #[must_use]
    pub fn card_vendor(&self) -> Option<&'static str> {
        let mut macs = self.macs.iter();
        macs.next().filter(|_| macs.next().is_none()).and_then(|mac| vendor_of(*mac))
    }

    /// What it told of one trait: by the protocol that knows best, the device itself before its parts, then the newest.
    #[must_use]
    pub fn tells(&self, of: Trait) -> Option<&str> {
        let own = self.told.iter().filter(|((is, ..), _)| *is == of);
        let rank = |((_, protocol, part), told): &(&(Trait, Protocol, Option<u32>), &Told)| {
            (trust(*protocol), part.is_none(), told.time, core::cmp::Reverse(told.text.clone()))
        };
        own.max_by_key(rank).map(|(_, told)| told.text.as_str())
    }

    /// Notes what was told; whether there was room.
    pub(super) fn note(&mut self, fact: Fact, protocol: Protocol, time: Timestamp) -> bool {
        let key = (fact.of, protocol, fact.part);
        let room = self.told.len() < MAX_FACTS || self.told.contains_key(&key);
        if room {
            self.told.insert(key, Told { time, text: fact.text });
        }
        room
    }

    /// Takes over what another shard, or the network card below IP, knows.
    pub(super) fn join(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.frames = self.frames.saturating_add(other.frames);
        self.macs.extend(&other.macs);
        self.vlans.extend(&other.vlans);
        for (protocol, verbs) in &other.client_of {
            self.client_of.entry(*protocol).or_default().extend(verbs);
        }
        for (protocol, units) in &other.server_of {
            self.server_of.entry(*protocol).or_default().extend(units);
        }
        for (key, told) in &other.told {
            let known = self.told.entry(*key).or_insert_with(|| told.clone());
            if *known < *told {
                known.clone_from(told);
            }
        }
    }
}

/// How well a protocol knows the device: those of controllers tell the device itself, those of offices what runs on it.
fn trust(protocol: Protocol) -> u8 {
    match protocol.name() {
        "s7comm" | "enip" | "cip" | "bacnet" | "modbus" => 3,
        "profinet_dcp" => 2,
        "lldp" | "snmp" => 1,
        _ => 0,
    }
}
