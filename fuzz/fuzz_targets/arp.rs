//! Both directions of a conversation of arp.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::arp::Arp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Arp, Transport::Link, input, |_, segment| segment.to_vec());
});
