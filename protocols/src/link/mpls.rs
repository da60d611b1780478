//! MPLS label stacks (RFC 3032 clause 2.1), and what lies behind them.
//!
//! ```text
//! | label:20 | traffic class:3 | bottom of stack:1 | time to live:8 |   as often as the last bit but one octet says
//! ```
//!
//! Labels do not say what they carry. The reserved labels 0 and 2 do; otherwise the first four bits of what follows tell:
//! 4 and 6 an IP packet, 0 the control word of a pseudowire, 1 a channel beside one (RFC 4928 clause 3, RFC 4385 clauses
//! 3 and 5). A pseudowire may leave its control word out (RFC 4448 clause 4.6), and hardware addresses may begin with any
//! of these, so each guess must also look like what it is taken for.

use super::{MAX_LABELS, Tunnel, Walk, internet, lower};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// Reserved labels that say what follows (RFC 3032 clause 2.1, RFC 4182).
const IPV4_EXPLICIT_NULL: u32 = 0;
const IPV6_EXPLICIT_NULL: u32 = 2;

/// Reads a label stack, then what it carries.
pub(super) fn labels<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    for _ in 0..MAX_LABELS {
        let at = cursor.rest();
        let Some(entry) = cursor.u32() else {
            walk.layers.payload = at;
            return walk.short("mpls-label-short", at, 4);
        };
        if entry & 0x100 != 0 {
            return behind(walk, entry >> 12, cursor.rest());
        }
    }
    walk.layers.payload = cursor.rest();
    let cap = MAX_LABELS as u64;
    walk.remark(Anomaly::limit("mpls-labels", walk.offset(cursor.rest()), cap + 1, cap));
}

fn behind<'a>(walk: &mut Walk<'_, 'a>, label: u32, rest: &'a [u8]) {
    walk.layers.payload = rest;
    let first = rest.first().map(|octet| octet >> 4);
    match (label, first) {
        (IPV4_EXPLICIT_NULL | IPV6_EXPLICIT_NULL, Some(4 | 6)) => {
            return walk.open_packet(Tunnel::Mpls, rest);
        }
        (_, Some(4 | 6)) if internet::looks_like_ip(rest, walk.layers.snapped) => {
            return walk.open_packet(Tunnel::Mpls, rest);
        }
        _ => {}
    }
    // All but the sequence number of an Ethernet control word is zero (RFC 4448 clause 4.6).
    let worded = rest.get(4..).filter(|_| rest.starts_with(&[0, 0]));
    let frame = match worded {
        Some(inner) if lower::is_surely_a_frame(inner) => Some(inner),
        _ if lower::is_surely_a_frame(rest) => Some(rest),
        Some(inner) if lower::looks_like_a_frame(inner) => Some(inner),
        _ if lower::looks_like_a_frame(rest) => Some(rest),
        _ => None,
    };
    match frame {
        Some(frame) => walk.open_frame(Tunnel::Mpls, frame),
        // An associated channel carries the network's own maintenance.
        None if first == Some(1) => {}
        None => walk.remark(Anomaly::unsupported(
            "mpls-payload",
            walk.offset(rest),
            u64::from(first.unwrap_or_default()),
        )),
    }
}
