//! Tunnels above IP: GRE in its versions, ERSPAN, VXLAN, GENEVE.
//!
//! Written after RFC 2784, RFC 2890, RFC 1701, RFC 2637, draft-foschiano-erspan-03, RFC 7348, RFC 8926. The checksum of GRE
//! is not verified.

use super::{Tunnel, Walk, lower, mpls, ppp};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// Destination port of VXLAN (RFC 7348 clause 5).
const VXLAN: u16 = 4_789;
/// Destination port of GENEVE (RFC 8926 clause 3.3).
const GENEVE: u16 = 6_081;

/// Bits of the first two octets of GRE (RFC 2784 clause 2.1, RFC 2890 clause 2, RFC 1701, RFC 2637 clause 4.1).
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;

/// Protocols that GRE and GENEVE carry, beside those of the EtherType registry.
const BRIDGED: u16 = 0x6558;
const PPTP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

/// The shortest Ethernet header.
const FRAME_HEADER: usize = 14;

/// Whether datagrams to this port may be a tunnel.
pub(super) const fn is_port(destination: u16) -> bool {
    matches!(destination, VXLAN | GENEVE)
}

/// Opens the tunnel that a datagram to `destination` is, if it is one; otherwise it stays a datagram.
pub(super) fn datagram<'a>(walk: &mut Walk<'_, 'a>, destination: u16, data: &'a [u8]) {
    match destination {
        VXLAN => vxlan(walk, data),
        GENEVE => geneve(walk, data),
        _ => {}
    }
}

/// ```text
/// | C | R | K | S | s | recursion:3 | A | flags:4 | version:3 | protocol:16 | [checksum:16 offset:16] [key:32] [sequence:32]
/// ```
pub(super) fn gre<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(flags), Some(protocol)) = (cursor.u16(), cursor.u16()) else {
        return walk.short("gre-header-short", bytes, 4);
    };
    let at = walk.offset(bytes);
    match flags & 7 {
        // RFC 2784 clause 2.3: who does not know source routes drops such packets; nobody sends them any more.
        0 if flags & ROUTING != 0 => walk.remark(Anomaly::unsupported("gre-routing", at, u64::from(flags))),
        0 => gre_0(walk, flags, protocol, cursor),
        1 => gre_1(walk, flags, protocol, cursor),
        version => walk.remark(Anomaly::unsupported("gre-version", at + 1, u64::from(version))),
    }
}

fn gre_0<'a>(walk: &mut Walk<'_, 'a>, flags: u16, protocol: u16, mut cursor: Cursor<'a>) {
    let fields = [CHECKSUM, KEY, SEQUENCE].iter().filter(|bit| flags & **bit != 0).count();
    if cursor.take(4 * fields).is_none() {
        return walk.short("gre-header-short", cursor.rest(), 4 * fields);
    }
    let rest = cursor.rest();
    match protocol {
        BRIDGED => walk.open_frame(Tunnel::Gre, rest),
        // Type I has no header of its own, and no sequence number in that of GRE.
        ERSPAN if flags & SEQUENCE == 0 => walk.open_frame(Tunnel::Erspan1, rest),
        ERSPAN => erspan_2(walk, rest),
        ERSPAN_3 => erspan_3(walk, rest),
        lower::IPV4 | lower::IPV6 => walk.open_packet(Tunnel::Gre, rest),
        lower::MPLS | lower::MPLS_UPSTREAM => {
            if walk.open(Tunnel::Gre, rest) {
                mpls::labels(walk, rest);
            }
        }
        // An empty packet of no protocol asks whether the other end is there.
        _ if rest.is_empty() => walk.layers.payload = rest,
        _ => {
            walk.layers.payload = rest;
            let at = walk.offset(rest).saturating_sub(2);
            walk.remark(Anomaly::unsupported("gre-protocol", at, u64::from(protocol)));
        }
    }
}

/// PPTP: the key is a length and a call; a packet without sequence number only acknowledges.
fn gre_1<'a>(walk: &mut Walk<'_, 'a>, flags: u16, protocol: u16, mut cursor: Cursor<'a>) {
    let at = walk.offset(cursor.rest()).saturating_sub(4);
    if protocol != PPTP || flags & KEY == 0 {
        return walk.remark(Anomaly::malformed("pptp-header", at, u64::from(protocol), u64::from(PPTP)));
    }
    let numbers = [SEQUENCE, ACKNOWLEDGEMENT].iter().filter(|bit| flags & **bit != 0).count();
    let (Some(length), Some(_call), Some(_numbers)) = (cursor.u16(), cursor.u16(), cursor.take(4 * numbers))
    else {
        return walk.short("gre-header-short", cursor.rest(), 4 * (1 + numbers));
    };
    let rest = cursor.rest();
    if usize::from(length) > rest.len() && !walk.layers.snapped {
        walk.remark(Anomaly::malformed("pptp-length", at + 4, u64::from(length), rest.len() as u64));
    }
    let rest = walk.trim(rest, usize::from(length));
    walk.layers.payload = rest;
    if flags & SEQUENCE != 0 && !rest.is_empty() {
        ppp::ppp(walk, rest, Some(Tunnel::Pptp));
    }
}

