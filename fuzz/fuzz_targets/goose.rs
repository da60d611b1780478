//! Both directions of a conversation of goose.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::goose::Goose;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Goose, Transport::Link, input, |_, segment| segment.to_vec());
});
