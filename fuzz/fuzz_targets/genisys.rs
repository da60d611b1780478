//! Both directions of a Genisys conversation. A segment goes in as it is, or between a header and the end mark.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::genisys::Genisys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Genisys, Transport::Tcp, input, frame));

/// A frame around a segment, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let mut octets = vec![0xf1 + (control >> 2) % 14, 1];
    octets.extend(segment.iter().map(|octet| octet & 0x7f));
    octets.push(0xf6);
    octets
}
