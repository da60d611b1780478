//! A webhook whose other side stalls, cuts, repeats, refuses, asks for patience, points elsewhere and lies: each revision arrives, under one key.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, Pace, State},
    store::{By, Store},
};
use serde_json::Value;

use crate::{
    collector,
    files::destinations,
    peer::{Reply, Request, serve},
    pki, sample,
};

pub(crate) fn webhook(folder: &Path, port: u16) -> Arc<dyn Destination> {
    fs::write(folder.join("secret"), "correct-horse\n").unwrap();
    fs::write(folder.join("token"), "t0ken\n").unwrap();
    fs::write(folder.join("ca.pem"), rcgen::generate_simple_self_signed(["x".into()]).unwrap().cert.pem())
        .unwrap();
    let text = |text: String| Content::Text(text.into());
    let file = |name: &str| text(folder.join(name).display().to_string());
    let entries = [
        ("name", text("soar".into())),
        ("url", text(format!("http://127.0.0.1:{port}/hook"))),
        ("ca_file", file("ca.pem")),
        ("secret_file", file("secret")),
        ("token_file", file("token")),
        ("timeout_ms", Content::Integer(600)),
    ];
    destinations("webhook", &entries).unwrap().remove(0)
}

fn clock() -> Timestamp {
    sample::at(0)
}

/// Records incidents and waits until none waits for the webhook.
fn told(folder: &Path, port: u16, incidents: u32) -> (Store, Outbox) {
    let store = Store::open(&folder.join("store.sqlite")).unwrap();
    let pace = Pace::between(Duration::from_millis(10), Duration::from_millis(40), 7);
    let outbox = Outbox::start(&store, &[webhook(folder, port)], pace, clock).unwrap();
    for n in 0..incidents {
        store.record(sample::batch(n, 1)).unwrap();
    }
    drained(&outbox);
    (store, outbox)
}

fn drained(outbox: &Outbox) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let status = outbox.status().unwrap().remove(0);
        if status.backlog.waiting == 0 {
            return;
        }
        assert!(Instant::now() < end, "{status:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn each_revision_is_posted_once_signed_and_under_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(|_, _| Reply::Status("204 No Content"));
    let (_store, outbox) = told(folder.path(), port, 5);
    let heard = heard.lock().unwrap().clone();
    let keys: Vec<&str> = heard.iter().map(Request::key).collect();
    assert_eq!(keys, (0..5).map(|n| format!("{n:016x}:1")).collect::<Vec<_>>());
    for request in &heard {
        assert_eq!(request.path, "/hook");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(format!("{}:{}", body["id"].as_str().unwrap(), body["revision"]), request.key());
        assert_eq!(request.headers["authorization"], "Bearer t0ken");
        let time = &request.headers["x-fieldwarden-timestamp"];
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"correct-horse");
        let signed = [format!("{time}.").as_bytes(), &request.body].concat();
        let hex = request.headers["x-fieldwarden-signature"].strip_prefix("sha256=").unwrap();
        let tag: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        aws_lc_rs::hmac::verify(&key, &signed, &tag).unwrap();
    }
    assert!(
        !format!("{outbox:?} {:?}", outbox.status()).contains("correct-horse"),
        "no secret is ever shown"
    );
}

#[test]
fn whatever_the_other_side_does_each_revision_arrives_in_order() {
    for (what, fault) in [
        ("cuts", Reply::Cut),
        ("lies", Reply::Lie),
        ("stalls", Reply::Stall),
        ("fails", Reply::Status("500 Internal Server Error")),
        ("does not know us", Reply::Status("401 Unauthorized")),
        ("points elsewhere", Reply::Status("302 Found\r\nlocation: https://evil.example/")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        // Every third request goes wrong.
        let (port, heard) =
            serve(move |n, _| if n % 3 == 1 { fault.clone() } else { Reply::Status("200 OK") });
        let (store, outbox) = told(folder.path(), port, 6);
        let mut keys: Vec<String> =
            heard.lock().unwrap().iter().map(|request| request.key().to_owned()).collect();
        assert!(keys.len() > 6, "{what}: {keys:?}");
        keys.dedup();
        assert_eq!(
            keys,
            (0..6).map(|n| format!("{n:016x}:1")).collect::<Vec<_>>(),
            "{what}: in order, repeats aside"
        );
        assert_eq!(store.backlogs().unwrap()[0].dead, 0, "{what}");
        let error = outbox.status().unwrap()[0].last_error.clone().unwrap().1;
        assert!(error.contains(&format!("127.0.0.1:{port}")), "{what}: {error}");
        println!("{what}: {error}");
    }
}

#[test]
fn what_is_refused_for_good_holds_nothing_up_and_can_be_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(|n, request| {
        let is_third = request.key().starts_with("0000000000000002");
        if is_third && n < 5 { Reply::Status("422 Unprocessable Entity") } else { Reply::Status("200 OK") }
    });
    let (store, outbox) = told(folder.path(), port, 5);
    let letters = store.dead_letters("soar", 9).unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].why.contains("refused it for good: 422 Unprocessable Entity: ok"), "{letters:?}");
    assert_eq!(heard.lock().unwrap().len(), 5, "it was not tried again");
    let by = || By { operator: "jo".into(), time: sample::at(99) };
    assert_eq!(outbox.revive("soar", by()).unwrap(), Some((1, 0)));
    drained(&outbox);
    let last = heard.lock().unwrap().last().unwrap().key().to_owned();
    assert_eq!(last, "0000000000000002:1", "told again");
    assert!(store.dead_letters("soar", 9).unwrap().is_empty());
    assert_eq!(outbox.revive("nobody", by()).unwrap(), None);
}

