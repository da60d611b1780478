//! Both directions of a DNP3 conversation. A segment goes in as it is, or as user data of a link frame with right CRCs.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::dnp3::Dnp3;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Dnp3, Transport::Tcp, input, frame));

/// A link frame around a segment, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let data = &segment[..segment.len().min(249)];
    let transport = if control & 4 == 0 { 0xc0 } else { control << 2 };
    let data: Vec<u8> = std::iter::once(transport).chain(data.iter().copied()).collect();
    let direction = if control & 1 == 0 { 0xc4 } else { 0x44 };
    let mut octets = vec![5, 0x64, data.len() as u8 + 5, direction, 10, 0, 3, 0];
    octets.extend(crc(&octets));
    for block in data.chunks(16) {
        octets.extend(block);
        octets.extend(crc(block));
    }
    octets
}

fn crc(octets: &[u8]) -> [u8; 2] {
    let mut sum = 0u16;
    for octet in octets {
        sum ^= u16::from(*octet);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xa6bc } else { sum >> 1 };
        }
    }
    (!sum).to_le_bytes()
}
