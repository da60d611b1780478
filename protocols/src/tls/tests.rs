use alloc::vec::Vec;

use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::{holds, said};

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind, 3, 1][..], &length, content].concat()
}

fn handshake(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind], &length[1..], content].concat()
}

fn hello() -> Vec<u8> {
    let front = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0]].concat();
    let name = b"\0\0\0\x0d\0\x0b\0\0\x08plc.cell";
    let versions = b"\0\x2b\0\x03\x02\x03\x04";
    let extensions = [&name[..], versions].concat();
    let length = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    handshake(1, &[&front[..], &length, &extensions].concat())
}

#[test]
fn a_hello_its_refusal_and_what_is_encrypted() {
    holds(
        &TLS,
        Transport::Tcp,
        &[
            (ToServer, &record(22, &hello())),
            (ToClient, &record(21, &[2, 70])),
            (ToClient, &record(20, &[1])),
            (ToClient, &record(22, &[1, 0, 0, 0])),
            (ToServer, &record(23, b"nothing to read")),
        ],
        &[
            "tls request handshake_type=1 version=772 server_name=plc.cell ja4=t13d010200_0f2cb44170f4_b9a491fefe05 \
             | associate client hello Asked",
            "tls response alert_level=2 alert=70 | associate alert Refused(70)",
        ],
    );
}

#[test]
fn a_certificate_names_its_subject() {
    let name = |text: &[u8]| {
        let pair =
            [b"\x06\x03\x55\x04\x03\x0c".as_slice(), &[u8::try_from(text.len()).unwrap()], text].concat();
        sequence(&[sequence(&pair, 0x30)].concat(), 0x31)
    };
    let names = |text: &[u8]| sequence(&name(text), 0x30);
    let signed = [
        &b"\xa0\x03\x02\x01\x02\x02\x01\x09\x30\0"[..],
        &names(b"plant CA"),
        &[0x30, 0],
        &names(b"plc.cell"),
    ]
    .concat();
    let certificate = sequence(&sequence(&signed, 0x30), 0x30);
    let length = u8::try_from(certificate.len()).unwrap();
    let content = [&[0, 0, length + 3, 0, 0, length][..], &certificate].concat();
    let both = [handshake(11, &content), handshake(14, &[])].concat();
    assert_eq!(
        said(&TLS, Transport::Tcp, &[(ToClient, &record(22, &both))], usize::MAX),
        [
            "tls response handshake_type=11 certificate_subject=plc.cell certificate_issuer=plant CA | associate certificate Done",
            "tls response handshake_type=14 | associate server hello done Done",
        ]
    );
}

fn sequence(content: &[u8], tag: u8) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()][..], content].concat()
}
