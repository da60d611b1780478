//! Both directions of an OPC UA connection; a control octet with bit 1 set puts the headers of a clear message around the segment.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::opcua::OpcUa;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&OpcUa, Transport::Tcp, input, |control, segment| {
        if control & 2 == 0 {
            return segment.to_vec();
        }
        let length = u32::try_from(segment.len() + 24).unwrap_or(u32::MAX).to_le_bytes();
        let mut octets = if control & 4 == 0 { b"MSGF".to_vec() } else { b"MSGC".to_vec() };
        octets.extend_from_slice(&length);
        octets.extend_from_slice(&[7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
        octets.extend_from_slice(segment);
        octets
    });
});
