//! Both directions of a conversation of `ff_hse`, over TCP or UDP as the first octet says.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::ff_hse::FfHse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let transport = if first & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    converse(&FfHse, transport, input, |_, segment| segment.to_vec());
});
