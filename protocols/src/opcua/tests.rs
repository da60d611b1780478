use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{PointRange, Space, Transport};

use super::*;
use crate::{
    Kind,
    framed::Framed as _,
    testing::{Conversation, any_segmentation_says_the_same, hex, hostile_octets_are_harmless, probed},
};
use Direction::{ToClient, ToServer};

const POLICY_NONE: &str = "http://opcfoundation.org/UA/SecurityPolicy#None";
const POLICY_BASIC: &str = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";

/// A chunk around `body`.
fn chunk(front: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::from(front);
    octets.extend(u32::try_from(body.len() + 8).unwrap().to_le_bytes());
    octets.extend(body);
    octets
}

/// A counted string.
fn text(text: &str) -> Vec<u8> {
    let mut octets = Vec::from(u32::try_from(text.len()).unwrap().to_le_bytes());
    octets.extend(text.bytes());
    octets
}

/// A message of channel 7, token 1, under a request: `service` and its parameters in hexadecimal behind a header without
/// contents.
fn question(request: u8, service: u16, parameters: &str) -> Vec<u8> {
    message(
        b"MSGF",
        request,
        service,
        &format!("0000 {} 00000000 00000000 ffffffff 00000000 000000", "00".repeat(8)),
        parameters,
    )
}

fn answer(request: u8, service: u16, result: &str, parameters: &str) -> Vec<u8> {
    message(
        b"MSGF",
        request,
        service,
        &format!("{} 00000000 {result} 00 00000000 000000", "00".repeat(8)),
        parameters,
    )
}

fn message(front: &[u8; 4], request: u8, service: u16, header: &str, parameters: &str) -> Vec<u8> {
    let mut body = hex(&format!("07000000 01000000 {request:02x}000000 {request:02x}000000 0100"));
    body.extend(service.to_le_bytes());
    body.extend(hex(header));
    body.extend(hex(parameters));
    chunk(front, &body)
}

fn tcp() -> Conversation {
    Conversation::over(&OpcUa, Transport::Tcp)
}

/// Write 42 (Int32) to ns=2;i=1001 and 1.5 (Double) to ns=3;s=Pump (Part 4, 5.10.4).
const WRITE: &str = "02000000 01 02 e903 0d000000 ffffffff 01 06 2a000000
    03 0300 04000000 50756d70 0d000000 ffffffff 01 0b 000000000000f83f";
/// Read the value of ns=2;i=1001 and the access level of i=2258 (Part 4, 5.10.2).
const READ: &str = "0000000000000000 02000000 02000000 01 02 e903 0d000000 ffffffff 0000 ffffffff
    01 00 d208 11000000 ffffffff 0000 ffffffff";

#[test]
fn nodes_are_read_and_written_with_values() {
    let mut conversation = tcp();
    let asked = conversation.say(ToServer, &question(1, 631, READ)).remove(0);
    assert_eq!(
        asked.operations,
        ["read 631 ns=2;i=1001 (Asked)", "read 631 ns=0;i=2258 attribute 17 (Asked)"]
    );
    assert_eq!((asked.field("nodes"), asked.field("attributes")), ("ns=2;i=1001,i=2258", "13,17"));
    // 77 (UInt16), and a status: bad user access denied.
    let done = conversation
        .say(ToClient, &answer(1, 634, "00000000", "02000000 01 05 4d00 02 00001f80 00000000"))
        .remove(0);
    assert_eq!(
        done.operations,
        ["read 631 ns=2;i=1001 = 77 (Done)", "read 631 ns=0;i=2258 attribute 17 (Refused(2149515264))"]
    );
    let asked = conversation.say(ToServer, &question(2, 673, WRITE)).remove(0);
    assert_eq!(asked.operations[0], "write 673 ns=2;i=1001 = 42 (Asked)");
    assert!(
        asked.operations[1].starts_with("write 673 ns=3;h=")
            && asked.operations[1].ends_with(" = 1.5 (Asked)")
    );
    assert_eq!((asked.field("nodes"), asked.field("values")), ("ns=2;i=1001,ns=3;s=Pump", "42,1.5"));
    let done = conversation
        .say(ToClient, &answer(2, 676, "00000000", "02000000 00000000 00003b80 00000000"))
        .remove(0);
    assert_eq!(done.operations[0], "write 673 ns=2;i=1001 (Done)");
    assert!(done.operations[1].ends_with("(Refused(2151350272))"));
}

