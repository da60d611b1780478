extern crate std;

use std::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use fieldwarden_model::{Outcome, Value, Verb};
use proptest::prelude::*;

use super::*;
use crate::{
    cip::harness::{Flow, cut, hex},
    message::Kind,
};
use Direction::{ToClient, ToServer};

/// A binary 3E request: station 255 of network 0, timer 16, then command, subcommand and data (MC, 4.2).
fn ask(text: &str) -> Vec<u8> {
    let data = hex(&format!("1000 {text}"));
    let mut octets = hex("5000 00 ff ff03 00");
    octets.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
    octets.extend(data);
    octets
}

/// A binary 3E response: end code and data.
fn answer(text: &str) -> Vec<u8> {
    let data = hex(text);
    let mut octets = hex("d000 00 ff ff03 00");
    octets.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
    octets.extend(data);
    octets
}

fn flow() -> Flow {
    Flow::over(&Melsec, Transport::Tcp)
}

#[test]
fn a_read_names_devices_and_its_answer_the_values() {
    let mut flow = flow();
    // MC, 8.2.2: T100 to T102, and with code A8 data registers, two words.
    let asked = flow.one(ToServer, &ask("0104 0000 640000 a8 0200"));
    assert_eq!((asked.kind, asked.operations[0].2.as_deref()), (Kind::Request, Some("D100-101")));
    let done = flow.one(ToClient, &answer("0000 3412 0200"));
    let (verb, name, points, values, outcome) = &done.operations[0];
    assert_eq!((*verb, *name, *outcome), (Verb::Read, "device read", Outcome::Done));
    assert_eq!(points.as_deref(), Some("D100-101"), "the answer repeats what was asked");
    assert_eq!(values.as_slice(), [Value::Integer(0x1234), Value::Integer(2)]);
}

#[test]
fn bits_are_two_in_an_octet() {
    let mut flow = flow();
    // MC, 8.2.3: write of M100 to M103: on, on, off, off.
    let asked = flow.one(ToServer, &ask("0114 0100 640000 90 0400 1100"));
    assert_eq!(
        (asked.operations[0].2.as_deref(), asked.field("values")),
        (Some("M100-103"), "1,1,0,0".into())
    );
    assert_eq!(asked.operations[0].3, [1, 1, 0, 0].map(Value::Integer));
    let nine = flow.one(ToServer, &ask("0114 0100 640000 90 0900 1100110010"));
    assert_eq!((nine.operations[0].3.len(), nine.field("values")), (0, "1,1,0,0,1,1,0,0,1".into()));
    let ascii = flow.one(ToServer, b"500000FF03FF000019001014010001M*00001000011" as &[u8]);
    assert_eq!(
        (ascii.operations[0].2.as_deref(), ascii.operations[0].3.as_slice()),
        (Some("M10"), [Value::Integer(1)].as_slice())
    );
    // X40 by word: sixteen inputs.
    let words = flow.one(ToServer, &ask("0104 0000 400000 9c 0200"));
    assert_eq!(words.operations[0].2.as_deref(), Some("X40-5F"));
}

#[test]
fn random_accesses_name_every_device() {
    let asked = flow().one(ToServer, &ask("0214 0000 01 01 000000 a8 5005 dc0500 a8 02010000"));
    let told: Vec<_> =
        asked.operations.iter().map(|done| (done.2.clone().unwrap(), done.3.clone())).collect();
    assert_eq!(
        told,
        [
            (String::from("D0"), std::vec![Value::Integer(0x0550)]),
            (String::from("D1500-1501"), std::vec![Value::Integer(0x0102)]),
        ]
    );
    let read = flow().one(ToServer, &ask("0304 0000 02 00 000000 a8 640000 c2"));
    let told: Vec<_> = read.operations.iter().map(|done| done.2.as_deref()).collect();
    assert_eq!(told, [Some("D0"), Some("TN100")]);
}

#[test]
fn ascii_and_4e_frames_tell_the_same() {
    let mut flow = flow();
    // MC, 4.2: the same read of D100 to D101 in ASCII.
    let asked = flow.one(ToServer, b"500000FF03FF000018001004010000D*0001000002");
    assert_eq!(
        (asked.field("frame"), asked.operations[0].2.as_deref()),
        ("3E ASCII".into(), Some("D100-101"))
    );
    let done = flow.one(ToClient, b"D00000FF03FF00000C000012340002");
    assert_eq!((done.field("values"), done.field("end_code")), ("4660,2".into(), "0".into()));
    let serial = flow.one(ToServer, &hex("5400 3412 0000 00 ff ff03 00 0c00 1000 0104 0000 640000 a8 0200"));
    assert_eq!((serial.field("serial"), serial.field("frame")), ("4660".into(), "4E".into()));
    let other = flow.one(ToClient, &hex("d400 3512 0000 00 ff ff03 00 0200 0000"));
    assert_eq!(other.field("command"), "", "another serial number answers nothing here");
    let refused = flow.one(ToClient, &hex("d400 3412 0000 00 ff ff03 00 0200 51c0"));
    assert_eq!(refused.operations[0].4, Outcome::Refused(0xc051));
}

