//! Both directions of a synchrophasor conversation. A segment goes in as it is, or as the content of a frame with its CRC.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::synchrophasor::Synchrophasor;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Synchrophasor, Transport::Tcp, input, frame));

/// A frame around a segment, of the type that the control octet says, unless it asks for the bare segment.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let size = (segment.len() as u16 + 16).to_be_bytes();
    let mut octets = vec![0xaa, (control >> 2 & 7) << 4 | 1, size[0], size[1], 0, 60, 0, 0, 0, 0, 0, 0, 0, 0];
    octets.extend_from_slice(segment);
    let mut sum = 0xffff_u16;
    for octet in &octets {
        sum ^= u16::from(*octet) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 };
        }
    }
    octets.extend(sum.to_be_bytes());
    octets
}
