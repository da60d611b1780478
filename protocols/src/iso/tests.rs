use alloc::vec;

use super::*;
use crate::message::Direction::{ToClient, ToServer};

/// CR of a programming device to rack 0, slot 2, as STEP 7 sends it.
const CONNECT: &[u8] = &[
    0x03, 0x00, 0x00, 0x16, 0x11, 0xe0, 0x00, 0x00, 0x00, 0x01, 0x00, 0xc0, 0x01, 0x0a, 0xc1, 0x02, 0x01,
    0x00, 0xc2, 0x02, 0x01, 0x02,
];

#[test]
fn a_connection_request_tells_both_selectors() {
    let Packet::Whole(unit, 22) = Packet::read(CONNECT) else { panic!("one packet of 22 octets") };
    let Ok(Tpdu::Connection(connecting)) = Tpdu::read(unit) else { panic!("a connection unit") };
    assert!(connecting.is_request() && connecting.opens());
    assert_eq!((connecting.calling, connecting.called), (Some(&[1, 0][..]), Some(&[1, 2][..])));
    assert_eq!((connecting.source, connecting.class, connecting.size_exponent), (Some(1), Some(0), Some(10)));
}

#[test]
fn a_packet_is_asked_for_whole_and_its_lies_are_told() {
    for cut in 0..CONNECT.len() {
        let expected = if cut < TPKT_HEADER { TPKT_HEADER } else { CONNECT.len() };
        assert_eq!(Packet::read(&CONNECT[..cut]), Packet::Need(expected), "cut at {cut}");
    }
    assert_eq!(Packet::read(&[3, 0, 0, 6, 1, 0xf0]), Packet::TooShort(6));
    assert_eq!(Packet::read(b"GET /"), Packet::Foreign(0x4745));
    assert_eq!(Tpdu::read(&[0x20, 0xf0, 0x80]), Err(TpduFault::BeyondPacket { got: 0x20, available: 2 }));
    assert_eq!(Tpdu::read(&[0x01, 0xf0, 0x80]), Err(TpduFault::HeaderShort { got: 1, least: 2 }));
}

#[test]
fn pieces_join_per_direction_and_never_beyond_the_cap() {
    let mut assembly = Assembly::default();
    assert_eq!(assembly.push(ToServer, b"he", false), Unit::Waiting);
    assert_eq!(assembly.push(ToClient, b"other way", true), Unit::Whole(b"other way"));
    assert_eq!(assembly.push(ToServer, b"llo", true), Unit::Joined(b"hello".to_vec()));
    assert_eq!(assembly.push(ToServer, b"", false), Unit::Nothing);
    assert_eq!(assembly.push(ToServer, b"x", true), Unit::Whole(b"x"), "a keep-alive leaves nothing behind");

    let piece = vec![0; 60_000];
    assert_eq!(assembly.push(ToServer, &piece, false), Unit::Waiting);
    assert_eq!(assembly.push(ToServer, &piece, false), Unit::TooLong(120_000));
    assert_eq!(assembly.push(ToServer, &piece, true), Unit::Nothing, "the rest of a long unit is skipped");
    assert_eq!(assembly.push(ToServer, b"next", true), Unit::Whole(b"next"));
}
