//! Both directions of a conversation of sercos.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::sercos::Sercos;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Sercos, Transport::Link, input, |_, segment| segment.to_vec());
});
