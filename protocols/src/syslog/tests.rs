use Direction::ToServer;

use super::*;
use crate::plain::trial::{holds, said};

#[test]
fn a_priority_and_a_text() {
    holds(
        &SYSLOG,
        Transport::Udp,
        &[(ToServer, b"<34>1 2026-01-01T00:00:00Z plc7 su - - 'su root' failed\n")],
        &[
            "syslog report facility=4 severity=2 text=1 2026-01-01T00:00:00Z plc7 su - - 'su root' failed | diagnose message Reported",
        ],
    );
}

#[test]
fn what_has_no_priority_is_none() {
    for octets in [&b"<192>x"[..], b"<>x", b"<12x", b"12>x"] {
        assert!(said(&SYSLOG, Transport::Udp, &[(ToServer, octets)], usize::MAX).is_empty());
    }
}