#[test]
fn mode_password_files_and_cyclic_data_are_told_by_their_verbs() {
    let mut flow = flow();
    let mut verb = |text: &str| flow.one(ToServer, &ask(text)).operations[0].0;
    assert_eq!(verb("0110 0000 0300 00 00"), Verb::Mode, "remote run");
    assert_eq!(verb("0210 0000 0100"), Verb::Mode, "remote stop");
    assert_eq!(verb("0610 0000 0100"), Verb::Mode, "remote reset");
    assert_eq!(verb("3016 0000 0400 31323334"), Verb::Associate);
    assert_eq!(verb("2918 0000 0000"), Verb::Transfer);
    assert_eq!(verb("300e 0000"), Verb::Discover);
    assert_eq!(verb("700e 0000 0000"), Verb::Write, "cyclic data of CC-Link IE Field Basic");
}

#[test]
fn what_gx_works_speaks_is_read_by_command() {
    let mut flow = flow();
    // Hand-decoded: read of two words of device code 0x20 from 200 on, and their value, 25.0 as a REAL.
    let read = "57000000001111070000ffff0300000000000034001c02161400000000000000000000000000000000000000000410270b\
                0000000000000000000000002000c8000000000000000200";
    let asked = flow.one(ToServer, &hex(read));
    assert_eq!((asked.field("command"), asked.field("count")), ("1040".into(), "2".into()));
    assert_eq!(asked.operations[0].2.as_deref(), Some("device 16416:200-201"));
    let done = "d70000000011117f000000a80300ffff03000024009c02181400000000000000000000000000000000000000000000\
                0410270b00000000c841";
    let done = flow.one(ToClient, &hex(done));
    assert_eq!((done.field("values"), done.operations[0].0), ("0,16840".into(), Verb::Read));
    let model = "d700130000111107000000e40300ffff03000038009c000c0800000000060400000000010101000000513033554445435055\
                 2020202020202068020008baba160526100813042002000101e802";
    assert_eq!(flow.one(ToClient, &hex(model)).field("command"), "257");
}

#[test]
fn an_unanswered_scan_of_commands_comes_out_whole() {
    let mut flow = flow();
    for command in 0_u16..0x2200 {
        let said = flow.one(ToServer, &ask(&format!("{:04x} 0900", command.swap_bytes())));
        assert_eq!((said.field("command"), said.operations.len()), (command.to_string(), 1));
        assert_eq!(said.operations[0].0 == Verb::Unknown, said.anomalies.contains(&"unknown-command"));
    }
    assert!(flow.said.iter().any(|said| said.anomalies.contains(&"pending-requests")));
}

#[test]
fn what_is_broken_is_told_with_what_was_understood() {
    let mut flow = flow();
    let cut = flow.one(ToServer, &ask("0104 0000 64"));
    assert_eq!((cut.kind, cut.anomalies.as_slice()), (Kind::Anomaly, ["device-unreadable"].as_slice()));
    let short = flow.one(ToClient, &answer("00"));
    assert_eq!(short.anomalies, ["frame-too-short"]);
}

#[test]
fn only_frames_are_taken() {
    let ports = Ports { server: 9, client: 9 };
    let probe = |octets: &[u8]| Melsec.probe(ToServer, octets, ports);
    assert_eq!(probe(&ask("0104 0000 640000 a8 0200")), Probe::Certain);
    assert_eq!(probe(b"500000FF03FF000018001004010000D*0001000002"), Probe::Certain);
    assert_eq!(probe(&ask("0199 0000")), Probe::Possible);
    assert_eq!(probe(b"500 OK, said nobody"), Probe::No);
    assert_eq!(probe(b"5000 is a number, no frame"), Probe::No);
    assert_eq!(probe(&[0x50]), Probe::Need(2));
}

fn streams() -> (Vec<u8>, Vec<u8>) {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        up.extend(ask("0104 0000 640000 a8 0200"));
        down.extend(answer("0000 3412 0200"));
        up.extend(b"500000FF03FF000018001004010000D*0001000002");
        down.extend(b"D00000FF03FF00000C000012340002");
    }
    (up, down)
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    let (up, down) = streams();
    let whole = cut(&Melsec, &up, &down, usize::MAX);
    assert_eq!(whole.len(), 12);
    assert!(whole.iter().all(|said| said.anomalies.is_empty()), "{whole:?}");
    for size in 1..50 {
        assert_eq!(cut(&Melsec, &up, &down, size), whole);
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
        let _ = Melsec.probe(ToServer, &noise, Ports { server: 5_007, client: 1 });
        let text: String = noise.iter().map(|octet| format!("{octet:02x}")).collect();
        flow().feed(ToServer, &ask(&text));
        let _ = (cut(&Melsec, &up, &down, size), cut(&Melsec, &up, &down, usize::MAX));
    }
}
