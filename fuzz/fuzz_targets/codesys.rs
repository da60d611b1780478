//! Both directions of a CODESYS conversation, over TCP or UDP as the first octet says.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::codesys::Codesys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let transport = if first & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    converse(&Codesys, transport, input, |_, segment| segment.to_vec());
});
