//! ARP, IPv4, and IPv6 with its extension headers.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fieldwarden_model::Mac;

use super::{Arp, Fragment, MAX_EXTENSION_HEADERS, Network, Spans, Walk, transport};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// The largest IPv4 datagram, and the largest payload of IPv6 without a jumbogram option.
const MAX_DATAGRAM: u32 = 65_535;

/// IPv6 next header of a routing header.
const ROUTING: u8 = 43;

/// Octets of an ARP packet for IPv4 over hardware addresses of six octets.
const ARP_OCTETS: usize = 28;

/// ARP for IPv4 on Ethernet (RFC 826); the packet stays payload. Other address widths are not read.
pub(super) fn arp<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(_hardware), Some(protocol), Some(widths), Some(operation)) =
        (cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16())
    else {
        return walk.short("arp-short", bytes, 28);
    };
    if protocol != 0x0800 || widths != 0x0604 {
        let offset = walk.offset(bytes).saturating_add(4);
        return walk.remark(Anomaly::unsupported("arp-addresses", offset, u64::from(widths)));
    }
    let (Some(sender), Some(target)) = (arp_pair(&mut cursor), arp_pair(&mut cursor)) else {
        return walk.short("arp-short", bytes, 28);
    };
    walk.layers.arp = Some(Arp { operation, sender, target });
    walk.layers.payload = walk.trim(bytes, ARP_OCTETS);
}

fn arp_pair(cursor: &mut Cursor<'_>) -> Option<(Mac, Ipv4Addr)> {
    let mac = *cursor.take(6)?.first_chunk::<6>()?;
    Some((Mac(mac), Ipv4Addr::from_bits(cursor.u32()?)))
}

/// A packet whose first four bits alone say which IP it is.
pub(super) fn ip<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    match bytes.first().map(|octet| octet >> 4) {
        Some(4) => ipv4(walk, bytes),
        Some(6) => ipv6(walk, bytes),
        Some(version) => {
            walk.remark(Anomaly::malformed("ip-version", walk.offset(bytes), u64::from(version), 4));
        }
        None => walk.short("ip-header-short", bytes, 1),
    }
}

/// Whether octets of unknown kind are an IP packet, going by version and lengths. In a `snapped` frame the end may lack.
pub(super) fn looks_like_ip(bytes: &[u8], snapped: bool) -> bool {
    match *bytes {
        [first, _, l0, l1, ..] if first >> 4 == 4 => {
            let (header, total) = (usize::from(first & 0x0f) * 4, usize::from(u16::from_be_bytes([l0, l1])));
            header >= 20 && (total == 0 || total >= header) && (snapped || total <= bytes.len())
        }
        [first, _, _, _, l0, l1, ..] if first >> 4 == 6 => {
            snapped || usize::from(u16::from_be_bytes([l0, l1])).saturating_add(40) <= bytes.len()
        }
        _ => false,
    }
}

/// RFC 791 clause 3.1.
pub(super) fn ipv4<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let Some(header) = bytes.first_chunk::<20>() else {
        return walk.short("ip-header-short", bytes, 20);
    };
    let &[first, _tos, l0, l1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = header;
    let at = walk.offset(bytes);
    if first >> 4 != 4 {
        return walk.remark(Anomaly::malformed("ip-version", at, u64::from(first >> 4), 4));
    }
    let header_length = usize::from(first & 0x0f) * 4;
    if header_length < 20 {
        return walk.remark(Anomaly::malformed("ip-header-length", at, header_length as u64, 20));
    }
    let total = usize::from(u16::from_be_bytes([l0, l1]));
    let place = u16::from_be_bytes([f0, f1]);
    let offset = (place & 0x1fff) << 3;
    let more = place & 0x2000 != 0;
    walk.layers.network = Some(Network {
        source: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        destination: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        ttl,
        protocol,
        id: Some(u16::from_be_bytes([i0, i1])),
        fragment: (more || offset != 0).then(|| Fragment {
            id: u32::from(u16::from_be_bytes([i0, i1])),
            offset,
            more,
        }),
    });
    if total != 0 && total < header_length {
        walk.layers.payload = &[];
        let got = total as u64;
        return walk.remark(Anomaly::malformed("ip-total-length", at + 2, got, header_length as u64));
    }
    // Segmentation offload leaves the length 0 in frames captured before the card cuts them: all of it counts.
    let whole = bounded(walk, bytes, if total == 0 { bytes.len() } else { total }, at + 2);
    let Some(payload) = whole.get(header_length..) else {
        walk.layers.payload = &[];
        return walk.short("ip-header-short", whole, header_length);
    };
    let options = whole.get(20..header_length).unwrap_or_default();
    // On the way of a source route the destination that checksums above cover is not yet that of the header.
    let octets =
        if is_on_source_route(options) { whole.get(..header_length).unwrap_or(whole) } else { whole };
    let header = u8::try_from(header_length).unwrap_or(0);
    walk.layers.spans = Spans { octets, header, transport: None };
    walk.layers.payload = payload;
    if fragment_fits(walk, payload, at) {
        transport::transport(walk, protocol, payload);
    }
}

/// Whether options hold a loose or strict source route that has not reached its end (RFC 791 clause 3.1).
fn is_on_source_route(options: &[u8]) -> bool {
    let mut rest = options;
    loop {
        rest = match *rest {
            [0, ..] | [] => return false,
            [1, ref after @ ..] => after,
            [131 | 137, length, pointer, ..] => return pointer <= length,
            [_, length, ..] if length >= 2 => rest.get(usize::from(length)..).unwrap_or_default(),
            _ => return false,
        };
    }
}

