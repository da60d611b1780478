//! Datagrams of Ethernet Global Data. A segment goes in as it is, or behind the front of a header.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::egd::Egd;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Egd, Transport::Udp, input, datagram));

/// Type and version of a data message before a segment, where the control octet asks for it.
fn datagram(control: u8, segment: &[u8]) -> Vec<u8> {
    let mut octets = if control & 2 == 0 { vec![13, 1] } else { Vec::new() };
    octets.extend_from_slice(segment);
    octets
}
