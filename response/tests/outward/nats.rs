//! A real nats-server with JetStream and mutual TLS: killed, stopped, full, without a stream, and read by a second consumer.

use std::{fs, thread, time::Duration};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    outbox::{Outbox, Pace},
    store::Store,
};
use serde_json::{Value, json};

use crate::{
    nats_peer::{Soc, USERS, destination, server, text},
    sample,
    server::until,
};

const LONG: Duration = Duration::from_secs(120);

fn clock() -> Timestamp {
    sample::at(0)
}

fn pace() -> Pace {
    Pace::between(Duration::from_millis(50), Duration::from_millis(400), 7)
}

fn waiting(outbox: &Outbox) -> u64 {
    outbox.status().unwrap()[0].backlog.waiting
}

fn last_error(outbox: &Outbox) -> String {
    outbox.status().unwrap()[0].last_error.clone().unwrap_or((clock(), String::new())).1
}

#[test]
fn each_of_two_thousand_is_in_the_stream_once_though_the_server_was_killed_and_hung() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = server(folder.path(), USERS, "") else { return };
    server.start();
    Soc::new(folder.path(), server.port).stream("CREATE", &json!({}));
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let way = destination(folder.path(), server.port, &[]);
    let outbox = Outbox::start(&store, &[way], pace(), clock).unwrap();
    let recording = thread::spawn({
        let store = store.clone();
        move || (0..2_000).for_each(|n| drop(store.record(sample::batch(n, 1)).unwrap()))
    });
    for (reached, signal) in [(200, "KILL"), (700, "STOP"), (1_100, "KILL"), (1_600, "TERM")] {
        let mut reader = Soc::new(folder.path(), server.port);
        until("the stream grows", LONG, || reader.held() >= reached);
        drop(reader);
        if signal == "STOP" {
            // It hangs with a message in its socket, which it takes when it goes on: the repeat of it is behind.
            server.signal("STOP");
            until("it is said that it takes nothing in", LONG, || {
                last_error(&outbox).contains("has taken nothing in")
            });
            server.signal("CONT");
        } else {
            server.end(signal);
            server.start();
        }
    }
    recording.join().unwrap();
    until("all is told", LONG, || waiting(&outbox) == 0);
    assert_eq!(outbox.status().unwrap()[0].backlog.dead, 0);
    let all = Soc::new(folder.path(), server.port).read();
    assert_eq!(all.len(), 2_000, "each once");
    for (n, (headers, body)) in all.iter().enumerate() {
        assert!(headers.contains(&format!("Nats-Msg-Id: {n:016x}:1\r\n")), "{n}: {headers}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["id"], format!("{n:016x}"));
    }
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
}

#[test]
fn a_message_says_what_it_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = server(folder.path(), USERS, "") else { return };
    server.start();
    Soc::new(folder.path(), server.port).stream("CREATE", &json!({}));
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let outbox =
        Outbox::start(&store, &[destination(folder.path(), server.port, &[])], pace(), clock).unwrap();
    store.record(sample::batch(1, 3)).unwrap();
    until("it is told", LONG, || waiting(&outbox) == 0);
    let (headers, body) = Soc::new(folder.path(), server.port).read().remove(0);
    sample::golden("nats.txt", &format!("{}\n{body}\n", headers.replace("\r\n", "\n").trim_end()));
    let said = destination(folder.path(), server.port, &[]).test(sample::at(0)).unwrap();
    println!("{said}");
    assert!(said.contains("over TLS 1.3 into the stream `OT` as number 2"), "{said}");
    assert!(Soc::new(folder.path(), server.port).read()[1].1.contains("\"type\":\"test\""));
}

#[test]
fn each_mistake_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = server(folder.path(), USERS, "") else { return };
    server.start();
    let file = |name: &str| Content::Text(folder.path().join(name).display().to_string().into());
    fs::write(folder.path().join("wrong"), "pw3").unwrap();
    let told = |changes: &[(&'static str, Content)]| {
        let way = destination(folder.path(), server.port, changes);
        way.test(sample::at(0)).map_err(|error| error.to_string())
    };
    let none = told(&[]).unwrap_err();
    assert!(none.contains("no stream takes `ot.incidents`"), "{none}");
    let mut soc = Soc::new(folder.path(), server.port);
    soc.stream("CREATE", &json!({"max_msg_size": 1_000}));
    for (changes, words) in [
        (vec![("ca_file", file("rogueca.pem"))], "its certificate was issued by none of the authorities in"),
        (vec![("server_name", text("other.test"))], "its certificate is not for `other.test`"),
        (
            vec![("certificate_file", file("rogue.pem")), ("key_file", file("rogue.key"))],
            "refuses our certificate",
        ),
        (vec![("certificate_file", text("")), ("key_file", text(""))], "it demands a client certificate"),
        (vec![("password_file", file("wrong"))], "it does not know us: Authorization Violation"),
        (vec![("user", text("")), ("password_file", text(""))], "it does not know us: Authorization"),
        (vec![("subject", text("nobody.hears"))], "no stream takes `nobody.hears`"),
        (vec![("subject", text("plant.x"))], "Permissions Violation for Publish to \"plant.x\""),
        (vec![("inbox", text("ot.inbox"))], "Permissions Violation for Subscription"),
        (vec![("stream", text("IT"))], "expected stream does not match"),
        (
            vec![
                ("transport", text("tcp")),
                ("server_name", text("")),
                ("ca_file", text("")),
                ("certificate_file", text("")),
                ("key_file", text("")),
            ],
            "it demands TLS",
        ),
    ] {
        let error = told(&changes).unwrap_err();
        println!("{error}");
        assert!(error.contains(words), "{words}: {error}");
    }
    told(&[("stream", text(""))]).unwrap();
    soc.stream("UPDATE", &json!({"max_msg_size": 50}));
    // Another moment is another message.
    let error = destination(folder.path(), server.port, &[]).test(sample::at(1)).unwrap_err().to_string();
    assert!(error.contains("refused it for good: message size exceeds maximum allowed"), "{error}");
}

#[test]
fn a_full_stream_makes_wait_and_what_is_too_large_is_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = server(folder.path(), USERS, "max_payload: 4000") else { return };
    server.start();
    let mut soc = Soc::new(folder.path(), server.port);
    soc.stream("CREATE", &json!({"max_msgs": 3, "discard": "new"}));
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let outbox =
        Outbox::start(&store, &[destination(folder.path(), server.port, &[])], pace(), clock).unwrap();
    (0..5).for_each(|n| drop(store.record(sample::batch(n, 1)).unwrap()));
    until("it waits", LONG, || waiting(&outbox) == 2 && last_error(&outbox).contains("maximum messages"));
    assert!(last_error(&outbox).contains("asks to be tried later"), "{}", last_error(&outbox));
    assert_eq!((soc.held(), outbox.status().unwrap()[0].backlog.dead), (3, 0));
    soc.stream("UPDATE", &json!({"max_msgs": -1, "discard": "new"}));
    until("there is room", LONG, || waiting(&outbox) == 0);

    let mut large = sample::batch(5, 1);
    large.incidents[0].title = "x".repeat(9_000);
    store.record(large).unwrap();
    store.record(sample::batch(6, 1)).unwrap();
    until("all is told", LONG, || waiting(&outbox) == 0);
    let dead = store.dead_letters("bus", 10).unwrap();
    assert_eq!(dead.len(), 1);
    assert!(format!("{dead:?}").contains("Maximum Payload Violation"), "{dead:?}");
    let ids: Vec<Value> = soc
        .read()
        .iter()
        .map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 6].map(|n| json!(format!("{n:016x}"))));
}
