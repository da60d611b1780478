extern crate std;

use std::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use fieldwarden_model::{FrameRef, Operation, Outcome, PointRange, Space, Transport, Value, Verb};
use proptest::prelude::*;

use super::*;
use crate::{
    anomaly::{Anomaly, Blame},
    message::{FieldValue, FieldVisitor, Kind, Message},
    stream::StreamParser,
};
use Direction::{ToClient, ToServer};

/// An operation: verb, name, points as written, values, outcome.
type Done = (Verb, &'static str, Option<String>, Vec<Value>, Outcome);

/// What one message said, owned.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    protocol: &'static str,
    kind: Kind,
    fields: BTreeMap<&'static str, Vec<String>>,
    operations: Vec<Done>,
    anomalies: Vec<Anomaly>,
}

impl Said {
    fn field(&self, key: &str) -> Vec<&str> {
        self.fields.get(key).map(|list| list.iter().map(String::as_str).collect()).unwrap_or_default()
    }

    fn codes(&self) -> Vec<&'static str> {
        self.anomalies.iter().map(|anomaly| anomaly.code).collect()
    }
}

#[derive(Default)]
struct Collect(BTreeMap<&'static str, Vec<String>>);

impl FieldVisitor for Collect {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        assert!(!self.0.contains_key(key), "`{key}` told twice as one field");
        self.item(key, value);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        let text = match value {
            FieldValue::Unsigned(number) => number.to_string(),
            FieldValue::Signed(number) => number.to_string(),
            FieldValue::Float(number) => number.to_string(),
            FieldValue::Text(text) => text.into(),
            FieldValue::Bytes(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        self.0.entry(key).or_default().push(text);
    }
}

fn owned(message: &Message<'_>) -> Said {
    let mut fields = Collect::default();
    message.body.fields(&mut fields);
    let mut operations = Vec::new();
    message.body.operations(&mut |operation: &Operation<'_>| {
        let points = operation.points.map(|range| written(&range));
        let values = operation.values.map(|values| values.iter().collect()).unwrap_or_default();
        operations.push((operation.verb, operation.name, points, values, operation.outcome));
    });
    Said {
        protocol: message.protocol.name(),
        kind: message.kind,
        fields: fields.0,
        operations,
        anomalies: message.anomalies.to_vec(),
    }
}

fn written(range: &PointRange) -> String {
    let mut text = String::new();
    notation::StepSeven.write(range, &mut text).unwrap();
    text
}

/// A flow under test.
struct Flow {
    parser: StreamParser,
    said: Vec<Said>,
}

impl Flow {
    fn new() -> Self {
        let parser = StreamParser::new(S7comm.session(Transport::Tcp), S7comm.max_message());
        Self { parser, said: Vec::new() }
    }

    fn feed(&mut self, direction: Direction, octets: &[u8]) -> &mut Self {
        let said = &mut self.said;
        self.parser.feed(direction, octets, FrameRef::default(), &mut |message, _| said.push(owned(message)));
        self
    }

    /// The one message that these octets complete.
    fn one(&mut self, direction: Direction, octets: &[u8]) -> Said {
        let before = self.said.len();
        self.feed(direction, octets);
        assert_eq!(self.said.len(), before + 1, "one message");
        self.said.last().unwrap().clone()
    }
}

/// Octets out of hexadecimal, blanks ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// TPKT and a COTP data unit around a piece of an S7 message.
fn packet(last: bool, user: &[u8]) -> Vec<u8> {
    let length = u16::try_from(user.len() + 7).unwrap();
    let mut octets = vec![3, 0];
    octets.extend(length.to_be_bytes());
    octets.extend([2, 0xf0, if last { 0x80 } else { 0 }]);
    octets.extend(user);
    octets
}

/// An S7 message out of its two parts.
fn message(rosctr: u8, reference: u16, error: Option<u16>, parameters: &str, data: &str) -> Vec<u8> {
    let (parameters, data) = (hex(parameters), hex(data));
    let mut unit = vec![0x32, rosctr, 0, 0];
    unit.extend(reference.to_be_bytes());
    unit.extend(u16::try_from(parameters.len()).unwrap().to_be_bytes());
    unit.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    if let Some(error) = error {
        unit.extend(error.to_be_bytes());
    }
    unit.extend(parameters);
    unit.extend(data);
    unit
}

fn job(reference: u16, parameters: &str, data: &str) -> Vec<u8> {
    packet(true, &message(1, reference, None, parameters, data))
}

fn answer(reference: u16, error: u16, parameters: &str, data: &str) -> Vec<u8> {
    packet(true, &message(3, reference, Some(error), parameters, data))
}

fn userdata(parameters: &str, data: &str) -> Vec<u8> {
    packet(true, &message(7, 9, None, parameters, data))
}

/// Reads DB1 word 0 and 1 (two INT), bit M10.3, and counter 5.
const READ_THREE: &str =
    "04 03 120a10 05 0002 0001 84 000000 120a10 01 0001 0000 83 000053 120a10 1c 0001 0000 1c 000005";
/// A bit, its fill octet, then one REAL.
const WRITE_TWO: &str = "05 02 120a10 01 0001 0000 82 000000 120a10 08 0001 0007 84 000020";
const WRITE_TWO_DATA: &str = "00 03 0001 01 00  00 07 0004 42280000";

#[test]
fn a_read_and_its_answer_name_the_same_points_and_carry_the_values() {
    let mut flow = Flow::new();
    let asked = flow.one(ToServer, &job(1, READ_THREE, ""));
    assert_eq!((asked.protocol, asked.kind), ("s7comm", Kind::Request));
    assert_eq!(asked.field("item_area"), ["132", "131", "28"]);
    assert_eq!(asked.field("points"), ["DB1.DBB0-3", "M10.3", "C5"]);
    assert!(
        asked.operations.iter().all(|(verb, .., outcome)| (*verb, *outcome) == (Verb::Read, Outcome::Asked))
    );

    let data = "ff 05 0020 0007 fff9  ff 03 0001 01 00  0a 00 0000";
    let told = flow.one(ToClient, &answer(1, 0, "04 03", data));
    assert_eq!(told.kind, Kind::Response);
    assert_eq!(told.field("return_code"), ["255", "255", "10"]);
    assert_eq!(told.field("item_data"), ["0007fff9", "01"]);
    assert_eq!(
        told.field("points"),
        ["DB1.DBB0-3", "M10.3", "C5"],
        "the answer repeats the object of the job"
    );
    let read = |points: &str, values, outcome| {
        (Verb::Read, "read variable", Some(points.to_string()), values, outcome)
    };
    assert_eq!(
        told.operations,
        [
            read("DB1.DBB0-3", vec![Value::Integer(7), Value::Integer(-7)], Outcome::Done),
            read("M10.3", vec![Value::Integer(1)], Outcome::Done),
            read("C5", vec![], Outcome::Refused(0x0a)),
        ]
    );
    assert_eq!(told.codes(), [""; 0]);
}

#[test]
fn a_write_tells_what_is_written_and_its_answer_what_became_of_it() {
    let mut flow = Flow::new();
    let asked = flow.one(ToServer, &job(2, WRITE_TWO, WRITE_TWO_DATA));
    let write = |points: &str, values, outcome| {
        (Verb::Write, "write variable", Some(points.to_string()), values, outcome)
    };
    assert_eq!(
        asked.operations,
        [
            write("Q0.0", vec![Value::Integer(1)], Outcome::Asked),
            write("DB7.DBB4-7", vec![Value::Float(42.0)], Outcome::Asked),
        ]
    );
    let told = flow.one(ToClient, &answer(2, 0, "05 02", "ff 05"));
    assert_eq!(
        told.operations,
        [write("Q0.0", vec![], Outcome::Done), write("DB7.DBB4-7", vec![], Outcome::Refused(5))]
    );
}

#[test]
fn a_refused_job_is_refused_for_every_item() {
    let mut flow = Flow::new();
    flow.feed(ToServer, &job(3, WRITE_TWO, WRITE_TWO_DATA));
    let told = flow.one(ToClient, &answer(3, 0x8104, "05 00", ""));
    assert_eq!((told.field("error_class"), told.field("error_code")), (vec!["129"], vec!["4"]));
    assert_eq!(told.operations.len(), 2);
    assert!(told.operations.iter().all(|(.., outcome)| *outcome == Outcome::Refused(0x8104)));
}

#[test]
fn stop_start_and_delete_are_told_in_plain_words() {
    let mut flow = Flow::new();
    let mut name = |octets: &[u8]| {
        let said = flow.one(ToServer, octets);
        (said.operations[0].0, said.operations[0].1, said.field("block_type").join(","))
    };
    let none = String::new();
    assert_eq!(
        name(&job(4, "29 0000000000 09 505f50524f4752414d", "")),
        (Verb::Mode, "PLC stop", none.clone())
    );
    let start = "28 000000000000fd 0000 09 505f50524f4752414d";
    assert_eq!(name(&job(5, start, "")), (Verb::Mode, "PLC start (warm restart)", none.clone()));
    let cold = "28 000000000000fd 0002 4320 09 505f50524f4752414d";
    assert_eq!(name(&job(6, cold, "")), (Verb::Mode, "PLC start (cold restart)", none));
    let delete = "28 000000000000fd 000a 0100 3041303030303142 05 5f44454c45";
    assert_eq!(name(&job(7, delete, "")), (Verb::Program, "delete blocks", "DB".into()));

    let answered = flow.one(ToClient, &answer(6, 0, "28", ""));
    let (verb, name, .., outcome) = &answered.operations[0];
    assert_eq!((*verb, *name, *outcome), (Verb::Mode, "PLC start (cold restart)", Outcome::Done));
    let push = flow.one(ToClient, &userdata("01 00 10100000 00 00", ""));
    assert_eq!(push.kind, Kind::Report);
    assert_eq!(push.operations[0].1, "CPU mode changed to STOP");
    assert_eq!(push.operations[0].4, Outcome::Reported);
}

#[test]
fn a_download_names_its_block_and_the_piece_is_told_as_data() {
    let mut flow = Flow::new();
    let request = "1a 00 0000 00000000 09 5f30433030303135 50 0d 31303033303330303030323038";
    let asked = flow.one(ToServer, &job(8, request, ""));
    assert_eq!((asked.field("block_type"), asked.field("block_number")), (vec!["FC"], vec!["15"]));
    assert_eq!((asked.field("load_memory_length"), asked.field("code_length")), (vec!["3030"], vec!["208"]));
    // The controller fetches the block: it asks, the programming device answers.
    flow.feed(ToClient, &job(0x100, "1b 00 0000 00000000 09 5f3043303030313550", ""));
    let piece = flow.one(ToServer, &answer(0x100, 0, "1b 01", "0004 00fb 70700101"));
    assert_eq!(piece.field("item_data"), ["70700101"]);
    assert_eq!(piece.operations[0].0, Verb::Program);
    assert_eq!(piece.codes(), [""; 0], "the answer is paired with the controller's job");
}

#[test]
fn userdata_tell_group_function_and_error() {
    let mut flow = Flow::new();
    let szl = flow.one(ToServer, &userdata("000112 04 11 44 01 00", "ff 09 0004 0424 0000"));
    assert_eq!((szl.kind, szl.operations[0].0), (Kind::Request, Verb::Discover));
    assert_eq!((szl.field("szl_id"), szl.field("userdata_group")), (vec!["1060"], vec!["4"]));
    let refused = flow.one(ToClient, &userdata("000112 08 12 84 01 01 00 00 d401", "0a 00 0000"));
    assert_eq!(refused.operations[0].4, Outcome::Refused(0xd401));
    let password = flow.one(ToServer, &userdata("000112 04 11 45 01 00", "ff 09 0008 0102030405060708"));
    assert_eq!((password.operations[0].0, password.operations[0].1), (Verb::Configure, "PLC password"));
    let told = format!("{:?}", password.fields);
    assert!(!told.contains("0102030405060708"), "the password itself is not told: {told}");
    let clock =
        flow.one(ToServer, &userdata("000112 04 11 47 02 00", "ff 09 000a 00 20 26 01 02 03 04 05 00 66"));
    assert_eq!(clock.field("clock"), ["2026-01-02T03:04:05.006"]);
}

#[test]
fn a_subscription_names_its_points() {
    let mut flow = Flow::new();
    let data = "ff 09 0010 0001 01 0a 120a10 02 0004 0001 84 000010";
    let said = flow.one(ToServer, &userdata("000112 04 11 42 01 00", data));
    assert_eq!(said.operations[0].2.as_deref(), Some("DB1.DBB2-5"));
}

#[test]
fn lies_are_told_and_what_was_understood_is_kept() {
    let mut flow = Flow::new();
    let mut said = |octets: &[u8]| flow.one(ToServer, octets);
    let more_items = said(&job(1, &READ_THREE.replacen("04 03", "04 04", 1), ""));
    assert_eq!((more_items.kind, more_items.codes()), (Kind::Anomaly, vec!["item-count-disagrees"]));
    assert_eq!(more_items.field("item_area").len(), 3);
    let cut = said(&job(2, WRITE_TWO, "00 03 0001 01 00  00 07 0004 4228"));
    assert_eq!((cut.kind, cut.codes()), (Kind::Anomaly, vec!["record-length-disagrees"]));
    assert_eq!(cut.field("item_data"), ["01", "4228"]);
    let mut beyond = job(3, READ_THREE, "");
    beyond[7 + 8..7 + 10].copy_from_slice(&[0x10, 0]);
    assert_eq!(said(&beyond).codes(), ["length-beyond-message"]);
    assert_eq!(said(&packet(true, &message(5, 1, None, "00", ""))).codes(), ["rosctr-unknown"]);
    assert_eq!(said(&packet(true, &hex("32 01 00"))).codes(), ["header-short"]);
    let mut left = job(4, READ_THREE, "");
    left[7 + 7] = 14;
    assert_eq!(said(&left).codes(), ["octets-left", "item-count-disagrees"]);
    let orphan = said(&answer(77, 0, "04 01", "ff 04 0008 2a"));
    assert_eq!((orphan.kind, orphan.codes()), (Kind::Response, vec!["answer-without-job"]));
}

#[test]
fn a_broken_packet_is_told_and_the_next_message_is_found() {
    let mut flow = Flow::new();
    flow.feed(ToServer, &job(1, READ_THREE, ""));
    flow.feed(ToServer, &hex("03 00 00 05 ff"));
    assert_eq!(flow.said.last().unwrap().codes(), ["tpkt-length"]);
    flow.feed(ToServer, &job(2, READ_THREE, ""));
    flow.feed(ToServer, &hex("03 00 00 09 20 f0 80 32 01"));
    assert_eq!(flow.said.last().unwrap().codes(), ["cotp-length"]);
    assert_eq!(flow.one(ToServer, &job(3, READ_THREE, "")).field("pdu_reference"), ["3"]);
    flow.parser.gap(ToServer);
    let mut middle = hex("dead beef 0300");
    middle.extend(job(4, READ_THREE, ""));
    assert_eq!(flow.one(ToServer, &middle).field("pdu_reference"), ["4"]);
}

#[test]
fn other_users_of_the_transport_are_left_alone() {
    for foreign in ["00 00 00 00", "13 0a 05 06", "ff"] {
        let mut flow = Flow::new();
        for _ in 0..usize::from(iso::MAX_FOREIGN) {
            flow.feed(ToServer, &packet(true, &hex(foreign)));
        }
        assert!(flow.said.is_empty(), "{foreign} is not told as S7");
        assert!(flow.parser.given_up(), "{foreign} is given up");
    }
    let mut flow = Flow::new();
    flow.feed(ToServer, b"GET / HTTP/1.1\r\n");
    assert!(flow.said.is_empty() && flow.parser.given_up());
}

#[test]
fn the_probe_knows_s7_by_its_front() {
    let ports = |server| Ports { server, client: 49_152 };
    let front = job(1, READ_THREE, "");
    assert_eq!(S7comm.probe(ToServer, &front, ports(2_000)), Probe::Certain);
    assert_eq!(S7comm.probe(ToServer, &front[..6], ports(102)), Probe::Need(front.len()));
    assert_eq!(S7comm.probe(ToServer, &packet(true, &hex("72 01")), ports(102)), Probe::No);
    let connect = hex("03000016 11 e0 0000 0001 00 c0010a c1020100 c2020102");
    assert_eq!(S7comm.probe(ToServer, &connect, ports(102)), Probe::Certain);
    let desktop = hex("03000013 0e e0 0000 0000 00 0100080001000000");
    assert_eq!(S7comm.probe(ToServer, &desktop, ports(3_389)), Probe::Possible);
    assert_eq!(S7comm.probe(ToServer, b"\x16\x03\x01", ports(102)), Probe::No);
}

#[test]
fn a_flood_of_jobs_is_bounded_and_told() {
    let mut flow = Flow::new();
    let mut session = session::S7Session::default();
    let mut limits = 0;
    for reference in 0..1_000 {
        let said = flow.one(ToServer, &job(reference, READ_THREE, ""));
        limits += said.anomalies.iter().filter(|a| a.blame == Blame::Limit).count();
        let octets = job(reference, READ_THREE, "");
        iso::Upper::unit(&mut session, ToServer, octets.get(7..).unwrap(), &mut |_: &Message<'_>| {});
        assert!(session.waiting() <= pending::MAX_PENDING);
    }
    assert_eq!(limits, 1_000 - pending::MAX_PENDING);
    let oldest = flow.one(ToClient, &answer(0, 0, "04 00", ""));
    assert_eq!(oldest.codes(), ["answer-without-job"]);
}

#[test]
fn a_unit_without_end_is_dropped_at_the_cap() {
    let mut flow = Flow::new();
    flow.feed(ToServer, &job(1, READ_THREE, ""));
    for _ in 0..200 {
        flow.feed(ToServer, &packet(false, &[0x32; 1_000]));
    }
    let limits: Vec<_> = flow.said.iter().filter(|said| said.codes() == ["reassembly"]).collect();
    assert_eq!(limits.len(), 1, "told once");
    flow.feed(ToServer, &packet(true, &[]));
    assert_eq!(flow.one(ToServer, &job(2, READ_THREE, "")).kind, Kind::Request);
}

/// A conversation of every sort of message, as (direction, S7 message).
fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, message(1, 1, None, "f0 00 0001 0001 01e0", "")),
        (ToClient, message(3, 1, Some(0), "f0 00 0001 0001 00f0", "")),
        (ToServer, message(1, 2, None, READ_THREE, "")),
        (ToClient, message(3, 2, Some(0), "04 03", "ff 05 0020 0007 fff9  ff 03 0001 01 00  0a 00 0000")),
        (ToServer, message(1, 3, None, WRITE_TWO, WRITE_TWO_DATA)),
        (ToClient, message(3, 3, Some(0), "05 02", "ff ff")),
        (ToServer, message(7, 4, None, "000112 04 11 44 01 00", "ff 09 0004 0424 0000")),
        (ToClient, message(7, 4, None, "000112 08 12 84 01 01 00 00 d401", "0a 00 0000")),
        (ToServer, message(1, 5, None, "29 0000000000 09 505f50524f4752414d", "")),
        (ToClient, message(3, 5, Some(0), "29", "")),
        (ToClient, message(7, 0, None, "01 00 10100000 00 00", "")),
    ]
}

