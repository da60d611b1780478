//! Both directions of a conversation in TELNET.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::telnet::TELNET;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&TELNET, Transport::Tcp, input, |_, segment| segment.to_vec()));
