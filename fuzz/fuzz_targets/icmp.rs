//! Both directions of a conversation of icmp.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::icmp::Icmp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Icmp, Transport::Link, input, |_, segment| segment.to_vec());
});
