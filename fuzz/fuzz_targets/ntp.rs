//! Both directions of a conversation in NTP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ntp::NTP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&NTP, Transport::Udp, input, |_, segment| segment.to_vec()));