#[test]
fn a_pause_holds_everything_also_across_a_restart_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(|_, _| Reply::Status("200 OK"));
    let (store, outbox) = told(folder.path(), port, 1);
    let by = || By { operator: "jo".into(), time: sample::at(99) };
    assert!(outbox.pause("soar", true, by()).unwrap());
    assert!(!outbox.pause("nobody", true, by()).unwrap());
    let paused = |outbox: &Outbox| {
        let end = Instant::now() + Duration::from_secs(10);
        while outbox.status().unwrap()[0].state != State::Paused {
            assert!(Instant::now() < end, "{:?}", outbox.status());
            thread::sleep(Duration::from_millis(10));
        }
    };
    paused(&outbox);
    store.record(sample::batch(1, 1)).unwrap();
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new(), "a paused one can be stopped");
    let pace = Pace::between(Duration::from_millis(10), Duration::from_millis(40), 7);
    let outbox = Outbox::start(&store, &[webhook(folder.path(), port)], pace, clock).unwrap();
    paused(&outbox);
    assert_eq!(outbox.status().unwrap()[0].backlog.waiting, 1);
    assert_eq!(heard.lock().unwrap().len(), 1);
    assert!(outbox.pause("soar", false, by()).unwrap());
    drained(&outbox);
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[test]
fn who_asks_for_patience_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(|n, _| {
        if n == 0 {
            Reply::Status("429 Too Many Requests\r\nretry-after: 2")
        } else {
            Reply::Status("200 OK")
        }
    });
    let _told = told(folder.path(), port, 2);
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 3);
    let waited = heard[1].at - heard[0].at;
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
}

#[test]
fn over_tls_each_side_knows_the_other_by_the_authority_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let port = collector::serve(folder.path(), |_, mut tls| {
        let mut request = [0; 8_192];
        // A side that refuses the other ends the handshake; then there is nothing to read.
        if tls.read(&mut request).is_ok_and(|length| length > 0) {
            let _ = tls.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    });
    let test = |changes: &[(&str, &str)]| {
        let mut entries =
            vec![("ca_file", "ca.pem"), ("certificate_file", "client.pem"), ("key_file", "client.key")];
        for (key, value) in changes {
            entries.retain(|(known, _)| known != key);
            entries.push((key, value));
        }
        let file = |(key, name): (&'static str, &str)| {
            (key, Content::Text(folder.path().join(name).display().to_string().into()))
        };
        let mut table: Vec<(&str, Content)> = entries
            .into_iter()
            .filter(|(_, name)| !name.is_empty())
            .map(|(key, name)| {
                (["ca_file", "certificate_file", "key_file"].into_iter().find(|k| *k == key).unwrap(), name)
            })
            .map(file)
            .collect();
        table.push(("name", Content::Text("soar".into())));
        table.push(("url", Content::Text(format!("https://{}:{port}/hook", "localhost").into())));
        destinations("webhook", &table)
            .unwrap()
            .remove(0)
            .test(sample::at(0))
            .map_err(|error| error.to_string())
    };
    let fine = test(&[]).unwrap();
    assert!(fine.contains("took the test message: it answered 204"), "{fine}");
    let foreign = test(&[("ca_file", "rogueca.pem")]).unwrap_err();
    assert!(
        foreign.contains("is not trusted or does not trust us") && foreign.contains("UnknownIssuer"),
        "{foreign}"
    );
    assert!(test(&[("certificate_file", ""), ("key_file", "")]).is_err(), "without our certificate");
    let absent = test(&[("key_file", "absent.key")]).unwrap_err();
    assert!(absent.contains("absent.key"), "{absent}");
}

#[test]
fn faults_of_a_table_are_told() {
    let text = |text: &str| Content::Text(text.into());
    for (key, value, what) in [
        ("url", "http://soc.example/x", "without TLS"),
        ("url", "https://jo:pw@soc.example/", "token_file"),
        ("format", "cef", "no form of JSON"),
        ("certificate_file", "x.pem", "go together"),
        ("proxy", "::", "no proxy"),
    ] {
        let mut entries = vec![("name", text("x")), ("url", text("https://soc.example/x"))];
        entries.retain(|(known, _)| *known != key);
        entries.push((key, text(value)));
        let faults = destinations("webhook", &entries).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(what)), "{key} = {value}: {faults:?}");
    }
}
