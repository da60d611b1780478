extern crate std;

use std::{string::ToString, vec::Vec};

use fieldwarden_model::{Outcome, Value, Verb};
use proptest::prelude::*;

use super::*;
use crate::{
    cip::harness::{Flow, cut, hex},
    message::Kind,
};
use Direction::{ToClient, ToServer};

/// A frame (W342, 3-2): command or response, service id, then command code and text.
fn frame(response: bool, service: u8, text: &str) -> Vec<u8> {
    let mut octets = hex(if response { "c0 00 02 00 ef 05 00 01 00" } else { "80 00 02 00 01 00 00 ef 05" });
    octets.push(service);
    octets.extend(hex(text));
    octets
}

/// FINS/TCP around a frame (W421, 7-4).
fn tcp(frame: &[u8]) -> Vec<u8> {
    let mut octets = b"FINS".to_vec();
    octets.extend(u32::try_from(frame.len() + 8).unwrap().to_be_bytes());
    octets.extend(hex("00000002 00000000"));
    octets.extend(frame);
    octets
}

fn flow() -> Flow {
    Flow::over(&Fins, Transport::Udp)
}

#[test]
fn a_read_names_words_and_its_answer_the_values() {
    let mut flow = flow();
    // W342, 5-3-2: D100, two words.
    let asked = flow.one(ToServer, &frame(false, 7, "0101 82 0064 00 0002"));
    assert_eq!((asked.kind, asked.operations[0].2.as_deref()), (Kind::Request, Some("D100-101")));
    let done = flow.one(ToClient, &frame(true, 7, "0101 0000 0001 fffe"));
    let (verb, name, points, values, outcome) = &done.operations[0];
    assert_eq!((*verb, *name, *outcome), (Verb::Read, "memory area read", Outcome::Done));
    assert_eq!(points.as_deref(), Some("D100-101"), "the answer repeats what was asked");
    assert_eq!(values.as_slice(), [Value::Integer(1), Value::Integer(0xfffe)]);
    assert_eq!(done.field("response_code"), "0");
}

#[test]
fn writes_fills_transfers_and_forces_name_their_points() {
    let mut flow = flow();
    let mut said = |text: &str| flow.one(ToServer, &frame(false, 1, text)).operations;
    let bits = said("0102 30 000a 03 0002 01 00");
    assert_eq!((bits[0].0, bits[0].2.as_deref()), (Verb::Write, Some("CIO10.03-10.04")));
    assert_eq!(bits[0].3, [Value::Integer(1), Value::Integer(0)]);
    let fill = said("0103 b1 0000 00 0010 00ff");
    assert_eq!(
        (fill[0].2.as_deref(), fill[0].3.as_slice()),
        (Some("W0-15"), [Value::Integer(255)].as_slice())
    );
    let copy = said("0105 82 0000 00 a2 0064 00 0005");
    let moved: Vec<_> = copy.iter().map(|done| (done.0, done.2.as_deref())).collect();
    assert_eq!(moved, [(Verb::Read, Some("D0-4")), (Verb::Write, Some("E2_100-104"))]);
    let several = said("0104 80 0001 00 89 0005 00");
    let several: Vec<_> = several.iter().map(|done| done.2.as_deref()).collect();
    assert_eq!(several, [Some("CIO1"), Some("T5")]);
    let force = said("2301 0001 0001 31 0001 02");
    assert_eq!((force[0].0, force[0].2.as_deref()), (Verb::Operate, Some("W1.02")));
}

