use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{PointRange, Space, Transport};

use super::*;
use crate::{
    Kind,
    testing::{Conversation, any_segmentation_says_the_same, hex, hostile_octets_are_harmless, probed},
};
use Direction::{ToClient, ToServer};

/// A frame around `body` (3/8/2, 2.3).
fn frame(service: u16, body: &str) -> String {
    let length = hex(body).len() + 6;
    format!("0610 {service:04x} {length:04x} {body}")
}

fn udp() -> Conversation {
    Conversation::over(&KnxnetIp, Transport::Udp)
}

/// A tunnelling request on channel 5 (3/8/4, 4.4.6) with a telegram (3/6/3, 4.1.5).
fn tunnel(telegram: &str) -> String {
    frame(0x0420, &format!("04 05 01 00 {telegram}"))
}

#[test]
fn groups_are_written_read_and_answered() {
    // L_Data.req from 0.0.0 to 1/2/3: group value write of one bit, of two octets; read; response.
    for (telegram, operation, value) in [
        ("11 00 bc e0 0000 0a03 01 0081", "write 1056/128 1/2/3 = 1 (Asked)", "1"),
        ("11 00 bc e0 0000 0a03 03 0080 0c65", "write 1056/128 1/2/3 = 3173 (Asked)", ""),
        ("11 00 bc e0 0000 0a03 01 0000", "read 1056 1/2/3 (Asked)", "0"),
        ("29 00 bc e0 1105 0a03 01 0041", "read 1056/64 1/2/3 = 1 (Reported)", "1"),
    ] {
        let told = udp().ask(&tunnel(telegram));
        assert_eq!((told.operations[0].as_str(), told.field("value")), (operation, value));
        assert_eq!(
            (told.kind, told.field("channel"), told.field("destination")),
            (Kind::Request, "5", "2563")
        );
    }
    let routed = udp().ask(&frame(0x0530, "29 00 bc d0 1105 0a03 01 0080"));
    assert_eq!(
        (routed.kind, routed.operations[0].as_str()),
        (Kind::Report, "write 1328/128 1/2/3 = 0 (Asked)")
    );
}

#[test]
fn devices_are_programmed_restarted_and_configured() {
    for (telegram, operation) in [
        (
            "11 00 b0 60 0000 1105 06 4283 0100 aabbcc",
            "program 1056/640 1.1.5 memory 256-258 = 170,187,204 (Asked)",
        ),
        ("11 00 b0 60 0000 1105 03 4201 0100", "program 1056/512 1.1.5 memory 256 (Asked)"),
        ("11 00 b0 60 0000 1105 01 4380", "mode 1056/896 (Asked)"),
        (
            "11 00 b0 60 0000 1105 06 43d7 00 36 10 01 01",
            "configure 1056/983 1.1.5 object 0 property 54 = 1 (Asked)",
        ),
        ("11 00 b0 60 0000 1105 05 43d5 00 36 10 01", "read 1056/981 1.1.5 object 0 property 54 (Asked)"),
        ("11 00 b0 60 0000 1105 03 00c0 1106", "configure 1056/192 (Asked)"),
        ("11 00 b0 60 0000 1105 00 80", "associate 1056 (Asked)"),
    ] {
        assert_eq!(udp().ask(&tunnel(telegram)).operations, [operation]);
    }
    let local = udp().ask(&frame(0x0310, "04 05 01 00 f6 000b 01 34 1001 0f"));
    assert_eq!(local.operations, ["configure 784 local object 11 property 52 = 15 (Asked)"]);
    let reset = udp().ask(&frame(0x0310, "04 05 01 00 f1"));
    assert_eq!(reset.operations, ["mode 784 (Asked)"]);
}

