//! Both directions of a conversation in TLS.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::tls::TLS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&TLS, Transport::Tcp, input, |_, segment| segment.to_vec()));
