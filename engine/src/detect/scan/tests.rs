//! Series of doors.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::bench::{Bench, HMI, PLC, ROGUE, operation, read, refused};

const CARD: &str = "02:00:00:00:00:66";

/// Without what the beginning of each conversation says.
fn scans(bench: &Bench) -> Vec<&str> {
    bench.detectors().into_iter().filter(|detector| *detector == "scan").collect()
}

fn knocks(bench: &mut Bench, client: &str, server: &str, port: u16) {
    bench.connects(client, server, port).ends(client, server, port);
}

#[test]
fn ports_of_one_server_refused_one_after_the_other_are_a_scan() {
    let mut bench = Bench::with(None);
    for port in 1..=100 {
        knocks(&mut bench, ROGUE, PLC, port);
    }
    assert_eq!(bench.detectors(), ["scan"], "once, however many follow");
    assert_eq!(bench.last().summary, "10.0.0.66 tried 16 ports of Dosing PLC (10.0.0.20) in vain");
    assert_eq!(bench.last().frames.len(), 8);
    assert_eq!(bench.incident().title, "Device 10.0.0.66 searched Dosing PLC");
}

#[test]
fn more_doors_at_once_than_there_is_room_for_are_a_scan() {
    let mut bench = Bench::with(None);
    for port in 1..=1_000 {
        bench.connects(ROGUE, PLC, port);
    }
    bench.wait(2).connects(ROGUE, PLC, 2_000);
    assert_eq!(bench.detectors(), ["scan"]);
}

#[test]
fn one_port_on_many_servers_that_say_nothing_is_a_scan() {
    let mut bench = Bench::with(None);
    for last in 100..120 {
        bench.connects(ROGUE, &format!("10.0.0.{last}"), 502).wait(2);
    }
    assert_eq!(bench.detectors(), ["scan"]);
    assert!(bench.last().summary.contains("tried port 502 on 16 addresses"), "{}", bench.last().summary);
}

#[test]
fn addresses_nobody_has_are_a_scan_and_those_of_the_plant_are_not() {
    let mut bench = Bench::with(None);
    for last in 1..=40 {
        let address = format!("10.0.0.{}", 100 + last);
        bench.says(HMI, "02:00:00:00:00:05", Some((1, &address)));
        bench.says(&address, &format!("02:00:00:00:01:{last:02x}"), Some((2, HMI)));
    }
    bench.wait(5).says(HMI, "02:00:00:00:00:05", Some((1, "10.0.0.101")));
    assert!(bench.alerts.is_empty(), "they answer");
    for last in 1..=40 {
        bench.says(ROGUE, CARD, Some((1, &format!("10.0.1.{last}")))).wait(1);
    }
    assert_eq!(bench.detectors(), ["scan"]);
    assert!(bench.last().summary.contains("asked by ARP for"), "{}", bench.last().summary);
}

#[test]
fn units_that_do_not_answer_are_a_scan() {
    let mut bench = Bench::with(None);
    for unit in 1..=30 {
        let demand = Operation { unit: Some(unit), ..read("40001") };
        bench.asks(ROGUE, PLC, &demand).wait(1).answers(ROGUE, PLC, &refused(demand));
    }
    assert_eq!(scans(&bench), ["scan"]);
    assert!(
        bench.alerts.iter().any(|alert| alert.summary.contains("units behind Dosing PLC")),
        "{:?}",
        bench.alerts
    );
}

#[test]
fn a_gateway_with_many_units_is_no_scan() {
    let mut bench = Bench::with(None);
    for unit in 1..=60 {
        let demand = Operation { unit: Some(unit), ..read("40001") };
        bench
            .asks(HMI, PLC, &demand)
            .answers(HMI, PLC, &Operation { outcome: Outcome::Done, ..demand })
            .wait(1);
    }
    assert!(bench.alerts.is_empty(), "{:?}", bench.alerts);
}

#[test]
fn who_calls_everybody_is_told_where_the_baseline_does_not_know_him_to() {
    let mut bench = Bench::new();
    bench.speaks("profinet_dcp", 0);
    let identify = Operation { name: "identify", unit: None, ..operation(Verb::Discover, 5, None) };
    bench.asks("02:00:00:00:00:66", "01:0e:cf:00:00:00", &identify);
    assert_eq!(scans(&bench), ["scan"]);
    let mut unlearned = Bench::with(None);
    unlearned.speaks("profinet_dcp", 0).asks("02:00:00:00:00:66", "01:0e:cf:00:00:00", &identify);
    assert!(scans(&unlearned).is_empty());
}

#[test]
fn what_answers_and_what_the_baseline_knows_is_no_scan() {
    let mut bench = Bench::with(None);
    for last in 1..=60 {
        let server = format!("10.0.0.{}", 100 + last);
        bench.connects(HMI, &server, 502).accepts(HMI, &server, 502).wait(2);
    }
    for port in 1..=8 {
        knocks(&mut bench, HMI, PLC, port);
    }
    assert!(bench.alerts.is_empty(), "{:?}", bench.alerts);
    let mut known = Bench::new();
    for _ in 0..100 {
        known.connects(HMI, PLC, 502).ends(HMI, PLC, 502).wait(1);
    }
    assert!(scans(&known).is_empty());
}

#[test]
fn evasion_slowly_is_seen() {
    let mut bench = Bench::with(None);
    for port in 1..=20 {
        knocks(&mut bench, ROGUE, PLC, port);
        bench.wait(180);
    }
    assert_eq!(scans(&bench), ["scan"], "a port every three minutes");
}

#[test]
fn evasion_split_over_sources_is_seen() {
    let mut bench = Bench::new();
    for n in 0..100 {
        knocks(&mut bench, &format!("10.0.9.{}", n % 20), PLC, 1_000 + n);
        bench.wait(1);
    }
    assert_eq!(scans(&bench), ["scan"]);
    let told = bench.alerts.iter().find(|alert| alert.detector == "scan").unwrap();
    assert!(told.summary.contains("and others, 20 in all,"), "{}", told.summary);
}

#[test]
fn evasion_in_pieces_is_seen() {
    // A door is tried by the first packet of a flow, whatever its pieces bring later: a client that sends some octets to
    // each, and nothing comes back.
    let mut bench = Bench::with(None);
    for port in 1..=20 {
        bench.connects(ROGUE, PLC, port).wait(1).ends(ROGUE, PLC, port);
    }
    assert_eq!(scans(&bench), ["scan"]);
}

#[test]
fn made_up_clients_do_not_grow_the_table_or_the_alerts() {
    let mut bench = Bench::new();
    for n in 0..3_000_u32 {
        let client = format!("10.{}.{}.9", 100 + n / 250, n % 250);
        knocks(&mut bench, &client, PLC, 502);
    }
    assert!(scans(&bench).is_empty(), "one door is no scan, whoever knocks");
    for n in 0..100 {
        for port in 1..=20 {
            knocks(&mut bench, &format!("10.200.0.{n}"), PLC, port);
        }
    }
    assert!(scans(&bench).len() <= 65, "{}", scans(&bench).len());
}