proptest! {
    #[test]
    fn any_segmentation_gives_the_same_messages(
        units in proptest::collection::vec(1usize..40, 11),
        segments in proptest::collection::vec(1usize..60, 1..400),
    ) {
        let mut whole = Flow::new();
        let mut cut = Flow::new();
        let mut lengths = segments.iter().cycle();
        for ((direction, octets), piece) in conversation().iter().zip(units) {
            whole.feed(*direction, &packet(true, octets));
            let pieces = octets.chunks(piece).count();
            let stream: Vec<u8> = octets
                .chunks(piece)
                .enumerate()
                .flat_map(|(n, chunk)| packet(n + 1 == pieces, chunk))
                .collect();
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                let (front, back) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
                cut.feed(*direction, front);
                rest = back;
            }
        }
        prop_assert_eq!(whole.said.len(), 11);
        prop_assert_eq!(whole.said, cut.said);
    }

    #[test]
    fn no_octets_panic(stream in proptest::collection::vec(any::<(bool, Vec<u8>)>(), 0..40)) {
        let mut flow = Flow::new();
        for (to_server, octets) in stream {
            flow.feed(if to_server { ToServer } else { ToClient }, &packet(true, &octets));
            flow.feed(ToServer, &octets);
        }
    }

    #[test]
    fn no_damage_panics_and_memory_stays_bounded(
        damage in proptest::collection::vec((0usize..11, 0usize..120, any::<u8>()), 1..40),
    ) {
        let mut flow = Flow::new();
        let mut messages = conversation();
        for (at, place, octet) in damage {
            let octets = &mut messages[at].1;
            let place = place % octets.len();
            octets[place] = octet;
        }
        for (direction, octets) in messages {
            flow.feed(direction, &packet(true, &octets));
            prop_assert!(flow.parser.memory() <= 2 * iso::TPKT_LONGEST);
        }
    }

    #[test]
    fn written_points_are_read_back(area: u16, known in 0usize..14, block: u32, first: u64, span in 0u64..100_000) {
        const AREAS: [u16; 12] = [3, 6, 0x1c, 0x1d, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87];
        let area = AREAS.get(known).copied().unwrap_or(area);
        for block in [block, 0] {
            for first in [first, first & 0xff_ffff, first & 0xff_fff8] {
                let last = first.saturating_add(span);
                for last in [last, first, first | 7, last | 7] {
                    let range = PointRange { space: Space { area, block }, first, last };
                    let text = written(&range);
                    prop_assert_eq!(notation::StepSeven.read(&text), Some(range), "{}", text);
                }
            }
        }
    }
}

#[test]
fn points_are_written_as_engineers_write_them() {
    let range = |area, block, first, last| PointRange { space: Space { area, block }, first, last };
    for (range, text) in [
        (range(0x84, 1, 35, 35), "DB1.DBX4.3"),
        (range(0x84, 1, 0, 31), "DB1.DBB0-3"),
        (range(0x84, 12, 35, 40), "DB12.DBX4.3-5.0"),
        (range(0x83, 0, 83, 83), "M10.3"),
        (range(0x83, 0, 80, 87), "MB10"),
        (range(0x81, 0, 0, 15), "IB0-1"),
        (range(0x82, 0, 0, 7), "QB0"),
        (range(0x1c, 0, 5, 5), "C5"),
        (range(0x1d, 0, 3, 4), "T3-4"),
        (range(3, 0, 32, 47), "A3.0:B4-5"),
    ] {
        assert_eq!(written(&range), text);
        assert_eq!(notation::StepSeven.read(text), Some(range));
    }
    for nonsense in ["", "DB", "DB1", "DB1.DBX4.8", "DB1.DIB0", "M10.3-10.2", "MB+1", "C-", "X1", "A3:B4"] {
        assert_eq!(notation::StepSeven.read(nonsense), None, "{nonsense}");
    }
}
