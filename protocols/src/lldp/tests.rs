//! Frames decoded by hand, and what no octets break.

use fieldwarden_model::Transport;

use super::Lldp;
use crate::datagram::testing::{hex, nothing_breaks, one};

/// Chassis (a hardware address), port (a name), 20 s, description, name, a bridge that bridges, 10.0.0.1, PROFINET, end.
const SWITCH: &str =
    "0207 04 020000000001  0405 07 706f7274  0602 0014  0803 757031  0a04 53572d31  0e04 0004 0004
    100c 05 01 0a000001 02 00000001 00  fe04 000ecf02  0000 ffff";

#[test]
fn who_is_at_the_other_end() {
    let told = one(&Lldp, Transport::Link, &hex(SWITCH));
    assert_eq!((told.kind.as_str(), told.anomalies.as_slice()), ("lldp report", &[][..]));
    assert_eq!((told.field("chassis_id"), told.field("port_id")), ("020000000001", "port"));
    assert_eq!((told.field("system_name"), told.field("time_to_live")), ("SW-1", "20"));
    assert_eq!((told.field("management_address"), told.field("organisation")), ("010a000001", "3791"));
    assert_eq!((told.field("capabilities"), told.field("port_description")), ("4", "up1"));
}

#[test]
fn a_cut_unit_tells_what_was_understood() {
    let whole = hex(SWITCH);
    let told = one(&Lldp, Transport::Link, &whole[..22]);
    assert_eq!((told.kind.as_str(), told.anomalies[0]), ("lldp anomaly", "tlv-cut-short"));
    assert_eq!(told.field("chassis_id"), "020000000001");
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Lldp, Transport::Link, &[hex(SWITCH)]);
}
