//! Both directions of a conversation in SYSLOG.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::syslog::SYSLOG;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&SYSLOG, Transport::Udp, input, |_, segment| segment.to_vec()));
