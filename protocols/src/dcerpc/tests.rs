extern crate std;

use std::{vec, vec::Vec};

use super::*;
use crate::{
    Kind,
    iso::testing::{Flow, hex, withstands},
};
use Direction::{ToClient, ToServer};

/// A fragment, little-endian (C706 §12.6.3.1).
fn fragment(packet: u8, call: u8, rest: &str) -> Vec<u8> {
    let rest = hex(rest);
    let [low, high] = u16::try_from(rest.len() + 16).unwrap().to_le_bytes();
    [vec![5, 0, packet, 3, 0x10, 0, 0, 0, low, high, 0, 0, call, 0, 0, 0], rest].concat()
}

/// Binds context 1 to IOPCSyncIO with the network data representation.
const SYNC_IO: &str = "b810 b810 00000000 01 000000 0100 01 00
    523ac139 1e01 d011 9675 0020afd8adb3 00000000 045d888aeb1cc9119fe808002b104860 02000000";
const ACCEPTED: &str = "b810 b810 01000000 0400 31333500 0000 01 000000 0000 0000
    045d888aeb1cc9119fe808002b104860 02000000";

#[test]
fn a_call_is_named_by_the_interface_that_was_bound() {
    let mut flow = Flow::tcp(&Dcerpc);
    let bind = flow.one(ToServer, &fragment(11, 1, SYNC_IO));
    assert_eq!(bind.field("bind_interface"), "39c13a52-011e-11d0-9675-0020afd8adb3");
    assert_eq!((bind.field("bind_name"), bind.field("packet_type")), ("IOPCSyncIO".into(), "11".into()));
    let accepted = flow.one(ToClient, &fragment(12, 1, ACCEPTED));
    assert_eq!((accepted.kind, accepted.field("bind_result")), (Kind::Response, "0".into()));
    let write = flow.one(ToServer, &fragment(0, 2, "00000000 0100 0400"));
    assert_eq!(write.operations, ["write 0/4 OPC synchronous write (Asked)"]);
    let answer = flow.one(ToClient, &fragment(2, 2, "00000000 0100 0000"));
    assert_eq!((answer.field("operation"), answer.field("context")), ("4".into(), "1".into()));
    assert_eq!(answer.operations, ["write 0/4 OPC synchronous write (Done)"]);
    let fault = flow.one(ToClient, &fragment(3, 2, "20000000 0100 0000 05000000 00000000"));
    assert_eq!(fault.operations, ["write 0/4 OPC synchronous write (Refused(5))"]);
}

#[test]
fn a_call_without_binding_has_no_name_and_an_object_is_told() {
    let mut flow = Flow::tcp(&Dcerpc);
    let mut call = fragment(0, 2, "00000000 0500 0300 01020304050607080910111213141516 aabb");
    call[3] |= 0x80;
    let told = flow.one(ToServer, &call);
    assert_eq!(told.field("object"), "04030201-0605-0807-0910-111213141516");
    assert_eq!((told.field("operation"), told.field("stub_length")), ("3".into(), "2".into()));
    assert_eq!(told.operations, ["unknown 0/3 remote procedure call (Asked)"]);
}

#[test]
fn lengths_that_lie_are_told_and_others_are_no_dce() {
    let mut flow = Flow::tcp(&Dcerpc);
    assert_eq!(flow.one(ToServer, &fragment(0, 1, "0000")).anomalies, ["fragment-short"]);
    let ports = Ports { server: 135, client: 1 };
    assert_eq!(Dcerpc.probe(ToServer, &fragment(11, 1, SYNC_IO), ports), Probe::Certain);
    assert_eq!(Dcerpc.probe(ToServer, &fragment(11, 1, SYNC_IO)[..9], ports), Probe::Need(16));
    assert_eq!(Dcerpc.probe(ToServer, b"\x05\x00\x0b\x03GET ", ports), Probe::No);
    assert_eq!(Dcerpc.probe(ToServer, b"\x05\x01\x00", ports), Probe::Need(16));
}

#[test]
fn bindings_and_calls_are_bounded() {
    let mut flow = Flow::tcp(&Dcerpc);
    let mut limits = 0;
    for context in 0..100_u8 {
        let bind = SYNC_IO.replace("0100 01 00", &std::format!("{context:02x}00 01 00"));
        limits += flow.one(ToServer, &fragment(14, 1, &bind)).anomalies.len();
    }
    assert_eq!(limits, 100 - session::MAX_CONTEXTS);
    for call in 0..200_u8 {
        flow.one(ToServer, &fragment(0, call, "00000000 0100 0400"));
    }
    assert_eq!(flow.one(ToClient, &fragment(2, 0, "00000000 0100 0000")).field("operation"), "");
    assert_eq!(flow.one(ToClient, &fragment(2, 199, "00000000 0100 0000")).field("operation"), "4");
}

#[test]
fn nothing_breaks_it() {
    let conversation = vec![
        (ToServer, fragment(11, 1, SYNC_IO)),
        (ToClient, fragment(12, 1, ACCEPTED)),
        (ToServer, fragment(0, 2, "00000000 0100 0400 0102030405060708")),
        (ToClient, fragment(2, 2, "00000000 0100 0000 0102030405060708")),
        (ToClient, fragment(3, 3, "20000000 0100 0000 05000000 00000000")),
    ];
    withstands(&Dcerpc, Transport::Tcp, &conversation);
}
