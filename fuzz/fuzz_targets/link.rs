//! Hostile frames through every link type, down to the transport.
#![no_main]

use fieldwarden_model::{LinkType, RawFrame, Timestamp};
use fieldwarden_protocols::link;
use libfuzzer_sys::fuzz_target;

const LINK_TYPES: [LinkType; 8] = [
    LinkType::NULL,
    LinkType::ETHERNET,
    LinkType::RAW,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let link_type = LINK_TYPES[usize::from(*first) % LINK_TYPES.len()];
    let wire_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let frame = RawFrame { time: Timestamp::default(), link_type, interface: 0, wire_length, tag: None, bytes };
    let layers = link::dissect(&frame);
    let _ = link::dissect_reassembled(&layers, bytes);
});
