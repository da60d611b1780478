//! Whatever is sent: no panic, bounded memory, and nothing that depends on the seed.

use fieldwarden_model::{AddressSpace, LinkType, RawFrame, Site, Timestamp};
use fieldwarden_protocols::{
    Direction,
    link::{TcpFlags, dissect},
};
use proptest::prelude::*;

use super::harness::{Bench, CLIENT, SERVER, Sent, ipv4, parcel, udp};
use crate::{
    map::Seed,
    track::{SHARDS, Settings, place_of, shard_of},
};

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|body| parcel(&body)),
        prop::collection::vec(prop_oneof![Just(0xf1), Just(0xe1), Just(0), Just(0xdd)], 0..12),
    ]
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![8 => 90_u32..200, 1 => any::<u32>(), 1 => (u32::MAX - 50)..=u32::MAX];
    let tcp = (any::<bool>(), number.clone(), number, any::<u8>(), payload(), 0_u16..4).prop_map(
        |(to_server, sequence, acknowledgement, flags, payload, port)| {
            let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
            // Most segments are neither SYN, RST nor FIN, as on the wire.
            let flags = if flags < 200 { TcpFlags::ACK } else { TcpFlags(flags & 0x17) };
            let sent = Sent { direction, sequence, acknowledgement, flags, payload };
            sent.frame_between((CLIENT.0, CLIENT.1 + port), SERVER)
        },
    );
    let datagram =
        (payload(), 0_u16..4).prop_map(|(payload, port)| udp((CLIENT.0, 100 + port), SERVER, &payload));
    let fragment = (0_u16..6, any::<bool>(), payload(), 0_u8..3).prop_map(|(offset, more, payload, id)| {
        let mut frame = ipv4(CLIENT.0, SERVER.0, 17, offset | if more { 0x2000 } else { 0 }, &payload);
        frame[19] = id;
        frame
    });
    prop_oneof![6 => tcp, 2 => datagram, 2 => fragment, 1 => prop::collection::vec(any::<u8>(), 0..80)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn two_seeds_tell_the_same_and_caps_hold(
        frames in prop::collection::vec((frame(), 0_i64..400, 0_usize..30), 0..120),
    ) {
        let settings = Settings {
            max_flows: 3,
            max_reassembly_octets_per_flow: 300,
            max_reassembly_octets: 500,
            max_fragments: 2,
            max_fragment_octets: 300,
            ..Settings::default()
        };
        let run = |seed| {
            let mut bench = Bench::with(settings, Seed(seed));
            for (frame, pause, snap) in &frames {
                bench.wait(*pause);
                bench.snapped(frame, if *snap < 5 { frame.len() - frame.len() * snap / 8 } else { frame.len() });
                assert!(bench.tracker.flows() <= 3);
                assert!(bench.tracker.memory() < 60_000, "{} octets", bench.tracker.memory());
            }
            bench.wait(4_000_000);
            assert_eq!(bench.tracker.flows(), 0);
            bench.finish().lines
        };
        prop_assert_eq!(run(1), run(0xdead_beef));
    }

    #[test]
    fn a_glance_places_a_frame_where_its_layers_do(frame in frame(), tagged in any::<bool>(), cut in 0_usize..60) {
        let mut octets = frame;
        if tagged && octets.len() > 12 {
            octets.splice(12..12, [0x81, 0x00, 0x00, 0x07]);
        }
        octets.truncate(octets.len().saturating_sub(cut / 8));
        let raw = RawFrame {
            time: Timestamp::MIN,
            link_type: LinkType::ETHERNET,
            interface: 0,
            wire_length: u32::try_from(octets.len()).unwrap(),
            tag: None,
            bytes: &octets,
        };
        let site = Site { spaces: vec![(7, AddressSpace(3))], ..Site::default() };
        let layers = dissect(&raw);
        let space = site.space_of(layers.vlan.first().copied());
        let place = place_of(&raw, &site);
        prop_assert_eq!((place.shard, place.space), (shard_of(&layers, space), space));
        let fragment = layers.network.is_some_and(|network| network.fragment.is_some());
        prop_assert!(place.may_open || !fragment || layers.network.is_some_and(|network| network.protocol == 6));
    }

    #[test]
    fn a_pair_of_talkers_is_one_shard(
        a in any::<[u8; 4]>(), b in any::<[u8; 4]>(), space in any::<u16>(), port in any::<u16>(),
    ) {
        let shard = |bytes: &[u8]| {
            let raw = RawFrame {
                time: Timestamp::MIN,
                link_type: LinkType::ETHERNET,
                interface: 0,
                wire_length: u32::try_from(bytes.len()).unwrap(),
                tag: None,
                bytes,
            };
            shard_of(&dissect(&raw), AddressSpace(space))
        };
        let there = shard(&udp((a, port), (b, 502), b"x"));
        prop_assert!(there < SHARDS);
        prop_assert_eq!(shard(&udp((b, 502), (a, port), b"y")), there, "the way back");
        prop_assert_eq!(shard(&ipv4(a, b, 17, 0x2001, b"12345678")), there, "a fragment");
        prop_assert_eq!(shard(&ipv4(a, b, 1, 0, b"12345678")), there, "ICMP");
        let mut arp = vec![0xff; 12];
        arp.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 8]);
        arp.extend_from_slice(&a);
        arp.extend_from_slice(&[0; 6]);
        arp.extend_from_slice(&b);
        prop_assert_eq!(shard(&arp), there, "their ARP");
    }
}

#[test]
fn shards_are_where_they_always_were() {
    // A change here changes what the caps of a shard let go: decisions and checkpoints of older versions depend on it.
    let frame = udp(CLIENT, SERVER, b"x");
    let raw = RawFrame {
        time: Timestamp::MIN,
        link_type: LinkType::ETHERNET,
        interface: 0,
        wire_length: u32::try_from(frame.len()).unwrap(),
        tag: None,
        bytes: &frame,
    };
    assert_eq!(shard_of(&dissect(&raw), AddressSpace(0)), 29);
}
