//! Datagrams of Ether-S-I/O. A segment goes in as it is, or behind its mark.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ethersio::EtherSio;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&EtherSio, Transport::Udp, input, datagram));

/// The mark before a segment, where the control octet asks for it.
fn datagram(control: u8, segment: &[u8]) -> Vec<u8> {
    let mut octets = if control & 2 == 0 { b"ESIO".to_vec() } else { Vec::new() };
    octets.extend_from_slice(segment);
    octets
}
