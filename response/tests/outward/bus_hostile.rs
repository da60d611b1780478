//! Servers that are none, or none of ours: what they say in clear, out of turn or without an end changes nothing of what was told.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::section::Content;
use fieldwarden_response::forward::Destination;

use crate::{files::destinations, pki, sample};

const INFO: &str = "INFO {\"headers\":true,\"max_payload\":16}\r\n";
const PUBACK: &[u8] = b"\x40\x02\x00\x01";
const CONNACK: &[u8] = b"\x20\x03\x00\x00\x00";

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

/// Hands each connection to `behave`.
fn on(behave: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().for_each(|stream| behave(stream.unwrap())));
    port
}

fn destination(kind: &str, port: u16, tls: Option<&Path>) -> Arc<dyn Destination> {
    let address = format!("127.0.0.1:{port}");
    let mut entries =
        vec![("name", text("bus")), ("address", text(&address)), ("timeout_ms", Content::Integer(600))];
    match tls {
        None => entries.push(("transport", text("tcp"))),
        Some(folder) => {
            entries.push(("ca_file", text(folder.join("ca.pem").to_str().unwrap())));
            entries.push(("server_name", text(pki::COLLECTOR)));
        }
    }
    if kind == "nats" {
        entries.push(("stream", text("OT")));
    }
    destinations(kind, &entries).unwrap().remove(0)
}

fn refusal(kind: &str, tls: Option<&Path>, behave: impl Fn(TcpStream) + Send + 'static) -> String {
    let port = on(behave);
    let since = Instant::now();
    let error = destination(kind, port, tls).test(sample::at(0)).unwrap_err().to_string();
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}: {error}", since.elapsed());
    error
}

/// Reads until what was said ends with `end`.
fn hear(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let (mut heard, mut octet) = (Vec::new(), [0]);
    while !heard.ends_with(end) && stream.read(&mut octet).is_ok_and(|read| read > 0) {
        heard.push(octet[0]);
    }
    heard
}

