//! The headers above IP that have ports.

use super::{Tcp, TcpFlags, TransportHeader, Udp, Walk};
use crate::anomaly::Anomaly;

/// Reads the header of a whole datagram's `payload`.
pub(super) fn transport<'a>(walk: &mut Walk<'a>, protocol: u8, payload: &'a [u8]) {
    match protocol {
        6 => tcp(walk, payload),
        17 => udp(walk, payload),
        _ => {}
    }
}

/// RFC 9293 clause 3.1.
fn tcp<'a>(walk: &mut Walk<'a>, bytes: &'a [u8]) {
    let Some(header) = bytes.first_chunk::<20>() else {
        return walk.short("tcp-header-short", bytes, 20);
    };
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, _, _] = header;
    let length = usize::from(offset >> 4) * 4;
    let at = walk.offset(bytes);
    let Some(options_length) = (offset >> 4).checked_sub(5).map(|words| words * 4) else {
        return walk.remark(Anomaly::malformed("tcp-header-length", at + 12, length as u64, 20));
    };
    let Some(payload) = bytes.get(length..) else {
        if !walk.layers.snapped {
            let got = length as u64;
            walk.remark(Anomaly::malformed("tcp-header-length", at + 12, got, bytes.len() as u64));
        }
        return;
    };
    walk.layers.transport = TransportHeader::Tcp(Tcp {
        source: u16::from_be_bytes([s0, s1]),
        destination: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        window: u16::from_be_bytes([w0, w1]),
        options_length,
    });
    walk.layers.payload = payload;
}

/// RFC 768. A length of 0 is a jumbogram or segmentation offload: all of it counts.
fn udp<'a>(walk: &mut Walk<'a>, bytes: &'a [u8]) {
    let Some((&[s0, s1, d0, d1, l0, l1, _, _], rest)) = bytes.split_first_chunk::<8>() else {
        return walk.short("udp-header-short", bytes, 8);
    };
    let length = u16::from_be_bytes([l0, l1]);
    let at = walk.offset(bytes) + 4;
    walk.layers.transport = TransportHeader::Udp(Udp {
        source: u16::from_be_bytes([s0, s1]),
        destination: u16::from_be_bytes([d0, d1]),
        length,
    });
    walk.layers.payload = rest;
    let on_wire = bytes.len() as u64 + u64::from(walk.layers.missing);
    if length == 0 {
        return;
    }
    if length < 8 {
        return walk.remark(Anomaly::malformed("udp-length", at, u64::from(length), 8));
    }
    if u64::from(length) > on_wire {
        walk.remark(Anomaly::malformed("udp-length", at, u64::from(length), on_wire));
        return;
    }
    if u64::from(length) < on_wire {
        // Octets between the end of UDP and the end of IP: options of RFC 9868, or a hiding place.
        walk.remark(Anomaly::unsupported("udp-surplus", at, on_wire - u64::from(length)));
    }
    let data = usize::from(length) - 8;
    walk.layers.missing = u32::try_from(data.saturating_sub(rest.len())).unwrap_or(0);
    walk.layers.payload = walk.trim(rest, data);
}
