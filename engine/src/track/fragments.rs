//! Datagrams that arrive in fragments (RFC 791 clause 3.2, RFC 8200 clause 4.5).
//!
//! Which octets count where fragments overlap is for [`Settings::fragment_policy`]; other content is told as a conflict
//! whatever counts. (RFC 5722 has a receiver drop an IPv6 datagram whose fragments overlap, and Linux does so in both families;
//! we show what was sent.)

use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, FrameRef, Timestamp};
use fieldwarden_protocols::{
    link::{Fragment, Network},
    stream::Frames,
};

use super::{
    Settings,
    pieces::{Overlap, Pieces},
    policy::FragmentPolicy,
    shard::wide,
};
use crate::map::{Map, Seed, map};

/// What fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Datagram {
    space: AddressSpace,
    source: u128,
    destination: u128,
    id: u32,
    /// Part of the key in IPv4 only (RFC 791); IPv6 tells datagrams apart by addresses and identification.
    protocol: Option<u8>,
}

#[derive(Debug)]
struct Assembly {
    serial: u64,
    pieces: Pieces<()>,
    /// Length, known once the last fragment is there.
    total: Option<u64>,
    frames: Frames,
}

/// What became of a fragment.
#[derive(Debug)]
pub(super) enum Outcome {
    /// More are to come.
    Waits,
    /// It completed the datagram, which these frames carried.
    Complete(Vec<u8>, Frames),
}

/// A datagram that was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LetGo {
    /// Its last frame.
    pub(super) frame: FrameRef,
    /// Where it was.
    pub(super) space: AddressSpace,
}

/// The table of incomplete datagrams.
#[derive(Debug)]
pub(super) struct Fragments {
    policy: FragmentPolicy,
    waiting: Map<Datagram, Assembly>,
    /// In order of their first fragment.
    order: BTreeMap<u64, (Timestamp, Datagram)>,
    serial: u64,
    charge: usize,
}

impl Fragments {
    pub(super) const fn new(seed: Seed, policy: FragmentPolicy) -> Self {
        Self { policy, waiting: map(seed), order: BTreeMap::new(), serial: 0, charge: 0 }
    }

    pub(super) const fn memory(&self) -> usize {
        self.charge
    }

    /// Adds a fragment.
    pub(super) fn add(
        &mut self,
        space: AddressSpace,
        network: &Network,
        fragment: Fragment,
        octets: &[u8],
        frame: FrameRef,
        time: Timestamp,
    ) -> (Outcome, Overlap) {
        let key = Datagram {
            space,
            source: wide(network.source),
            destination: wide(network.destination),
            id: fragment.id,
            protocol: network.source.is_ipv4().then_some(network.protocol),
        };
        let assembly = self.waiting.entry(key).or_insert_with(|| {
            self.serial += 1;
            self.order.insert(self.serial, (time, key));
            Assembly { serial: self.serial, pieces: Pieces::default(), total: None, frames: Frames::new() }
        });
        let before = assembly.pieces.charge();
        let mut overlap = assembly.pieces.insert(u64::from(fragment.offset), octets, (), self.policy);
        self.charge += assembly.pieces.charge() - before;
        let end = u64::from(fragment.offset) + octets.len() as u64;
        if !fragment.more && *assembly.total.get_or_insert(end) != end {
            overlap = Overlap::Conflict;
        }
        if assembly.frames.push(frame).is_err()
            && let Some(last) = assembly.frames.last_mut()
        {
            *last = frame;
        }
        match whole(assembly) {
            Some(datagram) => {
                let frames = assembly.frames.clone();
                let serial = assembly.serial;
                self.forget(serial);
                (Outcome::Complete(datagram, frames), overlap)
            }
            None => (Outcome::Waits, overlap),
        }
    }

    /// The name of the cap that is exceeded, if one is.
    pub(super) fn over(&self, settings: &Settings) -> Option<&'static str> {
        if self.waiting.len() > settings.max_fragments {
            Some("max_fragments")
        } else if self.charge > settings.max_fragment_octets {
            Some("max_fragment_octets")
        } else {
            None
        }
    }

    /// When the oldest datagram began.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.order.first_key_value().map(|(_, (time, _))| *time)
    }

    /// Lets the oldest datagram go.
    pub(super) fn let_go(&mut self) -> Option<LetGo> {
        let (serial, (_, key)) = self.order.first_key_value().map(|(serial, entry)| (*serial, *entry))?;
        let frame = self.waiting.get(&key).and_then(|assembly| assembly.frames.last().copied());
        self.forget(serial);
        Some(LetGo { frame: frame.unwrap_or_default(), space: key.space })
    }

    fn forget(&mut self, serial: u64) {
        if let Some((_, key)) = self.order.remove(&serial)
            && let Some(assembly) = self.waiting.remove(&key)
        {
            self.charge -= assembly.pieces.charge();
        }
    }
}

/// The datagram, once its end is known and nothing before it is missing.
fn whole(assembly: &Assembly) -> Option<Vec<u8>> {
    let total = assembly.total?;
    if assembly.pieces.end() < total {
        return None;
    }
    let mut reached = 0;
    for (at, octets) in assembly.pieces.iter() {
        if at != reached {
            return None;
        }
        reached += octets.len() as u64;
    }
    let mut datagram = Vec::with_capacity(usize::try_from(reached).ok()?);
    assembly.pieces.iter().for_each(|(_, octets)| datagram.extend_from_slice(octets));
    datagram.truncate(usize::try_from(total).ok()?);
    Some(datagram)
}
