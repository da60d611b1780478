//! Encapsulations: what is illegal, cut short or too deep, and what must not be mistaken for one.

use super::*;
use crate::anomaly::Blame;

fn datagram_to(port: u16, data: &[u8]) -> Vec<u8> {
    let [p0, p1] = port.to_be_bytes();
    let [l0, l1] = u16::try_from(8 + data.len()).unwrap().to_be_bytes();
    let datagram = [&[0xc0, 0, p0, p1, l0, l1, 0, 0], data].concat();
    ipv4(17, u16::try_from(28 + data.len()).unwrap(), 0, &datagram)
}

fn over(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4(protocol, u16::try_from(20 + payload.len()).unwrap(), 0, payload)
}

fn plant_frame(tags: &[u8]) -> Vec<u8> {
    ethernet(&[tags, &[8, 0], &ipv4(17, 30, 0, &udp(10, b"hi"))])
}

#[track_caller]
fn assert_opened(packet: &[u8], tunnels: &[Tunnel]) {
    let layers = dissect(&raw(LinkType::RAW, packet));
    assert_eq!((&layers.tunnels[..], layers.payload), (tunnels, &b"hi"[..]), "{:?}", layers.anomalies);
    assert_eq!(ports(&layers), Some((1_000, 502)));
    assert!(layers.anomalies.is_empty(), "{:?}", layers.anomalies);
}

#[test]
fn the_inner_frame_decides_tags_and_addresses() {
    let inner = plant_frame(&[0x81, 0, 0, 20]);
    // Type II with its encapsulation field at 2: the mirror took VLAN 77 off.
    let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 77, 0x10, 7, 0, 0, 0, 3];
    let mirror = over(47, &[&header[..], &inner].concat());
    let frame = [&[9; 12][..], &[0x81, 0, 0, 99, 8, 0], &mirror].concat();
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!((&layers.vlan[..], layers.source_mac), (&[77, 20][..], Some(Mac(SOURCE))));
    assert_eq!((layers.tunnels[0], layers.network.unwrap().id), (Tunnel::Erspan2, Some(0x1234)));

    // A packet brings no link header: the tags of the frame that carries the tunnel stay.
    let frame = ethernet(&[&[0x81, 0, 0, 99, 8, 0], &over(4, &ipv4(17, 30, 0, &udp(10, b"hi")))]);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!((&layers.vlan[..], layers.source_mac), (&[99][..], Some(Mac(SOURCE))));

    // Who mirrors a frame that is not IP is no talker either.
    let spanning_tree = ethernet(&[&[0, 4, 0x42, 0x42, 3, 0xaa], &[0; 40]]);
    let layers_of = over(47, &[&[0, 0, 0x88, 0xbe], &spanning_tree[..]].concat());
    let layers = dissect(&raw(LinkType::RAW, &layers_of));
    assert_eq!((layers.network, layers.carried), (None, Carried::Llc { destination: 0x42, source: 0x42 }));
}

#[test]
fn a_truncated_mirror_is_a_snapped_frame() {
    let inner = ethernet(&[&[8, 0], &ipv4(6, 140, 0, &tcp(5, &[7; 100]))]);
    let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0x04, 7, 0, 0, 0, 3];
    let mirror = over(47, &[&header[..], &inner[..94]].concat());
    let layers = dissect(&raw(LinkType::RAW, &mirror));
    assert_eq!((layers.snapped, layers.payload.len(), layers.missing), (true, 40, 60));
    assert!(layers.anomalies.is_empty());
}

