//! Against messages decoded by hand; whole ones, field by field, stand in `tests/hand/bacnet_sc.txt`.

use alloc::{string::String, vec, vec::Vec};

use fieldwarden_model::Transport;

use super::{BacnetSc, MAX_JOINED, MAX_MESSAGE};
use crate::{
    Direction, Probe,
    http::HTTP,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, told},
};

const CONNECT: &str = "06 00 0001 020000000005 000102030405060708090a0b0c0d0e0f 05ab 05a5";
const ACCEPT: &str = "07 00 0001 020000000014 101112131415161718191a1b1c1d1e1f 05ab 05a5";
/// Write 180.0 to the present value of analog value 1, to a node behind the hub (F.3.8 for the APDU).
const WRITE: &str = "01 04 0002 020000000033 0104 0004590f0c0080000119553e44433400003f4908";
const WRITTEN: &str = "01 08 0003 020000000033 0100 20590f";
const NAK: &str = "00 04 0004 020000000033 01 01 00 0007 00bb 6e6f206e6f6465";
const HEARTBEAT: &str = "0a 00 0005";

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame of WebSocket, masked where the client sends it.
fn frame(direction: Direction, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = if direction == ASK { 0x80 } else { 0 };
    let mut octets = match payload.len() {
        short @ 0..126 => vec![first, mask | u8::try_from(short).unwrap()],
        long => [&[first, mask | 126][..], &u16::try_from(long).unwrap().to_be_bytes()].concat(),
    };
    if direction == ASK {
        octets.extend(KEY);
        octets.extend(payload.iter().zip(KEY.iter().cycle()).map(|(octet, key)| octet ^ key));
    } else {
        octets.extend(payload);
    }
    octets
}

fn messages(parts: &[(Direction, &str)]) -> Talk {
    parts.iter().map(|(direction, text)| (*direction, frame(*direction, 0x82, &hex(text)))).collect()
}

fn exchange() -> Talk {
    messages(&[
        (ASK, CONNECT),
        (ANSWER, ACCEPT),
        (ASK, WRITE),
        (ANSWER, WRITTEN),
        (ASK, WRITE),
        (ANSWER, NAK),
        (ASK, HEARTBEAT),
    ])
}

const TOLD: [&str; 9] = [
    "request function=6 function_name=Connect-Request message_id=1 vmac=020000000005 device_uuid=000102030405060708090a0b0c0d0e0f \
     max_bvlc_length=1451 max_npdu_length=1445 | associate 1030 Connect-Request (Asked)",
    "response function=7 function_name=Connect-Accept message_id=1 vmac=020000000014 device_uuid=101112131415161718191a1b1c1d1e1f \
     max_bvlc_length=1451 max_npdu_length=1445 | associate 1031 Connect-Accept (Done)",
    "report function=1 function_name=Encapsulated-NPDU message_id=2 destination=020000000033",
    "write",
    "report function=1 function_name=Encapsulated-NPDU message_id=3 origin=020000000033",
    "written",
    "report function=1 function_name=Encapsulated-NPDU message_id=2 destination=020000000033",
    "write",
    "response function=0 function_name=BVLC-Result message_id=4 destination=020000000033 result_for=1 result=1 error_header=0 \
     error_class=7 error_code=187 error_details=no node | diagnose 1024 BVLC-Result (Refused(187))",
];

#[test]
fn a_hub_is_joined_a_value_written_and_a_message_refused() {
    let lines = spoken(&exchange());
    for (line, wanted) in lines.iter().zip(TOLD) {
        match wanted {
            "write" => assert!(line.contains("object_type=2") && line.contains("| write"), "{line}"),
            "written" => assert!(line.starts_with("response") && line.contains("Done"), "{line}"),
            _ => assert_eq!(line, wanted),
        }
    }
    assert!(lines.len() == 10 && lines[9].ends_with("diagnose 1034 Heartbeat-Request (Asked)"), "{lines:?}");
}

fn spoken(talk: &Talk) -> Vec<String> {
    told(&BacnetSc, Transport::Tcp, talk)
}

#[test]
fn what_http_opens_is_handed_over() {
    let head = |direction, text: &[u8]| (direction, text.to_vec());
    let mut talk = vec![
        head(ASK, b"GET /hub HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: hub.bsc.bacnet.org\r\n\r\n"),
        head(ANSWER, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: hub.bsc.bacnet.org\r\n\r\n"),
    ];
    talk.extend(messages(&[(ASK, CONNECT), (ANSWER, ACCEPT)]));
    let lines = told(&HTTP, Transport::Tcp, &talk);
    assert_eq!(lines[2..], TOLD[..2]);
    stands(&HTTP, Transport::Tcp, &talk);
    let (_, answer) = &mut talk[1];
    *answer = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: chat\r\n\r\n".to_vec();
    assert_eq!(
        told(&HTTP, Transport::Tcp, &talk).len(),
        2,
        "another protocol inside of WebSocket is left alone"
    );
}

#[test]
fn fragments_are_joined_up_to_a_limit() {
    let octets = hex(CONNECT);
    let (front, back) = octets.split_at(9);
    let parts =
        vec![(ASK, [frame(ASK, 0x02, front), frame(ASK, 0x89, b"ping"), frame(ASK, 0x80, back)].concat())];
    assert_eq!(spoken(&parts), TOLD[..1]);
    let many = vec![(
        ASK,
        [frame(ASK, 0x02, &[1; MAX_JOINED]), frame(ASK, 0, &[1]), frame(ASK, 0x80, &[1])].concat(),
    )];
    assert_eq!(spoken(&many), ["report | fragments"]);
}

#[test]
fn what_breaks_the_rules_is_an_anomaly() {
    let lines = spoken(&messages(&[
        (ASK, "06 00 0001 0200"),
        (ASK, "01 04 0002 0200"),
        (ASK, "0a 10 0005"),
        (ASK, "3f 00 0005"),
        (ASK, "01 02 0006 a1 0004 01020304 21 0004 0102"),
    ]));
    let codes: Vec<&str> = lines.iter().map(|line| line.rsplit("| ").next().unwrap()).collect();
    assert_eq!(
        codes,
        ["payload-length", "header-cut-short", "reserved-control", "unknown-function", "header-cut-short"]
    );
    assert_eq!(spoken(&vec![(ANSWER, frame(ANSWER, 0x81, b"hello"))]), ["anomaly text=hello | text-frame"]);
    let closed = "report function_name=close close_code=1003 | associate 1280 close (Reported)";
    assert_eq!(spoken(&vec![(ANSWER, frame(ANSWER, 0x88, &[3, 0xeb]))]), [closed]);
}

#[test]
fn it_stands_the_trials() {
    stands(&BacnetSc, Transport::Tcp, &exchange());
}

#[test]
fn a_connection_joined_later_is_known_by_its_messages_alone() {
    for (direction, octets) in &exchange()[..4] {
        assert_eq!(probed(&BacnetSc, *direction, octets, 443), Probe::Certain);
        assert_eq!(
            probed(&BacnetSc, *direction, &octets[..octets.len() - 1], 443),
            Probe::Need(octets.len())
        );
    }
    assert_eq!(probed(&BacnetSc, ASK, &exchange()[6].1, 443), Probe::Possible, "a heartbeat is four octets");
    assert_eq!(probed(&BacnetSc, ASK, &frame(ASK, 0x82, b"{\"json\": 1}"), 443), Probe::No);
    assert_eq!(probed(&BacnetSc, ASK, b"GET / HTTP/1.1\r\n", 443), Probe::No);
    assert_eq!(MAX_MESSAGE, 65_549);
}
