//! The link layers: Ethernet with its tags, LLC, Linux cooked, BSD loopback, none at all.

use fieldwarden_model::{LinkType, Mac, RawFrame, address::MAX_VLAN_TAGS};

use super::{Carried, Walk, internet};
use crate::{anomaly::Anomaly, cursor::Cursor};

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// Below this the two octets after the addresses are a length (IEEE 802.3 clause 3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// Linux ARPHRD_ETHER: the address of a cooked header is a hardware address of six octets.
const ARPHRD_ETHER: u16 = 1;

/// Cooked captures mark frames without an EtherType with these (Linux `if_ether.h`, ETH_P_802_3 and ETH_P_802_2).
const COOKED_NOVELL: u16 = 0x0001;
const COOKED_LLC: u16 = 0x0004;

/// Reads the link layer, then everything above it.
pub(super) fn link<'a>(walk: &mut Walk<'a>, frame: &RawFrame<'a>) {
    let bytes = frame.bytes;
    if let Some(tag) = frame.tag {
        push_tag(walk, tag.control, bytes);
    }
    match frame.link_type {
        LinkType::ETHERNET => ethernet(walk, bytes),
        LinkType::LINUX_SLL => cooked(walk, bytes),
        LinkType::LINUX_SLL2 => cooked_2(walk, bytes),
        LinkType::NULL | LinkType::LOOP => loopback(walk, bytes),
        // 12 and 14 are what some systems write for 101 (tcpdump.org registry, LINKTYPE_RAW).
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 | LinkType(12 | 14) => {
            match bytes.first().map(|octet| octet >> 4) {
                Some(4) => internet::ipv4(walk, bytes),
                Some(6) => internet::ipv6(walk, bytes),
                Some(version) => walk.remark(Anomaly::malformed("ip-version", 0, u64::from(version), 4)),
                None => walk.short("ip-header-short", bytes, 1),
            }
        }
        other => walk.remark(Anomaly::unsupported("link-type", 0, u64::from(other.0))),
    }
}

fn ethernet<'a>(walk: &mut Walk<'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(destination), Some(source), Some(kind)) = (mac(&mut cursor), mac(&mut cursor), cursor.u16())
    else {
        return walk.short("ethernet-header-short", bytes, 14);
    };
    walk.layers.destination_mac = Some(destination);
    walk.layers.source_mac = Some(source);
    typed(walk, kind, cursor.rest());
}

/// Linux cooked capture, version 1: 16 octets.
fn cooked<'a>(walk: &mut Walk<'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(_packet_type), Some(hardware), Some(length), Some(address), Some(kind)) =
        (cursor.u16(), cursor.u16(), cursor.u16(), cursor.take(8), cursor.u16())
    else {
        return walk.short("cooked-header-short", bytes, 16);
    };
    walk.layers.source_mac = cooked_source(hardware, length, address);
    cooked_payload(walk, kind, cursor.rest());
}

/// Linux cooked capture, version 2: 20 octets.
fn cooked_2<'a>(walk: &mut Walk<'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(kind), Some(_reserved_and_interface), Some(hardware), Some(_packet_type), Some(length)) =
        (cursor.u16(), cursor.take(6), cursor.u16(), cursor.u8(), cursor.u8())
    else {
        return walk.short("cooked-header-short", bytes, 20);
    };
    let Some(address) = cursor.take(8) else {
        return walk.short("cooked-header-short", bytes, 20);
    };
    walk.layers.source_mac = cooked_source(hardware, u16::from(length), address);
    cooked_payload(walk, kind, cursor.rest());
}

fn cooked_source(hardware: u16, length: u16, address: &[u8]) -> Option<Mac> {
    let first = address.first_chunk::<6>()?;
    (hardware == ARPHRD_ETHER && length == 6).then_some(Mac(*first))
}

fn cooked_payload<'a>(walk: &mut Walk<'a>, kind: u16, rest: &'a [u8]) {
    match kind {
        COOKED_LLC => llc(walk, rest),
        COOKED_NOVELL => walk.layers.payload = rest,
        _ => typed(walk, kind, rest),
    }
}

