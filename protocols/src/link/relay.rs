//! Frame relay (ITU-T Q.922 annex A), with what RFC 2427 puts into it or Cisco does.
//!
//! ```text
//! | address: 2 to 4 octets, the last one odd | control:8 = 03 | (padding 00) | NLPID:8 | payload |
//! | address | EtherType:16 | payload |          Cisco: no control octet, an EtherType has none of its values in front
//! ```

use super::{Carried, Walk, internet, lower};
use crate::cursor::Cursor;

/// Octets of the longest address.
const MAX_ADDRESS: usize = 4;

/// Unnumbered information.
const UNNUMBERED: u8 = 0x03;

/// Network layer protocol identifiers (ISO/IEC TR 9577).
mod nlpid {
    pub(super) const SNAP: u8 = 0x80;
    pub(super) const IPV6: u8 = 0x8e;
    pub(super) const IPV4: u8 = 0xcc;
}

pub(super) fn relay<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let address = bytes.iter().take(MAX_ADDRESS).position(|octet| octet & 1 == 1);
    let Some(rest) = address.and_then(|last| bytes.get(last + 1..)).filter(|rest| rest.len() >= 2) else {
        return walk.short("relay-header-short", bytes, 4);
    };
    walk.layers.payload = rest;
    let mut cursor = Cursor::new(rest);
    if rest.first() != Some(&UNNUMBERED) {
        let Some(kind) = cursor.u16().filter(|kind| *kind >= lower::FIRST_ETHER_TYPE) else { return };
        walk.layers.carried = Carried::EtherType(kind);
        walk.layers.payload = cursor.rest();
        return lower::payload_of(walk, kind, cursor.rest());
    }
    // The control octet, and one of padding where the identifier would stand at an odd place.
    let rest = rest.get(1..).map(|rest| rest.strip_prefix(&[0]).unwrap_or(rest)).unwrap_or_default();
    let Some((identifier, inside)) = rest.split_first() else {
        return walk.short("relay-header-short", bytes, 4);
    };
    walk.layers.payload = inside;
    match *identifier {
        nlpid::IPV4 => internet::ipv4(walk, inside),
        nlpid::IPV6 => internet::ipv6(walk, inside),
        nlpid::SNAP => lower::snap(walk, inside),
        _ => walk.layers.payload = rest,
    }
}
