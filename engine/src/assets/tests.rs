//! The inventory over frames of a small plant that speaks Modbus over UDP.

use std::time::Duration;

use fieldwarden_model::{FrameRef, LinkType, RawFrame, Site, Timestamp};

use super::{Asset, Inventory, Trait};
use crate::{
    engine::tests::{adu, udp},
    map::Seed,
    track,
};

const STATION: [u8; 4] = [10, 0, 0, 5];
const CONTROLLER: [u8; 4] = [10, 0, 0, 20];
/// The basic identification of a device in one answer: vendor, product code, revision (MODBUS Application Protocol 6.21).
const IDENTITY: &[u8] = b"\x2b\x0e\x01\x01\x00\x00\x03\x00\x04Acme\x01\x03P34\x02\x04v2.5";

/// Ethernet before an IPv4 packet, in a VLAN.
fn ethernet(to: u8, from: u8, vlan: u8, packet: &[u8]) -> Vec<u8> {
    let siemens = |last| [0x00, 0x1b, 0x1b, 0, 0, last];
    [&siemens(to)[..], &siemens(from), &[0x81, 0, 0, vlan, 8, 0], packet].concat()
}

fn inventory(seed: u64) -> Vec<Asset> {
    let asks = |pdu: &[u8]| ethernet(20, 5, 7, &udp((STATION, 50_000), (CONTROLLER, 502), &adu(1, pdu)));
    let answers = |pdu: &[u8]| ethernet(5, 20, 7, &udp((CONTROLLER, 502), (STATION, 50_000), &adu(1, pdu)));
    let frames = [
        asks(&[3, 0, 100, 0, 1]),
        answers(&[3, 2, 0, 7]),
        asks(&[6, 0, 100, 0, 9]),
        answers(&[6, 0, 100, 0, 9]),
        asks(&[0x2b, 0x0e, 1, 0]),
        answers(IDENTITY),
    ];
    let mut inventory = Inventory::new(Site::default(), track::Settings::default(), Seed(seed));
    for (frame, number) in frames.iter().zip(1..) {
        let time = Timestamp::from_seconds(1_000_000).saturating_add(Duration::from_secs(number));
        let wire_length = u32::try_from(frame.len()).unwrap();
        let link_type = LinkType::ETHERNET;
        let raw = RawFrame { time, link_type, interface: 0, wire_length, tag: None, bytes: frame };
        inventory.frame(raw, FrameRef { capture: 0, number });
    }
    inventory.finish();
    assert_eq!(inventory.left_out(), 0);
    inventory.assets()
}

#[test]
fn who_asks_and_who_answers_is_known_with_what_it_told() {
    let assets = inventory(1);
    let [station, controller] = assets.as_slice() else { panic!("{assets:?}") };
    assert_eq!(station.role().unwrap().reason, "writes over modbus");
    assert_eq!(controller.role().unwrap().name, "controller");
    let told = [Trait::Vendor, Trait::Model, Trait::Firmware, Trait::Serial].map(|of| controller.tells(of));
    assert_eq!(told, [Some("Acme"), Some("P34"), Some("v2.5"), None]);
    assert_eq!(controller.card_vendor(), Some("Siemens"));
    assert_eq!((controller.frames, controller.vlans.first()), (3, Some(&7)));
    assert_eq!(controller.last.since(controller.first), Duration::from_secs(4));
}

#[test]
fn the_seed_changes_nothing() {
    assert_eq!(inventory(1), inventory(2));
}
