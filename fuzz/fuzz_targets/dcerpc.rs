//! Both directions of a DCE/RPC connection: fragments as they are, or with a header whose length is right.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::dcerpc::Dcerpc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Dcerpc, Transport::Tcp, input, fragment));

/// The common header around a segment, its type taken from the segment, where the control octet asks for it.
fn fragment(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let packet = segment.first().copied().unwrap_or(0) % 20;
    let length = u16::try_from(segment.len() + 16).unwrap_or(u16::MAX).to_le_bytes();
    let mut octets = vec![5, 0, packet, 3, 0x10, 0, 0, 0, length[0], length[1], 0, 0, 1, 0, 0, 0];
    octets.extend_from_slice(segment);
    octets
}
