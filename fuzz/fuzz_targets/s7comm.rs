//! Both directions of an S7 conversation. A segment goes in as it is, or inside a TPKT packet with a COTP data unit.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::s7comm::S7comm;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&S7comm, Transport::Tcp, input, packet));

/// TPKT and a COTP data unit around a segment, where the control octet asks for it.
fn packet(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let length = u16::try_from(segment.len() + 7).unwrap_or(u16::MAX).to_be_bytes();
    let end = if control & 4 == 0 { 0x80 } else { 0 };
    let mut octets = vec![3, 0, length[0], length[1], 2, 0xf0, end];
    octets.extend_from_slice(segment);
    octets
}
