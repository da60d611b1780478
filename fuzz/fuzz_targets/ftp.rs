//! Both directions of a conversation in FTP.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ftp::FTP;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&FTP, Transport::Tcp, input, |_, segment| segment.to_vec()));
