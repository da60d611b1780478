//! Messages decoded by hand, and what no octets break.

use alloc::{format, string::String};

use fieldwarden_model::Transport;

use super::Ptp;
use crate::{
    Direction, Dissector, Ports, Probe,
    datagram::testing::{hex, nothing_breaks, one},
};

/// The header of 1588 clause 13.3 for a type and a length, domain 0, clock 02..01 port 1, sequence 7.
fn header(of: &str, length: &str) -> String {
    format!("{of} 12 {length} 00 00 0208 0000000000000000 00000000 0200000000000001 0001 0007 00 7f")
}

/// A grandmaster of class 248 and priorities 128, no steps away, by its own oscillator (1588 clause 13.5).
fn announce() -> String {
    header("0b", "0040") + "00000000000000000000 0025 00 80 f8feffff 80 0200000000000001 0000 a0"
}

/// Sets (action 1) the first priority (id 0x2005) of all clocks (1588 clause 15.4).
fn set_priority() -> String {
    header("0d", "0038") + "ffffffffffffffff ffff 00 00 01 00 0001 0004 2005 01 00"
}

#[test]
fn a_master_announces_itself() {
    let told = one(&Ptp, Transport::Link, &hex(&announce()));
    assert_eq!((told.kind.as_str(), told.field("message_type")), ("ptp report", "11"));
    assert_eq!(
        (told.field("clock_identity"), told.field("grandmaster")),
        ("0200000000000001", "0200000000000001")
    );
    assert_eq!(
        (told.field("priority_1"), told.field("clock_class"), told.field("time_source")),
        ("128", "248", "160")
    );
    assert_eq!(told.operations, ["time 11 (Reported)"]);
}

#[test]
fn who_sets_priorities_configures() {
    let told = one(&Ptp, Transport::Udp, &hex(&set_priority()));
    assert_eq!((told.field("management_action"), told.field("management_id")), ("1", "8197"));
    assert_eq!(told.operations, [format!("configure {} (Asked)", 0x2005_000d)]);
    assert_eq!(
        one(&Ptp, Transport::Udp, &hex(&(header("01", "002c") + "00000000000000000000"))).kind,
        "ptp request"
    );
}

#[test]
fn what_is_odd_is_told_and_other_versions_are_let_alone() {
    let told = one(&Ptp, Transport::Link, &hex(&header("04", "00ff")));
    assert_eq!(
        (told.kind.as_str(), told.anomalies.as_slice()),
        ("ptp anomaly", &["length-disagrees", "reserved-type"][..])
    );
    let ports = Ports { server: 319, client: 319 };
    let version_1 = hex(&header("00", "0022").replacen("12", "01", 1));
    assert_eq!(Ptp.probe(Direction::ToServer, &version_1, ports), Probe::No);
    assert_eq!(Ptp.probe(Direction::ToServer, &hex(&header("00", "0022")), ports), Probe::Possible);
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Ptp, Transport::Udp, &[hex(&announce()), hex(&set_priority())]);
}
