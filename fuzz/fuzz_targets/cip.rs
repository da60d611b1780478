//! Both directions of an EtherNet/IP conversation. A segment goes in as it is, or as a CIP message inside a packet.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::cip::Cip;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Cip, Transport::Tcp, input, packet));

/// Encapsulation and a connected or unconnected item around a segment, where the control octet asks for it.
fn packet(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let length = |octets: usize| u16::try_from(octets).unwrap_or(u16::MAX).to_le_bytes();
    let mut data = vec![0; 6];
    if control & 4 == 0 {
        data.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0xb2, 0]);
        data.extend_from_slice(&length(segment.len()));
    } else {
        data.extend_from_slice(&[2, 0, 0xa1, 0, 4, 0, 1, 0, 0, 0, 0xb1, 0]);
        data.extend_from_slice(&length(segment.len() + 2));
        data.extend_from_slice(&[control, 0]);
    }
    data.extend_from_slice(segment);
    let mut octets = vec![if control & 4 == 0 { 0x6f } else { 0x70 }, 0];
    octets.extend_from_slice(&length(data.len()));
    octets.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    octets.extend_from_slice(&data);
    octets
}
