use alloc::{format, vec, vec::Vec};

use fieldwarden_model::Transport;
use proptest::prelude::*;

use super::*;
use crate::{
    message::Direction::{ToClient, ToServer},
    trial::{
        Conversation, Told, damage_breaks_nothing, every_prefix_is_quiet, hex, segmentation_changes_nothing,
    },
};

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let front = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [&front, content].concat()
}

/// A message from 1.3.1 to 2.16.1; an answer names the invocation it answers.
fn message(answers: bool, epsem: &str) -> Vec<u8> {
    let mut inside = hex("a2 05 06 03 60 01 01");
    if answers {
        inside.extend(hex("a4 03 02 01 07"));
    }
    inside.extend(hex("a6 05 80 03 2b 01 02 a8 03 02 01 07"));
    inside.extend(tlv(0xbe, &tlv(0x28, &tlv(0x81, &hex(epsem)))));
    tlv(0x60, &inside)
}

fn one(answers: bool, epsem: &str) -> Told {
    let mut flow = Conversation::over(&C1222, Transport::Tcp);
    flow.last(if answers { ToClient } else { ToServer }, &message(answers, epsem))
}

#[test]
fn services_have_their_verbs_and_tables() {
    let told = one(false, "80 03 30 0017 08 3f 0001 000010 0004 01 20");
    assert_eq!(
        told.operations,
        [
            "read 48 full read table 23 (Asked)",
            "read 63 partial read by offset table 1 (Asked)",
            "discover 32 identify (Asked)",
        ]
    );
    assert_eq!((told.kind, told.field("command"), told.field("offset")), (Kind::Request, "48,63,32", "16"));
    assert_eq!((told.field("called"), told.field("calling")), ("2.16.1.1", ".43.1.2"));
    let start = one(false, "80 09 40 0007 0003 000001 ff");
    assert_eq!(start.operations, ["mode 64 cold start table 7 (Asked)"]);
    let other = one(false, "80 09 40 0007 0003 340801 ff");
    assert_eq!((other.field("procedure"), other.operations.len()), ("2100", 1), "manufacturer procedure 52");
}

#[test]
fn answers_and_refusals_are_told() {
    let told = one(true, "80 01 00 04 00 0001 41 01 03");
    assert_eq!(
        told.operations,
        ["associate 0 answer (Done)", "read 0 answer with data (Done)", "associate 3 answer (Refused(3))"]
    );
    assert_eq!((told.kind, told.field("response")), (Kind::Response, "0,0,3"));
}

#[test]
fn an_answer_does_what_it_answers() {
    let mut flow = Conversation::over(&C1222, Transport::Tcp);
    flow.last(ToServer, &message(false, "80 03 30 0017 09 40 0007 0003 000001 ff 03 30 0005 01 20"));
    // Table 23, one octet with its check; the procedure is accepted; table 5 is refused; the identity follows.
    let told = flow.last(ToClient, &message(true, "80 05 00 0001 2a d6 01 00 01 03 05 00 00 01 00 00"));
    assert_eq!(
        told.operations,
        [
            "read 48 full read table 23 = 42 (Done)",
            "mode 64 cold start table 7 (Done)",
            "read 48 full read table 5 (Refused(3))",
            "discover 32 identify (Done)",
        ]
    );
    assert_eq!((told.field("requested_command"), told.field("table")), ("48,64,48,32", "23,7,5"));
    assert_eq!((told.field("count"), told.field("data")), ("1", "2a,00010000"));
    let again = flow.last(ToClient, &message(true, "80 05 00 0001 2a d6"));
    assert_eq!(again.operations, ["read 0 answer with data (Done)"], "a question is answered once");
    flow.last(ToServer, &message(false, "80 03 30 0017"));
    assert_eq!(flow.last(ToClient, &message(true, "80 05 00 0001 2a d7")).anomalies, ["table-check"]);
}

#[test]
fn questions_without_answers_are_bounded() {
    let mut flow = Conversation::over(&C1222, Transport::Tcp);
    let numbered = |number: u8| {
        let mut octets = message(false, "80 03 30 0017");
        let at = octets.windows(3).position(|window| window == [2, 1, 7]).unwrap();
        octets[at + 2] = number;
        octets
    };
    let told: Vec<Told> = (0..40).map(|number| flow.last(ToServer, &numbered(number))).collect();
    let limited = told.iter().filter(|told| told.anomalies == ["pending-requests"]).count();
    assert_eq!(limited, 40 - MAX_PENDING);
}

#[test]
fn what_is_encrypted_is_told_as_such() {
    let told = one(true, "88 0102030405060708");
    assert_eq!((told.kind, told.field("security")), (Kind::Response, "2"));
    assert_eq!(told.operations, ["unknown 256 encrypted service (Done)"]);
    let clear = one(false, "84 01 20 01020304");
    assert_eq!(clear.operations, ["discover 32 identify (Asked)"], "the MAC is no service");
}

#[test]
fn a_password_is_not_told() {
    let told = one(false, "80 09 51 70617373 776f7264");
    assert!(!format!("{:?}", told.fields).contains("70617373"), "{told:?}");
}

#[test]
fn lies_are_told() {
    assert_eq!(one(false, "80 09 30 0001").anomalies, ["service-beyond-message"]);
    assert_eq!(one(false, "80 01 7f").anomalies, ["command-unknown"]);
    let mut flow = Conversation::over(&C1222, Transport::Tcp);
    let bare = flow.last(ToServer, &hex("60 07 a6 05 06 03 60 01 01"));
    assert_eq!(bare.anomalies, ["user-information-missing"]);
    let broken = flow.last(ToServer, &hex("60 04 a6 05 06 03"));
    assert_eq!(broken.anomalies, ["message-broken", "user-information-missing"]);
}

#[test]
fn an_unanswered_scan_of_services_comes_out_whole() {
    let mut flow = Conversation::over(&C1222, Transport::Tcp);
    for code in 0x20..=255u8 {
        let told = flow.last(ToServer, &message(false, &format!("80 03 {code:02x} 0000")));
        assert_eq!(told.field("command"), format!("{code}"));
        assert_eq!(told.operations.len(), 1);
    }
}

#[test]
fn the_probe_knows_messages_on_any_port() {
    let ports = Ports { server: 4_000, client: 50_000 };
    let octets = message(false, "80 01 20");
    assert_eq!(C1222.probe(ToServer, &octets, ports), Probe::Certain);
    assert_eq!(C1222.probe(ToServer, &octets[..9], ports), Probe::Need(octets.len()));
    assert_eq!(C1222.probe(ToServer, &hex("30 05 a6 03 02 01 01"), ports), Probe::No);
    assert_eq!(C1222.probe(ToServer, &hex("60 05 a6 03 02 01 01"), ports), Probe::Possible);
}

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, message(false, "80 01 20")),
        (ToClient, message(true, "80 05 00 00 01 00 00")),
        (ToServer, message(false, "90 01020304 03 30 0017 08 3f 0001 000010 0004")),
        (ToClient, message(true, "80 08 00 0004 41424344 f6 01 01")),
        (ToServer, message(false, "88 0102030405060708")),
        (ToServer, message(false, &format!("80 8180 4f 0001 000000 0079 {}", "55".repeat(120)))),
    ]
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    segmentation_changes_nothing(&C1222, &conversation());
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&C1222, Transport::Tcp, &conversation());
    every_prefix_is_quiet(&C1222, Transport::Udp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..400, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        damage_breaks_nothing(&C1222, Transport::Tcp, &conversation(), &flips, &noise);
    }
}
