//! Every fault of a table is told; what a server says is read alike however it is cut into pieces.

use fieldwarden_model::section::{Content, Key, Node, Span};

use super::{
    protocol::{Malformed, Message, Said, publish, read},
    *,
};

fn text(value: &str) -> Content {
    Content::Text(value.into())
}

fn configured(more: &[(&'static str, Content)]) -> Result<Settings, Vec<String>> {
    let entries = [("name", text("bus")), ("address", text("bus.example:4222")), ("ca_file", text("ca.pem"))];
    let at = Span::default();
    let entry = |(name, value): &(&'static str, Content)| {
        (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
    };
    let kept = entries.iter().filter(|(key, _)| !more.iter().any(|(other, _)| other == key));
    let section = Section { path: "forward.nats".into(), at, entries: kept.chain(more).map(entry).collect() };
    Settings::configure(&section).map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
}

#[test]
fn a_short_table_is_enough_and_faults_are_told_at_once() {
    let settings = configured(&[]).unwrap();
    assert_eq!(
        (settings.subject.as_str(), settings.credentials),
        ("fieldwarden.incidents", Credentials::None)
    );
    let faults = configured(&[
        ("subject", text("ot.*")),
        ("stream", text("a.b")),
        ("token_file", text("t")),
        ("nkey_file", text("k")),
        ("user", text("jo")),
        ("format", text("cef")),
        ("certificate_file", text("c.pem")),
    ])
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "`key_file`: a certificate and its key go together",
            "`subject`: `ot.*` holds a blank, a wildcard or something beyond ASCII",
            "`stream`: is no name of a stream",
            "`user`: `user` and `password_file` go together",
            "`nkey_file`: the server is to know us in two ways",
            "`format`: is no form of JSON, which a bus carries",
        ]
    );
    for subject in ["", "a..b", "a b", "$JS.API.x", "ä", ">", &"x".repeat(256)] {
        assert!(configured(&[("subject", text(subject))]).is_err(), "{subject}");
    }
}

#[test]
fn in_clear_only_a_server_on_this_machine_is_spoken_to() {
    let faults = configured(&[("transport", text("tcp"))]).unwrap_err();
    assert!(faults[0].contains("anybody on the way reads and changes"), "{faults:?}");
    let at = Span::default();
    let entries = [("name", "bus"), ("address", "[::1]:4222"), ("transport", "tcp")];
    let entries = entries
        .iter()
        .map(|(name, value)| (Key { name: (*name).into(), at }, Node { at, value: text(value) }))
        .collect();
    let settings = Settings::configure(&Section { path: "".into(), at, entries }).unwrap();
    assert_eq!((settings.endpoint.tls, settings.endpoint.host.as_str()), (None, "::1"));
}

#[test]
fn what_a_server_says_is_read_alike_however_it_is_cut() {
    let said = b"INFO {\"headers\":true,\"nonce\":\"n\",\"other\":[1]} \r\nPING\r\npong\r\n+OK\r\n\
        -ERR 'Unknown Protocol Operation'\r\nMSG _INBOX.a.1 1 2\r\nhi\r\nMSG _INBOX.a.2 1 reply.to 0\r\n\r\n\
        HMSG _INBOX.a.3 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n";
    let whole = |mut octets: &[u8]| {
        let mut all = Vec::new();
        while let Some((said, length)) = read(octets).unwrap() {
            all.push(said);
            octets = &octets[length..];
        }
        (all, octets.len())
    };
    let (all, rest) = whole(said);
    assert_eq!((all.len(), rest), (8, 0));
    assert!(matches!(&all[0], Said::Info(info) if info.headers && info.nonce.as_deref() == Some("n")));
    assert_eq!(all[4], Said::Err("Unknown Protocol Operation".into()));
    let message = |subject: &str, status, payload: &[u8]| {
        Said::Message(Message { subject: subject.into(), status, payload: payload.into() })
    };
    assert_eq!(all[5], message("_INBOX.a.1", None, b"hi"));
    assert_eq!(all[6], message("_INBOX.a.2", None, b""));
    assert_eq!(all[7], message("_INBOX.a.3", Some(503), b""));
    for cut in 0..said.len() {
        let (before, left) = whole(&said[..cut]);
        let (after, _) = whole(&said[cut - left..]);
        assert_eq!([before, after].concat(), all, "cut at {cut}");
    }
}

#[test]
fn nonsense_and_floods_are_told_as_such() {
    let endless = vec![b'A'; 70_000];
    for (octets, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n"[..], Malformed::Word("HTTP/1.1 400 Bad Request".into())),
        (&endless, Malformed::LongLine),
        (b"INFO {\r\n", Malformed::Info),
        (b"MSG a 1\r\n", Malformed::Length("MSG a 1".into())),
        (b"HMSG a 1 20 10\r\n", Malformed::Length("HMSG a 1 20 10".into())),
        (b"MSG a 1 18446744073709551615\r\n", Malformed::LongMessage(usize::MAX)),
        (b"MSG a 1 1\r\nabc", Malformed::End),
    ] {
        assert_eq!(read(octets), Err(expected));
    }
}

#[test]
fn a_message_counts_its_own_octets() {
    let octets = publish("ot.x", "_INBOX.a.1", &[("Nats-Msg-Id", "a:1")], "{\"ü\":1}");
    let expected = "HPUB ot.x _INBOX.a.1 30 38\r\nNATS/1.0\r\nNats-Msg-Id: a:1\r\n\r\n{\"ü\":1}\r\n";
    assert_eq!(String::from_utf8(octets).unwrap(), expected);
}
