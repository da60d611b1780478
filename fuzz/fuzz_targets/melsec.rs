//! Both directions of a MELSEC conversation. A segment goes in as it is, or behind a header.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::melsec::Melsec;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Melsec, Transport::Tcp, input, frame));

/// A header of one of four forms before a segment, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    let answers = control & 1 == 1;
    let mut octets = match control >> 1 & 7 {
        0 | 1 => vec![if answers { 0xd0 } else { 0x50 }, 0, 0, 0xff, 0xff, 3, 0, 0, 0],
        2 => vec![if answers { 0xd4 } else { 0x54 }, 0, control >> 4, 0, 0, 0, 0, 0xff, 0xff, 3, 0, 0, 0],
        3 => {
            let text = if answers { "D00000FF03FF00" } else { "500000FF03FF00" };
            let mut octets = format!("{text}{:04X}", segment.len()).into_bytes();
            octets.extend_from_slice(segment);
            return octets;
        }
        4 => {
            let mut octets = vec![0; 21];
            octets[..7].copy_from_slice(&[if answers { 0xd7 } else { 0x57 }, 0, 0, 0, 0, 0x11, 0x11]);
            octets
        }
        _ => return segment.to_vec(),
    };
    let length = u16::try_from(segment.len()).unwrap_or(u16::MAX).to_le_bytes();
    let at = octets.len() - 2;
    octets[at..].copy_from_slice(&length);
    octets.extend_from_slice(segment);
    octets
}
