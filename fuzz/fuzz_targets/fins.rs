//! FINS datagrams, and both directions of FINS/TCP. A segment goes in as it is, or behind a header.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::fins::Fins;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Fins, Transport::Udp, input, frame);
    converse(&Fins, Transport::Tcp, input, packet);
});

/// A header before a segment, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let mut octets = vec![0x80 | (control & 1) << 6, 0, 2, 0, 1, 0, 0, 2, 0, control >> 4];
    octets.extend_from_slice(segment);
    octets
}

/// A header and an envelope before a segment, where the control octet asks for it.
fn packet(control: u8, segment: &[u8]) -> Vec<u8> {
    let frame = frame(control, segment);
    if control & 4 != 0 {
        return frame;
    }
    let mut octets = b"FINS".to_vec();
    octets.extend_from_slice(&[0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
    octets.extend_from_slice(&frame);
    let length = u32::try_from(octets.len() - 8).unwrap_or(u32::MAX).to_be_bytes();
    for (slot, octet) in octets.iter_mut().skip(4).zip(length) {
        *slot = octet;
    }
    octets
}
