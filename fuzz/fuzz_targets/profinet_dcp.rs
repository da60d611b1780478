//! Both directions of a conversation of profinet_dcp.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::profinet_dcp::Dcp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&Dcp, Transport::Link, input, |_, segment| segment.to_vec());
});
