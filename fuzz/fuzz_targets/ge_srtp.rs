//! Both directions of a GE-SRTP conversation. A segment goes in as it is, or as the end of a packet.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ge_srtp::GeSrtp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&GeSrtp, Transport::Tcp, input, packet));

/// The front of a header, then the segment from the message type on, where the control octet asks for it.
fn packet(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let text = segment.len().saturating_sub(25).min(255) as u8;
    let mut octets = vec![2 + (control & 1), 0, control >> 4, 0, text, 0];
    octets.extend_from_slice(&[0; 25]);
    octets.extend_from_slice(segment);
    octets.resize(56 + usize::from(text), 0);
    octets
}
