use alloc::{format, vec, vec::Vec};

use fieldwarden_model::Transport;
use proptest::prelude::*;

use super::*;
use crate::{
    message::Direction::{ToClient, ToServer},
    trial::{Conversation, damage_breaks_nothing, every_prefix_is_quiet, hex, segmentation_changes_nothing},
};

/// A frame around header, server and data, with its CRC.
fn frame(text: &str) -> Vec<u8> {
    let mut octets = hex(text);
    let sum = octets.iter().fold(0xffff_u16, |sum, octet| {
        (0..8).fold(sum ^ u16::from(*octet), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 })
    });
    octets.extend(sum.to_le_bytes());
    let mut out = vec![octets[0]];
    for octet in &octets[1..] {
        if *octet >= 0xf0 { out.extend([0xf0, octet & 0x0f]) } else { out.push(*octet) }
    }
    out.push(0xf6);
    out
}

fn flow() -> Conversation {
    Conversation::over(&Genisys, Transport::Tcp)
}

#[test]
fn frames_have_their_verbs() {
    // The poll of server 1 with its CRC, and an acknowledgement without one, as a field station sends it.
    assert_eq!(frame("fb01"), hex("fb018340f6"));
    for (octets, operations) in [
        (frame("fb01"), vec!["read 251 poll unit 1 (Asked)"]),
        (hex("f101f6"), vec!["associate 241 acknowledge client unit 1 (Done)"]),
        (
            frame("fc01 0305 f0ff"),
            vec![
                "operate 252 control data unit 1 byte 3 = 5 (Asked)",
                "operate 252 control data unit 1 byte 240 = 255 (Asked)",
            ],
        ),
        (frame("f301 0305"), vec!["operate 243 control data checkback unit 1 byte 3 (Done)"]),
        (frame("fe01"), vec!["operate 254 execute controls unit 1 (Asked)"]),
        // Station software leaves the CRC as it is.
        (
            hex("f20101061e042d040cfdf6"),
            vec![
                "read 242 indication data unit 1 byte 1 = 6 (Done)",
                "read 242 indication data unit 1 byte 30 = 4 (Done)",
                "read 242 indication data unit 1 byte 45 = 4 (Done)",
            ],
        ),
        (frame("f201 0804"), vec!["read 242 indication data unit 1 byte 8 = 4 (Done)"]),
    ] {
        let told = flow().last(ToServer, &octets);
        assert!(told.anomalies.is_empty(), "{told:?}");
        assert_eq!(told.operations, operations);
    }
}

#[test]
fn lies_are_told() {
    assert_eq!(flow().last(ToServer, &hex("fb018341f6 fb01")).anomalies, ["crc"]);
    assert_eq!(flow().last(ToServer, &frame("fc0103")).anomalies, ["data-odd"]);
}

#[test]
fn an_unanswered_scan_of_servers_comes_out_whole() {
    let mut flow = flow();
    for server in 0..=255u8 {
        let told = flow.last(ToServer, &frame(&format!("fb{server:02x}")));
        assert_eq!(told.field("server"), format!("{server}"));
    }
}

#[test]
fn the_probe_knows_frames_by_their_crc() {
    let ports = Ports { server: 10_002, client: 50_000 };
    assert_eq!(Genisys.probe(ToServer, &frame("fb01"), ports), Probe::Certain);
    assert_eq!(Genisys.probe(ToServer, &hex("f101f6"), ports), Probe::Possible);
    assert_eq!(Genisys.probe(ToServer, &hex("fb01"), ports), Probe::Need(3));
    assert_eq!(Genisys.probe(ToServer, &hex("fbfbfbfbfb"), ports), Probe::No);
}

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, frame("fb01")),
        (ToClient, hex("f101f6")),
        (ToServer, frame("fd01")),
        (ToClient, frame("f201 0005 0104 f0f6 f1ff")),
        (ToServer, frame("fc01 0305")),
        (ToClient, frame("f301 0305")),
        (ToServer, frame("fe01")),
    ]
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    segmentation_changes_nothing(&Genisys, &conversation());
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&Genisys, Transport::Tcp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..60, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        damage_breaks_nothing(&Genisys, Transport::Tcp, &conversation(), &flips, &noise);
    }
}
