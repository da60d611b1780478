//! Both directions of a conversation of can.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::can::Can;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Can, Transport::Link, input, |_, segment| segment.to_vec());
});
