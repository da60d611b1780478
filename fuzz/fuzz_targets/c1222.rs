//! Both directions of a C12.22 conversation. A segment goes in as it is, or as the services of a clear message.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::c1222::C1222;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&C1222, Transport::Tcp, input, message));

/// A message around a segment, where the control octet asks for it.
fn message(control: u8, segment: &[u8]) -> Vec<u8> {
    if control & 2 != 0 {
        return segment.to_vec();
    }
    let services = &segment[..segment.len().min(100)];
    let length = services.len() as u8;
    let mut octets = vec![0x60, length + 14, 0xa6, 5, 0x06, 3, 0x60, 0x7c, 0x01];
    octets.extend([0xbe, length + 5, 0x28, length + 3, 0x81, length + 1, 0x80 | control >> 2]);
    octets.extend_from_slice(services);
    octets
}
