use alloc::{string::ToString as _, vec, vec::Vec};

use fieldwarden_model::{LinkType, Timestamp, VlanTag};
use proptest::prelude::*;

use super::*;

mod checksums;
mod lines;
mod tunnels;

const DESTINATION: [u8; 6] = [0, 0x1b, 0x1b, 1, 2, 3];
const SOURCE: [u8; 6] = [0, 0x0e, 0x8c, 4, 5, 6];

fn raw(link_type: LinkType, bytes: &[u8]) -> RawFrame<'_> {
    RawFrame {
        time: Timestamp::MIN,
        link_type,
        interface: 0,
        wire_length: u32::try_from(bytes.len()).unwrap(),
        tag: None,
        bytes,
    }
}

fn ethernet(rest: &[&[u8]]) -> Vec<u8> {
    [&DESTINATION[..], &SOURCE].into_iter().chain(rest.iter().copied()).collect::<Vec<_>>().concat()
}

/// RFC 791 figure 4, the header of 20 octets.
fn ipv4(protocol: u8, total: u16, place: u16, payload: &[u8]) -> Vec<u8> {
    let [t0, t1] = total.to_be_bytes();
    let [p0, p1] = place.to_be_bytes();
    let mut packet = vec![0x45, 0, t0, t1, 0x12, 0x34, p0, p1, 64, protocol, 0, 0, 10, 0, 0, 5, 10, 0, 0, 20];
    packet.extend_from_slice(payload);
    packet
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let [l0, l1] = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, l0, l1, next, 63];
    packet.extend_from_slice(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend_from_slice(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend_from_slice(payload);
    packet
}

/// A datagram from port 1000 to 502 with the length as given.
fn udp(length: u16, data: &[u8]) -> Vec<u8> {
    let [l0, l1] = length.to_be_bytes();
    [&[0x03, 0xe8, 0x01, 0xf6, l0, l1, 0, 0], data].concat()
}

/// RFC 9293 figure 1: ports 1000 and 502, sequence 1, acknowledgement 2, PSH and ACK.
fn tcp(words: u8, rest: &[u8]) -> Vec<u8> {
    [&[0x03, 0xe8, 0x01, 0xf6, 0, 0, 0, 1, 0, 0, 0, 2, words << 4, 0x18, 0x20, 0, 0, 0, 0, 0], rest].concat()
}

fn codes(layers: &Layers<'_>) -> Vec<&'static str> {
    layers.anomalies.iter().map(|anomaly| anomaly.code).collect()
}

fn ports(layers: &Layers<'_>) -> Option<(u16, u16)> {
    match layers.transport {
        TransportHeader::Tcp(tcp) => Some((tcp.source, tcp.destination)),
        TransportHeader::Udp(udp) => Some((udp.source, udp.destination)),
        TransportHeader::None => None,
    }
}

#[test]
fn tcp_on_ethernet_without_its_padding() {
    // Options: end of list, padded to one word; then data; then Ethernet padding that no header claims.
    let segment = tcp(6, b"\0\0\0\0data");
    let packet = ipv4(6, 48, 0x4000, &segment);
    let frame = ethernet(&[&[8, 0], &packet, &[0; 6]]);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!(layers.source_mac, Some(Mac(SOURCE)));
    assert_eq!(layers.destination_mac, Some(Mac(DESTINATION)));
    assert_eq!(layers.carried, Carried::EtherType(0x0800));
    let network = layers.network.unwrap();
    assert_eq!(network.source.to_string(), "10.0.0.5");
    assert_eq!((network.ttl, network.protocol, network.fragment), (64, 6, None));
    let TransportHeader::Tcp(header) = layers.transport else { panic!("TCP") };
    assert_eq!((header.sequence, header.acknowledgement, header.options_length), (1, 2, 4));
    assert!(header.flags.has(TcpFlags::PSH) && !header.flags.has(TcpFlags::SYN));
    assert_eq!((layers.payload, layers.missing), (&b"data"[..], 0));
    assert!(layers.anomalies.is_empty());
}

#[test]
fn tags_stack_up_to_four_and_a_fifth_is_told() {
    let packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    // IEEE 802.1ad outside, 802.1Q inside, then the older outer tag, with priorities that are not part of the id.
    let tags = [0x88, 0xa8, 0xe0, 10, 0x81, 0, 0x20, 20, 0x91, 0, 0x0f, 0xff];
    let frame = ethernet(&[&tags, &[8, 0], &packet]);
    let mut captured = raw(LinkType::ETHERNET, &frame);
    let layers = dissect(&captured);
    assert_eq!((&layers.vlan[..], ports(&layers)), (&[10, 20, 0xfff][..], Some((1_000, 502))));

    captured.tag = Some(VlanTag { protocol: 0x8100, control: 0x6007 });
    let layers = dissect(&captured);
    assert_eq!(layers.vlan, [7, 10, 20, 0xfff], "the tag the kernel took out is the outermost");
    assert!(layers.anomalies.is_empty());

    let frame = ethernet(&[&tags, &[0x81, 0, 0, 1, 0x81, 0, 0, 2], &[8, 0], &packet]);
    captured.bytes = &frame;
    let layers = dissect(&captured);
    assert_eq!((&layers.vlan[..], codes(&layers)), (&[7, 10, 20, 0xfff][..], vec!["vlan-tags"]));
    assert_eq!(layers.payload, b"hi", "what is inside is read all the same");
}

#[test]
fn length_field_llc_and_snap() {
    // IEEE 802.3 clause 3.2.6: a spanning tree frame of three octets LLC and one of data, padded.
    let frame = ethernet(&[&[0, 4, 0x42, 0x42, 3, 0xaa], &[0; 40]]);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    assert_eq!(layers.carried, Carried::Llc { destination: 0x42, source: 0x42 });
    assert_eq!(layers.payload, [0xaa]);

    let packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &packet[..]].concat();
    let frame = ethernet(&[&[0, u8::try_from(snap.len()).unwrap()], &snap]);
    assert_eq!(ports(&dissect(&raw(LinkType::ETHERNET, &frame))), Some((1_000, 502)), "RFC 1042");

    let frame = ethernet(&[&[0, 200, 0x42, 0x42, 3]]);
    assert_eq!(codes(&dissect(&raw(LinkType::ETHERNET, &frame))), ["ethernet-length"]);
    let frame = ethernet(&[&[0x05, 0xf0, 0, 0]]);
    assert_eq!(
        codes(&dissect(&raw(LinkType::ETHERNET, &frame))),
        ["ethernet-length"],
        "neither length nor type"
    );
}

#[test]
fn cooked_loopback_and_raw_captures() {
    let four = ipv4(17, 30, 0, &udp(10, b"hi"));
    let six = ipv6(17, &udp(10, b"hi"));
    let sll = [&[0, 0, 0, 1, 0, 6], &SOURCE[..], &[0, 0, 8, 0], &four].concat();
    let sll_tagged = [&[0, 0, 0, 1, 0, 6], &SOURCE[..], &[0, 0, 0x81, 0, 0, 9, 0x86, 0xdd], &six].concat();
    let sll2 = [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6], &SOURCE[..], &[0, 0], &four].concat();
    let family = |octets: [u8; 4], packet: &[u8]| [&octets, packet].concat();
    for (name, link_type, bytes) in [
        ("cooked", LinkType::LINUX_SLL, sll),
        ("cooked with a tag", LinkType::LINUX_SLL, sll_tagged),
        ("cooked 2", LinkType::LINUX_SLL2, sll2),
        ("loopback, little-endian", LinkType::NULL, family([2, 0, 0, 0], &four)),
        ("loopback, big-endian", LinkType::NULL, family([0, 0, 0, 2], &four)),
        ("OpenBSD", LinkType::LOOP, family([0, 0, 0, 24], &six)),
        ("FreeBSD", LinkType::NULL, family([28, 0, 0, 0], &six)),
        ("macOS", LinkType::NULL, family([30, 0, 0, 0], &six)),
        ("Linux", LinkType::NULL, family([10, 0, 0, 0], &six)),
        ("raw 4", LinkType::RAW, four.clone()),
        ("raw 6", LinkType::RAW, six.clone()),
        ("IPv4", LinkType::IPV4, four.clone()),
        ("IPv6", LinkType::IPV6, six.clone()),
    ] {
        let layers = dissect(&raw(link_type, &bytes));
        assert_eq!((ports(&layers), layers.payload), (Some((1_000, 502)), &b"hi"[..]), "{name}");
        assert!(layers.anomalies.is_empty(), "{name}: {:?}", layers.anomalies);
        assert_eq!(layers.source_mac.is_some(), name.starts_with("cooked"), "{name}");
    }
    assert_eq!(codes(&dissect(&raw(LinkType(147), &four))), ["link-type"]);
    assert_eq!(codes(&dissect(&raw(LinkType::NULL, &[7, 0, 0, 0]))), ["loopback-family"]);
}

