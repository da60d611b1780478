//! The link layers: Ethernet with its tags, LLC, Linux cooked, BSD loopback, none at all; the others have their own files.

use fieldwarden_model::{LinkType, Mac, RawFrame, address::MAX_VLAN_TAGS};

use super::{Carried, MAX_WALKED_TAGS, Walk, can, internet, mpls, mstp, ppp, redundancy, relay};
use crate::{anomaly::Anomaly, cursor::Cursor};

pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;
/// MPLS with labels given by the receiver, or by the sender (RFC 5332 clause 2).
pub(super) const MPLS: u16 = 0x8847;
pub(super) const MPLS_UPSTREAM: u16 = 0x8848;
pub(super) const PPPOE: u16 = 0x8864;
/// Novell IPX (RFC 1132).
pub(super) const IPX: u16 = 0x8137;

/// Below this the two octets after the addresses are a length (IEEE 802.3 clause 3.2.6).
pub(super) const FIRST_ETHER_TYPE: u16 = 0x0600;

/// Linux ARPHRD_ETHER: the address of a cooked header is a hardware address of six octets.
const ARPHRD_ETHER: u16 = 1;

/// Cooked captures mark frames without an EtherType with these (Linux `if_ether.h`, ETH_P_802_3 and ETH_P_802_2).
const COOKED_NOVELL: u16 = 0x0001;
const COOKED_LLC: u16 = 0x0004;
/// ETH_P_CAN and ETH_P_CANFD of the same file.
const COOKED_CAN: u16 = 0x000c;
const COOKED_CAN_FD: u16 = 0x000d;

/// Reads the link layer, then everything above it.
pub(super) fn link<'a>(walk: &mut Walk<'_, 'a>, frame: &RawFrame<'a>) {
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
        LinkType::PPP => ppp::ppp(walk, bytes, None),
        LinkType::PPP_HDLC | LinkType::C_HDLC => ppp::serial(walk, bytes),
        LinkType::FRELAY => relay::relay(walk, bytes),
        LinkType::BACNET_MS_TP => mstp::mstp(walk, bytes),
        LinkType::CAN_SOCKETCAN => can::can(walk, bytes, can::Order::Network),
        // 12 and 14 are what some systems write for 101 (tcpdump.org registry, LINKTYPE_RAW).
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 | LinkType(12 | 14) => internet::ip(walk, bytes),
        other => walk.remark(Anomaly::unsupported("link-type", 0, u64::from(other.0))),
    }
}

pub(super) fn ethernet<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
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
fn cooked<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
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
fn cooked_2<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
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

fn cooked_payload<'a>(walk: &mut Walk<'_, 'a>, kind: u16, rest: &'a [u8]) {
    match kind {
        COOKED_LLC => llc(walk, rest),
        COOKED_NOVELL => novell(walk, rest),
        COOKED_CAN | COOKED_CAN_FD => can::can(walk, rest, can::Order::Either),
        _ => typed(walk, kind, rest),
    }
}

/// BSD loopback: the address family in four octets. LINKTYPE_NULL leaves the byte order to the capturing machine and
/// LINKTYPE_LOOP fixes it, but files mislabel one as the other, and no family fits in both orders.
fn loopback<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
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
fn typed<'a>(walk: &mut Walk<'_, 'a>, kind: u16, rest: &'a [u8]) {
    let Some((kind, rest)) = tags(walk, kind, rest) else { return };
    let rest = redundancy::without_prp_trailer(walk, kind, rest);
    walk.layers.payload = rest;
    if kind < FIRST_ETHER_TYPE {
        return length_field(walk, kind, rest);
    }
    walk.layers.carried = Carried::EtherType(kind);
    payload_of(walk, kind, rest);
}

/// Walks through VLAN and HSR tags; the EtherType behind them and what follows, or nothing where they are cut short or
/// too many.
fn tags<'a>(walk: &mut Walk<'_, 'a>, kind: u16, rest: &'a [u8]) -> Option<(u16, &'a [u8])> {
    let (mut kind, mut rest) = (kind, rest);
    for _ in 0..=MAX_WALKED_TAGS {
        walk.layers.payload = rest;
        match kind {
            // 802.1Q, 802.1ad and the unregistered 0x9100 that older switches use for the outer tag.
            0x8100 | 0x88a8 | 0x9100 => {
                let Some((&[c0, c1, k0, k1], after)) = rest.split_first_chunk::<4>() else {
                    walk.short("vlan-tag-short", rest, 4);
                    return None;
                };
                push_tag(walk, u16::from_be_bytes([c0, c1]), rest);
                (kind, rest) = (u16::from_be_bytes([k0, k1]), after);
            }
            redundancy::HSR => (kind, rest) = redundancy::hsr_tag(walk, rest)?,
            _ => return Some((kind, rest)),
        }
    }
    let cap = MAX_WALKED_TAGS as u64;
    walk.remark(Anomaly::limit("vlan-depth", walk.offset(rest), cap + 1, cap));
    None
}

