//! The way of nearly every frame of a plant: Ethernet, at most one tag, IPv4 without options, TCP or UDP, all of it there.
//!
//! Gives exactly what the careful way gives, or leaves the frame to it; a test holds both against each other.

use core::net::{IpAddr, Ipv4Addr};

use fieldwarden_model::{LinkType, Mac, RawFrame, VlanStack};

use super::{
    Addresses, Carried, Layers, Network, Spans, TransportHeader, lower, redundancy::PRP_SUFFIX, transport,
    tunnel, unread,
};

const ETHERNET: usize = 14;
const TAG: usize = 4;
const IPV4: usize = 20;

/// Reads a plain frame.
#[inline(always)]
pub(super) fn ethernet<'a>(frame: &RawFrame<'a>) -> Option<Layers<'a>> {
    if frame.link_type != LinkType::ETHERNET {
        return None;
    }
    let bytes = frame.bytes;
    let (&[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, k0, k1], mut rest) =
        bytes.split_first_chunk::<ETHERNET>()?;
    let mut vlan = VlanStack::new();
    if let Some(tag) = frame.tag {
        vlan.push(tag.control & 0x0fff).ok()?;
    }
    let mut kind = [k0, k1];
    if kind == [0x81, 0x00] {
        let (&[c0, c1, t0, t1], after) = rest.split_first_chunk::<TAG>()?;
        vlan.push(u16::from_be_bytes([c0 & 0x0f, c1])).ok()?;
        (kind, rest) = ([t0, t1], after);
    }
    if u16::from_be_bytes(kind) != lower::IPV4 || frame.wire_length as usize > bytes.len() {
        return None;
    }
    let (network, packet) = ipv4(rest)?;
    let segment = packet.get(IPV4..)?;
    let (transport, payload) = match network.protocol {
        6 => transport::plain_tcp(segment)?,
        17 => transport::plain_udp(segment).filter(
            |(header, _)| !matches!(header, TransportHeader::Udp(udp) if tunnel::is_port(udp.destination)),
        )?,
        _ => return None,
    };
    Some(Layers {
        destination_mac: Some(Mac([d0, d1, d2, d3, d4, d5])),
        source_mac: Some(Mac([s0, s1, s2, s3, s4, s5])),
        vlan,
        carried: Carried::EtherType(lower::IPV4),
        network: Some(network),
        transport,
        spans: Spans { octets: packet, header: 20, transport: Some(20) },
        ..unread(payload)
    })
}

/// The addresses of a frame and its outermost VLAN id, where a glance tells them: those that the careful way finds.
#[inline(always)]
pub(super) fn addresses(frame: &RawFrame<'_>) -> Option<Addresses> {
    if frame.link_type != LinkType::ETHERNET {
        return None;
    }
    let (&[_, _, _, _, _, _, _, _, _, _, _, _, k0, k1], mut rest) =
        frame.bytes.split_first_chunk::<ETHERNET>()?;
    let mut vlan = frame.tag.map(|tag| tag.control & 0x0fff);
    let mut kind = [k0, k1];
    if kind == [0x81, 0x00] {
        let (&[c0, c1, t0, t1], after) = rest.split_first_chunk::<TAG>()?;
        vlan = vlan.or(Some(u16::from_be_bytes([c0 & 0x0f, c1])));
        (kind, rest) = ([t0, t1], after);
    }
    let (&[0x45, _, _, _, _, _, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3], above) =
        rest.split_first_chunk::<IPV4>()?
    else {
        return None;
    };
    let whole = u16::from_be_bytes([f0 & 0x3f, f1]) == 0;
    let ports = above.first_chunk::<4>().filter(|_| whole);
    let ports = ports.map(|&[s0, s1, d0, d1]| (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])));
    let may_be_tunnel = match protocol {
        6 => false,
        17 => ports.is_none_or(|(_, destination)| tunnel::is_port(destination)),
        _ => true,
    };
    if u16::from_be_bytes(kind) != lower::IPV4 || may_be_tunnel {
        return None;
    }
    let source = Ipv4Addr::new(s0, s1, s2, s3);
    let destination = Ipv4Addr::new(d0, d1, d2, d3);
    Some(Addresses { source, destination, vlan, protocol, ports })
}

/// A header of 20 octets of a whole datagram, and the datagram without what trails it, where that is padding alone.
#[inline(always)]
fn ipv4(rest: &[u8]) -> Option<(Network, &[u8])> {
    let &[0x45, _tos, l0, l1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        rest.first_chunk::<IPV4>()?
    else {
        return None;
    };
    let fragment = u16::from_be_bytes([f0 & 0x3f, f1]);
    let (packet, trailing) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
    if fragment != 0 || trailing.ends_with(&PRP_SUFFIX) {
        return None;
    }
    let network = Network {
        source: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        destination: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        ttl,
        protocol,
        id: Some(u16::from_be_bytes([i0, i1])),
        fragment: None,
    };
    Some((network, packet))
}
