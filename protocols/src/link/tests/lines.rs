//! Links that are no Ethernet: MS/TP, CAN, PPP, serial lines and frame relay.

use super::*;

#[test]
fn a_data_frame_of_mstp() {
    // Station 12 answers a read: type 5, 15 octets of data, both checks as the capture of a real line has them.
    let frame = [
        0x55, 0xff, 0x05, 0x0c, 0x00, 0x00, 0x0f, 0x01, 0x01, 0x04, 0x02, 0x03, 0xf1, 0x0c, 0x0c, 0x02, 0x00,
        0x00, 0x02, 0x19, 0x4c, 0x29, 0x21, 0x20, 0x4b,
    ];
    let layers = dissect(&raw(LinkType::BACNET_MS_TP, &frame));
    assert_eq!(layers.carried, Carried::MsTp { frame_type: 5, destination: 12, source: 0 });
    assert_eq!((layers.payload, codes(&layers)), (&frame[8..23], vec![]));

    let check = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = frame.to_vec();
        change(&mut bytes);
        codes(&dissect(&raw(LinkType::BACNET_MS_TP, &bytes)))
    };
    assert_eq!(check(&|bytes| bytes[0] = 0x54), ["mstp-preamble"]);
    assert_eq!(check(&|bytes| bytes[3] ^= 1), ["mstp-header-crc"]);
    assert_eq!(check(&|bytes| bytes[12] ^= 1), ["mstp-data-crc"]);
    assert_eq!(check(&|bytes| bytes.truncate(20)), ["mstp-length"]);
    assert_eq!(check(&|bytes| bytes.truncate(7)), ["mstp-header-short"]);

    let token = [0x55, 0xff, 0x00, 0x00, 0x1b, 0x00, 0x00, 0x06];
    let layers = dissect(&raw(LinkType::BACNET_MS_TP, &token));
    assert_eq!(layers.carried, Carried::MsTp { frame_type: 0, destination: 0, source: 0x1b });
    assert!(layers.anomalies.is_empty() && layers.payload.is_empty());
}

#[test]
fn can_frames() {
    let check = |bytes: &[u8]| {
        let layers = dissect(&raw(LinkType::CAN_SOCKETCAN, bytes));
        let Carried::Can { id, flags, length } = layers.carried else { panic!("{:?}", layers.anomalies) };
        (id, flags.0, length, layers.payload.to_vec(), codes(&layers))
    };
    let data = [1, 2, 3, 4, 5, 6, 7, 8];
    let with = |header: [u8; 8]| [&header[..], &data].concat();
    assert_eq!(
        check(&with([0, 0, 1, 0x23, 3, 0, 0, 0])),
        (0x123, 0, 3, vec![1, 2, 3], vec![]),
        "padding cut"
    );
    let extended = CanFlags::EXTENDED.0;
    assert_eq!(
        check(&with([0x98, 0xda, 1, 2, 8, 0, 0, 0])),
        (0x18da_0102, extended, 8, data.to_vec(), vec![])
    );
    let remote = CanFlags::REMOTE.0;
    assert_eq!(
        check(&with([0x40, 0, 0, 5, 8, 0, 0, 0])),
        (5, remote, 8, vec![], vec![]),
        "asks, has no data"
    );
    let error = CanFlags::ERROR.0;
    assert_eq!(check(&with([0x20, 0, 0, 0x88, 8, 0, 0, 0])), (0x88, error, 8, data.to_vec(), vec![]));
    let fd = CanFlags::FD.0 | CanFlags::BIT_RATE_SWITCH.0;
    let long = [&[0, 0, 0, 1, 12, 5, 0, 0][..], &[9; 12]].concat();
    assert_eq!(check(&long), (1, fd, 12, vec![9; 12], vec![]));
    assert_eq!(check(&with([0, 0, 0x08, 0, 8, 0, 0, 0])).4, ["can-id"]);
    assert_eq!(check(&[0, 0, 0, 1, 9, 4, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9]).4, ["can-length"]);
    assert_eq!(check(&[0, 0, 0, 1, 8, 0, 0, 0, 1]).4, ["can-data-short"]);
    assert_eq!(codes(&dissect(&raw(LinkType::CAN_SOCKETCAN, &[0, 0, 0]))), ["can-header-short"]);
    assert_eq!(codes(&dissect(&raw(LinkType::CAN_SOCKETCAN, &[0, 0, 0, 0, 0x80, 0, 0, 0]))), ["can-xl"]);

    // Cooked captures hold the identifier in network order, or in that of the machine that captured.
    for id in [[0, 0, 1, 0x23], [0x23, 1, 0, 0]] {
        let cooked = [&[0, 0, 1, 24, 0, 0][..], &[0; 8], &[0, 0x0c], &id, &[1, 0, 0, 0, 7]].concat();
        let layers = dissect(&raw(LinkType::LINUX_SLL, &cooked));
        assert_eq!(layers.carried, Carried::Can { id: 0x123, flags: CanFlags(0), length: 1 });
    }
}

