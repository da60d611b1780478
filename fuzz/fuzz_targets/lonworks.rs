//! Both directions of a LonWorks conversation.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::lonworks::LonWorks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&LonWorks, Transport::Udp, input, |_, segment| segment.to_vec()));