#[test]
fn arp_tells_who_asks_for_whom() {
    let frame = ethernet(&[
        &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
        &SOURCE,
        &[10, 0, 0, 5],
        &[0; 6],
        &[10, 0, 0, 20],
        &[0; 18],
    ]);
    let layers = dissect(&raw(LinkType::ETHERNET, &frame));
    let arp = layers.arp.unwrap();
    assert_eq!((arp.operation, arp.sender.0, arp.target.1.to_string()), (1, Mac(SOURCE), "10.0.0.20".into()));
    assert_eq!(codes(&dissect(&raw(LinkType::ETHERNET, &frame[..30]))), ["arp-short"]);
}

#[test]
fn ipv4_lengths() {
    let check = |packet: &[u8]| {
        let layers = dissect(&raw(LinkType::RAW, packet));
        (layers.payload.to_vec(), codes(&layers))
    };
    // Captured before segmentation offload fills the length in.
    assert_eq!(check(&ipv4(6, 0, 0, &tcp(5, b"all of it"))), (b"all of it".to_vec(), vec![]));
    assert_eq!(check(&ipv4(6, 49, 0, &tcp(5, b"cut"))), (b"cut".to_vec(), vec!["ip-total-length"]));
    assert_eq!(check(&ipv4(6, 19, 0, &tcp(5, b"x"))), (vec![], vec!["ip-total-length"]));
    let mut short_header = ipv4(6, 40, 0, &tcp(5, b""));
    short_header[0] = 0x44;
    assert_eq!(check(&short_header).1, ["ip-header-length"]);
    let mut options = ipv4(17, 34, 0, &[1, 1, 1, 0]);
    options[0] = 0x46;
    options.extend_from_slice(&udp(10, b"hi"));
    assert_eq!(check(&options), (b"hi".to_vec(), vec![]));
}

