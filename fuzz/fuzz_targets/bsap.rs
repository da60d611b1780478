//! Datagrams of a BSAP conversation. A segment goes in as it is, or as one message of a datagram.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::bsap::Bsap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Bsap, Transport::Udp, input, datagram));

/// A datagram around a segment, where the control octet asks for it.
fn datagram(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let function = if control & 1 == 0 { 6 } else { 5 };
    let mut octets = vec![0x0e, 0, 1, 0, function, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    octets.extend((segment.len() as u32 + 4).to_le_bytes());
    octets.extend_from_slice(segment);
    octets
}
