use alloc::{format, string::ToString, vec, vec::Vec};

use fieldwarden_model::{FrameRef, Transport};
use proptest::prelude::*;

use super::*;
use crate::{
    Kind,
    message::Direction::{ToClient, ToServer},
    stream::StreamParser,
    trial::{
        Conversation, Told, damage_breaks_nothing, every_prefix_is_quiet, hex, segmentation_changes_nothing,
    },
};

/// A link frame around user data, with its CRCs.
fn frame(control: u8, destination: u16, source: u16, data: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x05, 0x64, u8::try_from(data.len() + 5).unwrap(), control];
    octets.extend(destination.to_le_bytes());
    octets.extend(source.to_le_bytes());
    octets.extend(link::crc(&octets).to_le_bytes());
    for block in data.chunks(16) {
        octets.extend(block);
        octets.extend(link::crc(block).to_le_bytes());
    }
    octets
}

/// A fragment of master 3 to outstation 10.
fn ask(fragment: &str) -> Vec<u8> {
    frame(0xc4, 10, 3, &[&[0xc0], hex(fragment).as_slice()].concat())
}

/// A fragment of outstation 10.
fn answer(fragment: &str) -> Vec<u8> {
    frame(0x44, 3, 10, &[&[0xc0], hex(fragment).as_slice()].concat())
}

fn flow() -> Conversation {
    Conversation::over(&Dnp3, Transport::Tcp)
}

fn exchange(question: &str, reply: &str) -> (Told, Told) {
    let mut flow = flow();
    (flow.last(ToServer, &ask(question)), flow.last(ToClient, &answer(reply)))
}

#[test]
fn the_crc_is_that_of_the_standard() {
    // Reset link states from 3 to 4, decoded by hand after clause 9.2.5.
    assert_eq!(hex("0564 05c0 0400 0300"), frame(0xc0, 4, 3, &[])[..8]);
    assert_eq!(link::crc(b"123456789"), 0xea82, "the check value of CRC-16/DNP");
}

#[test]
fn a_read_and_its_answer_tell_points_and_values() {
    let (asked, told) = exchange("c1 01 1e 02 00 04 05", "c1 81 1000 1e 02 00 04 05 01 d204 21 feff");
    assert_eq!((asked.kind, told.kind), (Kind::Request, Kind::Response));
    assert_eq!(asked.operations, ["read 1 read unit 10 AI 4-5 (Asked)"]);
    assert_eq!(
        told.operations,
        ["read 1 read unit 10 AI 4 = 1234 (Done)", "read 1 read unit 10 AI 5 = -2 (Done)"]
    );
    assert_eq!((told.field("object"), told.field("value"), told.field("iin")), ("7682", "1234,-2", "4096"));
}

#[test]
fn packed_states_are_one_range() {
    let (_, told) = exchange("c1 01 3c 01 06", "c1 81 0000 01 01 00 02 0b 55 01");
    assert_eq!(told.operations, ["read 1 read unit 10 BI 2-11 = 1,0,1,0,1,0,1,0,1,0 (Done)"]);
    let (_, double) = exchange("c1 01 3c 01 06", "c1 81 0000 03 01 00 00 02 1b");
    assert_eq!(double.field("value"), "3,2,1");
}

#[test]
fn controls_tell_what_is_done_to_which_output() {
    let block = "0c 01 28 0100 0700 41 01 f4010000 f4010000 00";
    let (asked, told) =
        exchange(&format!("c2 05 {block}"), "c2 81 0000 0c 01 28 0100 0700 41 01 f4010000 f4010000 04");
    assert_eq!(asked.operations, ["operate 5 direct operate unit 10 BO 7 = 65 (Asked)"]);
    assert_eq!((asked.field("control"), asked.field("on_time")), ("close, pulse on", "500"));
    assert_eq!(told.operations, ["operate 5 direct operate unit 10 BO 7 (Refused(4))"]);
    let (analog, done) =
        exchange("c3 04 29 03 17 01 05 0000 2842 00", "c3 81 0000 29 03 17 01 05 0000 2842 00");
    assert_eq!(analog.operations, ["operate 4 operate unit 10 AO 5 = 42 (Asked)"]);
    assert_eq!(done.operations, ["operate 4 operate unit 10 AO 5 (Done)"]);
}