/// RFC 8200 clause 3.
pub(super) fn ipv6<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let at = walk.offset(bytes);
    let mut cursor = Cursor::new(bytes);
    let (Some(first), Some(length), Some(next), Some(ttl), Some(source), Some(destination)) = (
        cursor.u32(),
        cursor.u16(),
        cursor.u8(),
        cursor.u8(),
        cursor.take(16).and_then(|octets| octets.first_chunk::<16>()),
        cursor.take(16).and_then(|octets| octets.first_chunk::<16>()),
    ) else {
        return walk.short("ip-header-short", bytes, 40);
    };
    if first >> 28 != 6 {
        return walk.remark(Anomaly::malformed("ip-version", at, u64::from(first >> 28), 6));
    }
    walk.layers.network = Some(Network {
        source: IpAddr::V6(Ipv6Addr::from(*source)),
        destination: IpAddr::V6(Ipv6Addr::from(*destination)),
        ttl,
        protocol: next,
        id: None,
        fragment: None,
    });
    let rest = cursor.rest();
    // A payload length of 0 is segmentation offload or a jumbogram (RFC 2675): all of it counts.
    let payload = if length == 0 { rest } else { bounded(walk, rest, usize::from(length), at + 4) };
    let octets = bytes.get(..40 + payload.len()).unwrap_or(bytes);
    walk.layers.spans = Spans { octets, header: 0, transport: None };
    extensions(walk, next, payload);
}

/// Walks extension headers (RFC 8200 clause 4) up to the transport or a fragment.
pub(super) fn extensions<'a>(walk: &mut Walk<'_, 'a>, next: u8, payload: &'a [u8]) {
    let mut next = next;
    let mut rest = payload;
    for _ in 0..=MAX_EXTENSION_HEADERS {
        walk.layers.payload = rest;
        if let Some(network) = &mut walk.layers.network {
            network.protocol = next;
        }
        if next == ROUTING && rest.get(3).is_some_and(|segments_left| *segments_left != 0) {
            // The destination that checksums above cover is the last one of the route (RFC 8200 clause 8.1).
            walk.layers.spans = Spans::default();
        }
        let length = match next {
            // Hop-by-hop, routing, destination, mobility, host identity, shim: units of 8 after the first 8.
            0 | ROUTING | 60 | 135 | 139 | 140 => rest.get(1).map(|units| usize::from(*units) * 8 + 8),
            // Authentication counts units of 4 after the first 8 (RFC 4302 clause 2.2).
            51 => rest.get(1).map(|units| usize::from(*units) * 4 + 8),
            44 => match fragment_header(walk, rest) {
                // RFC 6946: offset 0 and no more to come is a whole datagram.
                Some(false) => Some(8),
                Some(true) => return,
                None => None,
            },
            _ => return transport::transport(walk, next, rest),
        };
        let Some((header, after)) = length.and_then(|length| rest.split_at_checked(length)) else {
            return walk.short("extension-header-short", rest, length.unwrap_or(8));
        };
        next = header.first().copied().unwrap_or(59);
        rest = after;
    }
    let offset = walk.offset(rest);
    let cap = MAX_EXTENSION_HEADERS as u64;
    walk.remark(Anomaly::limit("extension-headers", offset, cap + 1, cap));
}

/// RFC 8200 clause 4.5. Whether the packet is a part of a datagram only; `None` when the header is cut short.
fn fragment_header<'a>(walk: &mut Walk<'_, 'a>, rest: &'a [u8]) -> Option<bool> {
    let at = walk.offset(rest);
    let mut cursor = Cursor::new(rest);
    let (next, _reserved, place, id) = (cursor.u8()?, cursor.u8()?, cursor.u16()?, cursor.u32()?);
    let fragment = Fragment { id, offset: place & 0xfff8, more: place & 1 != 0 };
    if fragment.offset == 0 && !fragment.more {
        return Some(false);
    }
    if let Some(network) = &mut walk.layers.network {
        network.protocol = next;
        network.fragment = Some(fragment);
    }
    walk.layers.payload = cursor.rest();
    fragment_fits(walk, cursor.rest(), at);
    Some(true)
}

/// Whether the packet is whole. A fragment that reaches beyond the largest datagram is told and emptied.
fn fragment_fits(walk: &mut Walk<'_, '_>, payload: &[u8], at: u32) -> bool {
    let Some(fragment) = walk.layers.network.and_then(|network| network.fragment) else {
        return true;
    };
    let end = u32::from(fragment.offset).saturating_add(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    if end > MAX_DATAGRAM {
        walk.layers.payload = &[];
        walk.remark(Anomaly::malformed("fragment-end", at, u64::from(end), u64::from(MAX_DATAGRAM)));
    } else if fragment.more && !payload.len().is_multiple_of(8) && walk.layers.missing == 0 {
        walk.remark(Anomaly::malformed("fragment-length", at, payload.len() as u64, 8));
    }
    false
}

/// The first `length` octets of `bytes`, as a length field at `at` says; fewer where they were not captured.
fn bounded<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8], length: usize, at: u32) -> &'a [u8] {
    // What a tunnel outside of this packet lacks is part of what this one lacks.
    walk.layers.missing = 0;
    if let Some(missing) = length.checked_sub(bytes.len()).filter(|missing| *missing > 0) {
        if walk.layers.snapped {
            walk.layers.missing = u32::try_from(missing).unwrap_or(u32::MAX);
        } else {
            // The receiver drops such a packet; its octets are shown, but nothing is taken to follow them.
            walk.remark(Anomaly::malformed("ip-total-length", at, length as u64, bytes.len() as u64));
        }
    }
    walk.trim(bytes, length)
}
