extern crate std;

use std::{string::String, vec, vec::Vec};

use super::*;
use crate::{
    Kind,
    iso::testing::{Flow, hex, withstands},
};
use Direction::{ToClient, ToServer};

fn packet(unit: &[u8]) -> Vec<u8> {
    let length = u16::try_from(unit.len() + 7).unwrap().to_be_bytes();
    [vec![3, 0, length[0], length[1], 2, 0xf0, 0x80], unit.to_vec()].concat()
}

/// A whole message of a version, its trailer behind it.
fn message(version: u8, data: &str) -> Vec<u8> {
    let digest = if version == 3 { [vec![0x20], vec![0xaa; 32]].concat() } else { Vec::new() };
    let data = [digest, hex(data)].concat();
    let [high, low] = u16::try_from(data.len()).unwrap().to_be_bytes();
    packet(&[vec![0x72, version, high, low], data, vec![0x72, version, 0, 0]].concat())
}

/// Create object: request in the session that is none yet (288) in the container of sessions (285), a new id (211), class
/// server session (287); as TIA Portal sends it to an S7-1500, attributes left out.
const CREATE: &str =
    "31 0000 04ca 0000 0001 00000120 36 0000011d 00 04 00 00000000 00 a1 000000d3 821f 00 00 a2 00000000";
/// Its answer: return value 0, two ids, 0x387 and 0x386.
const CREATED: &str = "32 0000 04ca 0000 0001 36 00 02 8707 8706 a1 00000120 821f 00 00 a2 00000000";
/// Stop: attribute 2167 of object 52 becomes DINT 1.
const STOP: &str =
    "31 0000 04f2 0000 0003 00000387 34 00000034 01 9077 00 08 01 00000004 e88969 00 12 00000000 00000000";
/// Write of bit M0.6 as a WinCC panel sends it: area 82, absolute octet 0, one octet, bit 6; BOOL 1.
const WRITE: &str =
    "31 0000 0542 0000 0079 0000039b 34 00000000 01 08 00 52 05 9d18 03 00 01 06 01 00 01 01 00 00000000";
const READ: &str = "31 0000 054c 0000 0004 00000386 34 00000000 02 0d 00 52 05 9d18 03 00 01 06
    88ede1bc63 88d0b88006 02 9376 16 00000000";
const READ_ANSWER: &str = "32 0000 054c 0000 0004 34 00 01 00 01 01 02 00 07 fff9 00 00 00000000";

#[test]
fn a_session_is_created_and_told() {
    let mut flow = Flow::tcp(&S7commPlus);
    let asked = flow.one(ToServer, &message(1, CREATE));
    assert_eq!((asked.field("version"), asked.field("session_id")), ("1".into(), "288".into()));
    assert_eq!((asked.field("object_id"), asked.field("object_class")), ("285".into(), "287".into()));
    assert_eq!(asked.operations, ["associate 1226 create session (Asked)"]);
    let told = flow.one(ToClient, &message(1, CREATED));
    assert_eq!((told.field("created_id"), told.field("return_value")), ("903,902".into(), "0".into()));
    assert_eq!(told.operations, ["associate 1226 create session (Done)"]);
}

#[test]
fn stop_and_start_are_mode_changes() {
    let mut flow = Flow::tcp(&S7commPlus);
    let stop = flow.one(ToServer, &message(3, STOP));
    assert_eq!((stop.field("digest_length"), stop.field("values")), ("32".into(), "1".into()));
    assert_eq!(stop.operations, ["mode 1266 PLC stop object 52 attribute 2167 = 1 (Asked)"]);
    // The return value of nine octets has its highest bit set: an error.
    let refused = flow.one(ToClient, &message(3, "32 0000 04f2 0000 0003 34 d381b2c080a5dbff95 06 00000000"));
    assert_eq!(refused.operations, ["mode 1266 PLC stop object 52 attribute 2167 (Refused(65429))"]);
    let start = flow.one(ToServer, &message(3, &STOP.replace("00 08 01", "00 08 03")));
    assert_eq!(start.operations, ["mode 1266 PLC start object 52 attribute 2167 = 3 (Asked)"]);
}

#[test]
fn variables_are_read_and_written_with_their_values() {
    let mut flow = Flow::tcp(&S7commPlus);
    let write = flow.one(ToServer, &message(3, WRITE));
    assert_eq!((write.field("points"), write.field("values")), ("M bit 6".into(), "1".into()));
    assert_eq!(write.operations, ["write 1346 set multiple variables M bit 6 = 1 (Asked)"]);
    let read = flow.one(ToServer, &message(2, READ));
    assert_eq!(
        (read.field("item_count"), read.field("points")),
        ("2".into(), "M bit 6,DB 6 symbol 22".into())
    );
    let answer = flow.one(ToClient, &message(2, READ_ANSWER));
    assert_eq!((answer.field("item"), answer.field("values")), ("1,2".into(), "1,-7".into()));
    assert_eq!(
        answer.operations,
        [
            "read 1356 get multiple variables M bit 6 = 1 (Done)",
            "read 1356 get multiple variables DB 6 symbol 22 = -7 (Done)"
        ]
    );
}

