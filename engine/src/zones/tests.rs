//! Crossings of a small plant that speaks Modbus over UDP.

use fieldwarden_model::{FrameRef, LinkType, RawFrame, Site, Timestamp, Verb, site::Asset, zone::Conduit};

use super::Crossings;
use crate::{
    bench::talker,
    engine::tests::{adu, udp},
    map::Seed,
    track,
};

const STATION: [u8; 4] = [10, 0, 0, 5];
const CONTROLLER: [u8; 4] = [10, 0, 0, 20];

fn site() -> Site {
    let asset = |name: &str, address: &str| Asset {
        name: name.into(),
        addresses: vec![talker(address)],
        role: String::new(),
        zone: name.into(),
        criticality: 1,
        tags: Vec::new(),
    };
    let conduit = |from: &str, to: &str, operations: &[Verb]| Conduit {
        name: format!("{from} to {to}"),
        from: from.into(),
        to: to.into(),
        protocols: vec!["modbus".into()],
        operations: operations.to_vec(),
    };
    Site {
        assets: vec![asset("control", "10.0.0.5"), asset("cell", "10.0.0.20")],
        conduits: vec![conduit("cell", "control", &[]), conduit("control", "cell", &[Verb::Read])],
        ..Site::default()
    }
}

#[test]
fn what_conduits_permit_is_told_by_conduit_and_the_rest_outside() {
    let mut crossings = Crossings::new(site(), track::Settings::default(), Seed(1));
    let asks = |pdu: &[u8]| udp((STATION, 50_000), (CONTROLLER, 502), &adu(1, pdu));
    let frames = [
        asks(&[3, 0, 100, 0, 1]),
        udp((CONTROLLER, 502), (STATION, 50_000), &adu(1, &[3, 2, 0, 7])),
        asks(&[6, 0, 100, 0, 9]),
    ];
    for (frame, number) in frames.iter().zip(1..) {
        let time = Timestamp::from_seconds(1_000_000 + i64::try_from(number).unwrap());
        let wire_length = u32::try_from(frame.len()).unwrap();
        let raw =
            RawFrame { time, link_type: LinkType::RAW, interface: 0, wire_length, tag: None, bytes: frame };
        crossings.frame(raw, FrameRef { capture: 0, number });
    }
    crossings.finish();
    let seen: Vec<_> =
        crossings.crossings().iter().map(|one| (one.verb, one.conduit, one.used.count)).collect();
    assert_eq!(seen, [(Some(Verb::Read), Some(1), 2), (Some(Verb::Write), None, 1)]);
}
