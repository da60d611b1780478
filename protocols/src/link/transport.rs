//! The headers above IP: TCP and UDP, which have ports, and those that carry another packet.

use super::{Tcp, TcpFlags, TransportHeader, Tunnel, Udp, Walk, tunnel};
use crate::anomaly::Anomaly;

/// IP protocol numbers (IANA registry).
const IP_IN_IP: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;

/// Reads the header of a whole datagram's `payload`.
pub(super) fn transport<'a>(walk: &mut Walk<'_, 'a>, protocol: u8, payload: &'a [u8]) {
    match protocol {
        TCP => tcp(walk, payload),
        UDP => udp(walk, payload),
        IP_IN_IP | IPV6_IN_IP => walk.open_packet(Tunnel::IpInIp, payload),
        GRE => tunnel::gre(walk, payload),
        _ => {}
    }
}

/// A TCP header (RFC 9293 clause 3.1) and the data behind it, where its length is right.
#[inline(always)]
pub(super) fn plain_tcp(bytes: &[u8]) -> Option<(TransportHeader, &[u8])> {
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, _, _] =
        bytes.first_chunk::<20>()?;
    let options_length = (offset >> 4).checked_sub(5)? * 4;
    let payload = bytes.get(usize::from(offset >> 4) * 4..)?;
    let header = Tcp {
        source: u16::from_be_bytes([s0, s1]),
        destination: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        window: u16::from_be_bytes([w0, w1]),
        options_length,
    };
    Some((TransportHeader::Tcp(header), payload))
}

fn tcp<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    if let Some((header, payload)) = plain_tcp(bytes) {
        understood(walk, bytes, header);
        walk.layers.payload = payload;
        return;
    }
    let Some(offset) = bytes.first_chunk::<20>().map(|header| header[12]) else {
        return walk.short("tcp-header-short", bytes, 20);
    };
    let length = u64::from(offset >> 4) * 4;
    let at = walk.offset(bytes) + 12;
    if length < 20 {
        walk.remark(Anomaly::malformed("tcp-header-length", at, length, 20));
    } else if !walk.layers.snapped {
        walk.remark(Anomaly::malformed("tcp-header-length", at, length, bytes.len() as u64));
    }
}

/// A UDP header (RFC 768) and the data behind it, where its length is that of `bytes`.
#[inline(always)]
pub(super) fn plain_udp(bytes: &[u8]) -> Option<(TransportHeader, &[u8])> {
    let (udp, rest) = udp_header(bytes)?;
    (usize::from(udp.length) == bytes.len()).then_some((TransportHeader::Udp(udp), rest))
}

#[inline(always)]
fn udp_header(bytes: &[u8]) -> Option<(Udp, &[u8])> {
    let (&[s0, s1, d0, d1, l0, l1, _, _], rest) = bytes.split_first_chunk::<8>()?;
    let header = Udp {
        source: u16::from_be_bytes([s0, s1]),
        destination: u16::from_be_bytes([d0, d1]),
        length: u16::from_be_bytes([l0, l1]),
    };
    Some((header, rest))
}

fn udp<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let Some((header, rest)) = udp_header(bytes) else {
        return walk.short("udp-header-short", bytes, 8);
    };
    understood(walk, bytes, TransportHeader::Udp(header));
    walk.layers.payload = udp_data(walk, bytes, header.length, rest);
    tunnel::datagram(walk, header.destination, walk.layers.payload);
}

/// The data of a datagram, as far as its length says. A length of 0 is a jumbogram or segmentation offload: all of it
/// counts.
fn udp_data<'a>(walk: &mut Walk<'_, 'a>, bytes: &[u8], length: u16, rest: &'a [u8]) -> &'a [u8] {
    let at = walk.offset(bytes) + 4;
    let on_wire = bytes.len() as u64 + u64::from(walk.layers.missing);
    if length == 0 {
        return rest;
    }
    if length < 8 {
        walk.remark(Anomaly::malformed("udp-length", at, u64::from(length), 8));
        return rest;
    }
    if u64::from(length) > on_wire {
        walk.remark(Anomaly::malformed("udp-length", at, u64::from(length), on_wire));
        return rest;
    }
    if u64::from(length) < on_wire {
        // Octets between the end of UDP and the end of IP: options of RFC 9868, or a hiding place.
        walk.remark(Anomaly::unsupported("udp-surplus", at, on_wire - u64::from(length)));
    }
    let data = usize::from(length) - 8;
    walk.layers.missing = u32::try_from(data.saturating_sub(rest.len())).unwrap_or(0);
    walk.trim(rest, data)
}

/// Notes the header that begins `bytes`, which reach to the end of the packet.
fn understood(walk: &mut Walk<'_, '_>, bytes: &[u8], header: TransportHeader) {
    walk.layers.transport = header;
    let spans = &mut walk.layers.spans;
    let at = spans.octets.len().checked_sub(bytes.len()).filter(|at| *at >= usize::from(spans.header));
    spans.transport = at.and_then(|at| u16::try_from(at).ok());
}
