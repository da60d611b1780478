//! Frames decoded by hand, and what no octets break.

use alloc::format;

use fieldwarden_model::Transport;

use super::Dcp;
use crate::{
    Direction, Dissector, Ports, Probe,
    datagram::testing::{hex, nothing_breaks, one},
};

/// Everybody is asked who he is (6-10 clause 4.3.1.4.2: option 255).
const IDENTIFY: &str = "fefe 05 00 01000001 0001 0004 ffff 0000";
/// One answers: name `plc`, vendor 0x002a device 0x0105, 10.0.0.20.
const ANSWER: &str = "feff 05 01 01000001 0000 0026 0202 0005 0000 706c63 00 0203 0006 0000 002a 0105
    0102 000e 0001 0a000014 ffffff00 0a000001";
/// The name is set for good (qualifier 1).
const NAME: &str = "fefd 04 00 00000007 0000 000a 0202 0006 0001 70756d70";
/// Reset to factory settings (control option 5, sub-option 6), and the answer that it is not supported (error 1).
const RESET: &str = "fefd 04 00 00000008 0000 0006 0506 0002 0004";
const REFUSED: &str = "fefd 04 01 00000008 0000 0008 0504 0003 0506 01 00";
/// Asks for name and address.
const GET: &str = "fefd 03 00 00000009 0000 0004 0202 0102";

#[test]
fn who_is_found_and_who_answers() {
    let told = one(&Dcp, Transport::Link, &hex(IDENTIFY));
    assert_eq!(
        (told.kind.as_str(), told.field("service_id"), told.field("xid")),
        ("profinet_dcp request", "5", "16777217")
    );
    assert_eq!(told.operations, ["discover 5 (Asked)"]);
    let told = one(&Dcp, Transport::Link, &hex(ANSWER));
    assert_eq!((told.kind.as_str(), told.anomalies.as_slice()), ("profinet_dcp response", &[][..]));
    assert_eq!(
        (told.field("name_of_station"), told.field("vendor_id"), told.field("device_id")),
        ("plc", "42", "261")
    );
    assert_eq!((told.field("ip_address"), told.field("gateway")), ("10.0.0.20", "10.0.0.1"));
    assert_eq!(told.operations, ["discover 5 (Done)"]);
    assert_eq!(one(&Dcp, Transport::Link, &hex(GET)).field("suboption"), "2,2");
}

#[test]
fn who_is_named_and_reset() {
    let told = one(&Dcp, Transport::Link, &hex(NAME));
    assert_eq!((told.kind.as_str(), told.field("name_of_station")), ("profinet_dcp request", "pump"));
    assert_eq!(told.operations, [format!("configure {} (Asked)", 0x0202_0004)]);
    assert_eq!(one(&Dcp, Transport::Link, &hex(RESET)).operations, [format!("mode {} (Asked)", 0x0506_0004)]);
    let told = one(&Dcp, Transport::Link, &hex(REFUSED));
    assert_eq!(told.operations, [format!("mode {} (Refused(1))", 0x0506_0004)]);
}

#[test]
fn a_question_goes_to_the_server_and_an_answer_to_the_client() {
    let ports = Ports { server: 0x0400, client: 0x0400 };
    let probe = |direction, octets| Dcp.probe(direction, &hex(octets), ports);
    assert_eq!(probe(Direction::ToServer, IDENTIFY), Probe::Possible);
    assert_eq!(probe(Direction::ToClient, IDENTIFY), Probe::No);
    assert_eq!(probe(Direction::ToServer, ANSWER), Probe::No);
    assert_eq!(probe(Direction::ToClient, ANSWER), Probe::Possible);
}

#[test]
fn what_is_cut_short_tells_what_was_understood() {
    let whole = hex(ANSWER);
    let told = one(&Dcp, Transport::Link, &whole[..30]);
    assert_eq!((told.kind.as_str(), told.field("name_of_station")), ("profinet_dcp anomaly", "plc"));
    assert_eq!(told.anomalies, ["length-beyond-frame", "block-cut-short"]);
    let told = one(&Dcp, Transport::Link, &hex(&IDENTIFY.replacen("05", "09", 1)));
    assert_eq!(
        (told.anomalies.as_slice(), told.operations.as_slice()),
        (&["unknown-service"][..], &[alloc::borrow::ToOwned::to_owned("unknown 9 (Asked)")][..])
    );
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Dcp, Transport::Link, &[IDENTIFY, ANSWER, NAME, RESET, REFUSED, GET].map(hex));
}
