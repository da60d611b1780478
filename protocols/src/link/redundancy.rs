//! Frames that a redundant network sends twice: HSR tags and PRP trailers (IEC 62439-3:2016 clauses 4 and 5).
//!
//! ```text
//! HSR, after the EtherType 0x892F (clause 5.7):    | path:4 | LSDU size:12 | sequence:16 | EtherType:16 | payload
//! PRP, at the end of the frame (clause 4.2.7):     payload | padding | sequence:16 | LAN:4 | LSDU size:12 | 0x88FB:16 |
//! ```

use super::{Walk, lower};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// EtherType of an HSR tag.
pub(super) const HSR: u16 = 0x892f;

/// The last two octets of a PRP trailer.
pub(super) const PRP_SUFFIX: [u8; 2] = [0x88, 0xfb];

/// How a redundant network marked a frame. Both copies of one frame have the source address and the sequence in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redundancy {
    /// High-availability seamless redundancy: a ring that frames travel both ways.
    Hsr {
        /// Path, 4 bits: the ring that the frame came from, and in its lowest bit the LAN.
        path: u8,
        /// Counted by the sender, modulo 65 536.
        sequence: u16,
    },
    /// Parallel redundancy: two networks side by side.
    Prp {
        /// Which of them carried this copy.
        lan: Lan,
        /// Counted by the sender, modulo 65 536.
        sequence: u16,
    },
}

/// One of the two networks of PRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lan {
    /// LAN A, 0xA on the wire.
    A,
    /// LAN B, 0xB on the wire.
    B,
}

/// Reads an HSR tag at the start of `rest`; the EtherType after it, and what follows.
pub(super) fn hsr_tag<'a>(walk: &mut Walk<'_, 'a>, rest: &'a [u8]) -> Option<(u16, &'a [u8])> {
    walk.layers.payload = rest;
    let mut cursor = Cursor::new(rest);
    let (Some(path_and_size), Some(sequence), Some(kind)) = (cursor.u16(), cursor.u16(), cursor.u16()) else {
        walk.short("hsr-tag-short", rest, 6);
        return None;
    };
    let at = walk.offset(rest);
    if walk.layers.redundancy.is_some() {
        walk.remark(Anomaly::malformed("hsr-tag-twice", at, 2, 1));
        return None;
    }
    let size = usize::from(path_and_size & 0x0fff);
    // The size counts from the tag on; padding may follow, but nothing may lack.
    if size > rest.len() && !walk.layers.snapped {
        walk.remark(Anomaly::malformed("hsr-size", at, size as u64, rest.len() as u64));
    }
    let path = u8::try_from(path_and_size >> 12).unwrap_or(0);
    walk.layers.redundancy = Some(Redundancy::Hsr { path, sequence });
    Some((kind, cursor.rest()))
}

/// Takes a PRP trailer off the end of `rest`, the octets after the EtherType `kind`. It is one when suffix, LAN and size
/// are right, and when it lies beyond what the payload claims for itself.
pub(super) fn without_prp_trailer<'a>(walk: &mut Walk<'_, 'a>, kind: u16, rest: &'a [u8]) -> &'a [u8] {
    let Some((body, &[s0, s1, l0, l1, x0, x1])) = rest.split_last_chunk::<6>() else { return rest };
    if [x0, x1] != PRP_SUFFIX || walk.layers.snapped || walk.layers.redundancy.is_some() {
        return rest;
    }
    let lan = match l0 >> 4 {
        0xa => Lan::A,
        0xb => Lan::B,
        _ => return rest,
    };
    // Counted from the EtherType to the trailer's end, by some senders with the tags in front.
    let size = usize::from(u16::from_be_bytes([l0 & 0x0f, l1]));
    let tags = 4 * walk.layers.vlan.len();
    if (size != rest.len() && size != rest.len() + tags) || claimed(kind, body) > body.len() {
        return rest;
    }
    walk.layers.redundancy = Some(Redundancy::Prp { lan, sequence: u16::from_be_bytes([s0, s1]) });
    walk.trim(rest, body.len())
}

/// How many octets a payload says it has; 0 where it does not say.
fn claimed(kind: u16, body: &[u8]) -> usize {
    let length_at = |at: usize| body.get(at..).and_then(|rest| rest.first_chunk::<2>().copied());
    let length = |at: usize| length_at(at).map_or(usize::MAX, |pair| usize::from(u16::from_be_bytes(pair)));
    match kind {
        // A total length of 0 is segmentation offload: all of it counts.
        lower::IPV4 => match length(2) {
            0 => usize::MAX,
            total => total,
        },
        lower::IPV6 => match length(4) {
            0 => usize::MAX,
            payload => payload.saturating_add(40),
        },
        lower::ARP => 28,
        lower::PPPOE => length(4).saturating_add(6),
        length if length < lower::FIRST_ETHER_TYPE => usize::from(length),
        _ => 0,
    }
}
