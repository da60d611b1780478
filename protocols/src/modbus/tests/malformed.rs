//! Messages that break the standard are told, with what could be read.

use alloc::vec::Vec;

use super::harness::{Conversation, ToClient, ToServer, adu, hex};
use crate::{Kind, modbus::MAX_PENDING_REQUESTS};

#[test]
fn each_fault_of_a_request_is_named() {
    let cases = [
        ("03 0000 0000", "illegal-quantity"),
        ("03 0000 007e", "illegal-quantity"),
        ("01 0000 07d1", "illegal-quantity"),
        ("03 ffff 0002", "address-past-end"),
        ("03 0000", "pdu-too-short"),
        ("03 0000 0001 00", "pdu-too-long"),
        ("05 0001 1234", "illegal-coil-value"),
        ("0f 0000 000a 01 ff", "byte-count-against-quantity"),
        ("0f 0000 07b1 f6", "illegal-quantity"),
        ("10 0000 0002 04 0001", "byte-count-disagrees"),
        ("10 0000 0001 04 0001 0002", "byte-count-against-quantity"),
        ("17 0000 0001 0000 0000 00", "illegal-quantity"),
        ("14 07 05 0001 0000 0001", "illegal-reference-type"),
        ("14 07 06 0000 0000 0001", "illegal-file-number"),
        ("14 07 06 0001 270f 0002", "address-past-end"),
        ("14 08 06 0001 0000 0001 06", "records-disagree"),
        ("14 00", "illegal-byte-count"),
        ("15 00", "illegal-byte-count"),
        ("2b 0e 05 00", "illegal-identification-code"),
        ("00", "illegal-function-code"),
        ("83 02", "illegal-function-code"),
    ];
    for (pdu, code) in cases {
        let told = Conversation::tcp().ask(pdu);
        assert_eq!(told.kind, Kind::Anomaly, "{pdu}");
        assert!(told.anomalies.contains(&code), "{pdu}: {:?}", told.anomalies);
        assert_eq!((told.field("transaction_id"), told.field("unit")), (Some("1"), Some("1")));
        assert!(!told.operations.is_empty(), "{pdu} still says what was meant");
    }
}

#[test]
fn what_was_understood_is_kept() {
    let told = Conversation::tcp().ask("10 0064 0003 06 0001 0002");
    assert_eq!(told.anomalies, ["byte-count-disagrees"]);
    assert_eq!(told.field("register_values"), Some("1,2"));
    assert_eq!(told.operation(), "write 16 unit 1 40101-40103 = 1,2 (Asked)");
    let told = Conversation::tcp().ask("03 fff0 0064");
    assert_eq!(told.operation(), "read 3 unit 1 465521-465536 (Asked)", "points end where the table ends");
}

#[test]
fn a_foreign_protocol_id_is_told_and_pairs_with_nothing() {
    let mut conversation = Conversation::tcp();
    let mut octets = adu(7, 1, "03 0000 0001");
    octets[3] = 9;
    let told = conversation.raw(ToServer, &octets);
    assert_eq!((told[0].kind, &told[0].anomalies[..]), (Kind::Anomaly, &["unknown-protocol-id"][..]));
    assert_eq!(told[0].field("protocol_id"), Some("9"));
    let told = conversation.raw(ToClient, &adu(7, 1, "03 02 0001"));
    assert_eq!(told[0].field("requested_address"), None);
}

