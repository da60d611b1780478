//! Both directions of a Niagara Fox conversation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::fox::Fox;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&Fox, Transport::Tcp, input, |_, segment| segment.to_vec()));
