//! What a listener must make of TCP, whatever order it sees it in.

use fieldwarden_protocols::Direction::{self, ToClient, ToServer};
use proptest::prelude::*;

use super::harness::{
    ACK, Bench, CLIENT, DATA, FIN, HOME_PORT, RST, SERVER, SYN, SYN_ACK, Sent, parcel, sent,
};
use crate::{map::Seed, track::Settings};

fn data(sequence: u32, payload: &[u8]) -> Sent {
    acked(ToServer, sequence, 500, payload)
}

fn acked(direction: Direction, sequence: u32, acknowledgement: u32, payload: &[u8]) -> Sent {
    Sent { acknowledgement, ..sent(direction, sequence, DATA, payload) }
}

/// A stream of parcels cut at the given lengths, as consecutive segments from `sequence` on.
fn cut(stream: &[u8], lengths: &[usize], sequence: u32) -> Vec<Sent> {
    let mut segments = Vec::new();
    let mut at = 0;
    let mut lengths = lengths.iter().copied().cycle();
    while at < stream.len() {
        let end = stream.len().min(at + lengths.next().unwrap_or(100).max(1));
        let offset = u32::try_from(at).unwrap();
        segments.push(data(sequence.wrapping_add(offset), &stream[at..end]));
        at = end;
    }
    segments
}

#[test]
fn a_handshake_a_message_and_a_farewell() {
    let mut bench = Bench::new();
    bench.send(&[
        sent(ToServer, 99, SYN, &[]),
        sent(ToClient, 499, SYN_ACK, &[]),
        acked(ToServer, 100, 500, &parcel(b"\x01")),
        acked(ToClient, 500, 105, &parcel(b"\x02")),
        Sent { acknowledgement: 505, ..sent(ToServer, 105, FIN, &[]) },
        Sent { acknowledgement: 106, ..sent(ToClient, 505, FIN, &[]) },
        Sent { acknowledgement: 506, ..sent(ToServer, 106, ACK, &[]) },
    ]);
    let flow = "10.0.0.5:49152>10.0.0.20:6001";
    assert_eq!(
        bench.finish().lines,
        [
            format!("event Started {flow} @[1]"),
            format!("event Answered {flow} @[2]"),
            format!("event Recognised(Protocol(\"parcel\")) {flow} @[3]"),
            "message ToServer 01 @[3]".to_owned(),
            "message ToClient 02 @[4]".to_owned(),
            format!("event Ended {flow} @[6]"),
        ]
    );
}

#[test]
fn a_filled_hole_completes_what_waited_at_the_filling_frame() {
    let stream: Vec<u8> = [parcel(b"\x01"), parcel(b"\x02"), parcel(b"\x03")].concat();
    let mut bench = Bench::new();
    bench.send(&[
        sent(ToServer, 99, SYN, &[]),
        data(110, &stream[10..15]),
        data(105, &stream[5..10]),
        data(100, &stream[..5]),
    ]);
    let log = bench.finish();
    assert_eq!(
        log.lines[2..],
        ["message ToServer 01 @[4]", "message ToServer 02 @[3, 4]", "message ToServer 03 @[2, 4]"]
    );
}

#[test]
fn a_message_lists_every_segment_that_carried_it() {
    let mut bench = Bench::new();
    bench.send(&cut(&parcel(&[7; 12]), &[6], 100));
    assert!(bench.finish().has("@[1, 2, 3]"));
}

#[test]
fn the_acknowledged_hole_is_a_gap_and_the_next_message_is_found() {
    let mut bench = Bench::new();
    // The tail of a message whose head was lost with 7 octets, then a whole one.
    let after = [b"tail".as_slice(), &parcel(b"\x03")].concat();
    bench.send(&[
        sent(ToServer, 99, SYN, &[]),
        data(100, &parcel(b"\x01")),
        data(112, &after),
        acked(ToClient, 500, 121, &parcel(b"\x04")),
    ]);
    let log = bench.finish();
    assert!(log.has("event Gap { octets: Some(7) }"), "{:?}", log.lines);
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 03", "ToClient 04"]);
    assert!(log.has("message ToServer 03 @[3]"), "it belongs to the frame that carried it");
}

