use alloc::{format, vec, vec::Vec};

use fieldwarden_model::Transport;
use proptest::prelude::*;

use super::*;
use crate::{
    message::Direction::{ToClient, ToServer},
    trial::{Conversation, Told, damage_breaks_nothing, every_prefix_is_quiet, hex},
};

/// A datagram around messages.
fn packet(function: u8, messages: &[&str]) -> Vec<u8> {
    let mut octets =
        vec![0x0e, 0, u8::try_from(messages.len()).unwrap(), 0, function, 0, 1, 0, 0, 0, 2, 0, 0, 0];
    for message in messages {
        let inside = hex(message);
        octets.extend(u32::try_from(inside.len() + 4).unwrap().to_le_bytes());
        octets.extend(inside);
    }
    octets
}

const READ: &str = "0c 07000000 a0 00 04 03d001 0f 02 4047562e44533100 4047562e44533200";
const WRITE: &str = "0c 08000000 a0 00 80 2477 0f 01 0011 0a";

fn conversation() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (ToServer, packet(6, &[READ])),
        (ToClient, packet(5, &["0c 07000000 00 02 00 00 05 00 2477"])),
        (ToServer, packet(0, &[])),
        (ToServer, packet(6, &[WRITE, READ])),
        (ToClient, packet(5, &["0c 08000000 00 00"])),
    ]
}

fn tell(conversation: &[(Direction, Vec<u8>)]) -> Vec<Told> {
    let mut flow = Conversation::over(&Bsap, Transport::Udp);
    conversation.iter().map(|(direction, octets)| flow.last(*direction, octets)).collect()
}

#[test]
fn reads_and_writes_are_told_and_answers_by_their_number() {
    let told = tell(&conversation());
    let operations: Vec<_> = told.iter().map(|told| told.operations.join("; ")).collect();
    assert_eq!(
        operations,
        [
            "read 393220 read signal by name (Asked)",
            "read 327684 read signal by name (Done)",
            "associate 0 poll (Reported)",
            "write 393344 write signal by address signal 4352 (Asked); read 393220 read signal by name (Asked)",
            "write 327808 write signal by address (Done)",
        ]
    );
    assert_eq!(told[0].field("signal"), "@GV.DS1,@GV.DS2");
    assert!(told.iter().all(|told| told.anomalies.is_empty()));
}

#[test]
fn lies_are_told() {
    let mut octets = packet(6, &[READ]);
    octets.pop();
    assert_eq!(tell(&[(ToServer, octets)])[0].anomalies, ["messages-disagree"]);
}

#[test]
fn an_unanswered_scan_of_functions_comes_out_whole() {
    for function in 0..=255u8 {
        let message = format!("0c 07000000 a0 00 {function:02x} 03d0010f00");
        let told = tell(&[(ToServer, packet(6, &[&message]))]);
        assert_eq!(told[0].field("data_base_code"), format!("{function}"));
    }
}

#[test]
fn the_probe_knows_datagrams_that_their_messages_fill() {
    let ports = Ports { server: 4_000, client: 50_000 };
    assert_eq!(Bsap.probe(ToServer, &packet(6, &[READ, WRITE]), ports), Probe::Certain);
    assert_eq!(Bsap.probe(ToServer, &packet(0, &[]), ports), Probe::Possible);
    assert_eq!(Bsap.probe(ToServer, &hex("0e00 0100 0900 00000000 00000000"), ports), Probe::No);
}

#[test]
fn prefixes_are_quiet() {
    every_prefix_is_quiet(&Bsap, Transport::Udp, &conversation());
}

proptest! {
    #[test]
    fn nothing_breaks(
        flips in proptest::collection::vec((0usize..160, any::<u8>()), 0..24),
        noise in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        damage_breaks_nothing(&Bsap, Transport::Udp, &conversation(), &flips, &noise);
    }
}
