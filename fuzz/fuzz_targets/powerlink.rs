//! Both directions of a conversation of powerlink.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::powerlink::Powerlink;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Powerlink, Transport::Link, input, |_, segment| segment.to_vec());
});