#[test]
fn methods_faults_and_sessions() {
    let mut conversation = tcp();
    let call = "01000000 01 02 0100 01 02 0200 02000000 06 07000000 01 01";
    let asked = conversation.say(ToServer, &question(3, 712, call)).remove(0);
    assert_eq!(asked.operations, ["operate 712 ns=2;i=2 attribute 21 = 7 (Asked)"]);
    let fault = conversation.say(ToClient, &answer(3, 397, "00000b80", "")).remove(0);
    assert_eq!(fault.operations, ["operate 712 ns=2;i=2 attribute 21 (Refused(2148204544))"]);
    assert_eq!((fault.kind, fault.field("service")), (Kind::Response, "397"));
    let user = "ffffffff ffffffff 00000000 00000000 01 00 4401 01 17000000 01000000 30 05000000 616c696365 01000000 78 ffffffff";
    let asked = conversation.say(ToServer, &question(4, 467, user)).remove(0);
    assert_eq!(
        (asked.field("user_token"), asked.field("user_name"), asked.field("clear_password")),
        ("user name", "alice", "1")
    );
    assert_eq!(asked.operations, ["associate 467 (Asked)"]);
}

#[test]
fn what_a_subscription_reports_is_told_with_its_node() {
    let mut conversation = tcp();
    let items = "05000000 02000000 01000000 01 02 e903 0d000000 ffffffff 0000 ffffffff
        02000000 63000000 0000000000000000 000000 0a000000 01";
    let asked = conversation.say(ToServer, &question(5, 751, items)).remove(0);
    assert_eq!(asked.operations, ["read 751 ns=2;i=1001 (Asked)"]);
    let publish = "05000000 00000000 00 01000000 0000000000000000 01000000 01 00 2b03 01
        12000000 01000000 63000000 01 06 05000000 00000000";
    let told = conversation.say(ToClient, &answer(6, 829, "00000000", publish)).remove(0);
    assert_eq!(told.operations, ["read 826 ns=2;i=1001 = 5 (Reported)"], "{told:?}");
    // A value that came with a status: uncertain, last usable value.
    let doubtful = "05000000 00000000 00 02000000 0000000000000000 01000000 01 00 2b03 01
        13000000 01000000 63000000 03 01 01 00009040 00000000";
    let told = conversation.say(ToClient, &answer(7, 829, "00000000", doubtful)).remove(0);
    assert_eq!((told.field("values"), told.field("statuses")), ("1", "1083179008"));
}

/// An item on a node that does not exist: bad node id unknown (Part 4, 5.13.2).
#[test]
fn what_a_service_refuses_in_part_is_told_with_its_node() {
    let mut conversation = tcp();
    let item = |node: &str, handle: &str| {
        format!(
            "01 02 {node} 0d000000 ffffffff 0000 ffffffff 02000000 {handle} 0000000000000000 000000 0a000000 01"
        )
    };
    let items =
        format!("05000000 02000000 02000000 {} {}", item("e903", "63000000"), item("cf07", "64000000"));
    conversation.say(ToServer, &question(5, 751, &items));
    let results = "02000000 00000000 01000000 0000000000000000 01000000 000000
        00003480 00000000 0000000000000000 00000000 000000 00000000";
    let told = conversation.say(ToClient, &answer(5, 754, "00000000", results)).remove(0);
    assert_eq!(
        told.operations,
        ["read 751 ns=2;i=1001 (Done)", "read 751 ns=2;i=1999 (Refused(2150891520))"],
        "{told:?}"
    );
    // Browse a node that exists, with one reference, and one that does not.
    let browsed =
        "02000000 00000000 ffffffff 01000000 00 2f 01 00 55 0200 04000000 50756d70 02 04000000 50756d70
        02000000 00 3f 00003480 ffffffff 00000000 00000000";
    let asked = "0000 0000000000000000 00000000 00000000 02000000
        01 02 e903 02000000 00 1f 01 00000000 3f000000 01 02 cf07 02000000 00 1f 01 00000000 3f000000";
    conversation.say(ToServer, &question(6, 527, asked));
    let told = conversation.say(ToClient, &answer(6, 530, "00000000", browsed)).remove(0);
    assert_eq!((told.kind, told.field("statuses")), (Kind::Response, "0,2150891520"), "{told:?}");
}

