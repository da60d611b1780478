//! Frames without TCP or UDP.

use super::harness::{Bench, CARETAKER, WIRE, parcel};
use crate::{map::Seed, track::Settings};

const LOW: u8 = 5;
const HIGH: u8 = 20;
const ALL: u8 = 0xff;

fn mac(last: u8) -> [u8; 6] {
    if last == ALL { [0xff; 6] } else { [2, 0, 0, 0, 0, last] }
}

/// A frame, padded as on a wire.
fn ethernet(from: u8, to: u8, kind: u16, payload: &[u8]) -> Vec<u8> {
    [&mac(to)[..], &mac(from), &kind.to_be_bytes(), payload].concat()
}

#[test]
fn frames_of_a_known_kind_make_a_flow_of_both_directions() {
    let mut bench = Bench::new();
    bench.frame(&ethernet(LOW, HIGH, WIRE, &[parcel(b"\x01"), parcel(b"\x02")].concat()));
    bench.frame(&ethernet(HIGH, LOW, WIRE, &parcel(b"\x03")));
    assert_eq!(bench.tracker.flows(), 1);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToClient 03"]);
    assert!(
        log.has("Recognised(Protocol(\"wire\")) 02:00:00:00:00:05>02:00:00:00:00:14 @[1]"),
        "{:?}",
        log.lines
    );
    assert!(log.has("Answered"));
    assert_eq!(log.heard, ["02:00:00:00:00:05", "02:00:00:00:00:14"]);
}

#[test]
fn who_is_the_client_does_not_depend_on_where_the_capture_begins() {
    let first = |from, to, body: &[u8]| {
        let mut bench = Bench::new();
        bench.frame(&ethernet(from, to, WIRE, &parcel(body)));
        bench.finish().bodies()[0].clone()
    };
    assert_eq!(first(LOW, HIGH, &[1]), "ToServer 01");
    assert_eq!(first(HIGH, LOW, &[1]), "ToClient 01", "the lower of two");
    assert_eq!(first(HIGH, ALL, &[1]), "ToServer 01", "who speaks to a group");
    assert_eq!(first(LOW, HIGH, &[0xf2]), "ToClient f2", "it can only be an answer");
}

#[test]
fn what_is_no_protocol_of_ours_and_upkeep_make_no_flow() {
    let mut bench = Bench::new();
    bench.frame(&ethernet(LOW, HIGH, 0x9000, &parcel(b"\x01")));
    bench.frame(&ethernet(LOW, HIGH, CARETAKER, &parcel(b"\x02")));
    assert_eq!(bench.tracker.flows(), 0);
    let log = bench.finish();
    assert_eq!(log.lines, ["message ToServer 02 @[2]"]);
    assert_eq!(log.heard.len(), 2);
}

#[test]
fn the_cap_and_the_patience_are_those_of_all_flows() {
    let settings = Settings { max_flows: 8, ..Settings::default() };
    let mut bench = Bench::with(settings, Seed(1));
    for from in 0..100 {
        bench.frame(&ethernet(from, ALL, WIRE, b"??"));
    }
    assert_eq!(bench.tracker.flows(), 8);
    assert!(bench.log.has("max_flows"));
    bench.wait(i64::from(settings.unsettled_idle_secs + 2) * 1_000);
    assert_eq!(bench.tracker.flows(), 0);
    assert!(bench.log.has("Ended"));
}
