//! Both directions of an OpenVPN conversation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::openvpn::OpenVpn;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&OpenVpn, Transport::Tcp, input, |_, segment| segment.to_vec()));
