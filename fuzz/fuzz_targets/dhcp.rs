//! Both directions of a conversation in DHCP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::dhcp::DHCP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&DHCP, Transport::Udp, input, |_, segment| segment.to_vec()));
