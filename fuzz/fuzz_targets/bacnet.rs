//! Both directions of a BACnet/IP conversation; a control octet with bit 1 set puts a virtual link layer around the segment.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::bacnet::BacnetIp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&BacnetIp, Transport::Udp, input, |control, segment| {
        if control & 2 == 0 {
            return segment.to_vec();
        }
        let length = u16::try_from(segment.len() + 6).unwrap_or(u16::MAX).to_be_bytes();
        let mut octets = vec![0x81, 0x0a, length[0], length[1], 1, 4];
        octets.extend_from_slice(segment);
        octets
    });
});
