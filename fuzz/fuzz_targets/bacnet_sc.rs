//! Both directions of a connection of BACnet/SC. A segment goes in as it is, or as the payload of a WebSocket frame.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::bacnet_sc::BacnetSc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&BacnetSc, Transport::Tcp, input, frame));

/// A binary frame around a segment, masked or not, where the control octet asks for it.
fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    let length = segment.len() as u8;
    match control & 6 {
        2 if length < 126 => [&[0x82, length][..], segment].concat(),
        4 if length < 126 => [&[0x82, 0x80 | length, 0, 0, 0, 0][..], segment].concat(),
        _ => segment.to_vec(),
    }
}
