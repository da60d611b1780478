//! Both directions of a ROC Plus conversation. A segment goes in as it is, or as the data of a frame.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::roc_plus::RocPlus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&RocPlus, Transport::Tcp, input, frame));

/// A frame around a segment, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let opcodes = [6, 8, 11, 17, 24, 166, 180, 181, 203, 255];
    let data = &segment[..segment.len().min(255)];
    let mut octets = vec![1, 2, 3, 0, opcodes[usize::from(control >> 2) % opcodes.len()], data.len() as u8];
    octets.extend(data);
    let sum = octets.iter().fold(0xffff_u16, |sum, octet| {
        (0..8).fold(sum ^ u16::from(*octet), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 })
    });
    octets.extend(sum.to_le_bytes());
    octets
}