#[test]
fn an_acknowledgement_seen_before_its_segment_is_no_gap() {
    let mut bench = Bench::new();
    bench.send(&[
        data(100, &parcel(b"\x01")),
        acked(ToClient, 500, 110, &parcel(b"\x0a")),
        data(105, &parcel(b"\x02")),
    ]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToClient 0a", "ToServer 02"]);
    assert!(!log.has("Gap"));
}

#[test]
fn one_direction_alone_still_gives_messages_after_a_second() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), data(110, &parcel(b"\x03")), data(115, &parcel(b"\x04"))]);
    bench.wait(900);
    assert_eq!(bench.log.bodies(), ["ToServer 01"]);
    bench.wait(200);
    assert_eq!(bench.log.bodies(), ["ToServer 01", "ToServer 03", "ToServer 04"]);
    bench.send(&[data(105, &parcel(b"\x02")), data(120, &parcel(b"\x05"))]);
    let log = bench.finish();
    assert_eq!(log.bodies().len(), 4, "the late segment is ignored: {:?}", log.lines);
    assert_eq!(log.events().iter().filter(|event| event.contains("Gap")).count(), 1);
}

#[test]
fn the_end_of_a_capture_hands_on_what_waits() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), data(110, &parcel(b"\x03"))]);
    assert_eq!(bench.finish().bodies(), ["ToServer 01", "ToServer 03"]);
}

#[test]
fn what_was_acknowledged_and_never_seen_is_told_at_the_end() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), acked(ToClient, 500, 205, &parcel(b"\x02"))]);
    assert!(bench.finish().has("Gap { octets: Some(100) }"));
}

#[test]
fn the_first_arrival_wins_and_a_contradiction_is_told() {
    for (name, second) in [("held", data(105, &parcel(b"\xbb"))), ("delivered", data(100, &parcel(b"\xbb")))]
    {
        let mut bench = Bench::new();
        bench.send(&[sent(ToServer, 99, SYN, &[])]);
        if name == "delivered" {
            bench.send(&[data(100, &parcel(b"\x01"))]);
        }
        bench.send(&[data(105, &parcel(b"\x02")), second, data(100, &parcel(b"\x01"))]);
        let log = bench.finish();
        assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"], "{name}");
        assert!(log.has("OverlapConflict"), "{name}: {:?}", log.lines);
    }
}