#[test]
fn blocks_created_and_deleted_are_program_and_passwords_are_never_told() {
    let mut flow = Flow::tcp(&S7commPlus);
    let create = CREATE.replace("00000120 36 0000011d", "00000387 36 00000003").replace("821f", "940e");
    let told = flow.one(ToServer, &message(2, &create));
    assert_eq!(
        (told.field("object_class"), &told.operations),
        ("2574".into(), &vec!["program 1226 create block (Asked)".into()])
    );
    let delete = "31 0000 04d4 0000 0009 00000387 34 8a0e0005 00000000";
    assert_eq!(flow.one(ToServer, &message(2, delete)).operations, ["program 1236 delete block (Asked)"]);
    let password = STOP.replace("9077 00 08 01", "8e36 10 02 03 010203");
    let told = flow.one(ToServer, &message(3, &password));
    assert_eq!((told.field("attribute"), told.field("values")), ("1846".into(), String::new()));
}

#[test]
fn parts_of_a_message_are_joined_and_encryption_is_told_once() {
    let mut flow = Flow::tcp(&S7commPlus);
    let data = hex(WRITE);
    let (first, rest) = data.split_at(20);
    let part = |octets: &[u8], trailer: &[u8]| {
        packet(&[&[0x72, 2, 0, u8::try_from(octets.len()).unwrap()], octets, trailer].concat())
    };
    assert!(flow.feed(ToServer, &part(first, &[])).is_empty());
    assert_eq!(flow.one(ToServer, &part(rest, &[0x72, 2, 0, 0])).field("points"), "M bit 6");
    let record = packet(&hex("17 0303 0004 01020304"));
    assert_eq!(flow.one(ToServer, &record).field("encrypted"), "1");
    assert!(flow.feed(ToServer, &record).is_empty());
}

#[test]
fn events_and_notifications_are_reports() {
    let mut flow = Flow::tcp(&S7commPlus);
    let event = flow.one(ToClient, &packet(&hex("72fe0010 00000000 000045ab 00000000 00000000")));
    assert_eq!((event.kind, event.field("function")), (Kind::Report, "system event".into()));
    let told = flow.one(ToClient, &message(3, "33 7040000b 0400 0000 0000 92 38 01 92000000"));
    assert_eq!((told.field("object_id"), told.field("counter")), ("1883242507".into(), "56".into()));
    assert_eq!(told.operations, ["read 51 notification (Reported)"]);
}

#[test]
fn lengths_and_versions_that_lie_are_told() {
    let mut flow = Flow::tcp(&S7commPlus);
    assert_eq!(flow.one(ToServer, &message(1, "31 0000 04ca")).anomalies, ["message-short"]);
    assert_eq!(flow.one(ToServer, &packet(&hex("72 07 0004 31000000"))).anomalies, ["version-unknown"]);
    assert_eq!(flow.one(ToServer, &packet(&hex("72 01 0fff 31000004ca"))).anomalies, ["length-beyond-unit"]);
    assert_eq!(flow.one(ToServer, &packet(&hex("72 01"))).anomalies, ["header-short"]);
}

#[test]
fn an_unanswered_scan_of_functions_comes_out_whole_and_is_bounded() {
    let mut flow = Flow::tcp(&S7commPlus);
    for function in 0x04a0..0x05c0_u16 {
        let data = std::format!("31 0000 {function:04x} 0000 {function:04x} 00000387 34 00000000 00000000");
        assert_eq!(flow.one(ToServer, &message(2, &data)).field("function_code"), std::format!("{function}"));
    }
    let mut session = session::PlusSession::default();
    for _ in 0..100 {
        let unit = message(2, "31 0000 054c 0000 0001 00000387 34 00000000 00000000");
        iso::Upper::unit(&mut session, ToServer, &unit[7..], &mut |_: &crate::Message<'_>| {});
        assert!(session.waiting() <= session::MAX_PENDING);
    }
}

#[test]
fn numbers_have_the_length_and_sign_that_are_meant() {
    let signed = |octets: &[u8]| number::signed(&mut crate::Cursor::new(octets));
    assert_eq!((signed(&[0x01]), signed(&[0x7f]), signed(&[0x40])), (Some(1), Some(-1), Some(-64)));
    assert_eq!((signed(&[0x80, 0x40]), signed(&[0xff, 0x00])), (Some(64), Some(-128)));
    let unsigned = |octets: &[u8]| number::unsigned(&mut crate::Cursor::new(octets));
    assert_eq!((unsigned(&[0x90, 0x77]), unsigned(&[0xff; 9])), (Some(2_167), Some(u64::MAX)));
    assert_eq!(unsigned(&[0x80]), None);
}

#[test]
fn points_are_read_back() {
    for text in
        ["DB 5 bit 16-31", "M bit 12", "timer symbol 3", "object 52 attribute 2167", "area 99 7 point 1-2"]
    {
        let range = S7commPlus.notation().read(text).unwrap();
        let mut written = String::new();
        S7commPlus.notation().write(&range, &mut written).unwrap();
        assert_eq!(written, text);
    }
}

#[test]
fn nothing_breaks_it() {
    let conversation = vec![
        (ToServer, message(1, CREATE)),
        (ToClient, message(1, CREATED)),
        (ToServer, message(3, STOP)),
        (ToClient, message(3, "32 0000 04f2 0000 0003 34 00 00000000")),
        (ToServer, message(3, WRITE)),
        (ToServer, message(2, READ)),
        (ToClient, message(2, READ_ANSWER)),
        (ToClient, message(3, "33 7040000b 0400 0000 0000 92 38 01 92000000")),
    ];
    withstands(&S7commPlus, Transport::Tcp, &conversation);
}
