//! PPP: over Ethernet, over serial lines, over PPTP; and Cisco's framing of serial lines.
//!
//! Written after RFC 1661 clause 2, RFC 1662 clause 3, RFC 2516 clause 4, RFC 1547 clause 4.3.1.

use super::{Carried, Tunnel, Walk, internet, lower, mpls};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// PPP protocol numbers of IPv4, IPv6 and MPLS (RFC 1332, RFC 5072, RFC 3032 clause 4.1).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS: u16 = 0x0281;
const PPP_MPLS_MULTICAST: u16 = 0x0283;

/// First octet of Cisco's framing: a unicast or a broadcast.
const CISCO_ADDRESSES: [u8; 2] = [0x0f, 0x8f];

/// A PPP session over Ethernet, after EtherType 0x8864:
///
/// ```text
/// | version:4 = 1 | type:4 = 1 | code:8 = 0 | session:16 | length:16 | PPP without address and control |
/// ```
pub(super) fn pppoe<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(version), Some(code), Some(_session), Some(length)) =
        (cursor.u8(), cursor.u8(), cursor.u16(), cursor.u16())
    else {
        return walk.short("pppoe-header-short", bytes, 6);
    };
    let at = walk.offset(bytes);
    if version != 0x11 {
        return walk.remark(Anomaly::malformed("pppoe-version", at, u64::from(version), 0x11));
    }
    if code != 0 {
        return walk.remark(Anomaly::malformed("pppoe-code", at + 1, u64::from(code), 0));
    }
    let rest = cursor.rest();
    if usize::from(length) > rest.len() && !walk.layers.snapped {
        let got = u64::from(length);
        walk.remark(Anomaly::malformed("pppoe-length", at + 4, got, rest.len() as u64));
    }
    let rest = walk.trim(rest, usize::from(length));
    ppp(walk, rest, Some(Tunnel::Pppoe));
}

/// PPP with or without address and control octets and with its protocol number in two octets or, compressed, in one.
/// `tunnel` is what carries it, where that is no link of its own.
pub(super) fn ppp<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8], tunnel: Option<Tunnel>) {
    walk.layers.payload = bytes;
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let (protocol, rest) = match bytes {
        // Numbers have an even first and an odd last octet, so an odd first one is the last.
        [only, rest @ ..] if only & 1 == 1 => (u16::from(*only), rest),
        [first, second, rest @ ..] => (u16::from_be_bytes([*first, *second]), rest),
        _ => return walk.short("ppp-header-short", bytes, 2),
    };
    walk.layers.carried = Carried::Ppp(protocol);
    walk.layers.payload = rest;
    if !matches!(protocol, PPP_IPV4 | PPP_IPV6 | PPP_MPLS | PPP_MPLS_MULTICAST) {
        return;
    }
    if tunnel.is_some_and(|tunnel| !walk.open(tunnel, rest)) {
        return;
    }
    match protocol {
        PPP_IPV4 => internet::ipv4(walk, rest),
        PPP_IPV6 => internet::ipv6(walk, rest),
        _ => mpls::labels(walk, rest),
    }
}

/// A serial line whose frames are PPP's or Cisco's, told apart by the first octet (LINKTYPE_PPP_HDLC, LINKTYPE_C_HDLC).
pub(super) fn serial<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    if !bytes.first().is_some_and(|first| CISCO_ADDRESSES.contains(first)) {
        return ppp(walk, bytes, None);
    }
    let mut cursor = Cursor::new(bytes);
    let (Some(_address_and_control), Some(kind)) = (cursor.u16(), cursor.u16()) else {
        return walk.short("hdlc-header-short", bytes, 4);
    };
    walk.layers.carried = Carried::EtherType(kind);
    walk.layers.payload = cursor.rest();
    lower::payload_of(walk, kind, cursor.rest());
}
