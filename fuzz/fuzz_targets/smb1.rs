//! Both directions of a conversation in SMB1.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::smb1::SMB1;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&SMB1, Transport::Tcp, input, |_, segment| segment.to_vec()));