#[test]
fn a_segment_over_octets_that_wait_adds_only_what_was_missing() {
    let stream: Vec<u8> = [parcel(b"\x01"), parcel(b"\x02"), parcel(b"\x03")].concat();
    let mut forged = stream.clone();
    forged[9] = 0xee;
    let mut bench = Bench::new();
    bench.send(&[sent(ToServer, 99, SYN, &[]), data(105, &stream[5..10]), data(100, &forged)]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToServer 03"]);
    assert!(log.has("OverlapConflict"));
}

#[test]
fn a_faithful_retransmission_is_no_contradiction() {
    let stream: Vec<u8> = [parcel(b"\x01"), parcel(b"\x02")].concat();
    let mut bench = Bench::new();
    bench.send(&[
        data(100, &stream[..5]),
        data(100, &stream[..5]),
        data(100, &stream),
        data(105, &stream[5..]),
    ]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(!log.has("OverlapConflict") && !log.has("Gap"), "{:?}", log.lines);
}

#[test]
fn keep_alives_and_window_probes_change_nothing() {
    let mut bench = Bench::new();
    bench.send(&[
        // The capture begins with probes of an idle connection (RFC 1122 clause 4.2.3.6).
        sent(ToServer, 99, ACK, &[0]),
        sent(ToServer, 99, ACK, &[0]),
        data(100, &parcel(b"\x01")),
        sent(ToServer, 104, ACK, &[0]),
        sent(ToServer, 104, ACK, &[]),
        // A window probe carries the next octet, which is sent again when the window opens.
        data(105, &parcel(b"\x02")[..1]),
        data(105, &parcel(b"\x02")),
    ]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(!log.has("OverlapConflict") && !log.has("Gap"), "{:?}", log.lines);
}

#[test]
fn a_new_connection_on_old_ports_is_a_flow_of_its_own() {
    let mut bench = Bench::new();
    bench.send(&[
        sent(ToServer, 99, SYN, &[]),
        data(100, &parcel(b"\x01")[..3]),
        sent(ToServer, 70_000, SYN, &[]),
        data(70_001, &parcel(b"\x02")),
    ]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 02"]);
    let told: Vec<_> = log.events().iter().map(|event| event.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(
        told,
        [
            "Started",
            "Recognised(Protocol(\"parcel\"))",
            "Ended",
            "Started",
            "Recognised(Protocol(\"parcel\"))"
        ]
    );
}

#[test]
fn a_reset_ends_a_flow_unless_the_peers_talk_on() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), sent(ToClient, 77, RST, &[])]);
    assert!(bench.log.has("Ended"));
    bench.send(&[data(105, &parcel(b"\x02"))]);
    assert_eq!(bench.log.bodies(), ["ToServer 01", "ToServer 02"], "a forged reset blinds nobody");
    bench.send(&[sent(ToServer, 0x4000_0000, RST, &[])]);
    let log = bench.finish();
    assert_eq!(log.events().iter().filter(|event| event.starts_with("Ended")).count(), 1, "{:?}", log.lines);
}

#[test]
fn data_after_the_end_is_told_once_and_not_parsed() {
    let mut bench = Bench::new();
    bench.send(&[
        data(100, &parcel(b"\x01")),
        sent(ToServer, 105, FIN, &[]),
        data(105, &parcel(b"\x02")),
        data(105, &parcel(b"\x02")),
    ]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01"]);
    assert_eq!(log.events().iter().filter(|event| event.contains("tcp-data-after-fin")).count(), 1);
}

#[test]
fn a_jump_of_sequence_numbers_begins_anew() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), data(0x8000_0000, &parcel(b"\x02"))]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(log.has("Gap { octets: None }"));
}

#[test]
fn a_capture_snapped_short_leaves_a_gap_of_known_size() {
    let mut bench = Bench::new();
    let long = data(100, &[parcel(&[5; 40]), parcel(b"\x06")].concat()).frame();
    bench.snapped(&long, long.len() - 20);
    bench.send(&[data(149, &parcel(b"\x07"))]);
    let log = bench.finish();
    assert!(log.has("Snapped") && log.has("Gap { octets: Some(20) }"), "{:?}", log.lines);
    assert_eq!(log.bodies(), ["ToServer 07"]);
}

#[test]
fn picked_up_in_the_middle_with_its_first_segments_swapped() {
    let message = parcel(b"\x01\x02\x03");
    for at in 1..7 {
        for answered in [true, false] {
            let mut bench = Bench::new();
            bench.send(&[data(100 + u32::try_from(at).unwrap(), &message[at..]), data(100, &message[..at])]);
            if answered {
                let halves =
                    [acked(ToClient, 502, 107, &message[2..]), acked(ToClient, 500, 107, &message[..2])];
                bench.send(&halves);
            }
            let log = bench.finish();
            let expected = ["ToServer 010203", "ToClient 010203"];
            assert_eq!(log.bodies(), expected[..1 + usize::from(answered)], "cut at {at}: {:?}", log.lines);
            assert!(log.has("message ToServer 010203 @[1, 2]"), "{:?}", log.lines);
            assert!(!log.has("Gap"), "{:?}", log.lines);
        }
    }
}

