//! Frames decoded by hand, and what no octets break.

use fieldwarden_model::Transport;

use super::RealTime;
use crate::datagram::testing::{hex, nothing_breaks, one};

/// Four octets of cyclic data, cycle 0x1000, status 0x35: primary, valid, the provider runs without fault.
const CYCLIC: &str = "8000 01020304 1000 35 00";
/// A diagnosis (type 1) of slot 2 sub-slot 1, of low priority (6-10 clause 5.2.4).
const ALARM: &str =
    "fe01 0001 0003 11 11 ffff fffe 0016 0002 0012 0100 0001 00000000 0002 0001 00000000 0000";
const CLOCK: &str = "ff40 000000000000000000000000";

#[test]
fn data_alarms_and_clocks() {
    let told = one(&RealTime, Transport::Link, &hex(CYCLIC));
    assert_eq!(
        (told.kind.as_str(), told.field("frame_id"), told.field("cycle_counter")),
        ("profinet_rt report", "32768", "4096")
    );
    assert_eq!((told.field("data_status"), told.field("provider_runs")), ("53", "1"));
    assert_eq!(told.operations, ["read 1 frame 32768 octet 0-3 = 1,2,3,4 (Reported)"]);
    let told = one(&RealTime, Transport::Link, &hex(ALARM));
    assert_eq!((told.field("alarm_type"), told.field("slot"), told.field("subslot")), ("1", "2", "1"));
    assert_eq!(told.operations, ["diagnose 2 (Reported)"]);
    assert_eq!(one(&RealTime, Transport::Link, &hex(CLOCK)).operations, ["time 3 (Reported)"]);
}

#[test]
fn what_is_odd_is_told() {
    assert_eq!(one(&RealTime, Transport::Link, &hex("fe01 0001 0003")).anomalies, ["alarm-cut-short"]);
    assert_eq!(one(&RealTime, Transport::Link, &hex("fd00 0001 0003")).anomalies, ["reserved-frame-id"]);
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&RealTime, Transport::Link, &[CYCLIC, ALARM, CLOCK].map(hex));
}