#[test]
fn mode_program_clock_and_identity_are_told_by_their_verbs() {
    let mut flow = flow();
    let mut verb = |text: &str| flow.one(ToServer, &frame(false, 1, text)).operations[0].0;
    assert_eq!(verb("0401 0000 04"), Verb::Mode);
    assert_eq!(verb("0402"), Verb::Mode);
    assert_eq!(verb("0307 0000 00000000 0004 cafe0001"), Verb::Program);
    assert_eq!(verb("0702 26 01 01 12 00 00"), Verb::Time);
    assert_eq!(verb("0202 8010 0000 8001 0000"), Verb::Configure);
    assert_eq!(verb("2203 0000"), Verb::Transfer);
    let model = "43504d312020202020202020202020202020202030312e303000000000000000000000000000000000000";
    let who = flow.one(ToClient, &frame(true, 2, &std::format!("0501 0000 {model}0")));
    assert_eq!(
        (who.field("controller_model"), who.field("controller_version")),
        ("CPM1".into(), "01.00".into())
    );
    let refused = flow.one(ToClient, &frame(true, 1, "0401 2108"));
    assert_eq!(refused.operations[0].4, Outcome::Refused(0x2108));
}

#[test]
fn an_unanswered_scan_of_commands_comes_out_whole() {
    let mut flow = flow();
    for command in 0_u16..0x3000 {
        let octets = frame(false, command.to_be_bytes()[1], &std::format!("{command:04x}"));
        let said = flow.one(ToServer, &octets);
        assert_eq!((said.field("command"), said.operations.len()), (command.to_string(), 1));
        assert_eq!(said.operations[0].0 == Verb::Unknown, said.anomalies.contains(&"unknown-command"));
    }
    assert!(flow.said.iter().any(|said| said.anomalies.contains(&"pending-requests")));
}

#[test]
fn what_is_broken_is_told_with_what_was_understood() {
    let mut flow = flow();
    let short = flow.one(ToServer, &frame(false, 1, "0101 82 00"));
    assert_eq!((short.kind, short.anomalies.as_slice()), (Kind::Anomaly, ["text-too-short"].as_slice()));
    let mut bad = frame(false, 1, "0402");
    bad[1] = 9;
    assert_eq!(flow.one(ToServer, &bad).anomalies, ["header"]);
    assert_eq!(flow.one(ToClient, &frame(true, 1, "0402")).anomalies, ["response-code-missing"]);
}

#[test]
fn only_fins_is_taken() {
    let ports = Ports { server: 9, client: 9 };
    let probe = |octets: &[u8]| Fins.probe(ToServer, octets, ports);
    assert_eq!(probe(&frame(false, 1, "0501")), Probe::Certain);
    assert_eq!(probe(&tcp(&frame(false, 1, "0501"))), Probe::Certain);
    assert_eq!(probe(b"FIN"), Probe::Need(16));
    assert_eq!(probe(b"FINE words, no frame"), Probe::No);
    assert_eq!(probe(&frame(false, 1, "ee01")), Probe::Possible);
    assert_eq!(probe(&hex("16030100 8000020000000000")), Probe::No);
}

fn streams() -> (Vec<u8>, Vec<u8>) {
    let mut up = hex("46494e53 0000000c 00000000 00000000 00000000");
    let mut down = hex("46494e53 00000010 00000001 00000000 000000fb 000000c8");
    for service in 1..5 {
        up.extend(tcp(&frame(false, service, "0101 82 0064 00 0002")));
        down.extend(tcp(&frame(true, service, "0101 0000 0001 fffe")));
    }
    (up, down)
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    let (up, down) = streams();
    let whole = cut(&Fins, &up, &down, usize::MAX);
    assert_eq!(whole.len(), 18);
    assert_eq!((whole[0].protocol, whole[10].field("server_node").as_str()), ("fins_tcp", ""));
    assert!(whole.iter().all(|said| said.anomalies.is_empty()), "{whole:?}");
    for size in 1..60 {
        assert_eq!(cut(&Fins, &up, &down, size), whole);
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
        let _ = Fins.probe(ToServer, &noise, Ports { server: PORT, client: 1 });
        let mut datagrams = flow();
        datagrams.feed(ToServer, &frame(false, 1, &noise.iter().map(|octet| std::format!("{octet:02x}")).collect::<std::string::String>()));
        datagrams.feed(ToClient, &noise);
        prop_assert_eq!(cut(&Fins, &up, &down, size), cut(&Fins, &up, &down, usize::MAX));
    }
}
