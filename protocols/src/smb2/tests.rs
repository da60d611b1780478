use alloc::vec::Vec;

use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

fn message(command: u8, status: u32, answer: bool, next: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = b"\xfeSMB\x40\0\0\0".to_vec();
    octets.extend(status.to_le_bytes());
    octets.extend([command, 0, 1, 0, u8::from(answer), 0, 0, 0, next, 0, 0, 0, 7]);
    octets.resize(HEADER, 0);
    octets.extend(body);
    octets
}

fn packet(messages: &[Vec<u8>]) -> Vec<u8> {
    let octets = messages.concat();
    [&[0, 0, 0, u8::try_from(octets.len()).unwrap()][..], &octets].concat()
}

#[test]
fn each_message_of_a_compound_is_told() {
    let tree = message(3, 0, false, 80, b"\x09\0\0\0\x48\0\x04\0s\0\\\0\0\0\0\0");
    let asked = packet(&[tree, message(13, 0, false, 0, b"\x04\0\0\0")]);
    let refused = packet(&[message(3, 0xc000_0022, true, 0, b"\x09\0\0\0\0\0\0\0\0")]);
    let covered = b"\0\0\0\x08\xfdSMB....";
    holds(
        &SMB2,
        Transport::Tcp,
        &[(ToServer, &asked), (ToClient, &refused), (ToServer, covered)],
        &[
            r"smb2 request command=3 is_response=0 message_id=7 tree=s\ | associate tree connect Asked",
            "smb2 request command=13 is_response=0 message_id=7 | associate echo Asked",
            "smb2 response command=3 is_response=1 message_id=7 status=3221225506 | associate tree connect Refused(3221225506)",
            "smb2 request encrypted=1 | unknown encrypted Asked",
        ],
    );
}
