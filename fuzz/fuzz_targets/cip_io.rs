//! Datagrams of implicit messages. A segment goes in as it is, or behind the two items.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::cip_io::CipIo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&CipIo, Transport::Udp, input, datagram));

/// A sequenced address and the head of the data before a segment, where the control octet asks for it.
fn datagram(control: u8, segment: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    if control & 2 == 0 {
        octets.extend_from_slice(&[2, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, control, 0, 0, 0, 0xb1, 0]);
        octets.extend_from_slice(&u16::try_from(segment.len()).unwrap_or(u16::MAX).to_le_bytes());
    }
    octets.extend_from_slice(segment);
    octets
}