#[test]
fn a_snapped_frame_says_how_much_is_missing() {
    let frame = ethernet(&[&[8, 0], &ipv4(6, 140, 0, &tcp(5, &[7; 100]))]);
    let mut captured = raw(LinkType::ETHERNET, &frame);
    captured.bytes = &frame[..94];
    let layers = dissect(&captured);
    assert_eq!((layers.snapped, layers.payload.len(), layers.missing), (true, 40, 60));
    assert!(layers.anomalies.is_empty(), "a short capture is not the peer's fault");
    captured.bytes = &frame[..40];
    assert!(dissect(&captured).anomalies.is_empty());
}

#[test]
fn transport_headers_that_lie() {
    let check = |protocol: u8, payload: &[u8]| {
        let packet = ipv4(protocol, u16::try_from(20 + payload.len()).unwrap(), 0, payload);
        let layers = dissect(&raw(LinkType::RAW, &packet));
        (ports(&layers).is_some(), layers.payload.to_vec(), codes(&layers))
    };
    assert_eq!(check(17, &udp(10, b"hi")), (true, b"hi".to_vec(), vec![]));
    assert_eq!(check(17, &udp(100, b"hi")), (true, b"hi".to_vec(), vec!["udp-length"]));
    assert_eq!(check(17, &udp(7, b"hi")), (true, b"hi".to_vec(), vec!["udp-length"]));
    assert_eq!(check(17, &udp(9, b"hi")), (true, b"h".to_vec(), vec!["udp-surplus"]), "RFC 9868");
    assert_eq!(check(17, &[0; 5]).2, ["udp-header-short"]);
    assert_eq!(check(6, &tcp(4, b"")).2, ["tcp-header-length"]);
    assert_eq!(check(6, &tcp(15, b"")).2, ["tcp-header-length"]);
    assert_eq!(check(6, &[0; 19]).2, ["tcp-header-short"]);
    assert_eq!(check(1, &[8, 0, 0, 0]), (false, vec![8, 0, 0, 0], vec![]), "ICMP has no ports");
}

