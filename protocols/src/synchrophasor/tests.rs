use alloc::{vec, vec::Vec};

use fieldwarden_model::Transport;
use proptest::prelude::*;

use super::*;
use crate::{
    Kind,
    message::Direction::{ToClient, ToServer},
    trial::{Conversation, damage_breaks_nothing, every_prefix_is_quiet, hex, segmentation_changes_nothing},
};

/// A frame of stream 60 around its content.
fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len() + 16).unwrap();
    let mut octets = vec![0xaa, kind << 4 | 1];
    octets.extend(size.to_be_bytes());
    octets.extend(hex("003c 59759a7f 0f0dc48d"));
    octets.extend(content);
    octets.extend(frame::crc(&octets).to_be_bytes());
    octets
}

/// Two stations: 61 with a phasor and an analog value as floating point, 62 with whole numbers and a digital word.
fn configuration() -> Vec<u8> {
    let mut content = hex("000f4240 0002");
    content.extend(b"North           ");
    content.extend(hex("003d 000f 0001 0001 0000"));
    content.extend([b' '; 32]);
    content.extend(hex("00000000 00000000 0000 0001"));
    content.extend(b"South           ");
    content.extend(hex("003e 0000 0002 0000 0001"));
    content.extend([b' '; 16 * 18]);
    content.extend(hex("00 0061a8 01 030d40 00000000"));
    content.extend(hex("0001 0001 0032"));
    content
}

fn data() -> Vec<u8> {
    hex("0000 42280000 3f800000 42480000 00000000 41200000  2000 0001 0002 0003 0004 fff6 0005 8001")
}

fn flow() -> Conversation {
    Conversation::over(&Synchrophasor, Transport::Tcp)
}

#[test]
fn the_crc_is_that_of_the_standard() {
    assert_eq!(frame::crc(b"123456789"), 0x29b1, "the check value of CRC-CCITT from ffff on");
}

#[test]
fn commands_have_their_verbs() {
    for (command, operation) in [
        ("0001", "configure 65540 turn off transmission unit 60 (Asked)"),
        ("0002", "configure 131076 turn on transmission unit 60 (Asked)"),
        ("0003", "discover 196612 send header unit 60 (Asked)"),
        ("0005", "discover 327684 send configuration 2 unit 60 (Asked)"),
        ("0008 01020304", "configure 524292 extended command unit 60 (Asked)"),
        ("0077", "unknown 7798788 unknown command unit 60 (Asked)"),
    ] {
        let told = flow().last(ToServer, &frame(4, &hex(command)));
        assert_eq!((told.kind, told.operations), (Kind::Request, vec![operation.into()]));
    }
}

#[test]
fn data_are_read_by_the_configuration() {
    let mut flow = flow();
    let raw = flow.last(ToClient, &frame(0, &data()));
    assert_eq!(raw.operations, ["read 0 data unit 60 (Reported)"], "nothing is known of it yet");
    let told = flow.last(ToClient, &frame(3, &configuration()));
    assert_eq!((told.field("station"), told.field("id_code")), ("North,South", "61,62"));
    assert_eq!((told.field("data_rate"), told.kind), ("50", Kind::Response));
    let told = flow.last(ToClient, &frame(0, &data()));
    assert_eq!(
        told.operations,
        ["read 0 data unit 60 PMU 61 = 50 (Reported)", "read 0 data unit 60 PMU 62 = -10 (Reported)"]
    );
    assert_eq!((told.field("status"), told.field("frequency")), ("0,8192", "50,49.99"));
    // The first station: 42 V at one radian, 10 beside. The second: factors of 0.25 and 2, real and imaginary parts; a digital word.
    assert_eq!((told.field("phasor_magnitude"), told.field("phasor_angle")), ("42", "57.29577951308232"));
    assert_eq!((told.field("phasor_real"), told.field("phasor_imaginary")), ("0.25,6", "0.5,8"));
    assert_eq!((told.field("rate_of_change"), told.field("analog")), ("0,0.05", "10"));
    assert_eq!(told.field("digital"), "32769");
    assert_eq!(flow.last(ToClient, &frame(0, &data()[..20])).anomalies, ["data-against-configuration"]);
}

#[test]
fn lies_are_told() {
    let mut damaged = frame(4, &hex("0001"));
    damaged[15] ^= 2;
    let told = flow().last(ToServer, &damaged);
    assert_eq!((told.kind, told.anomalies.clone(), told.field("command")), (Kind::Anomaly, vec!["crc"], "3"));
    assert_eq!(flow().last(ToServer, &frame(4, &[])).anomalies, ["command-short"]);
    let cut = &configuration()[..60];
    assert_eq!(flow().last(ToServer, &frame(3, cut)).anomalies, ["stations-beyond-frame"]);
}

#[test]
fn streams_and_stations_are_bounded() {
    let mut layouts = layout::Layouts::default();
    for stream in 0..100 {
        layouts.set(stream, |each| each(&configuration::Station::default()));
    }
    assert_eq!(
        (0..100).filter(|stream| !layouts.of(*stream).stations.is_empty()).count(),
        layout::MAX_STREAMS
    );
    let room = layouts.set(1, |each| (0..1_000).for_each(|_| each(&configuration::Station::default())));
    assert!(!room && layouts.of(1).stations.len() == layout::MAX_STATIONS);
}

#[test]
fn the_probe_knows_frames_by_their_crc() {
    let ports = Ports { server: 4_000, client: 50_000 };
    let octets = frame(4, &hex("0001"));
    assert_eq!(Synchrophasor.probe(ToServer, &octets, ports), Probe::Certain);
    assert_eq!(Synchrophasor.probe(ToServer, &octets[..6], ports), Probe::Need(octets.len()));
    assert_eq!(Synchrophasor.probe(ToServer, &[0xaa, 0x91], ports), Probe::No);
}

#[test]
fn an_unanswered_scan_of_commands_comes_out_whole() {
    let mut flow = flow();
    for command in 0..=255u16 {
        let told = flow.last(ToServer, &frame(4, &command.to_be_bytes()));
        assert_eq!(told.field("command"), alloc::format!("{command}"));
    }
}

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, frame(4, &hex("0005"))),
        (ToClient, frame(3, &configuration())),
        (ToClient, frame(1, b"a relay on the north line")),
        (ToServer, frame(4, &hex("0002"))),
        (ToClient, frame(0, &data())),
        (ToClient, frame(0, &data())),
        (ToServer, frame(4, &hex("0001"))),
    ]
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    segmentation_changes_nothing(&Synchrophasor, &conversation());
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&Synchrophasor, Transport::Tcp, &conversation());
    every_prefix_is_quiet(&Synchrophasor, Transport::Udp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..900, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
        kind in 0u8..6,
        content in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        damage_breaks_nothing(&Synchrophasor, Transport::Tcp, &conversation(), &flips, &noise);
        let mut flow = flow();
        flow.feed(ToClient, &frame(kind, &content));
        flow.feed(ToClient, &frame(0, &content));
    }
}
