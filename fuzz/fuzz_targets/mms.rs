//! Both directions of an MMS conversation. A segment goes in as it is, or inside TPKT, COTP, session and presentation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::mms::Mms;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Mms, Transport::Tcp, input, packet));

/// The stack around a segment of at most 255 octets, as far as the control octet asks for it.
fn packet(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let mut user = Vec::new();
    if control & 8 == 0 {
        let length = u16::try_from(segment.len()).unwrap_or(u16::MAX);
        let lengths = [length + 11, length + 7, length].map(u16::to_be_bytes);
        user.extend_from_slice(&[1, 0, 1, 0, 0x61, 0x82, lengths[0][0], lengths[0][1]]);
        user.extend_from_slice(&[0x30, 0x82, lengths[1][0], lengths[1][1], 2, 1, 3]);
        user.extend_from_slice(&[0xa0, 0x82, lengths[2][0], lengths[2][1]]);
    }
    user.extend_from_slice(segment);
    let length = u16::try_from(user.len() + 7).unwrap_or(u16::MAX).to_be_bytes();
    let end = if control & 4 == 0 { 0x80 } else { 0 };
    let mut octets = vec![3, 0, length[0], length[1], 2, 0xf0, end];
    octets.extend_from_slice(&user);
    octets
}