#[test]
fn restarts_time_and_files_have_their_verbs() {
    for (fragment, operation) in [
        ("c0 0d", "mode 13 cold restart unit 10 (Asked)"),
        ("c0 0e", "mode 14 warm restart unit 10 (Asked)"),
        ("c0 02 32 01 07 01 1a5f80890f01", "time 2 write time unit 10 (Asked)"),
        ("c0 02 50 01 00 07 07 00", "configure 2 write internal indications unit 10 IIN 7 = 0 (Asked)"),
        ("c0 15 3c 02 06", "configure 21 disable unsolicited responses unit 10 class 1 (Asked)"),
        ("c0 07 14 00 06", "operate 7 immediate freeze unit 10 CT all (Asked)"),
        ("c0 01 00 fc 00 00 00", "discover 1 read device attributes unit 10 attribute 252:0 (Asked)"),
        (
            "c0 19 46 03 5b 01 1e00 1a00 0400 000000000000 0000 00000000 00000000 0100 0004 0100 2e2f6162",
            "transfer 25 open file unit 10 (Asked)",
        ),
    ] {
        assert_eq!(flow().last(ToServer, &ask(fragment)).operations, [operation], "{fragment}");
    }
    let open = "c0 19 46 03 5b 01 1e00 1a00 0400 000000000000 0000 00000000 00000000 0100 0004 0100 2e2f6162";
    let told = flow().last(ToServer, &ask(open));
    assert_eq!((told.field("file_name"), told.field("file_mode")), ("./ab", "1"));
}

#[test]
fn a_refusal_names_its_indications() {
    let (_, told) = exchange("c1 01 6e 00 06", "c1 81 0002");
    assert_eq!(told.operations, ["read 1 read unit 10 (Refused(2))"]);
}

#[test]
fn a_fragment_is_put_together_from_its_segments() {
    let mut flow = flow();
    let reply = hex("e1 81 0000 1e 02 00 00 05 01 0100 01 0200 01 0300 01 0400 01 0500 01 0600");
    let mut told = Vec::new();
    for (transport, piece) in [(0x45, &reply[..5]), (0x06, &reply[5..12]), (0x87, &reply[12..])] {
        told.extend(flow.feed(ToClient, &frame(0x44, 3, 10, &[&[transport], piece].concat())));
    }
    assert_eq!(told.len(), 4, "three frames and a fragment");
    assert_eq!(told[3].field("value"), "1,2,3,4,5,6");
    let orphan = flow.last(ToClient, &frame(0x44, 3, 10, &[0x09, 1]));
    assert_eq!(orphan.anomalies, ["transport-no-first"]);
    flow.feed(ToClient, &frame(0x44, 3, 10, &[0x45, 1]));
    let skipped = flow.last(ToClient, &frame(0x44, 3, 10, &[0x07, 1]));
    assert_eq!(skipped.anomalies, ["transport-sequence"]);
}

#[test]
fn a_fragment_is_told_with_the_frames_of_all_its_segments_and_each_link_frame_with_its_own() {
    let mut parser = StreamParser::new(Dnp3.session(Transport::Tcp), Dnp3.max_message());
    let mut told = Vec::new();
    let pieces: [(u16, u8, &str); 4] = [
        (10, 0x45, "e1 81"),
        (11, 0xc5, "e1 81 0000"),
        (10, 0x06, "0000 1e02"),
        (10, 0x87, "00 00 00 01 0100"),
    ];
    for ((station, transport, piece), number) in pieces.into_iter().zip(1..) {
        let octets = frame(0x44, 3, station, &[&[transport], hex(piece).as_slice()].concat());
        parser.feed(ToClient, &octets, FrameRef { capture: 0, number }, &mut |_, frames| {
            told.push(frames.iter().map(|frame| frame.number).collect::<Vec<_>>());
        });
    }
    let wanted: [&[u64]; 6] = [&[1], &[2], &[2], &[3], &[4], &[1, 3, 4]];
    assert_eq!(told, wanted);
    assert_eq!(parser.memory(), 0, "nothing is kept of what was told");
}

#[test]
fn behind_a_gap_a_segment_without_its_first_is_no_fault() {
    let mut flow = flow();
    flow.parser.gap(ToClient);
    assert!(flow.last(ToClient, &frame(0x44, 3, 10, &[0x06, 1])).anomalies.is_empty());
    flow.feed(ToClient, &answer("e1 81 0000"));
    let orphan = flow.last(ToClient, &frame(0x44, 3, 10, &[0x06, 1]));
    assert_eq!(orphan.anomalies, ["transport-no-first"], "it is one once a first was seen");
}

#[test]
fn lies_are_told_and_what_was_understood_is_kept() {
    let said = |fragment: &str| {
        let told = flow().last(ToServer, &ask(fragment));
        (told.kind, told.anomalies.clone(), told.field("object").to_string())
    };
    assert_eq!(
        said("c0 02 32 01 07 01 1a5f"),
        (Kind::Anomaly, vec!["objects-beyond-fragment"], "12801".into())
    );
    assert_eq!(said("c0 01 1e 02 00 05 04").1, ["range-reversed"]);
    assert_eq!(said("c0 01 1e 02 0c 05").1, ["qualifier-unknown"]);
    assert_eq!(said("c0 01 1e").1, ["object-header-short"]);
    assert_eq!(said("c0 02 fa 01 07 01 00").1, ["object-unknown"]);
    assert_eq!(said("c0").1, ["fragment-short"]);
    assert_eq!(said("c0 70"), (Kind::Request, vec!["function-unknown"], "".into()));
    let mut damaged = ask("c0 01 3c 01 06");
    damaged[12] ^= 1;
    let told = flow().last(ToServer, &damaged);
    assert_eq!((told.kind, told.anomalies), (Kind::Anomaly, vec!["data-crc"]));
    let mut header = ask("c0 01 3c 01 06");
    header[4] ^= 1;
    assert_eq!(flow().feed(ToServer, &header)[0].anomalies, ["header-crc"]);
}

