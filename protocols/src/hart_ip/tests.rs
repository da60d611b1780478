use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{PointRange, Space, Transport};

use super::*;
use crate::{
    Kind,
    testing::{Conversation, any_segmentation_says_the_same, hex, hostile_octets_are_harmless, probed},
};
use Direction::{ToClient, ToServer};

/// A message around `body`.
fn message(kind: u8, id: u8, body: &str) -> String {
    let length = hex(body).len() + 8;
    format!("01 {kind:02x} {id:02x} 00 0007 {length:04x} {body}")
}

/// A question to a device by its long address, with its check byte.
fn question(command: u8, data: &str) -> String {
    message(0, 3, &checked(&format!("82 264e0000d2 {command:02x} {:02x} {data}", hex(data).len())))
}

/// What a device answers: response code and status first.
fn answer(command: u8, code: u8, data: &str) -> String {
    message(
        1,
        3,
        &checked(&format!("86 264e0000d2 {command:02x} {:02x} {code:02x} d0 {data}", hex(data).len() + 2)),
    )
}

fn checked(frame: &str) -> String {
    let sum = hex(frame).iter().fold(0, |sum, octet| sum ^ octet);
    format!("{frame} {sum:02x}")
}

fn udp() -> Conversation {
    Conversation::over(&HartIp, Transport::Udp)
}

#[test]
fn commands_tell_what_they_do_and_carry() {
    for (command, data, operation) in [
        (0, "", "discover 0 (Asked)"),
        (6, "05 01", "configure 6 parameter of command 6 (Asked)"),
        (35, "20 42c80000 00000000", "configure 35 parameter of command 35 = 100 (Asked)"),
        (40, "41400000", "operate 40 loop current = 12 (Asked)"),
        (42, "", "mode 42 (Asked)"),
        (79, "03 01 20 41c80000 c0", "write 79 variable 3 = 25 (Asked)"),
        (89, "00", "time 89 (Asked)"),
        (200, "0102", "unknown 200 (Asked)"),
    ] {
        let told = udp().ask(&question(command, data));
        assert_eq!((told.kind, told.operations), (Kind::Request, Vec::from([String::from(operation)])));
    }
    let told = udp().answer(&answer(3, 0, "41400000 20 41c80000 fa 3f800000"));
    assert_eq!(
        told.operations,
        ["read 3 loop current = 12 (Done)", "read 3 PV = 25 (Done)", "read 3 SV = 1 (Done)"]
    );
    assert_eq!((told.field("values"), told.field("device_status")), ("12,25,1", "208"));
    let told = udp().answer(&answer(9, 0, "00 02 40 20 41c80000 c0 03 40 20 42c80000 c0"));
    assert_eq!(told.operations, ["read 9 variable 2 = 25 (Done)", "read 9 variable 3 = 100 (Done)"]);
    let told = udp().answer(&answer(42, 16, ""));
    assert_eq!(told.operations, ["mode 42 (Refused(16))"]);
}

#[test]
fn short_addresses_are_units_and_bursts_reports() {
    let told = udp().ask(&message(0, 3, &checked("02 85 01 00")));
    assert_eq!(told.operations, ["read 1 unit 5 (Asked)"]);
    let told = udp().answer(&message(2, 3, &checked("81 264e0000d2 01 07 00 00 20 41c80000")));
    assert_eq!((told.kind, told.operations[0].as_str()), (Kind::Report, "read 1 PV = 25 (Reported)"));
}

#[test]
fn sessions_are_told() {
    let told = udp().ask(&message(0, 0, "01 00007530"));
    assert_eq!((told.field("master_type"), told.field("inactivity_timer_ms")), ("1", "30000"));
    assert_eq!(told.operations, ["associate 256 (Asked)"]);
    let told = udp().answer(&message(1, 2, ""));
    assert_eq!((told.kind, told.operations[0].as_str()), (Kind::Response, "associate 258 (Done)"));
}

#[test]
fn faults_are_named() {
    let codes = |text: &str| udp().ask(text).anomalies;
    assert_eq!(codes("09 00 00 00 0001 0008"), ["header"]);
    assert_eq!(codes("01 00 02 00 0001 0010"), ["byte-count"]);
    assert_eq!(codes(&message(0, 0, "01")), ["session-length"]);
    assert_eq!(codes(&message(0, 9, "")), ["unknown-message"]);
    assert_eq!(codes(&message(0, 3, "82 264e0000d2 00 00 01")), ["check-byte"]);
    assert_eq!(codes(&message(0, 3, "82 264e0000d2 00 09 01")), ["frame-cut-short"]);
}

#[test]
fn a_scan_of_commands_comes_out_whole() {
    for command in 0..=255 {
        let told = udp().ask(&question(command, ""));
        assert_eq!((told.field("command"), told.operations.len()), (format!("{command}").as_str(), 1));
        assert!(told.anomalies.is_empty());
    }
}

fn exchange() -> Vec<(Direction, Vec<u8>)> {
    Vec::from([
        (ToServer, hex(&message(0, 0, "01 00007530"))),
        (ToClient, hex(&message(1, 0, "01 00007530"))),
        (ToServer, hex(&(question(3, "") + &question(79, "03 01 20 41c80000 c0")))),
        (ToClient, hex(&answer(3, 0, "41400000 20 41c80000 fa 3f800000"))),
        (ToClient, hex(&answer(9, 0, "00 02 40 20 41c80000 c0 03 40 20 42c80000 c0"))),
    ])
}

#[test]
fn any_segmentation_and_hostile_octets() {
    any_segmentation_says_the_same(&HartIp, &exchange());
    hostile_octets_are_harmless(&HartIp, Transport::Tcp, &exchange());
    hostile_octets_are_harmless(&HartIp, Transport::Udp, &exchange());
}

#[test]
fn recognised_by_what_it_says() {
    assert_eq!(probed(&HartIp, ToServer, &message(0, 0, "01 00007530")), Probe::Certain);
    assert_eq!(probed(&HartIp, ToServer, &question(0, "")), Probe::Certain);
    assert_eq!(probed(&HartIp, ToServer, &message(0, 2, "")), Probe::Possible);
    assert_eq!(probed(&HartIp, ToServer, "01 00"), Probe::Need(8));
    assert_eq!(probed(&HartIp, ToServer, "01 09"), Probe::No);
}

#[test]
fn points_are_written_and_read_back() {
    for (text, area, block, first, last) in [
        ("loop current", 1, 0, 0, 0),
        ("percent of range", 1, 0, 5, 5),
        ("variable 3-7", 2, 0, 3, 7),
        ("parameter of command 35", 3, 0, 35, 35),
        ("area 1 block 0 point 6", 1, 0, 6, 6),
    ] {
        let range = PointRange { space: Space { area, block }, first, last };
        let mut written = String::new();
        HartIp.notation().write(&range, &mut written).unwrap();
        assert_eq!((written.as_str(), HartIp.notation().read(text)), (text, Some(range)));
    }
}
