use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

#[test]
fn a_challenge_that_fails() {
    holds(
        &VNC,
        Transport::Tcp,
        &[
            (ToClient, b"RFB 003.008\n"),
            (ToServer, b"RFB 003.008\n"),
            (ToClient, b"\x02\x02\x01"),
            (ToServer, b"\x02"),
            (ToClient, b"0123456789abcdef"),
            (ToServer, b"fedcba9876543210"),
            (ToClient, b"\0\0\0\x01\0\0\0\x04oops"),
        ],
        &[
            "vnc response version=003.008 | associate version Done",
            "vnc request version=003.008 | associate version Asked",
            "vnc response security_type=2 security_type=1 | associate security types Done",
            "vnc request chosen_type=2 | associate security choice Asked",
            "vnc response auth_failed=1 | associate login Refused(1)",
        ],
    );
}

#[test]
fn an_old_server_decides_alone() {
    holds(
        &VNC,
        Transport::Tcp,
        &[
            (ToClient, b"RFB 003.003\n"),
            (ToServer, b"RFB 003.003\n"),
            (ToClient, b"\0\0\0\x020123456789abcdef"),
            (ToServer, b"fedcba9876543210"),
            (ToClient, b"\0\0\0\0"),
        ],
        &[
            "vnc response version=003.003 | associate version Done",
            "vnc request version=003.003 | associate version Asked",
            "vnc response security_type=2 | associate security types Done",
            "vnc response auth_failed=0 | associate login Done",
        ],
    );
}
