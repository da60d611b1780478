//! Both directions of a Crimson conversation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::crimson::Crimson;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Crimson, Transport::Tcp, input, |_, segment| segment.to_vec()));
