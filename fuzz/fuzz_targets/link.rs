//! Hostile frames through every link type, down to the transport, and the checksums of what is found.
#![no_main]

use fieldwarden_model::{LinkType, RawFrame, Timestamp, VlanTag};
use fieldwarden_protocols::link::{self, Layers, MAX_LAYER_ANOMALIES, MAX_TUNNELS};
use libfuzzer_sys::fuzz_target;

/// Ethernet first: a seed that begins with a zero octet is an Ethernet frame.
const LINK_TYPES: [LinkType; 13] = [
    LinkType::ETHERNET,
    LinkType::NULL,
    LinkType::RAW,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
    LinkType::PPP,
    LinkType::PPP_HDLC,
    LinkType::C_HDLC,
    LinkType::BACNET_MS_TP,
    LinkType::CAN_SOCKETCAN,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    // The octet of control: link type, whether the frame was cut, whether the kernel took a tag out of it.
    let link_type = LINK_TYPES[usize::from(first & 0x0f) % LINK_TYPES.len()];
    let beyond = if first & 0x40 == 0 { 0 } else { 100 };
    let wire_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(beyond);
    let tag = (first & 0x80 != 0).then_some(VlanTag { protocol: 0x8100, control: 7 });
    let frame = RawFrame { time: Timestamp::default(), link_type, interface: 0, wire_length, tag, bytes };
    let layers = link::dissect(&frame);
    check(&layers, bytes);
    let datagram = layers.payload.to_vec();
    check(&link::dissect_reassembled(&layers, &datagram), &datagram);
    check(&link::dissect_reassembled(&layers, bytes), bytes);
});

fn check(layers: &Layers<'_>, bytes: &[u8]) {
    let (within, payload) = (bytes.as_ptr_range(), layers.payload.as_ptr_range());
    assert!(layers.payload.is_empty() || within.start <= payload.start && payload.end <= within.end);
    assert!(layers.tunnels.len() <= MAX_TUNNELS && layers.anomalies.len() <= MAX_LAYER_ANOMALIES);
    for anomaly in &layers.anomalies {
        assert!(anomaly.offset as usize <= bytes.len(), "{anomaly}");
        assert!(!anomaly.to_string().is_empty());
    }
    let _ = layers.checksums();
    assert!(layers.segment().len() <= bytes.len());
    assert!(!format!("{layers:?}").is_empty());
}
