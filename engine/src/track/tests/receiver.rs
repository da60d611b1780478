//! What a receiver would not take, and what of TCP is rare but no attack.

use fieldwarden_protocols::Direction::{self, ToClient, ToServer};

use super::harness::{
    ACK, Bench, CLIENT, DATA, FIN, RST, SERVER, SYN, SYN_ACK, Sent, checksum, parcel, sent,
};
use crate::{
    map::Seed,
    track::{OverlapPolicy, Settings},
};

fn acked(direction: Direction, sequence: u32, acknowledgement: u32, payload: &[u8]) -> Sent {
    Sent { acknowledgement, ..sent(direction, sequence, DATA, payload) }
}

fn data(sequence: u32, payload: &[u8]) -> Sent {
    acked(ToServer, sequence, 500, payload)
}

/// A connection with its handshake; windows are 8 192 octets and not scaled.
fn opened() -> Bench {
    let mut bench = Bench::new();
    bench.send(&[
        sent(ToServer, 99, SYN, &[]),
        Sent { acknowledgement: 100, ..sent(ToClient, 499, SYN_ACK, &[]) },
        Sent { acknowledgement: 500, ..sent(ToServer, 100, ACK, &[]) },
        Sent { acknowledgement: 100, ..sent(ToClient, 500, ACK, &[]) },
    ]);
    bench
}

fn with_wrong_sum(segment: &Sent) -> Vec<u8> {
    let mut frame = segment.frame();
    frame[50] ^= 0x55;
    frame
}

fn with_ttl(segment: &Sent, ttl: u8) -> Vec<u8> {
    let mut frame = segment.frame();
    frame[22] = ttl;
    frame[24..26].copy_from_slice(&[0, 0]);
    let sum = checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum);
    frame
}

fn odd(bench: &Bench) -> Vec<String> {
    let odd =
        |event: String| event.starts_with("Odd").then(|| event.split(" 10.").next().unwrap().to_owned());
    bench.log.events().into_iter().filter_map(odd).collect()
}

