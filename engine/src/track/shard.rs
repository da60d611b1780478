//! Which shard a frame belongs to: a fixed function of the unordered pair of addresses.

use core::{
    hash::{BuildHasher, Hasher},
    net::{IpAddr, Ipv4Addr},
};

use fieldwarden_model::{AddressSpace, Mac, RawFrame, Site, Talker, Transport};
use fieldwarden_protocols::link::{Addresses, Layers, addresses, dissect};

use crate::map::Seed;

/// Number of virtual shards. Fixed, so that one core and eight give the same output.
pub const SHARDS: u16 = 64;

/// The shard of a frame, below [`SHARDS`]. Both directions, all ports, all fragments and the ARP of a pair of talkers
/// land together; the hash has no seed, because what a shard's caps let go must not depend on the process.
#[must_use]
pub fn shard_of(layers: &Layers<'_>, space: AddressSpace) -> u16 {
    let (a, b) = match (&layers.network, &layers.arp) {
        (Some(network), _) => (wide(network.source), wide(network.destination)),
        (None, Some(arp)) => (wide(arp.sender.1.into()), wide(arp.target.1.into())),
        (None, None) => (hardware(layers.source_mac), hardware(layers.destination_mac)),
    };
    shard(a, b, space)
}

/// Where a raw frame belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its shard.
    pub shard: u16,
    /// The address space it is in.
    pub space: AddressSpace,
    /// Whether it may complete a tunnel that came in fragments, whose content belongs to another shard.
    pub may_open: bool,
    /// Its ends above IP, where a glance tells them.
    pub ends: Option<PlainEnds>,
}

/// Both ends of a plain frame above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainEnds {
    /// Address and port of the sender.
    pub source: (Ipv4Addr, u16),
    /// Address and port of the receiver.
    pub destination: (Ipv4Addr, u16),
    /// TCP or UDP.
    pub transport: Transport,
}

/// Where a raw frame belongs; what [`shard_of`] says of its layers, mostly at a glance.
#[must_use]
pub fn place_of(frame: &RawFrame<'_>, site: &Site) -> Place {
    if let Some(Addresses { source, destination, vlan, protocol, ports }) = addresses(frame) {
        let space = site.space_of(vlan);
        let transport = if protocol == 6 { Transport::Tcp } else { Transport::Udp };
        let ends = ports.map(|(from, to)| PlainEnds {
            source: (source, from),
            destination: (destination, to),
            transport,
        });
        return Place { shard: shard_of_v4(source, destination, space), space, may_open: false, ends };
    }
    let layers = dissect(frame);
    let space = site.space_of(layers.vlan.first().copied());
    let may_open = layers.network.is_some_and(|network| network.fragment.is_some());
    Place { shard: shard_of(&layers, space), space, may_open, ends: None }
}

/// The shard of the frames between two talkers: what [`shard_of`] gives for them.
#[must_use]
pub fn shard_of_pair(one: Talker, other: Talker, space: AddressSpace) -> u16 {
    let number = |talker| match talker {
        Talker::Ip(address) => wide(address),
        Talker::Mac(mac) => hardware(Some(mac)),
    };
    shard(number(one), number(other), space)
}

fn shard(a: u128, b: u128, space: AddressSpace) -> u16 {
    if let (Some(a), Some(b)) = (mapped(a), mapped(b)) {
        return shard_of_v4(a, b, space);
    }
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let mut hasher = Seed(0).build_hasher();
    hasher.write_u128(low);
    hasher.write_u128(high);
    hasher.write_u16(space.0);
    u16::try_from(hasher.finish() % u64::from(SHARDS)).unwrap_or(0)
}

/// Both addresses in one word: nearly every frame of a plant is placed by this.
fn shard_of_v4(a: Ipv4Addr, b: Ipv4Addr, space: AddressSpace) -> u16 {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let pair = u64::from(low.to_bits()) << 32 | u64::from(high.to_bits());
    let mut hasher = Seed(u64::from(space.0)).build_hasher();
    hasher.write_u64(pair);
    u16::try_from(hasher.finish() % u64::from(SHARDS)).unwrap_or(0)
}

/// Where IPv4 addresses stand among those of IPv6 (RFC 4291 clause 2.5.5.2).
const MAPPED: u128 = 0xffff_0000_0000;

fn mapped(address: u128) -> Option<Ipv4Addr> {
    u32::try_from(address.checked_sub(MAPPED)?).ok().map(Ipv4Addr::from_bits)
}

/// An address as a number; IPv4 in its mapped form.
pub(super) fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => MAPPED | u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

pub(super) fn hardware(mac: Option<Mac>) -> u128 {
    let [a, b, c, d, e, f] = mac.unwrap_or_default().0;
    u128::from(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}
