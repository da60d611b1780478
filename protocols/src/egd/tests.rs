extern crate std;

use std::vec::Vec;

use fieldwarden_model::{Outcome, Verb};
use proptest::prelude::*;

use super::*;
use crate::cip::harness::{Flow, hex};
use Direction::ToServer;

/// GFK-1541: data of exchange 1 of producer 140.80.1.125, 13 octets.
const EXAMPLE: &str =
    "0d 01 4c45 8c50017d 01000000 9af73f3c 52fcc428 02000000 00000000 00000000 a9000000000000000000000000";

#[test]
fn a_data_message_tells_producer_and_exchange() {
    let mut flow = Flow::over(&Egd, Transport::Udp);
    let said = flow.one(ToServer, &hex(EXAMPLE));
    assert_eq!(said.kind, Kind::Report);
    let fields = ["type", "request_id", "producer_id", "exchange_id", "status"].map(|key| said.field(key));
    assert_eq!(fields, ["13", "17740", "8c50017d", "1", "2"]);
    let (verb, name, points, _, outcome) = &said.operations[0];
    assert_eq!((*verb, *name, *outcome), (Verb::Read, "exchange data", Outcome::Reported));
    assert_eq!(points.as_deref(), Some("exchange 1 octet 0-12"));
}

#[test]
fn only_data_messages_are_certain() {
    let ports = Ports { server: 9, client: 9 };
    let good = hex(EXAMPLE);
    assert_eq!(Egd.probe(ToServer, &good, ports), Probe::Certain);
    for (at, octet) in [(1, 2), (19, 0xff), (23, 1), (28, 1)] {
        let mut bad = good.clone();
        bad[at] = octet;
        assert_ne!(Egd.probe(ToServer, &bad, ports), Probe::Certain, "{at}");
    }
    assert_eq!(Egd.probe(ToServer, &good[..31], ports), Probe::No);
}

#[test]
fn every_type_is_told_and_a_false_fraction_is_an_anomaly() {
    let mut flow = Flow::over(&Egd, Transport::Udp);
    for kind in 0..=0xff {
        let mut datagram = hex(EXAMPLE);
        datagram[0] = kind;
        let said = flow.one(ToServer, &datagram);
        assert_eq!(said.anomalies.is_empty(), kind == DATA);
    }
    let mut datagram = hex(EXAMPLE);
    datagram[19] = 0xff;
    assert_eq!(flow.one(ToServer, &datagram).kind, Kind::Anomaly);
}

proptest! {
    #[test]
    fn no_octets_break_it(octets in prop::collection::vec(any::<u8>(), 0..80), head in any::<bool>()) {
        let mut datagram: Vec<u8> = if head { hex(EXAMPLE)[..20].to_vec() } else { Vec::new() };
        datagram.extend(octets);
        let _ = Egd.probe(ToServer, &datagram, Ports { server: PORT, client: 1 });
        Flow::over(&Egd, Transport::Udp).feed(ToServer, &datagram);
    }
}