#[test]
fn ipv6_extension_headers_are_walked() {
    // Hop-by-hop with a jumbo of padding, destination options, authentication of 24 octets, an atomic fragment.
    let mut payload = vec![60, 0, 1, 4, 0, 0, 0, 0];
    payload.extend_from_slice(&[51, 0, 1, 4, 0, 0, 0, 0]);
    payload.extend_from_slice(&[44, 4, 0, 0]);
    payload.extend_from_slice(&[0; 20]);
    payload.extend_from_slice(&[17, 0, 0, 0, 0, 0, 0, 9]);
    payload.extend_from_slice(&udp(10, b"hi"));
    let packet = ipv6(0, &payload);
    let layers = dissect(&raw(LinkType::RAW, &packet));
    assert_eq!((ports(&layers), layers.payload), (Some((1_000, 502)), &b"hi"[..]));
    assert_eq!(layers.network.unwrap().protocol, 17);
    assert!(layers.anomalies.is_empty(), "{:?}", layers.anomalies);

    let endless = [[0_u8, 0, 1, 4, 0, 0, 0, 0]; 20].concat();
    assert_eq!(codes(&dissect(&raw(LinkType::RAW, &ipv6(0, &endless)))), ["extension-headers"]);
    assert_eq!(codes(&dissect(&raw(LinkType::RAW, &ipv6(0, &[17, 9, 0])))), ["extension-header-short"]);
}

#[test]
fn fragments_show_their_place_and_continue_when_whole() {
    let datagram = udp(18, b"0123456789");
    let first = ipv4(17, 28, 0x2000, &datagram[..8]);
    let layers = dissect(&raw(LinkType::RAW, &first));
    let fragment = layers.network.unwrap().fragment.unwrap();
    assert_eq!((fragment.id, fragment.offset, fragment.more, ports(&layers)), (0x1234, 0, true, None));
    let whole = dissect_reassembled(&layers, &datagram);
    assert_eq!((ports(&whole), whole.payload), (Some((1_000, 502)), &b"0123456789"[..]));
    assert_eq!(whole.network.unwrap().fragment, None);

    let header = [60, 0, 0, 8, 0, 0, 0, 77];
    let layers_bytes = ipv6(44, &[&header[..], &datagram[..8]].concat());
    let layers = dissect(&raw(LinkType::RAW, &layers_bytes));
    let fragment = layers.network.unwrap().fragment.unwrap();
    assert_eq!((fragment.id, fragment.offset, fragment.more), (77, 8, false));
    let with_options = [&[17, 0, 1, 4, 0, 0, 0, 0], &datagram[..]].concat();
    assert_eq!(
        ports(&dissect_reassembled(&layers, &with_options)),
        Some((1_000, 502)),
        "RFC 8200 clause 4.5"
    );

    let beyond = dissect_codes(&ipv4(17, 36, 0x1fff, &[0; 16]));
    assert_eq!(beyond, ["fragment-end"], "RFC 791: no datagram is longer than 65 535 octets");
    assert_eq!(dissect_codes(&ipv4(17, 29, 0x2000, &[0; 9])), ["fragment-length"]);
}