#[test]
fn link_functions_are_told() {
    let mut flow = flow();
    let asked = flow.last(ToServer, &frame(0xc9, 10, 3, &[]));
    assert_eq!(asked.operations, ["diagnose 65545 request link status unit 10 (Asked)"]);
    let told = flow.last(ToClient, &frame(0x0b, 3, 10, &[]));
    assert_eq!((told.kind, told.field("link_function")), (Kind::Response, "link status"));
}

#[test]
fn an_unanswered_scan_of_function_codes_comes_out_whole() {
    let mut flow = flow();
    for function in 0..=255u8 {
        let told = flow.last(ToServer, &ask(&format!("c0 {function:02x} 0000")));
        assert_eq!(told.field("function_code"), function.to_string());
        assert!(!told.operations.is_empty());
    }
}

#[test]
fn fragments_at_once_are_bounded_and_told() {
    let mut flow = flow();
    let limits: usize = (0..100)
        .map(|station| flow.last(ToClient, &frame(0x44, 3, station, &[0x40, 1])).anomalies.len())
        .sum();
    assert_eq!(limits, 100 - transport::MAX_ASSEMBLIES);
    let long = [&[0x40], [0; 249].as_slice()].concat();
    flow.feed(ToClient, &frame(0x44, 3, 1, &long));
    let told: Vec<Told> = (1..80u8)
        .flat_map(|n| flow.feed(ToClient, &frame(0x44, 3, 1, &[&[n & 0x3f], [0; 249].as_slice()].concat())))
        .filter(|told| told.anomalies.contains(&"fragment-too-long"))
        .collect();
    assert_eq!(told.len(), 1);
}

#[test]
fn the_probe_knows_frames_by_their_crc() {
    let ports = Ports { server: 4_000, client: 50_000 };
    let octets = ask("c0 01 3c 01 06");
    assert_eq!(Dnp3.probe(ToServer, &octets, ports), Probe::Certain);
    assert_eq!(Dnp3.probe(ToServer, &octets[..5], ports), Probe::Need(10));
    assert_eq!(Dnp3.probe(ToServer, b"GET / HTTP/1.1", ports), Probe::No);
}

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, frame(0xc0, 10, 3, &[])),
        (ToClient, frame(0x00, 3, 10, &[])),
        (ToServer, ask("c1 01 3c 02 06 3c 01 06")),
        (ToClient, answer("e1 81 9000 02 01 28 0200 0100 81 0300 01 1e 05 00 00 00 01 00002842")),
        (ToServer, ask("c1 00")),
        (ToServer, ask("c2 03 0c 01 17 01 02 03 01 64000000 64000000 00")),
        (ToClient, answer("c2 81 0000 0c 01 17 01 02 03 01 64000000 64000000 00")),
        (ToServer, ask("c3 02 32 01 07 01 1a5f80890f01")),
        (ToClient, answer("c3 81 0000")),
        (ToClient, answer("f1 82 0000 33 01 07 01 1a5f80890f01 02 03 17 01 04 81 0a00")),
        (
            ToServer,
            ask(
                "c5 05 78 03 07 01 09000000 0100 0c 01 17 01 02 03 01 64000000 64000000 00 78 09 5b 01 0400 01020304",
            ),
        ),
        (
            ToClient,
            answer("c6 81 0000 46 05 5b 01 0c00 01000000 00000080 61626364 00 fc 00 00 00 01 02 6869"),
        ),
    ]
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    segmentation_changes_nothing(&Dnp3, &conversation());
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&Dnp3, Transport::Tcp, &conversation());
    every_prefix_is_quiet(&Dnp3, Transport::Udp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..600, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        fragment in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        damage_breaks_nothing(&Dnp3, Transport::Tcp, &conversation(), &flips, &noise);
        let mut flow = flow();
        flow.feed(ToServer, &frame(0xc4, 10, 3, &[&[0xc0], fragment.as_slice()].concat()));
        flow.feed(ToClient, &frame(0x44, 3, 10, &[&[0xc0, 0xc0, 0x81, 0, 0], fragment.as_slice()].concat()));
    }

    #[test]
    fn written_points_are_read_back(group: u8, variation: u8, first: u32, span in 0u32..1000) {
        if let Some(space) = notation::space(group, variation) {
            let (first, last) = (u64::from(first), u64::from(first.saturating_add(span)));
            let range = fieldwarden_model::PointRange { space, first, last };
            let mut text = alloc::string::String::new();
            notation::GroupAndIndex.write(&range, &mut text).unwrap();
            prop_assert_eq!(notation::GroupAndIndex.read(&text), Some(range), "{}", text);
        }
    }
}
