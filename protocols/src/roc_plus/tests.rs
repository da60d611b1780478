use alloc::{format, vec, vec::Vec};

use fieldwarden_model::Transport;
use proptest::prelude::*;

use super::*;
use crate::{
    message::Direction::{ToClient, ToServer},
    trial::{Conversation, damage_breaks_nothing, every_prefix_is_quiet, hex, segmentation_changes_nothing},
};

/// A frame to unit 1 of group 2, from unit 3 of group 0.
fn ask(opcode: u8, data: &str) -> Vec<u8> {
    frame("01020300", opcode, data)
}

/// Its answer.
fn answer(opcode: u8, data: &str) -> Vec<u8> {
    frame("03000102", opcode, data)
}

fn frame(addresses: &str, opcode: u8, data: &str) -> Vec<u8> {
    let data = hex(data);
    let mut octets = hex(addresses);
    octets.extend([opcode, u8::try_from(data.len()).unwrap()]);
    octets.extend(data);
    let sum = octets.iter().fold(0xffff_u16, |sum, octet| {
        (0..8).fold(sum ^ u16::from(*octet), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 })
    });
    octets.extend(sum.to_le_bytes());
    octets
}

fn flow() -> Conversation {
    Conversation::over(&RocPlus, Transport::Tcp)
}

#[test]
fn requests_have_their_verbs_and_points() {
    // A frame of a public capture.
    assert_eq!(frame("01020304", 6, ""), hex("0102030406003a2f"));
    for (octets, operations) in [
        (ask(6, ""), vec!["discover 6 read system configuration unit 513 (Asked)"]),
        (ask(8, "1e2d0c0f0307e8"), vec!["time 8 set clock unit 513 (Asked)"]),
        (
            ask(166, "11000203 0102"),
            vec!["write 166 write point parameters unit 513 type 17 logical 0 parameter 3-4 (Asked)"],
        ),
        (
            ask(180, "02 110003 5f0001"),
            vec![
                "read 180 read parameters unit 513 type 17 logical 0 parameter 3 (Asked)",
                "read 180 read parameters unit 513 type 95 logical 0 parameter 1 (Asked)",
            ],
        ),
        (
            ask(181, "02 110003 00000000 110004 01"),
            vec![
                "write 181 write parameters unit 513 type 17 logical 0 parameter 3 (Asked)",
                "write 181 write parameters unit 513 (Asked)",
            ],
        ),
        (
            ask(11, "01000142"),
            vec!["write 11 write configurable opcode table unit 513 table 1 location 0 (Asked)"],
        ),
        (ask(203, "03000000000000000000000000"), vec!["transfer 203 write file unit 513 (Asked)"]),
        (
            ask(24, "0102030405060708090a 08 07 1e2d0c0f0307e8"),
            vec!["transfer 24 store and forward unit 513 (Asked)", "time 8 set clock (Asked)"],
        ),
    ] {
        let told = flow().last(ToServer, &octets);
        assert!(told.anomalies.is_empty(), "{told:?}");
        assert_eq!(told.operations, operations);
    }
}

#[test]
fn a_login_tells_the_operator_and_not_the_password() {
    let told = flow().last(ToServer, &ask(17, "4f50311234 01"));
    assert_eq!((told.field("operator"), told.field("logout")), ("OP1", "0"));
    assert!(!format!("{told:?}").contains("1234"), "{told:?}");
    assert_eq!(flow().last(ToServer, &ask(17, "4f50311234 4c4f474f5554")).field("logout"), "1");
}

#[test]
fn an_error_refuses_what_was_asked() {
    let mut flow = flow();
    flow.last(ToServer, &ask(166, "11000103 01"));
    let told = flow.last(ToClient, &answer(255, "1404"));
    assert_eq!(told.operations, ["write 166 write point parameters unit 513 (Refused(20))"]);
    let told = flow.last(ToClient, &answer(224, "0001"));
    assert_eq!(told.operations, ["read 224 report by exception unit 513 (Reported)"]);
}

#[test]
fn lies_are_told() {
    assert_eq!(flow().last(ToServer, &hex("0102030406003a2e")).anomalies, ["crc"]);
    assert_eq!(flow().last(ToServer, &ask(166, "1100")).anomalies, ["data-short"]);
    assert_eq!(flow().last(ToClient, &answer(255, "06")).anomalies, ["error-odd"]);
}

#[test]
fn an_unanswered_scan_of_opcodes_comes_out_whole() {
    let mut flow = flow();
    for opcode in 0..=255u8 {
        let told = flow.last(ToServer, &ask(opcode, ""));
        assert_eq!(told.field("opcode"), format!("{opcode}"));
    }
}

#[test]
fn the_probe_leaves_modbus_rtu_what_may_be_its_own() {
    let (usual, other) = (Ports { server: PORT, client: 50_000 }, Ports { server: 4_001, client: 50_000 });
    assert_eq!(RocPlus.probe(ToServer, &ask(6, ""), usual), Probe::Certain);
    assert_eq!(RocPlus.probe(ToServer, &ask(6, ""), other), Probe::Possible);
    assert_eq!(RocPlus.probe(ToServer, &ask(166, "1100010301"), other), Probe::Certain);
    assert_eq!(RocPlus.probe(ToServer, &ask(166, "1100010301")[..9], other), Probe::Need(13));
    // An opcode that nobody defined: on the port of its own it leaves the flow to who is certain.
    assert_eq!(RocPlus.probe(ToServer, &ask(3, "11"), usual), Probe::Possible);
    assert_eq!(RocPlus.probe(ToServer, &ask(3, "11"), other), Probe::No);
    let mut wrong = ask(3, "11");
    wrong[6] ^= 1;
    assert_eq!(RocPlus.probe(ToServer, &wrong, usual), Probe::No);
}

#[test]
fn points_read_back() {
    for text in ["type 17 logical 0 parameter 3-5", "table 1 location 0"] {
        let mut out = alloc::string::String::new();
        notation::Parameter.write(&notation::Parameter.read(text).unwrap(), &mut out).unwrap();
        assert_eq!(out, text);
    }
    assert_eq!(notation::Parameter.read("type 256 logical 0 parameter 1"), None);
}

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, ask(17, "4f5031123401")),
        (ToClient, answer(17, "")),
        (ToServer, ask(180, "02 110003 5f0001")),
        (ToClient, answer(180, "02 110003 00 5f0001 00")),
        (ToServer, ask(166, "1100010301")),
        (ToClient, answer(255, "1404")),
    ]
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    segmentation_changes_nothing(&RocPlus, &conversation());
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&RocPlus, Transport::Tcp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..60, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        damage_breaks_nothing(&RocPlus, Transport::Tcp, &conversation(), &flips, &noise);
    }
}
