use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

#[test]
fn a_login_refused_and_no_password_told() {
    holds(
        &TELNET,
        Transport::Tcp,
        &[
            (ToClient, b"\xff\xfd\x18\xff\xfd\x20cell 4\r\nlogin: "),
            (ToServer, b"\xff\xfc\x18\xff\xfa\x18\0vt\xff\xf0opz\x7fs\r\0"),
            (ToClient, b"ops\r\nPassword: "),
            (ToServer, b"secret\r\n"),
            (ToClient, b"\r\nLogin incorrect\r\n"),
            (ToServer, b"reboot\r\n"),
        ],
        &[
            "telnet response command=253 option=24 | associate do Done",
            "telnet response command=253 option=32 | associate do Done",
            "telnet request command=252 option=24 | associate will not Asked",
            "telnet request command=250 option=24 | associate parameters Asked",
            "telnet request user=ops | associate login Asked",
            "telnet request | associate password Asked",
            "telnet response auth_failed=1 | associate login Refused(1)",
            "telnet request line=reboot | unknown line Asked",
        ],
    );
}
