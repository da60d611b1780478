extern crate std;

use std::{format, string::String, vec, vec::Vec};

use super::*;
use crate::{
    Kind,
    iso::testing::{Flow, hex, withstands},
};
use Direction::{ToClient, ToServer};

/// Unit and PDU with their CRC, computed bit by bit (SL 6.2.2).
fn rtu(text: &str) -> Vec<u8> {
    let mut octets = hex(text);
    let mut crc = 0xffff_u16;
    for octet in &octets {
        crc ^= u16::from(*octet);
        for _ in 0..8 {
            let carry = crc & 1 == 1;
            crc >>= 1;
            crc = if carry { crc ^ 0xa001 } else { crc };
        }
    }
    octets.extend(crc.to_le_bytes());
    octets
}

/// Unit and PDU with their LRC (SL 6.2.1), in digits.
fn ascii(text: &str) -> Vec<u8> {
    let octets = hex(text);
    let lrc = octets.iter().fold(0_u8, |sum, octet| sum.wrapping_sub(*octet));
    let digits: String = octets.iter().chain([&lrc]).map(|octet| format!("{octet:02X}")).collect();
    format!(":{digits}\r\n").into_bytes()
}

#[test]
fn the_check_of_the_standard_is_computed() {
    // 02 07 has CRC 1241 (SL 6.2.2), sent low octet first.
    assert_eq!(rtu("02 07"), hex("02 07 41 12"));
}

#[test]
fn rtu_and_ascii_say_the_same() {
    for (framing, frame) in [("rtu", rtu as fn(&str) -> Vec<u8>), ("ascii", ascii)] {
        let mut flow = Flow::tcp(&ModbusSerial);
        let asked = flow.one(ToServer, &frame("11 03 006b 0003"));
        assert_eq!((asked.field("framing"), asked.field("unit")), (framing.into(), "17".into()));
        assert_eq!(asked.operations, ["read 3 Read holding registers unit 17 40108-40110 (Asked)"]);
        let answer = flow.one(ToClient, &frame("11 03 06 022b 0000 0064"));
        assert_eq!((answer.kind, answer.field("register_values")), (Kind::Response, "555,0,100".into()));
        assert_eq!(
            answer.operations,
            ["read 3 Read holding registers unit 17 40108-40110 = 555,0,100 (Done)"]
        );
        let write = flow.one(ToServer, &frame("11 06 0001 0003"));
        assert_eq!(write.operations, ["write 6 Write single register unit 17 40002 = 3 (Asked)"]);
        let refused = flow.one(ToClient, &frame("11 86 02"));
        assert_eq!(refused.operations, ["write 6 Write single register unit 17 40002 (Refused(2))"]);
    }
}

#[test]
fn a_wrong_check_is_told_and_the_next_frame_is_found() {
    let mut flow = Flow::tcp(&ModbusSerial);
    flow.one(ToServer, &rtu("11 03 006b 0003"));
    let mut wrong = rtu("11 03 006b 0004");
    wrong[7] ^= 1;
    assert_eq!(flow.one(ToServer, &wrong).anomalies, ["check-wrong"]);
    let mut noise = hex("ff ff ff");
    noise.extend(rtu("11 03 006b 0005"));
    assert_eq!(flow.feed(ToServer, &noise).last().unwrap().field("quantity"), "5");
}

#[test]
fn only_a_right_check_is_believed() {
    let ports = Ports { server: 4_001, client: 1 };
    let frame = rtu("11 03 006b 0003");
    assert_eq!(ModbusSerial.probe(ToServer, &frame, ports), Probe::Certain);
    assert_eq!(ModbusSerial.probe(ToServer, &frame[..5], ports), Probe::Need(8));
    assert_eq!(ModbusSerial.probe(ToServer, &ascii("11 03 006b 0003"), ports), Probe::Certain);
    assert_eq!(ModbusSerial.probe(ToServer, &hex("11 03 006b 0003 0000"), ports), Probe::No);
    assert_eq!(ModbusSerial.probe(ToServer, b":hello\r\n", ports), Probe::No);
    assert_eq!(ModbusSerial.probe(ToServer, b"GET / HTTP/1.1\r\n", ports), Probe::No);
    assert_eq!(ModbusSerial.probe(ToServer, &hex("16 03 01 00 c8 01 00 00 c4 03 03"), ports), Probe::No);
}

#[test]
fn an_unanswered_scan_of_functions_comes_out_whole() {
    for frame in [rtu as fn(&str) -> Vec<u8>, ascii] {
        let mut flow = Flow::tcp(&ModbusSerial);
        let mut codes = Vec::new();
        for function in 1..=127_u8 {
            let body = match function {
                1..=6 => "0001 0001",
                7 | 11 | 12 | 17 => "",
                8 => "0000 0000",
                15 | 16 => "0001 0001 02 0001",
                20 => "07 06 0001 0001 0001",
                21 => "09 06 0001 0001 0001 0001",
                22 => "0001 0001 0001",
                23 => "0001 0001 0001 0001 02 0001",
                24 => "0001",
                43 => "0e 01 00",
                _ => "00",
            };
            for told in flow.feed(ToServer, &frame(&format!("01 {function:02x} {body}"))) {
                codes.push(told.field("function_code"));
            }
        }
        let all: Vec<String> = (1..=127).map(|function| format!("{function}")).collect();
        assert_eq!(codes, all);
    }
}

#[test]
fn nothing_breaks_it() {
    let conversation = vec![
        (ToServer, rtu("11 03 006b 0003")),
        (ToClient, rtu("11 03 06 022b 0000 0064")),
        (ToServer, rtu("11 10 0001 0002 04 000a 0102")),
        (ToClient, rtu("11 90 02")),
        (ToServer, ascii("11 05 00ac ff00")),
        (ToClient, ascii("11 05 00ac ff00")),
    ];
    withstands(&ModbusSerial, Transport::Tcp, &conversation);
}
