//! Both directions of a conversation in TFTP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::tftp::TFTP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&TFTP, Transport::Udp, input, |_, segment| segment.to_vec()));
