//! Both directions of a conversation in HTTP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::http::HTTP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&HTTP, Transport::Tcp, input, |_, segment| segment.to_vec()));
