//! Both directions of a conversation in RDP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::rdp::RDP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&RDP, Transport::Tcp, input, |_, segment| segment.to_vec()));