#[test]
fn ppp_and_serial_lines() {
    let packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    let six = ipv6(17, &udp(10, b"hi"));
    for (link_type, header, packet) in [
        (LinkType::PPP, &[0xff, 3, 0, 0x21][..], &packet),
        (LinkType::PPP, &[0, 0x57], &six),
        (LinkType::PPP, &[0x21], &packet),
        (LinkType::PPP_HDLC, &[0xff, 3, 0, 0x21], &packet),
        (LinkType::PPP_HDLC, &[0x0f, 0, 8, 0], &packet),
        (LinkType::C_HDLC, &[0x8f, 0, 0x86, 0xdd], &six),
        (LinkType::PPP, &[0xff, 3, 2, 0x81, 0, 1, 1, 64], &packet),
    ] {
        let bytes = [header, packet].concat();
        let layers = dissect(&raw(link_type, &bytes));
        assert_eq!((layers.payload, codes(&layers)), (&b"hi"[..], vec![]), "{header:x?}");
    }
    let control = dissect(&raw(LinkType::PPP, &[0xc0, 0x21, 9, 0])).carried;
    assert_eq!(control, Carried::Ppp(0xc021), "link control stays payload");
    assert_eq!(codes(&dissect(&raw(LinkType::PPP, &[0]))), ["ppp-header-short"]);
    assert_eq!(codes(&dissect(&raw(LinkType::C_HDLC, &[0x0f, 0, 8]))), ["hdlc-header-short"]);
}

#[test]
fn frame_relay() {
    let packet = ipv4(17, 30, 0, &udp(10, b"hi"));
    let six = ipv6(17, &udp(10, b"hi"));
    for (header, packet) in [
        (&[0x18, 0x61, 3, 0xcc][..], &packet),
        (&[0x18, 0x61, 3, 0x8e], &six),
        (&[0x18, 0x60, 0x20, 0x01, 3, 0xcc], &packet),
        // RFC 2427 clause 4.1: an octet of padding, SNAP; and the framing of Cisco.
        (&[0x18, 0x61, 3, 0, 0x80, 0, 0, 0, 8, 0], &packet),
        (&[0x18, 0x61, 8, 0], &packet),
    ] {
        let bytes = [header, packet].concat();
        let layers = dissect(&raw(LinkType::FRELAY, &bytes));
        assert_eq!((layers.payload, codes(&layers)), (&b"hi"[..], vec![]), "{header:x?}");
    }
    let status = dissect(&raw(LinkType::FRELAY, &[0, 1, 3, 8, 0, 0x75])).payload;
    assert_eq!(status, [8, 0, 0x75], "signalling stays payload");
    for cut in [&[][..], &[0x18], &[0x18, 0x61, 3], &[0x18, 0x60, 0x20, 0x02, 0x40, 1]] {
        assert_eq!(codes(&dissect(&raw(LinkType::FRELAY, cut))), ["relay-header-short"], "{cut:x?}");
    }
    assert_eq!(codes(&dissect(&raw(LinkType::FRELAY, &[0x18, 0x61, 3, 0x80, 0]))), ["snap-header-short"]);
}
