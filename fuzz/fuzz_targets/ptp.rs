//! Both directions of a conversation of ptp.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ptp::Ptp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Ptp, Transport::Udp, input, |_, segment| segment.to_vec());
});
