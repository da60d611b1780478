use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::{holds, said};

#[test]
fn a_read_and_its_refusal() {
    holds(
        &TFTP,
        Transport::Udp,
        &[(ToServer, b"\0\x01plc.bin\0octet\0"), (ToClient, b"\0\x05\0\x01no such file\0")],
        &[
            "tftp request opcode=1 file=plc.bin mode=octet | transfer read file Asked",
            "tftp response opcode=5 error_code=1 error_text=no such file | transfer error Refused(1)",
        ],
    );
}

#[test]
fn blocks_on_a_new_port_are_recognised_by_the_first() {
    let mut data = [0x55; FULL];
    data[..4].copy_from_slice(&[0, 3, 0, 1]);
    let ports = Ports { server: 50_000, client: 2_087 };
    assert_eq!(probe(ToServer, &data, ports), Probe::Certain);
    assert_eq!(probe(ToServer, &data[..FULL - 1], ports), Probe::No);
    assert_eq!(probe(ToServer, &[0, 4, 0, 0], ports), Probe::Certain);
    assert_eq!(probe(ToServer, b"\0\x06blksize\x001428\0", ports), Probe::Certain);
    let told = said(&TFTP, Transport::Udp, &[(ToServer, &data), (ToClient, &[0, 4, 0, 1])], usize::MAX);
    assert_eq!(
        told,
        [
            "tftp response opcode=3 block=1 data_length=512 | transfer data Done",
            "tftp response opcode=4 block=1 | transfer acknowledge Done"
        ]
    );
}