#[test]
fn picked_up_in_the_middle_with_its_first_messages_swapped() {
    let (first, second) = (data(100, &parcel(b"\x01")), data(105, &parcel(b"\x02")));
    let mut bench = Bench::new();
    bench.send(&[second.clone(), second.clone(), first]);
    assert_eq!(bench.log.bodies(), ["ToServer 01", "ToServer 02"], "a mirror that reorders loses nothing");

    let mut bench = Bench::new();
    bench.send(std::slice::from_ref(&second));
    assert!(bench.log.bodies().is_empty());
    bench.send(&[acked(ToClient, 500, 110, &[])]);
    assert_eq!(bench.log.bodies(), ["ToServer 02"], "acknowledged: nothing earlier is on its way");

    let mut bench = Bench::new();
    bench.send(&[second]);
    bench.wait(1_000);
    assert_eq!(bench.log.bodies(), ["ToServer 02"], "nobody answers where one direction is captured");
    bench.wait(600_000);
    assert!(
        !bench.log.has("Ended"),
        "a recognised flow is remembered as one, however late it was recognised"
    );
}

#[test]
fn picked_up_within_a_message_the_answer_still_follows_its_question() {
    let mut bench = Bench::new();
    bench.send(&[
        data(100, b"the end of something"),
        data(120, &parcel(b"\x01")),
        acked(ToClient, 500, 125, &parcel(b"\x02")),
    ]);
    assert_eq!(bench.finish().bodies(), ["ToServer 01", "ToClient 02"]);
}

#[test]
fn a_capture_without_check_sequences_is_whole() {
    let mut bench = Bench::new();
    let whole = data(100, &parcel(b"\x01")).frame();
    let with_check_sequence = [&whole[..], &[9; 4]].concat();
    bench.snapped(&with_check_sequence, whole.len());
    let log = bench.finish();
    assert!(!log.has("Snapped") && log.bodies() == ["ToServer 01"], "{:?}", log.lines);
}

#[test]
fn after_a_gap_a_message_is_found_however_it_is_cut() {
    for at in 1..7 {
        let message = parcel(b"\x01\x02\x03");
        let mut bench = Bench::new();
        bench.send(&[
            data(100, &parcel(b"\x01")),
            acked(ToClient, 500, 205, &[]),
            data(205, &message[..at]),
            data(205 + u32::try_from(at).unwrap(), &message[at..]),
        ]);
        let log = bench.finish();
        assert_eq!(log.bodies(), ["ToServer 01", "ToServer 010203"], "cut at {at}: {:?}", log.lines);
        assert!(log.has("message ToServer 010203 @[3, 4]"), "{:?}", log.lines);
    }
}

#[test]
fn who_is_the_server_of_a_connection_picked_up_in_the_middle() {
    for (source, destination, server) in [
        (40_000, 6_000, 6_000),   // a dissector's port
        (6_000, 500, 6_000),      // which outweighs a low one
        (500, 40_000, 500),       // below 1024
        (40_001, 40_000, 40_000), // the lower one
    ] {
        let mut bench = Bench::new();
        let segment = data(1, b"x");
        bench.frame(&segment.frame_between((CLIENT.0, source), (SERVER.0, destination)));
        let ending = format!(":{server} @[1]");
        assert!(bench.log.events()[0].ends_with(&ending), "{source} {destination}: {:?}", bench.log.lines);
    }
}

#[test]
fn recognition_waits_keeps_trying_and_stops_however_the_noise_is_cut() {
    const LOOKED_AT: u32 = 24_576;
    for size in [1, 7, 1_024] {
        let noise = |octets: u32| {
            let starts = (0..octets).step_by(size as usize);
            starts
                .map(move |at| data(100 + at, &vec![b'?'; size.min(octets - at) as usize]))
                .collect::<Vec<_>>()
        };
        let mut bench = Bench::new();
        bench.send(&noise(LOOKED_AT - 1));
        bench.send(&[data(100 + LOOKED_AT - 1, &parcel(b"\x01"))]);
        assert_eq!(bench.log.bodies(), ["ToServer 01"], "the next segment is still looked at");

        let mut bench = Bench::new();
        bench.send(&noise(LOOKED_AT));
        bench.send(&[data(100 + LOOKED_AT, &parcel(b"\x01"))]);
        assert!(bench.log.bodies().is_empty(), "no later one is");
    }
}

