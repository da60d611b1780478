use alloc::vec::Vec;

use Direction::{ToClient, ToServer};
use fieldwarden_model::Transport;

use super::*;
use crate::{
    Ports,
    plain::trial::{holds, said},
};

const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04pump\x05plant\0\0\x01\0\x01";
const ANSWER: &[u8] =
    b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x04pump\x05plant\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x14";
const SAID: &[&str] = &[
    "dns request id=4660 is_response=0 opcode=0 query_name=pump.plant query_type=1 | discover query Asked",
    "dns response id=4660 is_response=1 opcode=0 code=0 query_name=pump.plant query_type=1 answer_name=pump.plant \
     answer_type=1 answer_address=10.0.0.20 | discover query Done",
];

#[test]
fn a_query_and_its_answer() {
    holds(&DNS, Transport::Udp, &[(ToServer, QUERY), (ToClient, ANSWER)], SAID);
}

#[test]
fn streams_have_a_length_before_each_message() {
    let framed = |message: &[u8]| {
        let length = u16::try_from(message.len()).unwrap();
        [&length.to_be_bytes()[..], message].concat()
    };
    let (query, answer): (Vec<u8>, Vec<u8>) = (framed(QUERY), framed(ANSWER));
    holds(&DNS, Transport::Tcp, &[(ToServer, &query), (ToClient, &answer)], SAID);
}

#[test]
fn a_pointer_to_itself_ends_and_a_cut_record_is_told() {
    let itself = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
    assert_eq!(
        said(&DNS, Transport::Udp, &[(ToServer, itself)], usize::MAX),
        ["dns request id=1 is_response=0 opcode=0 | discover query Asked"]
    );
    let cut = &ANSWER[..ANSWER.len() - 1];
    let told = said(&DNS, Transport::Udp, &[(ToClient, cut)], usize::MAX);
    assert!(told[0].starts_with("dns anomaly") && told[0].ends_with("! record-cut"), "{told:?}");
}

#[test]
fn on_a_foreign_port_only_a_whole_message_is_believed() {
    let ports = Ports { server: 7_777, client: 40_000 };
    assert_eq!((DNS.probe)(ToServer, QUERY, ports), Probe::Certain);
    assert_eq!((DNS.probe)(ToServer, &[QUERY, b"x"].concat(), ports), Probe::No);
}
