use alloc::vec::Vec;

use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

fn packet(command: u8, status: u32, answer: bool, body: &[u8]) -> Vec<u8> {
    let mut message = b"\xffSMB".to_vec();
    message.push(command);
    message.extend(status.to_le_bytes());
    message.extend([if answer { 0x88 } else { 8 }, 1, 0x40]);
    message.resize(32, 0);
    message.extend(body);
    [&[0, 0, 0, u8::try_from(message.len()).unwrap()][..], &message].concat()
}

#[test]
fn a_tree_connected_and_a_file_refused() {
    let tree = packet(0x75, 0, false, b"\x04\xff\0\0\0\0\0\x01\0\x0b\0\0\\\\s\\c\0?????");
    let create = packet(0xa2, 0xc000_0034, true, b"\0\0\0");
    let request = b"\x81\0\0\x04abcd".to_vec();
    holds(
        &SMB1,
        Transport::Tcp,
        &[(ToServer, &request), (ToServer, &tree), (ToClient, &create)],
        &[
            r"smb1 request command=117 tree=\\s\c command=255 is_response=0 status=0 | associate tree connect Asked",
            "smb1 response command=162 is_response=1 status=3221225524 | transfer create Refused(3221225524)",
        ],
    );
}

#[test]
fn a_datagram_between_names() {
    let mut datagram = b"\x11\x02\0\x01\x0a\0\0\x05\0\x8a\0\x50\0\0\x01A\0\x01B\0".to_vec();
    datagram.extend(&packet(0x25, 0, false, b"\0\x11\0\\MAILSLOT\\BROWSE\0")[4..]);
    holds(
        &SMB1,
        Transport::Udp,
        &[(ToServer, &datagram)],
        &[
            r"smb1 request command=37 pipe=\MAILSLOT\BROWSE is_response=0 status=0 | transfer transaction Asked",
        ],
    );
}