/// What a method returns (Part 4, 5.12.2), and values that are no numbers.
#[test]
fn values_of_every_kind_are_told() {
    let mut conversation = tcp();
    let results = "01000000 00000000 00000000 00000000 02000000 0b 000000000000f03f 01 01 00000000";
    let told = conversation.say(ToClient, &answer(1, 715, "00000000", results)).remove(0);
    assert_eq!((told.field("statuses"), told.field("values")), ("0", "1,1"));
    // A GUID (Part 6, 5.2.2.6 has this one as its example), octets, and a node identifier.
    let read =
        "03000000 01 0e 912b967275fae64a8d28b404dc7daf63 01 0f 02000000 01ff 01 11 01 02 e903 00000000";
    let told = conversation.say(ToClient, &answer(2, 634, "00000000", read)).remove(0);
    assert_eq!(told.field("values"), "g=72962b91-fa75-4ae6-8d28-b404dc7daf63,01ff,ns=2;i=1001");
    let largest = "01000000 01 89 02000000 ffffffffffffffff 0100000000000000 00000000";
    let told = conversation.say(ToClient, &answer(4, 634, "00000000", largest)).remove(0);
    assert_eq!(told.field("values"), "18446744073709551615,1");
    let asked = "0000000000000000 02000000 01000000 04 0200 912b967275fae64a8d28b404dc7daf63 0d000000 ffffffff 0000 ffffffff";
    let told = conversation.say(ToServer, &question(3, 631, asked)).remove(0);
    assert_eq!(told.field("nodes"), "ns=2;g=72962b91-fa75-4ae6-8d28-b404dc7daf63");
}

fn hello() -> Vec<u8> {
    let mut body = hex("00000000 00000100 00000100 00000000 00000000");
    body.extend(text("opc.tcp://plc:4840"));
    chunk(b"HELF", &body)
}

fn opening(policy: &str, rest: &[u8]) -> Vec<u8> {
    let mut body = hex("00000000");
    body.extend(text(policy));
    body.extend(hex("ffffffff ffffffff"));
    body.extend(rest);
    chunk(b"OPNF", &body)
}

fn open_request() -> Vec<u8> {
    let header = format!("0000 {} 00000000 00000000 ffffffff 00000000 000000", "00".repeat(8));
    hex(&format!("01000000 01000000 0100 be01 {header} 00000000 00000000 01000000 ffffffff 80ee3600"))
}

#[test]
fn connections_and_channels_are_told() {
    let mut conversation = tcp();
    let told = conversation.say(ToServer, &hello()).remove(0);
    assert_eq!((told.field("message_type"), told.field("endpoint")), ("HEL", "opc.tcp://plc:4840"));
    assert_eq!(told.operations, ["associate 1 (Asked)"]);
    let told = conversation.say(ToServer, &opening(POLICY_NONE, &open_request())).remove(0);
    assert_eq!((told.field("service"), told.field("security_mode")), ("446", "1"));
    let told = conversation.say(ToClient, &chunk(b"ERRF", &[hex("00000780"), text("no")].concat())).remove(0);
    assert_eq!((told.kind, told.field("reason")), (Kind::Report, "no"));
}

#[test]
fn encrypted_channels_are_told_as_such_and_signed_ones_read() {
    let mut conversation = tcp();
    let told = conversation.say(ToServer, &opening(POLICY_BASIC, &[0x5a; 64])).remove(0);
    assert_eq!((told.field("encrypted"), told.field("service"), told.kind), ("1", "", Kind::Request));
    let secret = chunk(b"MSGF", &[hex("07000000 01000000"), Vec::from([0xa5; 48])].concat());
    let told = conversation.say(ToServer, &secret).remove(0);
    assert_eq!((told.field("encrypted"), told.operations[0].as_str()), ("1", "unknown 6 (Asked)"));
    let mut signed = tcp();
    signed.say(ToServer, &opening(POLICY_BASIC, &[0x5a; 64]));
    let told = signed.say(ToServer, &question(1, 631, READ)).remove(0);
    assert_eq!((told.field("encrypted"), told.field("service")), ("", "631"));
}

#[test]
fn chunks_are_joined_and_abandoned() {
    let mut conversation = tcp();
    let whole = question(1, 673, WRITE);
    let (first, last) = whole[24..].split_at(20);
    let header = hex("07000000 01000000 01000000 01000000");
    let told = conversation.say(ToServer, &chunk(b"MSGC", &[&header[..], first].concat())).remove(0);
    assert_eq!((told.field("service"), told.operations.len()), ("", 0));
    let told = conversation.say(ToServer, &chunk(b"MSGF", &[&header[..], last].concat())).remove(0);
    assert_eq!((told.field("service"), told.operations.len()), ("673", 2));
    conversation.say(ToServer, &chunk(b"MSGC", &[&header[..], first].concat()));
    conversation.say(ToServer, &chunk(b"MSGA", &[&header[..], &hex("00000b80 ffffffff")].concat()));
    let told = conversation.say(ToServer, &whole).remove(0);
    assert_eq!((told.field("service"), told.anomalies.len()), ("673", 0));
}

