//! Both directions of a conversation in SNMP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::snmp::SNMP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&SNMP, Transport::Udp, input, |_, segment| segment.to_vec()));
