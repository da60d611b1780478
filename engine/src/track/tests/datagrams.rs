//! UDP, fragments, and who was heard.

use super::harness::{Bench, CLIENT, HOME_PORT, SERVER, ipv4, parcel, udp, udp_datagram};
use crate::{map::Seed, track::Settings};

const MORE: u16 = 0x2000;

#[test]
fn datagrams_stand_each_by_itself() {
    let mut bench = Bench::new();
    bench.frame(&udp(CLIENT, SERVER, &[parcel(b"\x01"), parcel(b"\x02")].concat()));
    bench.frame(&udp(SERVER, CLIENT, &parcel(b"\x03")));
    bench.frame(&udp(CLIENT, SERVER, &parcel(b"\x04\x05")[..5]));
    bench.frame(&udp(CLIENT, SERVER, &[0xdd, 0, 0]));
    bench.frame(&udp(CLIENT, SERVER, &parcel(b"\x06")));
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02", "ToClient 03", "ToServer 06"]);
    assert!(log.has("datagram-cut-short"), "{:?}", log.lines);
    assert_eq!(log.events().iter().filter(|event| event.starts_with("Recognised")).count(), 1);
    assert!(log.has("Answered"));
}

#[test]
fn the_side_on_a_well_known_port_is_the_server() {
    let mut bench = Bench::new();
    bench.frame(&udp((SERVER.0, HOME_PORT), CLIENT, b"??"));
    assert!(bench.log.events()[0].contains("10.0.0.5:49152>10.0.0.20:7000"), "{:?}", bench.log.lines);
}

/// A datagram with a parcel of 40 octets, cut at the offsets given (in octets, multiples of 8).
fn fragments(cuts: &[usize]) -> Vec<Vec<u8>> {
    let datagram = udp_datagram(CLIENT.1, SERVER.1, &parcel(&[7; 40]));
    let mut bounds = vec![0];
    bounds.extend_from_slice(cuts);
    bounds.push(datagram.len());
    bounds
        .windows(2)
        .map(|pair| {
            let more = if pair[1] < datagram.len() { MORE } else { 0 };
            let place = more | u16::try_from(pair[0] / 8).unwrap();
            ipv4(CLIENT.0, SERVER.0, 17, place, &datagram[pair[0]..pair[1]])
        })
        .collect()
}

#[test]
fn fragments_in_any_order_make_one_message_at_the_last_of_them() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut bench = Bench::new();
        let fragments = fragments(&[16, 32]);
        for index in order {
            bench.frame(&fragments[index]);
        }
        let log = bench.finish();
        assert_eq!(log.bodies(), [format!("ToServer {}", "07".repeat(40))], "{order:?}");
        assert!(log.has("@[1, 2, 3]"), "{:?}", log.lines);
    }
}

#[test]
fn fragments_that_contradict_are_told_and_the_first_wins() {
    let mut bench = Bench::new();
    let [first, second] = &fragments(&[24])[..] else { panic!("two fragments") };
    let mut forged = first.clone();
    *forged.last_mut().unwrap() = 0xee;
    for frame in [first, &forged, second] {
        bench.frame(frame);
    }
    let log = bench.finish();
    assert!(log.has("unattached OverlapConflict @2"), "{:?}", log.lines);
    assert_eq!(log.bodies(), [format!("ToServer {}", "07".repeat(40))]);
}

#[test]
fn incomplete_datagrams_go_by_age_and_by_cap() {
    let settings = Settings { max_fragments: 2, ..Settings::default() };
    let mut bench = Bench::with(settings, Seed(1));
    for id in 1..=3 {
        let mut frame = fragments(&[16])[0].clone();
        frame[19] = id;
        bench.frame(&frame);
    }
    assert_eq!(bench.log.lines, ["unattached Limit { cap: \"max_fragments\" } @1"]);
    bench.wait(31_000);
    assert!(bench.log.has("unattached Gap { octets: None } @3"), "{:?}", bench.log.lines);
    assert_eq!(bench.tracker.memory() / 1_000, 0);
}

#[test]
fn every_source_is_heard() {
    let mut bench = Bench::new();
    bench.frame(&udp(CLIENT, SERVER, b"x"));
    bench.frame(&ipv4([10, 0, 0, 9], SERVER.0, 1, 0, &[8, 0, 0, 0]));
    // An ARP probe has no address yet (RFC 5227), then it is announced; a switch speaks LLDP.
    let mut arp = vec![0xff; 6];
    arp.extend_from_slice(&[2, 0, 0, 0, 0, 8, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 8]);
    arp.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 8]);
    bench.frame(&arp);
    arp[28..32].copy_from_slice(&[10, 0, 0, 8]);
    bench.frame(&arp);
    bench.frame(&[1, 0x80, 0xc2, 0, 0, 0xe, 2, 0, 0, 0, 0, 7, 0x88, 0xcc, 0, 0]);
    assert_eq!(
        bench.finish().heard,
        ["10.0.0.5", "10.0.0.9", "02:00:00:00:00:08", "10.0.0.8", "02:00:00:00:00:07"]
    );
}
