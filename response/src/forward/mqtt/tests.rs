//! Every fault of a table is told; packets are those of the standard, and read alike however they are cut into pieces.

use fieldwarden_model::section::{Content, Key, Node, Span};

use super::{
    packet::{Answer, Connect, MAX_PACKET, Malformed, Packet, Publish, read},
    *,
};

fn text(value: &str) -> Content {
    Content::Text(value.into())
}

fn configured(more: &[(&'static str, Content)]) -> Result<Settings, Vec<String>> {
    let entries = [("name", text("bus")), ("address", text("bus.example:8883")), ("ca_file", text("ca.pem"))];
    let at = Span::default();
    let entry = |(name, value): &(&'static str, Content)| {
        (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
    };
    let section =
        Section { path: "forward.mqtt".into(), at, entries: entries.iter().chain(more).map(entry).collect() };
    Settings::configure(&section).map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
}

#[test]
fn a_short_table_is_enough_and_faults_are_told_at_once() {
    let settings = configured(&[]).unwrap();
    assert_eq!((settings.topic.as_str(), settings.require_subscriber), ("fieldwarden/incidents", true));
    let faults = configured(&[
        ("topic", text("ot/#")),
        ("client_id", text("a b")),
        ("password_file", text("p")),
        ("format", text("leef")),
        ("retain", Content::Integer(1)),
    ])
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "`topic`: `ot/#` holds a wildcard",
            "`client_id`: is empty, too long, or not of printable characters",
            "`password_file`: `user` and `password_file` go together",
            "`format`: is no form of JSON, which a bus carries",
            "unknown key `retain`",
        ]
    );
    for topic in ["", "$SYS/x", "a\nb", "+/x", &"x".repeat(256)] {
        assert!(configured(&[("topic", text(topic))]).is_err(), "{topic}");
    }
}

#[test]
fn an_identifier_is_one_that_every_broker_takes() {
    let id = own_id("gateway7", "broker");
    assert!(id.len() == 23 && id.bytes().all(|octet| octet.is_ascii_alphanumeric()), "{id}");
    assert_ne!(id, own_id("gateway8", "broker"));
    assert_eq!(id, own_id("gateway7", "broker"));
}

#[test]
fn packets_are_those_of_the_standard() {
    let connect = Connect { client_id: "fw", user: Some(("u", "p")), keep_alive: 60 }.packet();
    assert_eq!(
        connect,
        b"\x10\x1f\x00\x04MQTT\x05\xc2\x00\x3c\x0a\x11\x00\x00\x00\x00\x27\x00\x00\x40\x00\x00\x02fw\x00\x01u\x00\x01p"
    );
    let publish = Publish { topic: "a/b", id: 258, properties: &[("incident", "x")], body: "{}" }.packet();
    let expected =
        b"\x32\x2d\x00\x03a/b\x01\x02\x23\x01\x01\x03\x00\x10application/json\x26\x00\x08incident\x00\x01x{}";
    assert_eq!(publish, expected);
    let long = Publish { topic: "a", id: 1, properties: &[], body: &"x".repeat(200) }.packet();
    assert_eq!(&long[1..3], [0xe3, 0x01], "200 of it and 27 around: two octets of length");
    assert_eq!(long.len(), 3 + 227);
}

#[test]
fn what_a_broker_says_is_read_alike_however_it_is_cut() {
    let said = [
        // Maximum QoS 1, Server Keep Alive 30, Maximum Packet Size 1024, Reason String, Topic Alias Maximum.
        &b"\x20\x15\x00\x00\x12\x24\x01\x13\x00\x1e\x27\x00\x00\x04\x00\x1f\x00\x02ok\x22\x00\x0a"[..],
        b"\x40\x02\x00\x01",
        b"\x40\x03\x00\x02\x10",
        b"\x40\x08\x00\x03\x87\x04\x1f\x00\x01n",
        b"\xd0\x00",
        b"\xe0\x00",
        b"\xe0\x02\x8b\x00",
    ]
    .concat();
    let whole = |mut octets: &[u8]| {
        let mut all = Vec::new();
        while let Some((said, length)) = read(octets).unwrap() {
            all.push(said);
            octets = &octets[length..];
        }
        (all, octets.len())
    };
    let (all, rest) = whole(&said);
    assert_eq!(rest, 0);
    let with = |reason| Answer { reason, ..Answer::default() };
    let welcome = Answer {
        words: Some("ok".into()),
        maximum_qos: Some(1),
        maximum_packet: Some(1_024),
        keep_alive: Some(30),
        ..with(0)
    };
    let expected = [
        Packet::Connack(welcome),
        Packet::Puback(1, with(0)),
        Packet::Puback(2, with(0x10)),
        Packet::Puback(3, Answer { words: Some("n".into()), ..with(0x87) }),
        Packet::Pingresp,
        Packet::Disconnect(with(0)),
        Packet::Disconnect(with(0x8b)),
    ];
    assert_eq!(all, expected);
    for cut in 0..said.len() {
        let (before, left) = whole(&said[..cut]);
        let (after, _) = whole(&said[cut - left..]);
        assert_eq!([before, after].concat(), all, "cut at {cut}");
    }
}

#[test]
fn nonsense_and_floods_are_told_as_such() {
    for (octets, expected) in [
        (&b"HTTP"[..], Malformed::Unexpected(4, 8)),
        (b"\x30\x00", Malformed::Unexpected(3, 0)),
        (b"\x40\x80\x80\x80\x80\x01", Malformed::Length),
        (b"\x40\xff\xff\xff\x7f", Malformed::TooLarge(268_435_455)),
        (b"\x40\x01\x00", Malformed::Short(4)),
        (b"\x40\x06\x00\x01\x87\x02\x1f\x00", Malformed::Short(4)),
        (b"\x40\x06\x00\x01\x87\x02\x7e\x00", Malformed::Property(0x7e)),
        (b"\x20\x02\x00\x01", Malformed::Version(1)),
    ] {
        assert_eq!(read(octets), Err(expected));
    }
    assert!(read(&[0x40, 0x80, 0x80]).unwrap().is_none(), "{MAX_PACKET}: not yet");
}
