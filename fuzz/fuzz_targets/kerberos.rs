//! Both directions of a conversation in KERBEROS.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::kerberos::KERBEROS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&KERBEROS, Transport::Udp, input, |_, segment| segment.to_vec()));
