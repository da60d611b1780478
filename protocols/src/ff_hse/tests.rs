use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{PointRange, Space, Transport};

use super::*;
use crate::{
    Kind,
    testing::{Conversation, any_segmentation_says_the_same, hex, hostile_octets_are_harmless, probed},
};
use Direction::{ToClient, ToServer};

/// A message with message number and invocation in its trailer.
fn message(protocol: u8, kind: u8, service: u8, body: &str) -> String {
    let length = hex(body).len() + 20;
    format!("01 c0 {:02x} {service:02x} 012f0001 {length:08x} {body} 00000005 00000009", protocol << 2 | kind)
}

fn udp() -> Conversation {
    Conversation::over(&FfHse, Transport::Udp)
}

#[test]
fn services_tell_what_they_do() {
    for (protocol, kind, service, body, told_kind, operation) in [
        (1, 0, 0x81, "", Kind::Request, "associate 129/1 (Asked)"),
        (2, 0, 0x8e, "", Kind::Request, "configure 142/2 (Asked)"),
        (2, 0, 0x10, "", Kind::Report, "discover 16/2 (Reported)"),
        (3, 0, 0x82, "00000005", Kind::Request, "read 130/3 fda 0x012f0001 index 5 (Asked)"),
        (
            3,
            0,
            0xd3,
            "00000005 00000002 aabb",
            Kind::Request,
            "write 211/3 fda 0x012f0001 index 5.2 = 170,187 (Asked)",
        ),
        (3, 0, 0x89, "", Kind::Request, "program 137/3 (Asked)"),
        (3, 0, 0x94, "", Kind::Request, "mode 148/3 (Asked)"),
        (3, 1, 0x83, "", Kind::Response, "write 131/3 (Done)"),
        (3, 2, 0x83, "00000007", Kind::Response, "write 131/3 (Refused(7))"),
        (4, 0, 0x82, "", Kind::Request, "configure 130/4 (Asked)"),
    ] {
        let told = udp().ask(&message(protocol, kind, service, body));
        assert_eq!((told.kind, told.operations[0].as_str()), (told_kind, operation));
        assert_eq!((told.field("invoke_id"), told.anomalies.len()), ("9", 0));
    }
}

#[test]
fn faults_are_named() {
    let codes = |text: &str| udp().ask(text).anomalies;
    assert_eq!(codes("01 00 0c 82 00000000 00000002"), ["header"]);
    assert_eq!(codes("01 00 0c 82 00000000 00000020 00000001"), ["message-length"]);
    assert_eq!(codes(&message(3, 3, 0x82, "00000001")), ["message-type"]);
    assert_eq!(codes(&message(3, 0, 0x7f, "")), ["unknown-service"]);
}

#[test]
fn a_scan_of_services_comes_out_whole() {
    for service in 0..=255 {
        let told = udp().ask(&message(3, 0, service, "00000001 00000002"));
        assert_eq!((told.field("service"), told.operations.len()), (format!("{service}").as_str(), 1));
    }
}

fn exchange() -> Vec<(Direction, Vec<u8>)> {
    Vec::from([
        (ToServer, hex(&(message(3, 0, 0x82, "00000005") + &message(3, 0, 0xd3, "00000005 00000002 aabb")))),
        (ToClient, hex(&message(3, 1, 0x82, "01020304"))),
        (ToClient, hex(&message(2, 0, 0x10, "0102"))),
    ])
}

#[test]
fn any_segmentation_and_hostile_octets() {
    any_segmentation_says_the_same(&FfHse, &exchange());
    hostile_octets_are_harmless(&FfHse, Transport::Tcp, &exchange());
    hostile_octets_are_harmless(&FfHse, Transport::Udp, &exchange());
}

#[test]
fn recognised_by_what_it_says_and_the_port() {
    let ports = |server, client| Ports { server, client };
    let octets = hex(&message(3, 0, 0x82, "00000005"));
    assert_eq!(FfHse.probe(ToServer, &octets, ports(1_090, 40_000)), Probe::Possible);
    assert_eq!(FfHse.probe(ToServer, &octets, ports(40_000, 1_091)), Probe::Certain);
    assert_eq!(probed(&FfHse, ToServer, "01 00 00"), Probe::No);
    assert_eq!(probed(&FfHse, ToServer, "01 00 0c"), Probe::Need(12));
}

#[test]
fn points_are_written_and_read_back() {
    for (text, area, first, last) in [
        ("fda 0x012f0001 index 5", 0, 5 << 32, 5 << 32 | 0xffff_ffff),
        ("fda 0x012f0001 index 5.2", 0, 5 << 32 | 2, 5 << 32 | 2),
        ("fda 0x012f0001 index 5.2-6.1", 0, 5 << 32 | 2, 6 << 32 | 1),
        ("area 3 fda 0x012f0001 index 5", 3, 5 << 32, 5 << 32 | 0xffff_ffff),
    ] {
        let range = PointRange { space: Space { area, block: 0x012f_0001 }, first, last };
        let mut written = String::new();
        FfHse.notation().write(&range, &mut written).unwrap();
        assert_eq!((written.as_str(), FfHse.notation().read(text)), (text, Some(range)));
    }
}