#[test]
fn a_lying_length_is_told_once_and_the_next_message_is_found() {
    for lie in ["0000", "0001", "00ff", "ffff"] {
        let mut conversation = Conversation::tcp();
        conversation.ask("03 0000 0001");
        let mut octets = hex("0009 0000");
        octets.extend(hex(lie));
        octets.extend(hex("01 03 0005 0001"));
        octets.extend(adu(10, 1, "06 0001 0003"));
        let told = conversation.raw(ToServer, &octets);
        assert_eq!(told[0].anomalies, ["length-out-of-range"], "{lie}");
        assert_eq!(told[0].field("transaction_id"), Some("9"));
        assert_eq!(told.last().unwrap().operation(), "write 6 unit 1 40002 = 3 (Asked)", "{lie}");
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

#[test]
fn answers_that_do_not_fit_are_remarked_upon() {
    let cases = [
        ("03 0000 0002", "03 02 0001"),
        ("01 0000 0009", "01 01 ff"),
        ("10 0001 0001 02 0001", "10 0002 0001"),
        ("10 0001 0001 02 0001", "10 0001 0002"),
        ("06 0001 0002", "06 0003 0002"),
        ("03 0000 0001", "04 02 0001"),
        ("08 0001 0000", "08 0002 0000"),
        ("14 07 06 0001 0000 0002", "14 04 03 06 0001"),
    ];
    for (question, answer) in cases {
        let mut conversation = Conversation::tcp();
        conversation.ask(question);
        let told = conversation.answer(answer);
        assert_eq!(told.anomalies, ["response-does-not-fit"], "{question} {answer}");
        assert_eq!(told.kind, Kind::Response);
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_odd_only_where_nothing_was_missed() {
    let mut conversation = Conversation::tcp();
    assert!(conversation.raw(ToClient, &adu(1, 1, "03 02 0001"))[0].anomalies.is_empty(), "joined midway");
    conversation.ask("03 0000 0001");
    conversation.answer("03 02 0001");
    assert_eq!(conversation.raw(ToClient, &adu(77, 1, "03 02 0001"))[0].anomalies, ["unmatched-response"]);
    conversation.parser.gap(ToServer);
    assert!(conversation.raw(ToClient, &adu(78, 1, "03 02 0001"))[0].anomalies.is_empty(), "after a gap");
}

#[test]
fn too_many_open_requests_are_told_once() {
    let mut conversation = Conversation::tcp();
    let told: Vec<bool> =
        (0..200).map(|_| conversation.ask("03 0000 0001").anomalies == ["pending-requests"]).collect();
    assert_eq!(told.iter().position(|told| *told), Some(MAX_PENDING_REQUESTS));
    assert_eq!(told.iter().filter(|told| **told).count(), 1);
}

#[test]
fn after_a_gap_the_next_message_is_found() {
    let mut conversation = Conversation::tcp();
    conversation.ask("5a 0002");
    conversation.parser.gap(ToServer);
    let mut octets = hex("0000 0000 0006 00 00 ffff 0001 0000");
    octets.extend(adu(4, 1, "06 0001 0003"));
    octets.extend(adu(5, 1, "5a 0004"));
    let told = conversation.raw(ToServer, &octets);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0].operation(), "write 6 unit 1 40002 = 3 (Asked)");
    conversation.parser.gap(ToServer);
    let told = conversation.raw(ToServer, &adu(6, 1, "5a 0004"));
    assert_eq!(told.len(), 1, "a vendor function that the conversation uses counts as its own");
}

#[test]
fn a_stream_that_is_no_modbus_is_given_up_without_a_word() {
    let mut conversation = Conversation::tcp();
    let noise: Vec<u8> = (0..16_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let told: Vec<_> = noise.chunks(100).flat_map(|chunk| conversation.raw(ToServer, chunk)).collect();
    assert_eq!(told, []);
    assert!(conversation.parser.given_up());
}

#[test]
fn requests_under_one_transaction_id_are_told_apart_by_their_answers() {
    let mut conversation = Conversation::tcp();
    for pdu in ["06 0004 09c4", "06 0004 0000", "06 0005 36c1"] {
        conversation.raw(ToServer, &adu(504, 7, pdu));
    }
    for pdu in ["06 0004 09c4", "06 0004 0000", "06 0005 36c1"] {
        assert!(conversation.raw(ToClient, &adu(504, 7, pdu))[0].anomalies.is_empty(), "{pdu}");
    }
}