#[test]
fn a_dialogue_in_vain_is_let_alone_after_its_turns() {
    let turn = |n: u32| match n % 2 {
        0 => acked(ToServer, 100 + n / 2, 500 + n / 2, b"?"),
        _ => acked(ToClient, 500 + n / 2, 101 + n / 2, b"!"),
    };
    let told = |turns: u32| {
        let mut bench = Bench::new();
        bench.send(&(0..turns).map(turn).collect::<Vec<_>>());
        bench.send(&[acked(ToServer, 100 + turns / 2, 500 + turns / 2, &parcel(b"\x01"))]);
        bench.log.bodies().len()
    };
    assert_eq!((told(14), told(16)), (1, 0));
}

#[test]
fn a_burst_of_noise_does_not_hide_a_protocol_on_its_own_port() {
    let mut bench = Bench::new();
    let ends = (CLIENT, (SERVER.0, 6_000));
    for n in 0..200 {
        bench.frame(&data(100 + n, b"?").frame_between(ends.0, ends.1));
    }
    bench.frame(&data(300, &parcel(b"\x01")).frame_between(ends.0, ends.1));
    assert_eq!(bench.log.bodies(), ["ToServer 01"]);
}

#[test]
fn what_is_only_possible_counts_on_its_own_port_and_certainty_wins() {
    let mut bench = Bench::new();
    bench.frame(&data(100, &parcel(b"\x01")).frame_between(CLIENT, (SERVER.0, HOME_PORT)));
    bench.wait(1_000);
    assert!(bench.log.has("\"parcel\""), "certain: {:?}", bench.log.lines);
    bench.frame(&data(100, b"??").frame_between((CLIENT.0, 50_000), (SERVER.0, HOME_PORT)));
    bench.wait(1_000);
    assert!(bench.log.has("\"homebody\""), "possible, at home: {:?}", bench.log.lines);
    bench.frame(&data(100, b"??").frame_between((CLIENT.0, 50_001), (SERVER.0, HOME_PORT + 1)));
    bench.wait(1_000);
    assert_eq!(bench.log.events().iter().filter(|event| event.contains("homebody")).count(), 1);
}

#[test]
fn a_full_direction_gives_its_oldest_hole_up() {
    let settings = Settings { max_reassembly_octets_per_flow: 300, ..Settings::default() };
    let mut bench = Bench::with(settings, Seed(1));
    bench.send(&[data(100, &parcel(b"\x01"))]);
    for n in 0..5_u32 {
        bench.send(&[data(200 + 20 * n, &parcel(&[9; 6]))]);
    }
    assert!(bench.log.has("Limit { cap: \"max_reassembly_octets_per_flow\" }"), "{:?}", bench.log.lines);
    assert!(bench.log.has("Gap { octets: Some(95) }"));
    assert_eq!(bench.finish().bodies().len(), 6, "none of what was captured is lost");
}

#[test]
fn the_total_of_what_waits_is_bounded_across_flows() {
    let settings = Settings { max_reassembly_octets: 1_000, ..Settings::default() };
    let mut bench = Bench::with(settings, Seed(1));
    for port in 50_000..50_030 {
        for (at, body) in [(100, b"\x01"), (200, b"\x02")] {
            bench.frame(&data(at, &parcel(body)).frame_between((CLIENT.0, port), SERVER));
        }
    }
    let first = bench.log.lines.iter().find(|line| line.contains("Limit { cap: \"max_reassembly_octets\" }"));
    assert!(first.unwrap().contains("10.0.0.5:50000>"), "the oldest hole goes first: {first:?}");
}

