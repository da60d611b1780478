//! Frames decoded by hand, and what no octets break.

use fieldwarden_model::Transport;

use super::Can;
use crate::datagram::testing::{Told, hex, nothing_breaks, one};

/// All nodes start (301 clause 7.2.8.3.1).
const START: &str = "00000000 01 00";
/// 1000 (0x3e8) is written to object 0x1017:00, the heartbeat time, of node 5; and the answer.
const DOWNLOAD: &str = "00000605 2b 1710 00 e8030000";
const DOWNLOADED: &str = "00000585 60 1710 00 00000000";
const ABORTED: &str = "00000585 80 1710 00 00000206";
const J1939: &str = "98fee900 ffffffff";

fn told(octets: &str) -> Told {
    one(&Can, Transport::Link, &hex(octets))
}

#[test]
fn what_canopen_does() {
    let start = told(START);
    assert_eq!((start.kind.as_str(), start.field("nmt_command")), ("can request", "1"));
    assert_eq!(start.operations, ["mode 256 unit 0 (Asked)"]);
    let unknown = told("00000000 0305");
    assert_eq!(
        (unknown.field("nmt_command"), &*unknown.operations),
        ("3", &["unknown 768 unit 5 (Asked)".into()][..])
    );
    let write = told(DOWNLOAD);
    assert_eq!(
        (write.field("node"), write.field("sdo_index"), write.field("sdo_subindex")),
        ("5", "4119", "0")
    );
    assert_eq!(write.operations, ["write 12 unit 5 (Asked)"]);
    assert_eq!(told(DOWNLOADED).operations, ["write 11 unit 5 (Done)"]);
    assert_eq!(told(ABORTED).operations, ["diagnose 11 unit 5 (Refused(128))"]);
    assert_eq!(told("00000185 0102").operations, ["read 3 unit 5 (Reported)"]);
    assert_eq!(told("00000705 05").field("service"), "heartbeat");
}

#[test]
fn other_frames_are_frames() {
    let told = told(J1939);
    assert_eq!(
        (told.kind.as_str(), told.field("id"), told.field("extended")),
        ("can report", "419358976", "1")
    );
    assert!(told.operations.is_empty());
    assert_eq!(one(&Can, Transport::Link, &hex("40000185")).kind, "can request", "a remote frame asks");
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Can, Transport::Link, &[START, DOWNLOAD, DOWNLOADED, ABORTED, J1939].map(hex));
}
