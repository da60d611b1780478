//! Both directions of a conversation in SSH.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ssh::SSH;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&SSH, Transport::Tcp, input, |_, segment| segment.to_vec()));