#[test]
fn flows_end_by_silence_and_the_table_keeps_to_its_cap() {
    let settings = Settings { max_flows: 4, ..Settings::default() };
    let mut bench = Bench::with(settings, Seed(1));
    for at in [1, 6] {
        bench.frame(&data(at, &parcel(b"\x01")).frame_between((CLIENT.0, 50_000), SERVER));
    }
    for port in 50_001..50_010 {
        bench.frame(&sent(ToServer, 1, SYN, &[]).frame_between((CLIENT.0, port), SERVER));
    }
    assert_eq!(bench.tracker.flows(), 4);
    assert!(bench.log.has("Limit { cap: \"max_flows\" } 10.0.0.5:50001>"), "{:?}", bench.log.lines);
    assert!(!bench.log.has("Limit { cap: \"max_flows\" } 10.0.0.5:50000>"), "a scan pushed the plant out");
    bench.wait(121_000);
    assert_eq!(bench.tracker.flows(), 1);
    bench.wait(3_600_000);
    assert_eq!(bench.tracker.flows(), 0);
    assert!(bench.log.has("event Ended 10.0.0.5:50000>"));
}

fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..20)
}

fn expected(bodies: &[Vec<u8>]) -> Vec<String> {
    let hex = |body: &Vec<u8>| body.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bodies.iter().map(|body| format!("ToServer {}", hex(body))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_segmentation_gives_the_same_messages(
        bodies in bodies(),
        lengths in prop::collection::vec(1_usize..80, 1..10),
        initial in prop_oneof![any::<u32>(), (u32::MAX - 300)..=u32::MAX],
        syn in any::<bool>(),
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| parcel(body)).collect();
        let mut bench = Bench::new();
        if syn {
            bench.send(&[sent(ToServer, initial, SYN, &[])]);
        }
        bench.send(&cut(&stream, &lengths, initial.wrapping_add(1)));
        prop_assert_eq!(bench.finish().bodies(), expected(&bodies));
    }

    #[test]
    fn reordered_doubled_and_overlapping_segments_give_the_same_messages(
        bodies in bodies(),
        lengths in prop::collection::vec(1_usize..80, 1..10),
        initial in prop_oneof![any::<u32>(), (u32::MAX - 300)..=u32::MAX],
        shuffle in prop::collection::vec(0_usize..8, 400),
        again in prop::collection::vec((0_usize..400, 1_usize..90), 0..20),
    ) {
        let stream: Vec<u8> = bodies.iter().flat_map(|body| parcel(body)).collect();
        let first = initial.wrapping_add(1);
        let mut segments = cut(&stream, &lengths, first);
        for (at, length) in again {
            let at = at % stream.len();
            let end = stream.len().min(at + length);
            let repeated = data(first.wrapping_add(u32::try_from(at).unwrap()), &stream[at..end]);
            let place = (at * segments.len() / stream.len()).min(segments.len());
            segments.insert(place, repeated);
        }
        // Every segment is delayed by up to eight places.
        let mut order: Vec<usize> = (0..segments.len()).collect();
        order.sort_by_key(|index| index + shuffle[index % shuffle.len()]);
        let mut bench = Bench::new();
        bench.send(&[sent(ToServer, initial, SYN, &[])]);
        for index in order {
            bench.send(&[segments[index].clone()]);
        }
        let log = bench.finish();
        prop_assert_eq!(log.bodies(), expected(&bodies));
        prop_assert!(!log.has("Gap") && !log.has("OverlapConflict"), "{:?}", log.lines);
    }

    #[test]
    fn lost_segments_lose_only_the_messages_they_touch(
        count in 3_u8..40,
        lost in prop::collection::btree_set(1_u8..40, 1..10),
        answered in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        bench.send(&[sent(ToServer, 0, SYN, &[])]);
        for n in (0..count).filter(|n| !lost.contains(n)) {
            let at = 1 + u32::from(n) * 5;
            bench.send(&[data(at, &parcel(&[n]))]);
            if answered {
                bench.send(&[Sent { acknowledgement: at + 5, ..sent(ToClient, 1, ACK, &[]) }]);
            }
        }
        let kept: Vec<Vec<u8>> = (0..count).filter(|n| !lost.contains(n)).map(|n| vec![n]).collect();
        prop_assert_eq!(bench.finish().bodies(), expected(&kept));
    }
}