#[test]
fn depth_is_capped_and_told() {
    let mut packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    for _ in 0..MAX_TUNNELS {
        packet = over(4, &packet);
    }
    assert_opened(&packet, &[Tunnel::IpInIp; MAX_TUNNELS]);
    let packet = over(4, &packet);
    let layers = dissect(&raw(LinkType::RAW, &packet));
    assert_eq!((layers.tunnels.len(), layers.payload.len()), (MAX_TUNNELS, 30), "the last stays closed");
    let anomaly = layers.anomalies[0];
    assert_eq!((anomaly.code, anomaly.blame), ("tunnel-depth", Blame::Limit));

    let tags = [0x81, 0, 0, 1].repeat(MAX_WALKED_TAGS);
    let frame = plant_frame(&tags);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!((layers.payload, codes(&layers)), (&b"hi"[..], vec!["vlan-tags"]));
    let frame = plant_frame(&[&tags[..], &[0x81, 0, 0, 2]].concat());
    assert_eq!(codes(&dissect(&raw(LinkType::ETHERNET, &frame))), ["vlan-tags", "vlan-depth"]);

    let labels = [&[0x88, 0x47][..], &[0, 1, 0, 64].repeat(MAX_LABELS), &[0, 1, 1, 64]].concat();
    let frame = ethernet(&[&labels, &ipv4(17, 30, 0, &udp(10, b"hi"))]);
    assert_eq!(codes(&dissect(&raw(LinkType::ETHERNET, &frame))), ["mpls-labels"]);
}

#[test]
fn what_has_the_port_of_a_tunnel_but_not_its_flags_stays_a_datagram() {
    let inner = plant_frame(&[]);
    assert_opened(&datagram_to(4_789, &[&[8, 0, 0, 0, 0, 0, 42, 0], &inner[..]].concat()), &[Tunnel::Vxlan]);
    assert_opened(
        &datagram_to(6_081, &[&[0, 0, 0x65, 0x58, 0, 0, 9, 0], &inner[..]].concat()),
        &[Tunnel::Geneve],
    );
    for (port, header) in [
        (4_789, [0, 0, 0, 0, 0, 0, 42, 0]),
        (4_789, [9, 0, 0, 0, 0, 0, 42, 0]),
        (4_789, [8, 0, 0, 0, 0, 0, 42, 1]),
        (6_081, [0x40, 0, 0x65, 0x58, 0, 0, 9, 0]),
        (6_081, [0, 0, 0x12, 0x34, 0, 0, 9, 0]),
        (4_788, [8, 0, 0, 0, 0, 0, 42, 0]),
    ] {
        let packet = datagram_to(port, &[&header[..], &inner].concat());
        let layers = dissect(&raw(LinkType::RAW, &packet));
        assert_eq!(ports(&layers), Some((0xc000, port)), "{header:?}");
        assert!(layers.tunnels.is_empty() && layers.anomalies.is_empty(), "{header:?}");
    }
    let cut = datagram_to(4_789, &[8, 0, 0, 0, 0, 0, 42, 0, 1, 2, 3]);
    let layers = dissect(&raw(LinkType::RAW, &cut));
    assert_eq!((ports(&layers), codes(&layers)), (Some((0xc000, 4_789)), vec!["vxlan-frame-short"]));
    let options = datagram_to(6_081, &[&[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 1, 1, 3], &inner[..]].concat());
    assert_eq!(dissect_codes(&options), ["geneve-options"]);
}

#[test]
fn headers_of_tunnels_that_lie() {
    for (payload, code) in [
        (&[0, 0, 8][..], "gre-header-short"),
        (&[0xb0, 0, 8, 0, 0, 0, 0, 0], "gre-header-short"),
        (&[0x40, 0, 8, 0, 0, 0, 0, 0], "gre-routing"),
        (&[0, 2, 8, 0], "gre-version"),
        (&[0, 0, 0x12, 0x34, 1], "gre-protocol"),
        (&[0x30, 1, 8, 0, 0, 4, 0, 5], "pptp-header"),
        (&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0], "erspan-header-short"),
        (&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0], "erspan-version"),
        (&[0, 0, 0x22, 0xeb, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0], "erspan-frame-type"),
    ] {
        let packet = over(47, payload);
        let layers = dissect(&raw(LinkType::RAW, &packet));
        assert_eq!(codes(&layers), [code]);
        assert!(layers.tunnels.is_empty() && layers.network.is_some(), "{code}: what was understood stands");
    }
    assert_eq!(dissect_codes(&over(4, &[0x55; 20])), ["ip-version"]);
    for (bytes, code) in [
        (&[0x88, 0x64, 0x21, 0, 0, 1, 0, 0][..], "pppoe-version"),
        (&[0x88, 0x64, 0x11, 7, 0, 1, 0, 0], "pppoe-code"),
        (&[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 0xc0, 0x21], "pppoe-length"),
        (&[0x88, 0x64, 0x11, 0, 0], "pppoe-header-short"),
        (&[0x88, 0x47, 0, 1, 0], "mpls-label-short"),
        (&[0x88, 0x47, 0, 1, 1, 64, 0xf0, 0, 0, 0], "mpls-payload"),
        (&[0x89, 0x2f, 0, 8, 0, 1], "hsr-tag-short"),
        (&[0x89, 0x2f, 0x10, 99, 0, 1, 0x88, 0xba], "hsr-size"),
        (&[0x89, 0x2f, 0, 6, 0, 1, 0x89, 0x2f, 0, 6, 0, 2, 8, 0], "hsr-tag-twice"),
    ] {
        let frame = ethernet(&[bytes]);
        let found = codes(&dissect(&raw(LinkType::ETHERNET, &frame)));
        assert_eq!(found, [code]);
    }
}

