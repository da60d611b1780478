//! Both directions of a conversation in VNC.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::vnc::VNC;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&VNC, Transport::Tcp, input, |_, segment| segment.to_vec()));
