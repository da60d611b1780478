extern crate std;

use proptest::prelude::*;

use super::*;
use crate::cip::harness::{Flow, hex};
use Direction::ToServer;

/// Vol. 2, 2-6.3: sequenced address of a connection, then six octets with their sequence count.
const EXAMPLE: &str = "0200 0280 0800 1700fe80 05000000 b100 0600 0500 01000000";

#[test]
fn a_datagram_tells_connection_and_data() {
    let said = Flow::over(&CipIo, Transport::Udp).one(ToServer, &hex(EXAMPLE));
    assert_eq!(
        (said.kind, said.field("sequence_number"), said.field("length")),
        (Kind::Report, "5".into(), "6".into())
    );
    assert_eq!(said.operations[0].2.as_deref(), Some("connection 0x80fe0017 octet 0-5"));
    assert_eq!(said.operations[0].4, Outcome::Reported);
}

#[test]
fn a_length_that_lies_is_an_anomaly_and_other_items_are_not_taken() {
    let ports = Ports { server: 9, client: 9 };
    let mut octets = hex(EXAMPLE);
    assert_eq!(CipIo.probe(ToServer, &octets, ports), Probe::Certain);
    octets[16] = 9;
    assert_eq!(CipIo.probe(ToServer, &octets, ports), Probe::Possible);
    let said = Flow::over(&CipIo, Transport::Udp).one(ToServer, &octets);
    assert_eq!((said.kind, said.anomalies.as_slice()), (Kind::Anomaly, ["data-length"].as_slice()));
    octets[2] = 1;
    assert_eq!(CipIo.probe(ToServer, &octets, ports), Probe::No);
}

proptest! {
    #[test]
    fn no_octets_break_it(octets in prop::collection::vec(any::<u8>(), 0..60), head in 0_usize..18) {
        let mut datagram = hex(EXAMPLE)[..head].to_vec();
        datagram.extend(octets);
        let _ = CipIo.probe(ToServer, &datagram, Ports { server: PORT, client: 1 });
        Flow::over(&CipIo, Transport::Udp).feed(ToServer, &datagram);
    }
}