fn dissect_codes(packet: &[u8]) -> Vec<&'static str> {
    codes(&dissect(&raw(LinkType::RAW, packet)))
}

fn any_link_type() -> impl Strategy<Value = LinkType> {
    prop::sample::select(vec![0_u16, 1, 9, 12, 14, 50, 101, 104, 108, 113, 165, 227, 228, 229, 276, 147])
        .prop_map(LinkType)
}

/// Octets that get past the first checks more often than random ones do.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let random = prop::collection::vec(any::<u8>(), 0..120).boxed();
    let inner = (any::<u8>(), any::<u16>(), any::<u16>(), random.clone());
    let packet = inner.prop_map(|(protocol, total, place, rest)| {
        let (protocol, total) = ([6, 17, 44, 4, 41, 47, protocol][usize::from(protocol % 7)], total % 200);
        if total % 3 == 0 {
            ipv6([0, 43, 44, 51, 60, 6, 17][usize::from(place % 7)], &rest)
        } else {
            ipv4(protocol, total, place, &rest)
        }
    });
    let framed = packet.clone().prop_map(|packet| {
        let kind = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
        ethernet(&[&kind, &packet])
    });
    prop_oneof![random, packet, framed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_octets(
        link_type in any_link_type(),
        bytes in plausible(),
        beyond in prop_oneof![Just(0_u32), any::<u32>()],
        tag in prop::option::of(any::<u16>()),
    ) {
        let frame = RawFrame {
            wire_length: u32::try_from(bytes.len()).unwrap().saturating_add(beyond),
            tag: tag.map(|control| VlanTag { protocol: 0x8100, control }),
            ..raw(link_type, &bytes)
        };
        let layers = dissect(&frame);
        let within = bytes.as_ptr_range();
        let payload = layers.payload.as_ptr_range();
        prop_assert!(layers.payload.is_empty() || (within.start <= payload.start && payload.end <= within.end));
        for anomaly in &layers.anomalies {
            prop_assert!(anomaly.offset as usize <= bytes.len(), "{anomaly}");
            prop_assert!(!anomaly.to_string().is_empty());
        }
        prop_assert!(layers.anomalies.len() <= MAX_LAYER_ANOMALIES);
        let _ = layers.checksums();
        prop_assert_eq!(&layers, &careful(&frame), "the quick way gives what the careful one gives");
        let again = dissect_reassembled(&layers, layers.payload);
        prop_assert!(again.payload.len() <= layers.payload.len());
    }

    #[test]
    fn etherparse_reads_the_same_ports_and_payload(bytes in plausible()) {
        use etherparse::{LaxSlicedPacket, TransportSlice};
        let ours = dissect(&raw(LinkType::ETHERNET, &bytes));
        let Ok(theirs) = LaxSlicedPacket::from_ethernet(&bytes) else { return Ok(()) };
        if theirs.stop_err.is_some() || !ours.tunnels.is_empty() || !ours.anomalies.is_empty() || ours.network.is_none() {
            return Ok(());
        }
        match theirs.transport {
            Some(TransportSlice::Tcp(tcp)) => {
                prop_assert_eq!(ports(&ours), Some((tcp.source_port(), tcp.destination_port())));
                prop_assert_eq!(ours.payload, tcp.payload());
            }
            Some(TransportSlice::Udp(udp)) => {
                prop_assert_eq!(ports(&ours), Some((udp.source_port(), udp.destination_port())));
                prop_assert_eq!(ours.payload, udp.payload());
            }
            _ => prop_assert_eq!(ports(&ours), None),
        }
    }
}
