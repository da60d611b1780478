//! Frames decoded by hand, and what no octets break.

use fieldwarden_model::Transport;

use super::Powerlink;
use crate::{
    Direction, Dissector, Ports, Probe,
    datagram::testing::{Told, hex, nothing_breaks, one},
};

const SOC: &str = "01 ff f0 00 00 00 0000000000000000";
const POLL: &str = "03 11 f0 00 00 00 10 00 0800 0102030405060708";
/// The managing node (240) resets node 17 (301 clause 7.3.1.2.1).
const RESET: &str = "06 11 f0 04 28 00";
/// Writes object 0x1006:00 of node 17: sequence layer, then write by index (301 clause 6.3.2.4.2.2).
const WRITE: &str = "06 11 f0 05  00 01 00 00  00 01 00 01 0800 0000  0610 00 00 e8030000";

fn told(octets: &str) -> Told {
    one(&Powerlink, Transport::Link, &hex(octets))
}

#[test]
fn what_nodes_say_to_each_other() {
    let cycle = told(SOC);
    assert_eq!(
        (cycle.kind.as_str(), cycle.field("message_type"), cycle.field("source")),
        ("powerlink report", "1", "240")
    );
    assert_eq!(cycle.operations, ["time 1 unit 240 (Reported)"]);
    assert_eq!(told(POLL).operations, ["write 3 unit 17 (Asked)"]);
    let reset = told(RESET);
    assert_eq!(
        (reset.kind.as_str(), reset.field("service"), reset.field("nmt_command")),
        ("powerlink request", "4", "40")
    );
    assert_eq!(reset.operations, [alloc::format!("mode {} unit 17 (Asked)", 0x2804_0006)]);
    let write = told(WRITE);
    assert_eq!((write.field("sdo_index"), write.field("sdo_subindex")), ("4102", "0"));
    assert_eq!(write.operations, [alloc::format!("write {} unit 17 (Asked)", 0x0105_0006)]);
    let answer = told(&WRITE.replacen("00 01 00 01 08", "00 01 80 01 08", 1));
    assert_eq!((answer.kind.as_str(), answer.field("sdo_index")), ("powerlink response", ""));
    let refused = told(&WRITE.replacen("00 01 00 01 08", "00 01 c0 01 08", 1));
    assert!(refused.operations[0].ends_with("(Refused(1))"), "{refused:?}");
}

#[test]
fn what_is_odd_is_told() {
    assert_eq!(told("06 11 f0").anomalies, ["service-missing"]);
    assert_eq!(told("30 11 f0").anomalies, ["unknown-message-type"]);
    let udp = Ports { server: 3_819, client: 4_000 };
    assert_eq!(Powerlink.probe(Direction::ToServer, &hex(WRITE), udp), Probe::Possible);
    assert_eq!(Powerlink.probe(Direction::ToServer, &hex(POLL), udp), Probe::No, "only SDO goes over UDP");
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Powerlink, Transport::Link, &[SOC, POLL, RESET, WRITE].map(hex));
}
