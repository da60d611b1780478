//! Both directions of a conversation of ethercat.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ethercat::EtherCat;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    converse(&EtherCat, Transport::Link, input, |_, segment| segment.to_vec());
});
