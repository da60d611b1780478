//! Both directions of an IEC 60870-5-104 conversation. A segment goes in as it is, or as the data unit of a frame.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::iec104::Iec104;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Iec104, Transport::Tcp, input, frame));

/// A data frame around a segment, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let unit = &segment[..segment.len().min(249)];
    let mut octets = vec![0x68, unit.len() as u8 + 4, control & 0xfc, 0, 0, 0];
    octets.extend_from_slice(unit);
    octets
}
