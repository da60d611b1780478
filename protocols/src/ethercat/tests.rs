//! Frames decoded by hand, and what no octets break.

use alloc::vec::Vec;

use fieldwarden_model::Transport;

use super::EtherCat;
use crate::datagram::testing::{Told, hex, nothing_breaks, one};

/// A frame around datagrams: length and type 1 in front.
fn frame(datagrams: &str) -> Vec<u8> {
    let inside = hex(datagrams);
    let head = u16::try_from(inside.len()).expect("short") | 0x1000;
    [&head.to_le_bytes()[..], &inside].concat()
}

/// Operational (8) is asked of station 0x1002: AL control, register 0x0120.
const GO: &str = "05 00 0210 2001 0200 0000 0800 0000";
/// All slaves read their AL status, and a logical exchange of four octets follows.
const CYCLE: &str = "07 00 0000 3001 0280 0000 0000 0000  0c 01 00000100 0400 0000 01020304 0000";
/// SDO download of 1 octet to object 0x1C12:00 of station 0x1002, by mail at 0x1000 (ETG.1000.6 clause 5.6.2.1).
const SDO: &str = "05 00 0210 0010 1000 0000  0a00 0000 00 13 0020 2f 121c 00 05000000 0000";
/// A file is about to be written (ETG.1000.6 clause 5.8): operation code 2, password 0, name.
const FILE: &str = "05 00 0210 0010 1200 0000  0a00 0000 00 24 0200 00000000 66772e62 0000 0000";

fn told(datagrams: &str) -> Told {
    one(&EtherCat, Transport::Link, &frame(datagrams))
}

#[test]
fn a_change_of_state_is_a_mode_change() {
    let told = told(GO);
    assert_eq!((told.kind.as_str(), told.anomalies.as_slice()), ("ethercat request", &[][..]));
    assert_eq!(
        (told.field("command"), told.field("slave_address"), told.field("offset")),
        ("5", "4098", "288")
    );
    assert_eq!(told.operations, ["mode 5 unit 4098 slave 4098 octet 288-289 = 8 (Asked)"]);
}

#[test]
fn every_datagram_of_a_frame_is_told() {
    let told = told(CYCLE);
    assert_eq!(
        (told.field("command"), told.field("slave_address"), told.field("logical_address")),
        ("7,12", "0", "65536")
    );
    assert_eq!(
        told.operations,
        ["read 7 all octet 304-305 (Asked)", "write 12 logical octet 65536-65539 = 67305985 (Asked)"]
    );
    let back = CYCLE.replacen("0000 0000  0c", "0800 0500  0c", 1).replace("01020304 0000", "05060708 0300");
    let told = one(&EtherCat, Transport::Link, &frame(&back));
    assert_eq!((told.kind.as_str(), told.field("working_counter")), ("ethercat response", "5,3"));
    assert_eq!(
        told.operations,
        [
            "read 7 all octet 304-305 = 8 (Reported)",
            "read 12 logical octet 65536-65539 = 134678021 (Reported)"
        ]
    );
}

#[test]
fn mail_is_opened() {
    let sdo = told(SDO);
    assert_eq!(
        (sdo.field("mailbox_type"), sdo.field("sdo_index"), sdo.field("sdo_subindex")),
        ("3", "7186", "0")
    );
    assert_eq!(sdo.operations, ["write 131331 unit 4098 slave 4098 object 7186.0 = 5 (Asked)"]);
    let file = told(FILE);
    assert_eq!(
        (file.field("mailbox_type"), file.field("foe_opcode"), file.field("foe_file")),
        ("4", "2", "fw.b")
    );
    assert_eq!(file.operations, ["transfer 131332 unit 4098 (Asked)"]);
}

#[test]
fn objects_are_told_with_their_values() {
    // The slave answers an upload of 0x6041:00 with two octets (ETG.1000.6 clause 5.6.2.4).
    let two = told("04 00 0210 8010 1000 0000  0a00 0000 00 13 0030 4b 4160 00 37020000 0100");
    assert_eq!((two.field("sdo_value"), two.field("sdo_subindex")), ("567", "0"));
    assert_eq!(two.operations, ["read 196867 unit 4098 slave 4098 object 24641.0 = 567 (Done)"]);
    // Longer than four octets: the size, then the front of the value.
    let long = told("05 00 0210 0010 1400 0000  0e00 0000 00 13 0020 21 0010 03 06000000 414243444546 0000");
    assert_eq!((long.field("sdo_size"), long.field("sdo_data")), ("6", ""));
    let long = told("05 00 0210 0010 1600 0000  1000 0000 00 13 0020 21 0010 03 06000000 414243444546 0000");
    assert_eq!((long.field("sdo_size"), long.field("sdo_data")), ("6", "414243444546"));
    assert_eq!(
        long.operations,
        ["write 131331 unit 4098 slave 4098 object 4096.3 = 65,66,67,68,69,70 (Asked)"]
    );
    // Refused: the object does not exist (clause 5.6.2.7).
    let abort = told("04 00 0210 8010 1000 0000  0a00 0000 00 13 0030 80 0010 00 00000206 0100");
    assert_eq!(abort.field("sdo_abort_code"), "100794368");
    assert_eq!(abort.operations, ["read 196867 unit 4098 slave 4098 object 4096.0 (Refused(100794368))"]);
    // A segment of a download names no object, whatever its octets say (clause 5.6.2.3).
    let segment = told("05 00 0210 0010 1000 0000  0a00 0000 00 13 0020 01 1234567890abcd 0000");
    assert_eq!((segment.field("sdo_command"), segment.field("sdo_index")), ("0", ""));
    assert_eq!(segment.operations, ["write 131331 unit 4098 (Asked)"]);
}

#[test]
fn what_is_cut_short_is_told() {
    let whole = frame(CYCLE);
    let told = one(&EtherCat, Transport::Link, &whole[..20]);
    assert_eq!((told.kind.as_str(), told.field("command")), ("ethercat anomaly", "7"));
    assert_eq!(told.anomalies, ["length-beyond-frame", "datagram-cut-short"]);
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&EtherCat, Transport::Udp, &[GO, CYCLE, SDO, FILE].map(frame));
}