/// BSD loopback: the address family in four octets. LINKTYPE_NULL leaves the byte order to the capturing machine and
/// LINKTYPE_LOOP fixes it, but files mislabel one as the other, and no family fits in both orders.
fn loopback<'a>(walk: &mut Walk<'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let Some(big) = cursor.u32() else {
        return walk.short("loopback-header-short", bytes, 4);
    };
    let family = if big > 0xffff { big.swap_bytes() } else { big };
    match family {
        2 => internet::ipv4(walk, cursor.rest()),
        // AF_INET6 is 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS, 10 on Linux, 23 on Windows.
        10 | 23 | 24 | 28 | 30 => internet::ipv6(walk, cursor.rest()),
        _ => {
            walk.layers.payload = cursor.rest();
            walk.remark(Anomaly::unsupported("loopback-family", 0, u64::from(family)));
        }
    }
}

/// What follows an EtherType: tags, a length, or a payload.
fn typed<'a>(walk: &mut Walk<'a>, kind: u16, rest: &'a [u8]) {
    let mut kind = kind;
    let mut cursor = Cursor::new(rest);
    // 802.1Q, 802.1ad and the unregistered 0x9100 that older switches use for the outer tag.
    while matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
        let tag_at = cursor.rest();
        let (Some(control), Some(next)) = (cursor.u16(), cursor.u16()) else {
            walk.layers.payload = tag_at;
            return walk.short("vlan-tag-short", tag_at, 4);
        };
        push_tag(walk, control, tag_at);
        kind = next;
    }
    let rest = cursor.rest();
    walk.layers.payload = rest;
    if kind < FIRST_ETHER_TYPE {
        return length_field(walk, kind, rest);
    }
    walk.layers.carried = Carried::EtherType(kind);
    payload_of(walk, kind, rest);
}

fn payload_of<'a>(walk: &mut Walk<'a>, kind: u16, rest: &'a [u8]) {
    match kind {
        IPV4 => internet::ipv4(walk, rest),
        IPV6 => internet::ipv6(walk, rest),
        ARP => internet::arp(walk, rest),
        _ => {}
    }
}

/// IEEE 802.3: at most 1500 octets of LLC, the rest is padding. Between 1500 and 0x0600 nothing is defined.
fn length_field<'a>(walk: &mut Walk<'a>, length: u16, rest: &'a [u8]) {
    if length > 1_500 {
        let at = walk.offset(rest).saturating_sub(2);
        return walk.remark(Anomaly::malformed("ethernet-length", at, u64::from(length), 1_500));
    }
    if usize::from(length) > rest.len() && !walk.layers.snapped {
        let at = walk.offset(rest).saturating_sub(2);
        walk.remark(Anomaly::malformed("ethernet-length", at, u64::from(length), rest.len() as u64));
    }
    let rest = walk.trim(rest, usize::from(length));
    walk.layers.payload = rest;
    llc(walk, rest);
}

/// IEEE 802.2: two service access points and a control field; SNAP (both 0xaa) names an EtherType (RFC 1042).
fn llc<'a>(walk: &mut Walk<'a>, rest: &'a [u8]) {
    let mut cursor = Cursor::new(rest);
    let (Some(destination), Some(source), Some(control)) = (cursor.u8(), cursor.u8(), cursor.u8()) else {
        return walk.short("llc-header-short", rest, 3);
    };
    walk.layers.carried = Carried::Llc { destination, source };
    if destination != 0xaa || source != 0xaa || control != 0x03 {
        walk.layers.payload = cursor.rest();
        return;
    }
    let (Some(organisation), Some(kind)) = (cursor.u24(), cursor.u16()) else {
        return walk.short("snap-header-short", rest, 8);
    };
    walk.layers.payload = cursor.rest();
    // 00-00-00 is RFC 1042, 00-00-f8 the tunnel of IEEE 802.1H; other organisations number their own protocols.
    if matches!(organisation, 0 | 0xf8) && kind >= FIRST_ETHER_TYPE {
        walk.layers.carried = Carried::EtherType(kind);
        payload_of(walk, kind, cursor.rest());
    }
}

fn push_tag(walk: &mut Walk<'_>, control: u16, at: &[u8]) {
    if walk.layers.vlan.push(control & 0x0fff).is_err()
        && !walk.layers.anomalies.iter().any(|anomaly| anomaly.code == "vlan-tags")
    {
        let offset = walk.offset(at);
        walk.remark(Anomaly::limit("vlan-tags", offset, MAX_VLAN_TAGS as u64 + 1, MAX_VLAN_TAGS as u64));
    }
}

fn mac(cursor: &mut Cursor<'_>) -> Option<Mac> {
    cursor.take(6)?.first_chunk::<6>().map(|octets| Mac(*octets))
}
