//! Both directions of a conversation of profinet_rt.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::profinet_rt::RealTime;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&RealTime, Transport::Link, input, |_, segment| segment.to_vec());
});
