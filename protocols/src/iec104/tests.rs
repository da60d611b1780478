use alloc::{format, string::ToString, vec, vec::Vec};

use fieldwarden_model::Transport;
use proptest::prelude::*;

use super::*;
use crate::{
    Kind,
    message::Direction::{ToClient, ToServer},
    trial::{Conversation, damage_breaks_nothing, every_prefix_is_quiet, hex, segmentation_changes_nothing},
};

/// A frame around control octets and a data unit.
fn apdu(control: &str, asdu: &str) -> Vec<u8> {
    let octets = hex(&format!("{control}{asdu}"));
    [&[0x68, u8::try_from(octets.len()).unwrap()], octets.as_slice()].concat()
}

fn data(sent: u16, asdu: &str) -> Vec<u8> {
    let [low, high] = (sent << 1).to_le_bytes();
    apdu(&format!("{low:02x}{high:02x}0000"), asdu)
}

fn flow() -> Conversation {
    Conversation::over(&Iec104, Transport::Tcp)
}

fn one(asdu: &str) -> (Kind, Vec<alloc::string::String>) {
    let told = flow().last(ToServer, &data(0, asdu));
    assert!(told.anomalies.is_empty(), "{told:?}");
    (told.kind, told.operations)
}

#[test]
fn commands_select_execute_and_are_confirmed() {
    // C_SC_NA_1, activation, station 10, address 4500: select on, then execute (-101 clause 7.2.6.15).
    let select = one("2d 01 06 00 0a00 941100 81");
    assert_eq!(
        select,
        (Kind::Request, vec!["operate 45 single command, select unit 10 IOA 4500 = 1 (Asked)".into()])
    );
    let execute = one("2d 01 06 00 0a00 941100 01");
    assert_eq!(execute.1, ["operate 45 single command unit 10 IOA 4500 = 1 (Asked)"]);
    let confirmed = one("2d 01 07 00 0a00 941100 01");
    assert_eq!(confirmed, (Kind::Response, vec!["operate 45 single command unit 10 IOA 4500 (Done)".into()]));
    let refused = one("2d 01 47 00 0a00 941100 01");
    assert_eq!(refused.1, ["operate 45 single command unit 10 IOA 4500 (Refused(7))"]);
    let unknown = one("2d 01 2f 00 0a00 941100 01");
    assert_eq!(unknown.1, ["operate 45 single command unit 10 IOA 4500 (Refused(47))"]);
    let set = one("32 01 06 00 0a00 010000 00002842 00");
    assert_eq!(set.1, ["operate 50 set-point command, short floating point unit 10 IOA 1 = 42 (Asked)"]);
}

#[test]
fn monitored_values_are_told_with_quality_and_time() {
    let told = flow().last(ToClient, &data(0, "24 01 03 00 0a00 010000 0000c0c1 80 e803 1e 0c 05 07 1a"));
    assert_eq!(
        told.operations,
        ["read 36 measured value, short floating point unit 10 IOA 1 = -24 (Reported)"]
    );
    assert_eq!((told.field("quality"), told.field("time")), ("128", "2026-07-05T12:30:01.000"));
    let sequence = one("01 83 14 00 0a00 640000 01 00 91");
    assert_eq!(sequence.0, Kind::Response);
    assert_eq!(
        sequence.1,
        [
            "read 1 single-point information unit 10 IOA 100 = 1 (Done)",
            "read 1 single-point information unit 10 IOA 101 = 0 (Done)",
            "read 1 single-point information unit 10 IOA 102 = 1 (Done)",
        ]
    );
    let step = one("05 01 03 00 0a00 010000 7f 00");
    assert_eq!(step.1, ["read 5 step position information unit 10 IOA 1 = -1 (Reported)"]);
}

#[test]
fn commands_of_the_whole_station_have_their_verbs() {
    for (asdu, operation) in [
        ("64 01 06 00 0a00 000000 14", "read 100 interrogation command unit 10 (Asked)"),
        ("65 01 06 00 0a00 000000 05", "read 101 counter interrogation command unit 10 (Asked)"),
        ("65 01 06 00 0a00 000000 45", "operate 101 counter freeze or reset command unit 10 (Asked)"),
        ("66 01 05 00 0a00 640000", "read 102 read command unit 10 IOA 100 (Asked)"),
        ("67 01 06 00 0a00 000000 e8031e0c05071a", "time 103 clock synchronization command unit 10 (Asked)"),
        ("69 01 06 00 0a00 000000 01", "mode 105 reset process command unit 10 (Asked)"),
        ("71 01 06 00 0a00 640000 01", "configure 113 parameter activation unit 10 IOA 100 (Asked)"),
        ("78 01 0d 00 0a00 640000 0100 100000 00", "transfer 120 file ready unit 10 IOA 100 (Asked)"),
    ] {
        assert_eq!(one(asdu).1, [operation]);
    }
}

#[test]
fn frames_without_data_are_told() {
    let mut flow = flow();
    let start = flow.last(ToServer, &apdu("07000000", ""));
    assert_eq!(start.operations, ["associate 65537 start data transfer (Asked)"]);
    let confirmed = flow.last(ToClient, &apdu("0b000000", ""));
    assert_eq!((confirmed.kind, confirmed.field("u_function")), (Kind::Response, "2"));
    let supervisory = flow.last(ToServer, &apdu("01000400", ""));
    assert_eq!((supervisory.field("frame_type"), supervisory.field("received")), ("1", "2"));
}

