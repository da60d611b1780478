extern crate std;

use std::{format, vec, vec::Vec};

use super::*;
use crate::iso::testing::{Flow, hex, withstands};
use Direction::{ToClient, ToServer};

/// Header, content and CRC, computed bit by bit.
fn packet(kind: u8, content: &str) -> Vec<u8> {
    let content = hex(content);
    let [low, high] = u16::try_from(content.len()).unwrap().to_le_bytes();
    let mut octets = [vec![kind, 0, low, high], content].concat();
    let mut check = 0_u16;
    for octet in &octets {
        check ^= u16::from(*octet);
        for _ in 0..8 {
            let carry = check & 1 == 1;
            check >>= 1;
            check = if carry { check ^ 0xa001 } else { check };
        }
    }
    octets.extend(check.to_le_bytes());
    octets
}

/// An execution command or an answer, `data` behind its fixed part.
fn command(origin: &str, function: u8, data: &str) -> Vec<u8> {
    let length = u16::try_from(10 + hex(data).len()).unwrap().swap_bytes();
    packet(5, &format!("{origin} {function:02x} 01 0000 0000 {length:04x} {data}"))
}

#[test]
fn messages_of_a_real_conversation_are_read() {
    // The first frames of the capture of TRITON against a Tricon: connection, then status of the control program.
    let mut flow = Flow::udp(&TriStation);
    assert_eq!(
        flow.one(ToServer, &hex("01000000 01fc")).operations,
        ["associate 1 connection request (Asked)"]
    );
    assert_eq!(
        flow.one(ToClient, &hex("02000000 01b8")).operations,
        ["associate 2 connection response (Done)"]
    );
    let asked = flow.one(ToServer, &hex("05000a00 0000 13 00 0000 2700 0a00 5010"));
    assert_eq!((asked.field("function_code"), asked.field("origin")), ("19".into(), "0".into()));
    assert_eq!(asked.operations, ["diagnose 5/19 read the status of the control program (Asked)"]);
    let upload = flow.one(ToServer, &hex("05001200 0000 41 01 0000 6600 1200 0000000000000000 37f9"));
    assert_eq!(upload.operations, ["program 5/65 upload a program (Asked)"]);
}

#[test]
fn what_matters_has_its_verb() {
    let mut flow = Flow::udp(&TriStation);
    for (function, operation) in [
        (1, "program 5/1 start of a changed download (Asked)"),
        (20, "mode 5/20 run the program (Asked)"),
        (21, "mode 5/21 halt the program (Asked)"),
        (55, "program 5/55 allocate a program (Asked)"),
        (7, "time 5/7 set the calendar (Asked)"),
    ] {
        assert_eq!(flow.one(ToServer, &command("0000", function, "")).operations, [operation]);
    }
    assert_eq!(
        flow.one(ToClient, &command("0101", 110, "")).operations,
        ["mode 5/110 program is halted (Done)"]
    );
    let refused = flow.one(ToClient, &command("0101", 212, ""));
    assert_eq!(refused.operations, ["unknown 5/212 the key switch prohibits it (Refused(212))"]);
    assert_eq!(flow.one(ToClient, &packet(10, "")).operations, ["associate 10 access denied (Refused(10))"]);
}

#[test]
fn lengths_and_checks_that_lie_are_told_and_others_are_not_taken() {
    let mut flow = Flow::udp(&TriStation);
    let mut wrong = command("0000", 19, "");
    wrong[15] ^= 1;
    assert_eq!(flow.one(ToServer, &wrong).anomalies, ["check-wrong"]);
    assert_eq!(flow.one(ToServer, &packet(5, "0000 13")).anomalies, ["command-short"]);
    assert_eq!(flow.one(ToServer, &packet(5, "0000 13 00 0000 0000 ff00")).anomalies, ["command-length"]);
    assert_eq!(flow.one(ToServer, &hex("05000a00 0000")).anomalies, ["length"]);
    let ports = Ports { server: PORT, client: 1 };
    assert_eq!(TriStation.probe(ToServer, &command("0000", 19, ""), ports), Probe::Certain);
    assert_eq!(TriStation.probe(ToServer, &wrong, ports), Probe::Possible);
    assert_eq!(TriStation.probe(ToServer, b"\x01\x00\x00\x00", ports), Probe::No);
}

#[test]
fn an_unanswered_scan_of_functions_comes_out_whole() {
    let mut flow = Flow::udp(&TriStation);
    for code in 0..=255 {
        let told = flow.one(ToServer, &command("0000", code, ""));
        assert_eq!(told.field("function_code"), format!("{code}"));
    }
}

#[test]
fn functions_are_in_order() {
    for code in [0, 19, 80, 100, 108, 170, 200, 254] {
        assert_ne!(function::command(code).1, "unknown function");
    }
}

#[test]
fn nothing_breaks_it() {
    let conversation = vec![
        (ToServer, packet(1, "")),
        (ToClient, packet(2, "")),
        (ToServer, command("0000", 65, "0000000000000000")),
        (ToClient, command("0101", 162, "0102030405")),
        (ToClient, command("0101", 212, "")),
    ];
    withstands(&TriStation, Transport::Udp, &conversation);
}
