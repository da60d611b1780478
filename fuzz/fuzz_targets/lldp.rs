//! Both directions of a conversation of lldp.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::lldp::Lldp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Lldp, Transport::Link, input, |_, segment| segment.to_vec());
});
