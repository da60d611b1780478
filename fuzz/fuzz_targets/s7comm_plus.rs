//! Both directions of an S7 communication plus conversation. A segment goes in as it is, or inside TPKT, COTP, header and trailer.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::s7comm_plus::S7commPlus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&S7commPlus, Transport::Tcp, input, packet));

fn packet(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let version = control >> 2 & 3;
    let length = u16::try_from(segment.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut unit = vec![0x72, version, length[0], length[1]];
    unit.extend_from_slice(segment);
    if control & 0x10 == 0 {
        unit.extend_from_slice(&[0x72, version, 0, 0]);
    }
    let length = u16::try_from(unit.len() + 7).unwrap_or(u16::MAX).to_be_bytes();
    let mut octets = vec![3, 0, length[0], length[1], 2, 0xf0, 0x80];
    octets.extend_from_slice(&unit);
    octets
}
