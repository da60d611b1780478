extern crate std;

use std::vec::Vec;

use fieldwarden_model::{Outcome, Value, Verb};
use proptest::prelude::*;

use super::*;
use crate::{
    cip::harness::{Flow, cut, hex},
    message::Kind,
};
use Direction::{ToClient, ToServer};

/// A packet: type, index, text length, message type, then the last 14 octets and the text (D, table 1).
fn packet(kind: u8, index: u16, message: u8, body: &str, text: &str) -> Vec<u8> {
    let (body, text) = (hex(body), hex(text));
    assert_eq!(body.len(), 14);
    let mut octets = hex(&std::format!("{kind:02x}00"));
    octets.extend(index.to_le_bytes());
    octets.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    octets.extend(hex("0000 0001 0000 0000 0000 0001 0000 0000 0000 0000"));
    octets.extend([0x21, 0x58, 0x11, 0]);
    octets.extend([7, message]);
    octets.extend(hex(if kind == 2 { "00000000 100e0000 0101" } else { "100e0000 00340000 0101" }));
    octets.extend(body);
    octets.extend(text);
    octets
}

/// Reads two registers from %R2000 on (D, figure 3; offset 1999 is 0x07cf).
const READ: &str = "04 08 cf07 0200 00000000 ffff 00ff";
/// Status 0, two registers, then program 0xff, level 2, sweep 0x34, status word 0x1c.
const READ_DONE: &str = "00 00 0100 feff 0000 ff 02 3400 1c00";

fn flow() -> Flow {
    Flow::over(&GeSrtp, Transport::Tcp)
}

#[test]
fn a_read_names_references_and_its_answer_the_values() {
    let mut flow = flow();
    let asked = flow.one(ToServer, &packet(2, 9, 0xc0, READ, ""));
    assert_eq!((asked.kind, asked.operations[0].2.as_deref()), (Kind::Request, Some("%R2000-2001")));
    let done = flow.one(ToClient, &packet(3, 9, 0xd4, READ_DONE, ""));
    let (verb, name, points, values, outcome) = &done.operations[0];
    assert_eq!((*verb, *name, *outcome), (Verb::Read, "read system memory", Outcome::Done));
    assert_eq!(points.as_deref(), Some("%R2000-2001"), "the answer repeats what was asked");
    assert_eq!(values.as_slice(), [Value::Integer(1), Value::Integer(0xfffe)]);
    assert_eq!(["hour", "minute", "second"].map(|key| done.field(key)), ["11", "58", "21"]);
    assert_eq!((done.field("privilege_level"), done.field("last_sweep")), ("2".into(), "52".into()));
}

#[test]
fn writes_short_and_long_carry_their_values() {
    let mut flow = flow();
    // %M863 on: selector 0x4c, offset 862.
    let short = flow.one(ToServer, &packet(2, 1, 0xc0, "07 4c 5e03 0100 ff000000 ffff 00ff", ""));
    assert_eq!(short.operations[0].2.as_deref(), Some("%M863"));
    assert_eq!(short.operations[0].3, [Value::Integer(1)]);
    // Eight registers in the text: the request stands behind the part counts (message type 0x80).
    let text = "0100 0200 0300 0400 0500 0600 0700 0800";
    let long = flow.one(ToServer, &packet(2, 2, 0x80, "1000 00000000 0101 07 08 0000 0800", text));
    assert_eq!((long.operations[0].0, long.operations[0].2.as_deref()), (Verb::Write, Some("%R1-8")));
    assert_eq!(long.operations[0].3.len(), 8);
    let refused = flow.one(ToClient, &packet(3, 2, 0xd1, "05 f4 00000000 0000 ff 02 3400 1c00", ""));
    assert_eq!(refused.operations[0].4, Outcome::Refused(0x05f4));
}

#[test]
fn octets_of_discrete_tables_are_eight_references_each() {
    let asked = flow().one(ToServer, &packet(2, 1, 0xc0, "04 16 0200 0200 00000000 ffff 00ff", ""));
    assert_eq!(asked.operations[0].2.as_deref(), Some("%M17-32"));
}

#[test]
fn an_unanswered_scan_of_services_comes_out_whole() {
    let mut flow = flow();
    for service in 0..=127 {
        let body = std::format!("{service:02x} 01 0000 0000 00000000 ffff 00ff");
        let said = flow.one(ToServer, &packet(2, service, 0xc0, &body, ""));
        assert_eq!(said.field("service"), service.to_string());
        assert_eq!(said.operations.len(), 1);
        let verb = said.operations[0].0;
        assert_eq!(verb == Verb::Unknown, said.anomalies.contains(&"unknown-service"));
    }
    assert!(flow.said.iter().any(|said| said.anomalies.contains(&"pending-requests")));
    let verbs: Vec<Verb> =
        [0x23, 0x24, 0x3f, 0x40, 0x21].iter().map(|code| super::service::describe(*code).0).collect();
    assert_eq!(verbs, [Verb::Mode, Verb::Time, Verb::Program, Verb::Program, Verb::Configure]);
}

use std::string::ToString;

#[test]
fn only_srtp_is_taken() {
    let ports = Ports { server: 9, client: 9 };
    assert_eq!(GeSrtp.probe(ToServer, &packet(2, 1, 0xc0, READ, ""), ports), Probe::Certain);
    assert_eq!(GeSrtp.probe(ToClient, &packet(3, 1, 0xd4, READ_DONE, ""), ports), Probe::Certain);
    assert_eq!(GeSrtp.probe(ToServer, &[0; 56], ports), Probe::Possible);
    assert_eq!(GeSrtp.probe(ToServer, b"GET / HTTP/1.1", ports), Probe::No);
    assert_eq!(GeSrtp.probe(ToServer, &hex("16030100"), ports), Probe::No);
}

fn streams() -> (Vec<u8>, Vec<u8>) {
    let mut up = std::vec![0; 56];
    let mut down = std::vec![0; 56];
    down[0] = 1;
    for index in 1..5 {
        up.extend(packet(2, index, 0xc0, READ, ""));
        down.extend(packet(3, index, 0x94, "0800 cf070200 0101 ff 02 3400 1c00", "0100 0200 0300 0400"));
    }
    (up, down)
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    let (up, down) = streams();
    let whole = cut(&GeSrtp, &up, &down, usize::MAX);
    assert_eq!(whole.len(), 10);
    assert!(whole.iter().all(|said| said.kind != Kind::Anomaly), "{whole:?}");
    for size in 1..70 {
        assert_eq!(cut(&GeSrtp, &up, &down, size), whole);
    }
}

proptest! {
    #[test]
    fn no_mutation_breaks_a_flow(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        noise in prop::collection::vec(any::<u8>(), 0..100),
        size in 1_usize..200,
    ) {
        let (mut up, mut down) = streams();
        for (place, octet) in flips {
            for stream in [&mut up, &mut down] {
                let place = place.index(stream.len());
                stream[place] = octet;
            }
        }
        down.extend(&noise);
        let _ = GeSrtp.probe(ToServer, &noise, Ports { server: PORT, client: 1 });
        prop_assert_eq!(cut(&GeSrtp, &up, &down, size), cut(&GeSrtp, &up, &down, usize::MAX));
    }
}
