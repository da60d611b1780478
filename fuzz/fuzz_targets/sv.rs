//! Both directions of a conversation of sv.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::sv::SampledValues;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&SampledValues, Transport::Link, input, |_, segment| segment.to_vec());
});