/// Reads what an EtherType says that `rest` is.
pub(super) fn payload_of<'a>(walk: &mut Walk<'_, 'a>, kind: u16, rest: &'a [u8]) {
    match kind {
        IPV4 => internet::ipv4(walk, rest),
        IPV6 => internet::ipv6(walk, rest),
        ARP => internet::arp(walk, rest),
        MPLS | MPLS_UPSTREAM => mpls::labels(walk, rest),
        PPPOE => ppp::pppoe(walk, rest),
        _ => {}
    }
}

/// Whether octets of unknown kind begin with an Ethernet header whose payload confirms its EtherType.
pub(super) fn is_surely_a_frame(bytes: &[u8]) -> bool {
    match bytes.get(12..) {
        Some([0x08, 0x00, first, ..]) => first >> 4 == 4,
        Some([0x86, 0xdd, first, ..]) => first >> 4 == 6,
        Some(
            [0x08, 0x06, 0, 1, 8, 0, ..] | [0x81, 0x00, _, _, _, _, ..] | [0x88, 0xa8, _, _, 0x81, 0x00, ..],
        ) => true,
        // LLDP: the first element is always the chassis (IEEE 802.1AB clause 8.2).
        Some([0x88, 0xcc, 0x02 | 0x03, ..]) => true,
        _ => false,
    }
}

/// Whether octets of unknown kind may begin with an Ethernet header.
pub(super) fn looks_like_a_frame(bytes: &[u8]) -> bool {
    let Some(&[k0, k1, ..]) = bytes.get(12..) else { return false };
    let kind = u16::from_be_bytes([k0, k1]);
    if kind <= 1_500 { usize::from(kind) + 14 <= bytes.len() } else { kind >= FIRST_ETHER_TYPE }
}

/// IEEE 802.3: at most 1500 octets of LLC, the rest is padding. Between 1500 and 0x0600 nothing is defined.
fn length_field<'a>(walk: &mut Walk<'_, 'a>, length: u16, rest: &'a [u8]) {
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
    // Both service access points 0xff would be a frame to everybody of nobody known: Novell's framing without LLC.
    if rest.starts_with(&[0xff, 0xff]) { novell(walk, rest) } else { llc(walk, rest) }
}

/// IPX directly behind the length, known by its checksum, which is never one (RFC 1132).
fn novell<'a>(walk: &mut Walk<'_, 'a>, rest: &'a [u8]) {
    walk.layers.carried = Carried::EtherType(IPX);
    walk.layers.payload = rest;
}

/// IEEE 802.2: two service access points and a control field; SNAP (both 0xaa) names an EtherType (RFC 1042).
fn llc<'a>(walk: &mut Walk<'_, 'a>, rest: &'a [u8]) {
    let mut cursor = Cursor::new(rest);
    let (Some(destination), Some(source), Some(control)) = (cursor.u8(), cursor.u8(), cursor.u8()) else {
        return walk.short("llc-header-short", rest, 3);
    };
    walk.layers.carried = Carried::Llc { destination, source };
    if destination != 0xaa || source != 0xaa || control != 0x03 {
        walk.layers.payload = cursor.rest();
        return;
    }
    snap(walk, cursor.rest());
}

/// Who numbers protocols, and the number (RFC 1042).
pub(super) fn snap<'a>(walk: &mut Walk<'_, 'a>, rest: &'a [u8]) {
    let mut cursor = Cursor::new(rest);
    let (Some(organisation), Some(kind)) = (cursor.u24(), cursor.u16()) else {
        return walk.short("snap-header-short", rest, 5);
    };
    walk.layers.payload = cursor.rest();
    // 00-00-00 is RFC 1042, 00-00-f8 the tunnel of IEEE 802.1H; other organisations number their own protocols.
    if matches!(organisation, 0 | 0xf8) && kind >= FIRST_ETHER_TYPE {
        walk.layers.carried = Carried::EtherType(kind);
        payload_of(walk, kind, cursor.rest());
    }
}

fn push_tag(walk: &mut Walk<'_, '_>, control: u16, at: &[u8]) {
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
