//! Both directions of a conversation in DNS.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::dns::DNS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&DNS, Transport::Udp, input, |_, segment| segment.to_vec()));
