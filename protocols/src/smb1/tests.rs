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

/// A mail slot of the browser, and two names of 16 octets before it.
fn between_names() -> Vec<u8> {
    let mut content = [*b"WORKGROUP      \x1e", *b"HOST1          \0"].concat();
    content.extend(&packet(0x25, 0, false, b"\0\x11\0\\MAILSLOT\\BROWSE\0")[4..]);
    content
}

#[test]
fn a_mail_slot_below_ip() {
    let ipx = |socket: [u8; 2], front: &[u8]| {
        let header = [&[0xff, 0xff, 0, 200, 0, 4][..], &[0; 10], &socket, &[0; 10], &socket].concat();
        [&header[..], front, &between_names()].concat()
    };
    let netbios = [&b"\x2c\0\xff\xef\x08\0\0\0\0\0\0\0"[..], &between_names()].concat();
    let numbered = [&[2], &netbios[..]].concat();
    let names = [&[0; 32][..], b"\xfc\x02\0\0"].concat();
    for frame in [&netbios, &numbered, &ipx([4, 0x55], &[0, 0x0b]), &ipx([5, 0x53], &names)] {
        holds(
            &SMB1,
            Transport::Link,
            &[(ToServer, frame)],
            &[
                r"smb1 request command=37 pipe=\MAILSLOT\BROWSE is_response=0 status=0 | transfer transaction Asked",
            ],
        );
    }
    let ports = Ports { server: kind::IPX, client: kind::IPX };
    for other in [&ipx([4, 0x51], &[]), &ipx([4, 0x55], &[0, 6]), &netbios[..12].to_vec()] {
        assert_eq!(recognise(ToServer, other, ports), Probe::No, "no SMB in it");
    }
}
