//! Both directions of a PC Worx conversation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::pcworx::PcWorx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&PcWorx, Transport::Tcp, input, |_, segment| segment.to_vec()));
