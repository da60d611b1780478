//! Against packets decoded by hand.

use alloc::vec::Vec;

use fieldwarden_model::{FrameRef, Transport};

use super::{OpenVpn, PORT};
use crate::{
    Dissector, Kind, Probe,
    stream::StreamParser,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

/// A session opened by both, and a hello of TLS 1.2 without anything in it, in two packets.
fn exchange() -> Talk {
    talk(&[
        (ASK, "000e 38 0102030405060708 00 00000000"),
        (ANSWER, "001a 40 1112131415161718 01 00000000 0102030405060708 00000000"),
        (ASK, "0016 28 0102030405060708 01 00000000 1112131415161718"),
        (ASK, "001b 20 0102030405060708 00 00000001 16 0303 002d 01 000029 0303 0000"),
        (ASK, &["0033 20 0102030405060708 00 00000002", &"00".repeat(31), "0002 1301 0100"].concat()),
        (ANSWER, "0005 30 aabbccdd"),
    ])
}

/// The packets alone, as they go over UDP.
fn datagrams() -> Talk {
    exchange().into_iter().map(|(direction, octets)| (direction, octets[2..].to_vec())).collect()
}

#[test]
fn a_session_and_the_hello_in_it() {
    for (transport, talk) in [(Transport::Tcp, exchange()), (Transport::Udp, datagrams())] {
        let lines = told(&OpenVpn, transport, &talk);
        assert_eq!(lines.len(), 6, "{lines:#?}");
        assert!(lines[0].starts_with("request opcode=7 key_id=0 session_id=0102030405060708 packet_id=0"));
        assert!(lines[1].contains("opcode=8") && lines[2].contains("opcode=5"), "{lines:#?}");
        assert!(lines[5].contains("handshake_type=1"), "{lines:#?}");
        stands(&OpenVpn, transport, &talk);
    }
}

#[test]
fn a_packet_sent_again_is_joined_once_and_a_lost_one_ends_the_record() {
    let mut again = datagrams();
    again.insert(4, again[3].clone());
    assert!(told(&OpenVpn, Transport::Udp, &again).iter().any(|line| line.contains("handshake_type=1")));
    let mut lost = datagrams();
    lost.remove(3);
    assert!(!told(&OpenVpn, Transport::Udp, &lost).iter().any(|line| line.contains("handshake_type")));
}

#[test]
fn a_covered_channel_tells_opcode_and_session_alone() {
    // tls-auth: a keyed sum of 20 octets, a number and the time before the acknowledgements.
    let reset = ["38 0102030405060708", &"5a".repeat(20), "00000001 50f473e8 00 00000000"].concat();
    let lines = told(&OpenVpn, Transport::Udp, &[(ASK, hex(&reset))].into_iter().collect::<Vec<_>>());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("opcode=7") && !lines[0].contains("packet_id"), "{lines:?}");
}

#[test]
fn it_is_known_on_any_port_by_its_first_packet() {
    for talk in [exchange(), datagrams()] {
        assert_eq!(probed(&OpenVpn, ASK, &talk[0].1, 443), Probe::Certain);
        assert_eq!(probed(&OpenVpn, ASK, &talk[3].1, 443), Probe::No);
        assert_eq!(probed(&OpenVpn, ASK, &talk[3].1, PORT), Probe::Possible);
    }
    assert_eq!(probed(&OpenVpn, ASK, b"GET / HTTP/1.1\r\n", 80), Probe::No);
}

#[test]
fn a_signed_session_is_known_on_any_port_too() {
    let signed = |first: &str, end: &str| {
        hex(&[first, " 92b8af4a777fc742", &"5a".repeat(20), "00000001 577e73b3 ", end].concat())
    };
    let (ask, answer) = (signed("38", "00 00000000"), signed("40", "01 00000000 40d916c4860cb1d8 00000000"));
    for (direction, packet) in [(ASK, ask), (ANSWER, answer)] {
        assert_eq!(probed(&OpenVpn, direction, &packet, 443), Probe::Certain);
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        assert_eq!(probed(&OpenVpn, direction, &[&length[..], &packet].concat(), 443), Probe::Certain);
        assert_eq!(probed(&OpenVpn, direction, &packet[..packet.len() - 1], 443), Probe::No);
        let framed = [&length[..], &packet].concat();
        assert_eq!(probed(&OpenVpn, direction, &framed[..20], 443), Probe::Need(framed.len()));
    }
}

/// A record that begins in the packet before which one was lost is found, and told with the packets that carried it.
#[test]
fn behind_a_lost_packet_the_next_record_is_found() {
    let mut lost = exchange();
    lost[3] = (ASK, hex("001c 20 0102030405060708 00 00000002 ffff 16 0303 002d 01 000029 0303 00"));
    lost[4] =
        (ASK, hex(&["0034 20 0102030405060708 00 00000003", &"00".repeat(32), "0002 1301 0100"].concat()));
    let lines = told(&OpenVpn, Transport::Tcp, &lost);
    assert!(lines.iter().any(|line| line.contains("handshake_type=1")), "{lines:#?}");
}

/// Octets of data that look like a packet once do not make the session of it: the real one is found behind them.
#[test]
fn what_looks_like_a_packet_does_not_blind() {
    let mut parser = StreamParser::new(OpenVpn.session(Transport::Tcp), OpenVpn.max_message());
    let mut told = 0;
    parser.gap(ASK);
    let control = "0016 28 0102030405060708 01 00000000 1112131415161718";
    let noise = hex("0016 28 5a5a5a5a5a5a5a5a 5a 5a5a5a5a 5a5a5a5a5a5a5a5a ffff");
    let stream: [&[u8]; 5] = [&noise, &hex(control), &hex(control), &noise, &hex(control)];
    for (octets, number) in stream.into_iter().zip(1..) {
        let frame = FrameRef { capture: 0, number };
        parser.feed(ASK, octets, frame, &mut |message, _| told += usize::from(message.kind == Kind::Request));
    }
    assert!(told >= 4, "{told}: the noise once, and each packet");
}