#[test]
fn connections_and_searches() {
    let search = udp().ask(&frame(0x0201, "08 01 0a000005 c350"));
    assert_eq!(search.operations, ["discover 513 (Asked)"]);
    let connect = udp().ask(&frame(0x0205, "08 01 0a000005 c350 08 01 0a000005 c350 04 04 02 00"));
    assert_eq!((connect.kind, connect.operations[0].as_str()), (Kind::Request, "associate 517 (Asked)"));
    let answer = udp().answer(&frame(0x0206, "05 00 08 01 0a000014 0e57 04 04 1101"));
    assert_eq!((answer.kind, answer.field("channel"), answer.field("status")), (Kind::Response, "5", "0"));
    let reset = udp().ask(&frame(0x0743, "01 02"));
    assert_eq!(reset.operations, ["mode 1859 (Asked)"]);
}

#[test]
fn faults_are_named() {
    let codes = |text: &str| udp().ask(text).anomalies;
    assert_eq!(codes("0611 0201 0006"), ["header"]);
    assert_eq!(codes("0610 0207 0020 0500"), ["total-length", "body-too-short"]);
    assert_eq!(codes(&frame(0x0999, "")), ["unknown-service"]);
    assert_eq!(codes(&tunnel("11 00 bc e0 0000 0a03 09 0081")), ["telegram-cut-short"]);
}

#[test]
fn a_scan_of_services_comes_out_whole() {
    for low in 1..=127_u16 {
        let told = udp().ask(&frame(0x0400 | low, "04 05 01 00 11 00 bc e0 0000 0a03 01 0081"));
        assert_eq!((told.field("service"), told.operations.len()), (format!("{}", 0x0400 | low).as_str(), 1));
    }
}

fn exchange() -> Vec<(Direction, Vec<u8>)> {
    Vec::from([
        (ToServer, hex(&frame(0x0205, "08 01 0a000005 c350 08 01 0a000005 c350 04 04 02 00"))),
        (ToClient, hex(&frame(0x0206, "05 00 08 01 0a000014 0e57 04 04 1101"))),
        (
            ToServer,
            hex(&(tunnel("11 00 bc e0 0000 0a03 03 0080 0c65")
                + &tunnel("11 00 b0 60 0000 1105 06 4283 0100 aabbcc"))),
        ),
        (ToClient, hex(&frame(0x0421, "04 05 01 00"))),
        (ToServer, hex(&frame(0x0310, "04 05 01 00 f6 000b 01 34 1001 0f"))),
    ])
}

#[test]
fn any_segmentation_and_hostile_octets() {
    any_segmentation_says_the_same(&KnxnetIp, &exchange());
    hostile_octets_are_harmless(&KnxnetIp, Transport::Tcp, &exchange());
    hostile_octets_are_harmless(&KnxnetIp, Transport::Udp, &exchange());
}

#[test]
fn recognised_by_what_it_says() {
    assert_eq!(probed(&KnxnetIp, ToServer, &frame(0x0207, "0500 08010a000005c350")), Probe::Certain);
    assert_eq!(probed(&KnxnetIp, ToServer, "0610 0999 0006"), Probe::Possible);
    assert_eq!(probed(&KnxnetIp, ToServer, "0610"), Probe::Need(6));
    assert_eq!(probed(&KnxnetIp, ToServer, "1603"), Probe::No);
}

#[test]
fn points_are_written_and_read_back() {
    for (text, area, block, first, last) in [
        ("1/2/3", 1, 0, 0x0a03, 0x0a03),
        ("31/7/250-260", 1, 0, 0xfffa, 0x1_0004),
        ("1.1.5 memory 256-271", 2, 0x1105, 256, 271),
        ("15.15.255 object 0 property 54", 3, 0xffff, 54, 54),
        ("local object 11 property 52", 4, 0, 11 << 16 | 52, 11 << 16 | 52),
        ("area 9 block 2 point 3-5", 9, 2, 3, 5),
    ] {
        let range = PointRange { space: Space { area, block }, first, last };
        let mut written = String::new();
        KnxnetIp.notation().write(&range, &mut written).unwrap();
        assert_eq!((written.as_str(), KnxnetIp.notation().read(text)), (text, Some(range)));
    }
}
