use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

#[test]
fn both_identify_exchange_keys_and_fall_silent() {
    let init = b"\0\0\0\x1b\x04\x14cookiecookie1234\0\0\0\x01a....";
    let keys = b"\0\0\0\x06\x04\x15....encrypted from here";
    holds(
        &SSH,
        Transport::Tcp,
        &[
            (ToServer, b"SSH-2.0-OpenSSH_9.6\r\n"),
            (ToClient, b"cell 4\r\nSSH-2.0-dropbear\r\n"),
            (ToServer, init),
            (ToServer, keys),
            (ToServer, keys),
        ],
        &[
            "ssh request banner=SSH-2.0-OpenSSH_9.6 | associate identification Asked",
            "ssh response banner=SSH-2.0-dropbear | associate identification Done",
            "ssh request message_code=20 key_exchange=a | associate key exchange init Asked",
            "ssh request message_code=21 | associate new keys Asked",
        ],
    );
}
