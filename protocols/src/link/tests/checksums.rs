//! Checksums: right, wrong, left to the network card, absent.

use super::*;

/// The sum as RFC 1071 writes it, two octets at a time.
fn plain_sum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
    }
    u16::try_from(sum).unwrap()
}

/// A packet with right checksums; `segment` has its field, at `place`, at 0.
fn packet(version: u8, protocol: u8, segment: &[u8], place: usize) -> (Vec<u8>, u16) {
    let mut packet = if version == 4 {
        ipv4(protocol, u16::try_from(20 + segment.len()).unwrap(), 0, segment)
    } else {
        ipv6(protocol, segment)
    };
    let header = if version == 4 { 20 } else { 40 };
    if version == 4 {
        let sum = !plain_sum(&[&packet[..20]]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    let addresses = &packet[if version == 4 { 12 } else { 8 }..header];
    let length = u32::try_from(segment.len()).unwrap().to_be_bytes();
    let pseudo = plain_sum(&[addresses, &[0, protocol], &length]);
    let sum = !plain_sum(&[addresses, &[0, protocol], &length, segment]);
    packet[header + place..header + place + 2].copy_from_slice(&sum.to_be_bytes());
    (packet, pseudo)
}

#[test]
fn good_bad_offloaded_absent() {
    // Lengths around the blocks in which sums are made, odd ones among them.
    for octets in [0, 1, 2, 3, 13, 14, 15, 16, 17, 31, 33, 1_459, 1_460, 60_001] {
        let data: Vec<u8> = (0..octets).map(|n: u32| u8::try_from(n * 7 % 251).unwrap()).collect();
        for version in [4, 6] {
            let length = u16::try_from(8 + data.len()).unwrap();
            for (protocol, place, segment) in [(6, 16, tcp(5, &data)), (17, 6, udp(length, &data))] {
                let header = if version == 4 { 20 } else { 40 };
                let (mut bytes, pseudo) = packet(version, protocol, &segment, place);
                let read = |bytes: &[u8]| dissect(&raw(LinkType::RAW, bytes)).checksums().transport;
                assert_eq!(read(&bytes), Checksum::Good, "IPv{version} {protocol} {octets}");
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                assert_eq!(read(&bytes), Checksum::Bad, "IPv{version} {protocol} {octets}");
                bytes[last] ^= 1;
                bytes[header + place..header + place + 2].copy_from_slice(&pseudo.to_be_bytes());
                assert_eq!(read(&bytes), Checksum::Offloaded, "IPv{version} {protocol} {octets}");
                bytes[header + place..header + place + 2].fill(0);
                let none = if (version, protocol) == (4, 17) { Checksum::Absent } else { Checksum::Bad };
                assert_eq!(read(&bytes), none, "IPv{version} {protocol} {octets}");
            }
        }
    }
}

#[test]
fn of_the_header_and_of_what_cannot_be_told() {
    let (mut bytes, _) = packet(4, 6, &tcp(5, b"data"), 16);
    let read = |bytes: &[u8]| dissect(&raw(LinkType::RAW, bytes)).checksums();
    assert_eq!(read(&bytes), Checksums { network: Checksum::Good, transport: Checksum::Good });
    bytes[8] -= 1;
    assert_eq!(
        read(&bytes),
        Checksums { network: Checksum::Bad, transport: Checksum::Good },
        "TTL is not covered"
    );
    bytes[8] += 1;
    let snapped = RawFrame { bytes: &bytes[..42], ..raw(LinkType::RAW, &bytes) };
    assert_eq!(
        dissect(&snapped).checksums(),
        Checksums { network: Checksum::Good, transport: Checksum::Unknown }
    );
    let fragment = ipv4(6, 44, 0x2000, &tcp(5, b"data"));
    assert_eq!(read(&fragment).transport, Checksum::Unknown);
    // Options: a loose source route with one hop to go, whose end is what TCP covers.
    let routed = [&bytes[..20], &[131, 7, 4, 10, 0, 0, 9, 0], &bytes[20..]].concat();
    let mut routed = routed;
    routed[0] = 0x47;
    routed[3] += 8;
    assert_eq!(read(&routed).transport, Checksum::Unknown);
    let (six, _) = packet(6, 6, &tcp(5, b"data"), 16);
    assert_eq!(read(&six).network, Checksum::Absent, "IPv6 has none");
    assert_eq!(read(&over_arp()), Checksums { network: Checksum::Unknown, transport: Checksum::Unknown });
}

fn over_arp() -> Vec<u8> {
    vec![0x45; 3]
}

#[test]
fn of_the_packet_inside_a_tunnel_and_of_one_put_together() {
    let (inner, _) = packet(4, 17, &udp(11, b"odd"), 6);
    let outer = ipv4(4, u16::try_from(20 + inner.len()).unwrap(), 0, &inner);
    let layers = dissect(&raw(LinkType::RAW, &outer));
    assert_eq!(layers.checksums(), Checksums { network: Checksum::Good, transport: Checksum::Good });
    let fragment = ipv4(17, 28, 0x2000, &inner[20..28]);
    let layers = dissect(&raw(LinkType::RAW, &fragment));
    let whole = dissect_reassembled(&layers, &inner[20..]);
    assert_eq!(whole.checksums(), Checksums { network: Checksum::Unknown, transport: Checksum::Good });
    assert_eq!(whole.segment(), &inner[20..]);
}