#[test]
fn a_wrong_checksum_among_right_ones_is_told_and_not_handed_on() {
    let mut bench = opened();
    bench.send(&[data(100, &parcel(b"\x01"))]);
    bench.frame(&with_wrong_sum(&data(105, &parcel(b"\xbb"))));
    bench.send(&[data(105, &parcel(b"\x02"))]);
    assert_eq!(odd(&bench), ["Odd { odd: Checksum, octets: 5 }"]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(!log.has("OverlapConflict") && !log.has("Gap"), "{:?}", log.lines);
}

#[test]
fn a_reset_with_a_wrong_checksum_ends_nothing() {
    let mut bench = opened();
    bench.frame(&with_wrong_sum(&sent(ToServer, 100, RST, &[])));
    assert!(!bench.log.has("Ended"), "{:?}", bench.log.lines);
}

#[test]
fn checksums_that_are_all_wrong_are_the_captures_fault() {
    let mut bench = Bench::new();
    for (at, body) in [(100, b"\x01"), (105, b"\x02")] {
        bench.frame(&with_wrong_sum(&data(at, &parcel(body))));
    }
    assert_eq!(bench.log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(odd(&bench).is_empty());
    assert_eq!(bench.log.events().iter().filter(|event| event.starts_with("ChecksumsUnverified")).count(), 1);
}

#[test]
fn wrong_checksums_mixed_in_from_the_start_are_found_out() {
    let mut bench = Bench::new();
    bench.frame(&with_wrong_sum(&data(100, &parcel(b"\x01"))));
    bench.send(&[data(105, &parcel(b"\x02"))]);
    bench.frame(&with_wrong_sum(&data(110, &parcel(b"\xbb"))));
    // A second right one, so near to the first, is no chance.
    bench.send(&[data(115, &parcel(b"\x03"))]);
    bench.frame(&with_wrong_sum(&data(120, &parcel(b"\xcc"))));
    bench.send(&[data(120, &parcel(b"\x04"))]);
    assert_eq!(odd(&bench), ["Odd { odd: Checksum, octets: 5 }"]);
    let log = bench.finish();
    assert_eq!(log.bodies().last().map(String::as_str), Some("ToServer 04"), "{:?}", log.lines);
    assert!(!log.has("cc"), "{:?}", log.lines);
}

#[test]
fn checksums_left_to_the_network_card_tell_nothing() {
    let mut bench = opened();
    bench.send(&[data(100, &parcel(b"\x01"))]);
    let mut frame = data(105, &parcel(b"\x02")).frame();
    let pseudo = [&CLIENT.0[..], &SERVER.0[..], &[0, 6, 0, 25]].concat();
    let [high, low] = checksum(&pseudo);
    frame[50..52].copy_from_slice(&[!high, !low]);
    bench.frame(&frame);
    assert!(odd(&bench).is_empty(), "{:?}", bench.log.lines);
    assert_eq!(bench.log.bodies().len(), 2);
}

#[test]
fn a_time_to_live_far_below_the_usual_is_told_once() {
    let mut bench = opened();
    bench.frame(&with_ttl(&data(100, &parcel(b"\x01")), 64));
    bench.frame(&with_ttl(&data(105, &parcel(b"\x02")), 61));
    assert!(odd(&bench).is_empty(), "another route");
    bench.frame(&with_ttl(&data(110, &parcel(b"\x03")), 2));
    bench.frame(&with_ttl(&data(115, &parcel(b"\x04")), 2));
    assert_eq!(odd(&bench), ["Odd { odd: TimeToLive, octets: 5 }"]);
}

#[test]
fn a_segment_outside_the_window_is_told_once_the_stream_goes_on_without_it() {
    for far in [40_000, 0x5000_0000, 0xa000_0000] {
        let mut bench = opened();
        bench.send(&[data(100, &parcel(b"\x01")), data(100 + far, &parcel(b"\xbb"))]);
        assert_eq!(bench.log.bodies(), ["ToServer 01"], "{far:x}");
        bench.send(&[data(105, &parcel(b"\x02")), acked(ToClient, 500, 110, &parcel(b"\x03"))]);
        assert_eq!(odd(&bench), ["Odd { odd: OutsideWindow, octets: 5 }"], "{far:x}");
        assert!(
            bench.log.events().iter().any(|e| e.starts_with("Odd") && e.ends_with("@[6]")),
            "its own frame"
        );
        bench.wait(5_000);
        bench.send(&[data(110, &parcel(b"\x04"))]);
        let log = bench.finish();
        assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToClient 03", "ToServer 04"]);
        assert!(!log.has("Gap"), "{:?}", log.lines);
    }
}

#[test]
fn a_segment_outside_the_window_that_is_acknowledged_was_none() {
    for far in [40_000_u32, 0x5000_0000] {
        let mut bench = opened();
        bench.send(&[data(100, &parcel(b"\x01")), data(100 + far, &parcel(b"\x02"))]);
        bench.send(&[acked(ToClient, 500, 105 + far, &parcel(b"\x03")), data(105 + far, &parcel(b"\x04"))]);
        let log = bench.finish();
        assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToClient 03", "ToServer 04"]);
        assert!(log.has("Gap") && !log.has("Odd"), "the mirror lost much: {:?}", log.lines);
    }
}

#[test]
fn silence_where_the_stream_was_lets_it_go_on_elsewhere() {
    let mut bench = opened();
    bench.send(&[data(100, &parcel(b"\x01")), data(90_000, &parcel(b"\x02"))]);
    bench.wait(1_500);
    bench.send(&[data(90_005, &parcel(b"\x03"))]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToServer 03"], "one direction went dark");
    assert!(!log.has("Odd"), "{:?}", log.lines);
}

#[test]
fn without_the_handshake_no_window_is_judged() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), acked(ToClient, 500, 105, &parcel(b"\x02"))]);
    bench.send(&[data(60_105, &parcel(b"\x03"))]);
    assert!(bench.finish().has("message ToServer 03"), "a scale of 2^14 is possible");
}

#[test]
fn urgent_data_stays_in_line_and_is_told_once() {
    let mut bench = opened();
    let urgent =
        |at, body| Sent { flags: fieldwarden_protocols::link::TcpFlags(0x38), ..data(at, &parcel(body)) };
    bench.send(&[urgent(100, b"\x01"), urgent(105, b"\x02")]);
    assert_eq!(odd(&bench), ["Odd { odd: Urgent, octets: 5 }"]);
    assert_eq!(bench.log.bodies(), ["ToServer 01", "ToServer 02"]);
}