#[test]
fn faults_are_named() {
    let codes = |octets: &[u8]| tcp().say(ToServer, octets).remove(0).anomalies;
    assert_eq!(codes(&chunk(b"HELF", &[0; 20])), ["transport-cut-short"]);
    assert_eq!(
        codes(&question(1, 673, "02000000 01 02 e903 0d000000 ffffffff 01")),
        ["parameters-cut-short"]
    );
    assert_eq!(codes(&question(1, 999, "")), ["unknown-service"]);
    let mut open = tcp();
    open.say(ToServer, &opening(POLICY_NONE, &open_request()));
    let unreadable = chunk(b"MSGF", &hex("07000000 01000000 01000000 01000000 09"));
    assert_eq!(open.say(ToServer, &unreadable).remove(0).anomalies, ["type-unreadable"]);
    assert_eq!(codes(&chunk(b"OPNF", &hex("00000000 ffffff00 0000000000000000"))), ["security-header"]);
}

#[test]
fn a_scan_of_services_comes_out_whole_and_is_not_remembered_beyond_the_cap() {
    let mut session = session::OpcUa::default();
    let mut told = Vec::new();
    for service in 1..=127_u8 {
        let octets = question(service, u16::from(service), "");
        session.tell(ToServer, &octets, &mut |message: &crate::Message<'_>| {
            message.body.operations(&mut |operation| told.push(operation.function));
        });
    }
    assert_eq!(told, (1..=127).collect::<Vec<u32>>());
    for request in 0..100 {
        session.tell(ToServer, &question(request, 631, READ), &mut |_: &crate::Message<'_>| {});
    }
    assert_eq!(session.waiting(), MAX_PENDING);
}

fn exchange() -> Vec<(Direction, Vec<u8>)> {
    Vec::from([
        (ToServer, hello()),
        (ToServer, opening(POLICY_NONE, &open_request())),
        (ToServer, [question(1, 631, READ), question(2, 673, WRITE)].concat()),
        (ToClient, answer(1, 634, "00000000", "02000000 01 05 4d00 02 00001f80 00000000")),
        (ToClient, answer(2, 676, "00000000", "02000000 00000000 00003b80 00000000")),
        (ToServer, question(3, 712, "01000000 01 02 0100 01 02 0200 02000000 06 07000000 01 01")),
    ])
}

#[test]
fn any_segmentation() {
    any_segmentation_says_the_same(&OpcUa, &exchange());
}

#[test]
fn hostile_octets() {
    hostile_octets_are_harmless(&OpcUa, Transport::Tcp, &exchange());
}

#[test]
fn deep_nesting_is_not_followed() {
    let deep = format!("01000000 01 02 e903 0d000000 ffffffff {}", "0117".repeat(2_000));
    assert_eq!(tcp().say(ToServer, &question(1, 673, &deep)).remove(0).anomalies, ["parameters-cut-short"]);
}

#[test]
fn recognised_by_what_it_says() {
    assert_eq!(probed(&OpcUa, ToServer, "48454c46 1c000000"), Probe::Certain);
    assert_eq!(probed(&OpcUa, ToServer, "48454c"), Probe::Need(8));
    assert_eq!(probed(&OpcUa, ToServer, "48454c46 ffffffff"), Probe::No);
    assert_eq!(probed(&OpcUa, ToServer, "47455420 2f"), Probe::No);
}

#[test]
fn points_are_written_and_read_back() {
    for (text, area, block, first, last) in [
        ("ns=2;i=1001", 2, 13, 1_001, 1_001),
        ("ns=2;i=1001-1005", 2, 13, 1_001, 1_005),
        ("ns=3;h=8c3a51f0b2d4e697 attribute 21", 3, 21, 0x8c3a_51f0_b2d4_e697, 0x8c3a_51f0_b2d4_e697),
    ] {
        let range = PointRange { space: Space { area, block }, first, last };
        let mut written = String::new();
        OpcUa.notation().write(&range, &mut written).unwrap();
        assert_eq!((written.as_str(), OpcUa.notation().read(text)), (text, Some(range)));
    }
}
