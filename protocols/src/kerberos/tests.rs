use alloc::vec::Vec;

use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()][..], content].concat()
}

fn name(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = parts.iter().flat_map(|part| element(0x1b, part)).collect();
    let fields = [b"\xa0\x03\x02\x01\x01".to_vec(), element(0xa1, &element(0x30, &list))].concat();
    element(tag, &element(0x30, &fields))
}

fn talk() -> (Vec<u8>, Vec<u8>) {
    let body =
        [name(0xa1, &[b"ops"]), element(0xa2, &element(0x1b, b"CELL")), name(0xa3, &[b"krbtgt", b"CELL"])]
            .concat();
    let content =
        [b"\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a".to_vec(), element(0xa4, &element(0x30, &body))].concat();
    let asked = element(0x6a, &element(0x30, &content));
    let content = [
        b"\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e\xa6\x03\x02\x01\x19".to_vec(),
        element(0xa9, &element(0x1b, b"CELL")),
    ];
    (asked, element(0x7e, &element(0x30, &content.concat())))
}

const SAID: &[&str] = &[
    "kerberos request message_type=10 realm=CELL client=ops server=krbtgt/CELL | associate request of a login Asked",
    "kerberos response message_type=30 error_code=25 realm=CELL | associate error Refused(25)",
];

#[test]
fn a_login_is_refused() {
    let (asked, refused) = talk();
    holds(&KERBEROS, Transport::Udp, &[(ToServer, &asked), (ToClient, &refused)], SAID);
}

#[test]
fn over_tcp_a_length_stands_before() {
    let framed = |message: Vec<u8>| [&[0, 0, 0, u8::try_from(message.len()).unwrap()][..], &message].concat();
    let (asked, refused) = talk();
    holds(&KERBEROS, Transport::Tcp, &[(ToServer, &framed(asked)), (ToClient, &framed(refused))], SAID);
}