#[test]
fn numbers_that_do_not_follow_are_remarked() {
    let mut flow = flow();
    let unit = "2d 01 06 00 0a00 941100 01";
    assert!(flow.last(ToServer, &data(0x7fff, unit)).anomalies.is_empty());
    assert!(flow.last(ToServer, &data(0, unit)).anomalies.is_empty(), "the numbers are modulo 32768");
    assert_eq!(flow.last(ToServer, &data(2, unit)).anomalies, ["sequence-gap"]);
    flow.parser.gap(ToServer);
    assert!(flow.last(ToServer, &data(9, unit)).anomalies.is_empty(), "nothing is known behind a gap");
}

#[test]
fn lies_are_told_and_what_was_understood_is_kept() {
    let said = |asdu: &str| {
        let told = flow().last(ToServer, &data(0, asdu));
        (told.kind, told.anomalies.clone(), told.field("object_address").to_string())
    };
    assert_eq!(
        said("2d 02 06 00 0a00 941100 01"),
        (Kind::Anomaly, vec!["objects-beyond-apdu"], "4500".into())
    );
    assert_eq!(said("2d 01 06 00 0a00 941100 01 02").1, ["octets-left"]);
    assert_eq!(said("2d 01 06").1, ["asdu-short"]);
    assert_eq!(said("2d 01 3f 00 0a00 941100 01"), (Kind::Request, vec!["cause-unknown"], "4500".into()));
    assert_eq!(said("c8 01 06 00 0a00 941100 01").1, ["type-unknown"]);
    assert_eq!(flow().last(ToServer, &hex("68 02 0700")).anomalies, ["apdu-length"]);
    assert_eq!(flow().last(ToServer, &apdu("17000000", "")).anomalies, ["u-function"]);
    let mut flow = flow();
    flow.feed(ToServer, &apdu("07000000", ""));
    assert_eq!(flow.last(ToServer, b"\0\0\0").anomalies, ["no-frame"]);
    assert_eq!(flow.last(ToServer, &apdu("43000000", "")).field("u_function"), "16");
}

#[test]
fn an_unanswered_scan_of_types_comes_out_whole() {
    let mut flow = flow();
    for (sent, kind) in (0..=255u8).enumerate() {
        let octets = data(u16::try_from(sent).unwrap(), &format!("{kind:02x} 01 06 00 0a00 010000"));
        let told = flow.last(ToServer, &octets);
        assert_eq!(told.field("type_id"), kind.to_string());
        assert!(!told.operations.is_empty(), "{told:?}");
    }
}

#[test]
fn every_type_of_the_standard_is_known() {
    let known = (0..=255).filter(|number| types::find(*number).is_some()).count();
    assert_eq!(known, 21 + 12 + 7 + 7 + 1 + 13 + 8 + 4 + 8, "the table is in order and none is missing");
}

#[test]
fn the_probe_knows_frames_on_any_port() {
    let ports = Ports { server: 4_000, client: 50_000 };
    assert_eq!(Iec104.probe(ToServer, &apdu("07000000", ""), ports), Probe::Certain);
    let octets = data(3, "2d 01 06 00 0a00 941100 01");
    assert_eq!(Iec104.probe(ToServer, &octets, ports), Probe::Certain);
    assert_eq!(Iec104.probe(ToServer, &octets[..9], ports), Probe::Need(12));
    assert_eq!(Iec104.probe(ToServer, b"hello, world", ports), Probe::No);
    // An unknown function in a control field that is one: faulty, and of this protocol where the port says so and no noise follows.
    assert_eq!(Iec104.probe(ToServer, &hex("68 04 ff000000"), ports), Probe::Possible);
    assert_eq!(Iec104.probe(ToServer, &hex("68 04 ff000000 9d"), ports), Probe::No);
    assert_eq!(Iec104.probe(ToServer, &hex("68 04 07000000 9d"), ports), Probe::Possible);
    assert_eq!(Iec104.probe(ToServer, &hex("03000016"), ports), Probe::No);
}

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, apdu("07000000", "")),
        (ToClient, apdu("0b000000", "")),
        (ToServer, data(0, "64 01 06 00 0a00 000000 14")),
        (ToClient, data(0, "64 01 07 00 0a00 000000 14")),
        (ToClient, data(1, "01 83 14 00 0a00 640000 01 00 91")),
        (ToClient, data(2, "0d 02 14 00 0a00 010000 00002842 00 020000 0000c0c1 00")),
        (ToClient, data(3, "64 01 0a 00 0a00 000000 14")),
        (ToServer, apdu("01000800", "")),
        (ToServer, data(1, "3b 01 06 00 0a00 941100 81 e8031e0c05071a")),
        (ToServer, data(2, "7d 01 0d 00 0a00 640000 0100 01 04 61626364")),
        (ToClient, data(4, "25 01 03 00 0a00 010000 01000000 03 e8031e0c05071a")),
        (ToServer, apdu("43000000", "")),
    ]
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    segmentation_changes_nothing(&Iec104, &conversation());
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&Iec104, Transport::Tcp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..400, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        unit in proptest::collection::vec(any::<u8>(), 0..249),
    ) {
        damage_breaks_nothing(&Iec104, Transport::Tcp, &conversation(), &flips, &noise);
        let length = u8::try_from(unit.len() + 4).unwrap();
        flow().feed(ToServer, &[&[0x68, length, 0, 0, 0, 0], unit.as_slice()].concat());
    }
}
