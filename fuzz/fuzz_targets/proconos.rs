//! Both directions of a ProConOS conversation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::proconos::ProConOs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&ProConOs, Transport::Tcp, input, |_, segment| segment.to_vec()));