/// ```text
/// | version:4 = 1 | VLAN:12 | class:3 | encapsulation:2 | truncated:1 | session:10 | reserved:12 | port index:20 | frame
/// ```
fn erspan_2<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(first), Some(second), Some(_index)) = (cursor.u16(), cursor.u16(), cursor.u32()) else {
        return walk.short("erspan-header-short", bytes, 8);
    };
    if !version_is(walk, bytes, first, 1) {
        return;
    }
    walk.layers.snapped |= second & 0x0400 != 0;
    // 1 and 2: the frame had an ISL or 802.1Q tag, which the mirror took off. 0 had none, 3 has it still.
    let removed = matches!(second >> 11 & 3, 1 | 2).then_some(first & 0x0fff);
    let rest = cursor.rest();
    walk.open_mirrored(Tunnel::Erspan2, removed, rest);
}

/// ```text
/// | version:4 = 2 | VLAN:12 | class:3 | state:2 | truncated:1 | session:10 | timestamp:32 | group:16
/// | P | frame type:5 | hardware:6 | direction:1 | granularity:2 | O | [platform:6 specific:58]   | frame
/// ```
fn erspan_3<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(first), Some(second), Some(_time), Some(_group), Some(last)) =
        (cursor.u16(), cursor.u16(), cursor.u32(), cursor.u16(), cursor.u16())
    else {
        return walk.short("erspan-header-short", bytes, 12);
    };
    if !version_is(walk, bytes, first, 2) {
        return;
    }
    if last & 1 != 0 && cursor.take(8).is_none() {
        return walk.short("erspan-header-short", bytes, 20);
    }
    walk.layers.snapped |= second & 0x0400 != 0;
    let rest = cursor.rest();
    match last >> 10 & 0x1f {
        0 => walk.open_mirrored(Tunnel::Erspan3, None, rest),
        // A mirrored packet whose link is no Ethernet.
        2 => walk.open_packet(Tunnel::Erspan3, rest),
        other => {
            let at = walk.offset(bytes).saturating_add(10);
            walk.remark(Anomaly::unsupported("erspan-frame-type", at, u64::from(other)));
        }
    }
}

fn version_is<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8], first: u16, expected: u16) -> bool {
    let version = first >> 12;
    if version != expected {
        walk.layers.payload = bytes;
        let at = walk.offset(bytes);
        walk.remark(Anomaly::malformed("erspan-version", at, u64::from(version), u64::from(expected)));
    }
    version == expected
}

/// ```text
/// | R R R R I R R R | reserved:24 | network:24 | reserved:8 |
/// ```
///
/// The flag I says that it is VXLAN. The first bit and the reserved octets in front are those of group policies
/// (draft-smith-vxlan-group-policy), which are let pass; any other reserved bit says that it is something else.
fn vxlan<'a>(walk: &mut Walk<'_, 'a>, data: &'a [u8]) {
    let Some((&[flags, _, _, _, _, _, _, reserved], inner)) = data.split_first_chunk::<8>() else { return };
    if flags & 0x7f != 0x08 || reserved != 0 {
        return;
    }
    if inner.len() < FRAME_HEADER {
        return walk.short("vxlan-frame-short", inner, FRAME_HEADER);
    }
    walk.open_frame(Tunnel::Vxlan, inner);
}

/// ```text
/// | version:2 = 0 | options:6, in fours | O | C | reserved:6 | protocol:16 | network:24 | reserved:8 | options | payload
/// ```
fn geneve<'a>(walk: &mut Walk<'_, 'a>, data: &'a [u8]) {
    let Some((&[first, flags, p0, p1, _, _, _, reserved], rest)) = data.split_first_chunk::<8>() else {
        return;
    };
    let protocol = u16::from_be_bytes([p0, p1]);
    let carried = matches!(protocol, BRIDGED | lower::IPV4 | lower::IPV6 | lower::MPLS);
    // Reserved bits are sent as 0 (RFC 8926 clause 3.4); what has them set, or carries nothing known, is something else.
    if first >> 6 != 0 || flags & 0x3f != 0 || reserved != 0 || !carried {
        return;
    }
    let Some((options, inner)) = rest.split_at_checked(usize::from(first & 0x3f) * 4) else {
        return walk.short("geneve-header-short", rest, usize::from(first & 0x3f) * 4);
    };
    if !options_add_up(options) {
        let at = walk.offset(rest);
        let length = options.len() as u64;
        walk.remark(Anomaly::malformed("geneve-options", at, length, length));
    }
    match protocol {
        BRIDGED if inner.len() < FRAME_HEADER => walk.short("geneve-frame-short", inner, FRAME_HEADER),
        BRIDGED => walk.open_frame(Tunnel::Geneve, inner),
        lower::MPLS => {
            if walk.open(Tunnel::Geneve, inner) {
                mpls::labels(walk, inner);
            }
        }
        _ => walk.open_packet(Tunnel::Geneve, inner),
    }
}

/// Each option has four octets, then as many fours as its last five bits say (RFC 8926 clause 3.5).
fn options_add_up(options: &[u8]) -> bool {
    let mut rest = options;
    while let Some((&[_, _, _, length], data)) = rest.split_first_chunk::<4>() {
        let Some(after) = data.get(usize::from(length & 0x1f) * 4..) else { return false };
        rest = after;
    }
    rest.is_empty()
}
