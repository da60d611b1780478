//! Both directions of a conversation of sinec_h1.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::sinec_h1::SinecH1;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&SinecH1, Transport::Tcp, input, |_, segment| segment.to_vec());
});