#[test]
fn a_zero_window_probe_beyond_a_closed_window_is_in_order() {
    let mut bench = opened();
    bench.send(&[data(100, &parcel(b"\x01"))]);
    let mut closed = Sent { acknowledgement: 105, ..sent(ToClient, 500, ACK, &[]) }.frame();
    closed[48..50].copy_from_slice(&[0, 0]);
    bench.frame(&closed);
    bench.send(&[data(105, &parcel(b"\x02")[..1]), data(105, &parcel(b"\x02"))]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(!log.has("Odd") && !log.has("Conflict"), "{:?}", log.lines);
}

#[test]
fn both_sides_may_open_at_once() {
    // RFC 9293 clause 3.5, figure 8.
    let mut bench = Bench::new();
    bench.send(&[
        sent(ToServer, 99, SYN, &[]),
        sent(ToClient, 499, SYN, &[]),
        Sent { acknowledgement: 500, ..sent(ToServer, 99, SYN_ACK, &[]) },
        Sent { acknowledgement: 100, ..sent(ToClient, 499, SYN_ACK, &[]) },
        data(100, &parcel(b"\x01")),
        acked(ToClient, 500, 105, &parcel(b"\x02")),
    ]);
    let log = bench.finish();
    let mut bodies: Vec<_> =
        log.bodies().iter().map(|body| body.split(' ').nth(1).unwrap().to_owned()).collect();
    bodies.sort();
    assert_eq!(bodies, ["01", "02"], "{:?}", log.lines);
}

#[test]
fn data_on_the_opening_segment_is_handed_on_once() {
    // TCP Fast Open (RFC 7413): data with the SYN, repeated in the first segment where the server did not take it.
    let mut bench = Bench::new();
    bench.send(&[
        sent(ToServer, 99, SYN, &parcel(b"\x01")),
        Sent { acknowledgement: 100, ..sent(ToClient, 499, SYN_ACK, &[]) },
        data(100, &parcel(b"\x01")),
        data(105, &parcel(b"\x02")),
    ]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    assert!(!log.has("OverlapConflict"), "{:?}", log.lines);
}

#[test]
fn a_side_that_has_ended_still_hears_the_other() {
    let mut bench = opened();
    bench.send(&[
        data(100, &parcel(b"\x01")),
        Sent { acknowledgement: 500, ..sent(ToServer, 105, FIN, &[]) },
        acked(ToClient, 500, 106, &parcel(b"\x02")),
        acked(ToClient, 505, 106, &parcel(b"\x03")),
    ]);
    assert!(!bench.log.has("Ended"));
    bench.send(&[Sent { acknowledgement: 106, ..sent(ToClient, 510, FIN, &[]) }]);
    assert!(bench.log.has("Ended"));
    assert_eq!(bench.log.bodies(), ["ToServer 01", "ToClient 02", "ToClient 03"]);
}

#[test]
fn ports_are_used_again_after_a_reset_and_after_silence() {
    for silence in [0, 7_200_000] {
        let mut bench = opened();
        bench.send(&[data(100, &parcel(b"\x01"))]);
        if silence == 0 {
            bench.send(&[sent(ToClient, 500, RST, &[])]);
        }
        bench.wait(silence);
        bench.send(&[
            sent(ToServer, 7_000, SYN, &[]),
            Sent { acknowledgement: 7_001, ..sent(ToClient, 90_000, SYN_ACK, &[]) },
            acked(ToServer, 7_001, 90_001, &parcel(b"\x02")),
            acked(ToClient, 90_001, 7_006, &parcel(b"\x03")),
        ]);
        let log = bench.finish();
        assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToClient 03"], "{:?}", log.lines);
        assert!(!log.has("Gap") && !log.has("Odd"), "{:?}", log.lines);
    }
}

#[test]
fn joined_at_the_answer_of_the_server_the_client_is_still_the_client() {
    let mut bench = Bench::new();
    let server = (SERVER.0, 502);
    bench.frame(&acked(ToClient, 500, 105, &parcel(b"\x02")).frame_between(CLIENT, server));
    bench.frame(&acked(ToServer, 105, 505, &parcel(b"\x03")).frame_between(CLIENT, server));
    let log = bench.finish();
    assert!(log.events()[0].contains("10.0.0.5:49152>10.0.0.20:502"), "{:?}", log.lines);
    assert_eq!(log.bodies(), ["ToClient 02", "ToServer 03"]);
}

#[test]
fn overlapping_segments_that_wait_make_what_the_policy_says() {
    for (policy, body) in
        [(OverlapPolicy::First, "aaaaaa"), (OverlapPolicy::Bsd, "aaaaaa"), (OverlapPolicy::Last, "bbbbbb")]
    {
        let mut bench = Bench::with(Settings { overlap_policy: policy, ..Settings::default() }, Seed(1));
        let (first, second) = (parcel(&[0xaa; 3]), parcel(&[0xbb; 3]));
        bench.send(&[
            sent(ToServer, 99, SYN, &[]),
            data(104, &first[4..]),
            data(104, &second[4..]),
            data(100, &first[..4]),
        ]);
        let log = bench.finish();
        assert_eq!(log.bodies(), [format!("ToServer {body}")], "{policy:?}");
        assert!(log.has("OverlapConflict"), "{policy:?}");
    }
}