#[test]
fn labels_before_a_packet_a_worded_and_a_bare_pseudowire() {
    let packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    let mut inner = plant_frame(&[]);
    for first in [0x00, 0x40, 0x60, 0xf0] {
        // Hardware addresses begin with anything, also with what looks like a version or a control word.
        inner[0] = first;
        for word in [&[][..], &[0, 0, 0, 7]] {
            let frame = ethernet(&[&[0x88, 0x47, 0, 1, 1, 64], word, &inner]);
            let layers = dissect(&raw(LinkType::ETHERNET, &frame));
            assert_eq!((layers.payload, &layers.tunnels[..]), (&b"hi"[..], &[Tunnel::Mpls][..]), "{first:x}");
            assert_eq!(layers.destination_mac.unwrap().0[0], first);
        }
    }
    let frame = ethernet(&[&[0x88, 0x48, 0, 0, 0, 64, 0, 1, 1, 64], &packet]);
    assert_eq!(dissect(&raw(LinkType::ETHERNET, &frame)).payload, b"hi");
}

#[test]
fn a_trailer_of_parallel_networks_is_never_payload_nor_payload_a_trailer() {
    let rct = |lan: u8, size: usize| {
        let [s0, s1] = u16::try_from(size).unwrap().to_be_bytes();
        [0x12, 0x34, lan << 4 | s0, s1, 0x88, 0xfb]
    };
    let packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    let padded = [&packet[..], &[0; 16]].concat();
    let with = |trailer: &[u8]| ethernet(&[&[8, 0], &padded, trailer]);
    let read = |frame: &[u8]| dissect(&raw(LinkType::ETHERNET, frame)).redundancy;
    assert_eq!(read(&with(&rct(0xa, 52))), Some(Redundancy::Prp { lan: Lan::A, sequence: 0x1234 }));
    assert_eq!(read(&with(&rct(0xb, 52))), Some(Redundancy::Prp { lan: Lan::B, sequence: 0x1234 }));
    assert_eq!(read(&with(&rct(0xc, 52))), None, "no such LAN");
    assert_eq!(read(&with(&rct(0xa, 51))), None, "another size");

    // The same octets at the end of a datagram are its own, whatever they look like.
    let forged = rct(0xa, 36);
    let inside = ipv4(17, 36, 0, &udp(16, &[b"hi".as_slice(), &forged].concat()));
    let frame = ethernet(&[&[8, 0], &inside]);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!((layers.redundancy, layers.payload.len()), (None, 8));

    // Below IP nothing says how long the payload is: the trailer goes by suffix, LAN and size.
    let frame = ethernet(&[&[0x88, 0xb8], b"goose", &rct(0xa, 11)]);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!((layers.redundancy.is_some(), layers.payload), (true, &b"goose"[..]));
}

#[test]
fn a_reassembled_tunnel_is_opened() {
    let datagram = datagram_to(4_789, &[&[8, 0, 0, 0, 0, 0, 42, 0], &plant_frame(&[])[..]].concat());
    let fragment = ipv4(17, 28, 0x2000, &datagram[20..28]);
    let outer = dissect(&raw(LinkType::RAW, &fragment));
    let inner = dissect_reassembled(&outer, &datagram[20..]);
    assert_eq!((inner.payload, &inner.tunnels[..]), (&b"hi"[..], &[Tunnel::Vxlan][..]));
    assert_eq!(inner.source_mac, Some(Mac(SOURCE)));
}