/// Until it hangs up.
fn hold(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

fn flood(mut stream: TcpStream, word: &[u8]) {
    let words = word.repeat(100);
    while stream.write_all(&words).is_ok() {}
}

/// A NATS server up to the message; then `answer` is given where its answer goes.
fn nats(answer: impl Fn(&mut TcpStream, &str) + Send + 'static) -> impl Fn(TcpStream) + Send + 'static {
    move |mut stream| {
        stream.write_all(INFO.as_bytes()).unwrap();
        hear(&mut stream, b"PING\r\n");
        stream.write_all(b"PONG\r\n").unwrap();
        let line = String::from_utf8(hear(&mut stream, b"\r\n")).unwrap();
        let reply = line.split(' ').nth(2).unwrap().to_owned();
        answer(&mut stream, &reply);
        hold(stream);
    }
}

fn answered(what: &'static str) -> impl Fn(TcpStream) + Send + 'static {
    nats(move |stream, reply| {
        let _ = write!(stream, "MSG {reply} 1 {}\r\n{what}\r\n", what.len());
    })
}

#[test]
fn a_nats_server_in_between_gets_nothing_in_clear_and_says_nothing_in_clear_that_counts() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let offered_none = refusal("nats", Some(folder.path()), |mut stream| {
        stream.write_all(INFO.as_bytes()).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert_eq!(said, b"", "not a word in clear");
    });
    assert!(offered_none.contains("it offers no TLS; nothing was told in clear"), "{offered_none}");
    let went_on = refusal("nats", Some(folder.path()), |mut stream| {
        let info = "INFO {\"headers\":true,\"tls_required\":true}\r\nPONG\r\n";
        stream.write_all(info.as_bytes()).unwrap();
        hold(stream);
    });
    assert!(went_on.contains("it went on in clear where TLS was to begin"), "{went_on}");
}

#[test]
fn what_is_no_acknowledgement_of_our_stream_does_not_count() {
    for (answer, words) in [
        ("", "acknowledges nothing: it is no stream"),
        ("+OK", "acknowledges nothing: it is no stream"),
        ("{\"stream\":\"OT\"}", "acknowledges nothing: it is no stream"),
        ("{\"stream\":\"OT\",\"seq\":\"1\"}", "acknowledges nothing: it is no stream"),
        ("{\"stream\":\"IT\",\"seq\":1}", "`IT` took it, which is not `OT`"),
        (
            "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"x\\u001b[2J\"}}",
            "later: x [2J (error 503",
        ),
        ("{\"error\":{\"code\":404}}", "(error 404, 0)"),
    ] {
        let error = refusal("nats", None, answered(answer));
        assert!(error.contains(words), "{answer}: {error}");
    }
    let elsewhere = refusal(
        "nats",
        None,
        nats(|stream, _| {
            let _ = stream.write_all(b"MSG _INBOX.guessed.1 1 23\r\n{\"stream\":\"OT\",\"seq\":1}\r\n");
        }),
    );
    assert!(elsewhere.contains("has taken nothing in"), "{elsewhere}");
    let port = on(answered("{\"stream\":\"OT\",\"seq\":9}"));
    let said = destination("nats", port, None).test(sample::at(0)).unwrap();
    assert!(
        said.contains("number 9"),
        "what INFO says of a largest payload in clear refuses nothing: {said}"
    );
}

#[test]
fn who_says_nothing_or_talks_without_an_end_is_left_in_time() {
    for kind in ["nats", "mqtt"] {
        assert!(refusal(kind, None, hold).contains("has taken nothing in"));
        let endless = refusal(kind, None, |stream| flood(stream, b"A"));
        assert!(endless.contains("ended: a "), "{endless}");
    }
    let pings = refusal("nats", None, |mut stream| {
        stream.write_all(INFO.as_bytes()).unwrap();
        let mut out = stream.try_clone().unwrap();
        thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
        while out.write_all(&b"PING\r\n".repeat(100)).is_ok() {}
    });
    assert!(pings.contains("has taken nothing in"), "{pings}");
    let pings = refusal("mqtt", None, |mut stream| {
        stream.write_all(CONNACK).unwrap();
        flood(stream, b"\xd0\x00");
    });
    assert!(pings.contains("has taken nothing in"), "{pings}");
}

#[test]
fn a_broker_that_does_not_keep_to_mqtt_5_is_told_as_that() {
    let after_connect = |said: &'static [u8]| {
        move |mut stream: TcpStream| {
            stream.write_all(said).unwrap();
            hold(stream);
        }
    };
    for (said, words) in [
        (&b"\x20\x02\x00\x01"[..], "it speaks an older MQTT than 5"),
        (b"\x20\x03\x00\x86\x00", "not trusted or does not trust us: bad user name or password (0x86)"),
        (b"\x20\x03\x00\x88\x00", "asks to be tried later: server unavailable (0x88)"),
        (b"\x20\x0c\x00\x9d\x09\x1c\x00\x06other1", "server moved (0x9d): other1"),
        (b"\x20\x05\x00\x00\x02\x24\x00", "it acknowledges no messages"),
        (b"\x40\x02\x00\x01", "it does not answer as a broker does"),
        (b"\x20\x03\x00\x00\x00\x40\x02\x00\x09", "it acknowledges what was not sent"),
        (b"\x20\x03\x00\x00\x00\x20\x03\x00\x00\x00", "it greets twice"),
        (b"\x20\x03\x00\x00\x00\xe0\x01\x8e", "session taken over (0x8e): who else has this `client_id`?"),
        (b"\x20\x03\x00\x00\x00\x40\x03\x00\x01\x97", "asks to be tried later: quota exceeded (0x97)"),
        (b"\x20\x03\x00\x00\x00\x40\x03\x00\x01\x99", "refused it for good: payload format invalid (0x99)"),
        (b"\x20\x03\x00\x00\x00\xe0\x01\x95", "refused it for good: packet too large (0x95)"),
        (b"\x20\x03\x00\x00\x00\x40\x03\x00\x01\x90", "ended: topic name invalid (0x90)"),
    ] {
        let error = refusal("mqtt", None, after_connect(said));
        assert!(error.contains(words), "{words}: {error}");
    }
    let port = on(after_connect(Box::leak([CONNACK, PUBACK].concat().into_boxed_slice())));
    let said = destination("mqtt", port, None).test(sample::at(0)).unwrap();
    assert!(said.contains("success"), "{said}");
}
