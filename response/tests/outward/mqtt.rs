//! A real mosquitto with the certificate as user: killed, stopped, without a subscriber, and heard by its own client.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, Pace},
    store::Store,
};
use serde_json::Value;

use crate::{
    files::destinations,
    pki, sample,
    server::{Server, free_port, until},
};

const BINARY: &str = "/usr/sbin/mosquitto";
const READER: &str = "/usr/bin/mosquitto_sub";
const LONG: Duration = Duration::from_secs(120);

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

/// A broker with mutual TLS for gateways, and in clear for who reads on this machine, on the second port.
fn broker(folder: &Path, more: &str) -> Option<(Server, u16)> {
    if !Path::new(READER).exists() {
        println!("SKIPPED: {READER} is missing; install mosquitto-clients");
        return None;
    }
    pki::make(folder);
    let (at, secure, clear) = (folder.display(), free_port(), free_port());
    fs::write(folder.join("acl"), format!("user {}\ntopic write ot/#\n", pki::GATEWAY)).unwrap();
    let configuration = format!(
        "user root\nper_listener_settings true\nmax_inflight_messages 0\nmax_queued_messages 0\n{more}\n\
         listener {clear} 127.0.0.1\nallow_anonymous true\n\
         listener {secure} 127.0.0.1\ncafile {at}/ca.pem\ncertfile {at}/server.pem\nkeyfile {at}/server.key\n\
         require_certificate true\nuse_identity_as_username true\nallow_anonymous false\nacl_file {at}/acl\n"
    );
    fs::write(folder.join("mosquitto.conf"), configuration).unwrap();
    let configuration = folder.join("mosquitto.conf").display().to_string();
    Some((Server::new(BINARY, &["-c", &configuration], secure)?, clear))
}

fn destination(folder: &Path, port: u16, changes: &[(&'static str, Content)]) -> Arc<dyn Destination> {
    let file = |name: &str| Content::Text(folder.join(name).display().to_string().into());
    let mut entries = vec![
        ("name", text("broker")),
        ("address", text(&format!("127.0.0.1:{port}"))),
        ("server_name", text(pki::COLLECTOR)),
        ("ca_file", file("ca.pem")),
        ("certificate_file", file("client.pem")),
        ("key_file", file("client.key")),
        ("topic", text("ot/incidents")),
        ("timeout_ms", Content::Integer(2_000)),
    ];
    for (key, value) in changes {
        entries.retain(|(known, _)| known != key);
        if !matches!(value, Content::Text(none) if none.is_empty()) {
            entries.push((key, value.clone()));
        }
    }
    destinations("mqtt", &entries).unwrap().remove(0)
}

/// The broker's own client, which writes down what it hears and comes back by itself when the broker does.
struct Reader {
    child: Child,
    file: PathBuf,
}

impl Reader {
    fn start(folder: &Path, port: u16) -> Self {
        let file = folder.join("heard");
        let child = Command::new(READER)
            .args(["-V", "mqttv5", "-p", &port.to_string(), "-q", "0", "-t", "ot/#"])
            .args(["-F", "%t|%r|%C|%E|%P|%p"])
            .stdout(fs::File::create(&file).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, file }
    }

    /// Whole lines, as topic, retained, content type, expiry, user properties and payload.
    fn heard(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap();
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    }

    /// Ids of incidents, in the order in which they came.
    fn ids(&self) -> Vec<String> {
        let id = |line: &String| {
            let (_, body) = line.split_once('{')?;
            let body: Value = serde_json::from_str(&format!("{{{body}")).unwrap();
            Some(body["id"].as_str()?.to_owned())
        };
        self.heard().iter().filter_map(id).collect()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
fn each_of_two_thousand_arrives_in_order_though_the_broker_was_killed_and_hung() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut broker, clear)) = broker(folder.path(), "") else { return };
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let way = destination(folder.path(), broker.port, &[]);
    let outbox = Outbox::start(&store, &[way], pace(), clock).unwrap();
    let recording = thread::spawn({
        let store = store.clone();
        move || (0..2_000).for_each(|n| drop(store.record(sample::batch(n, 1)).unwrap()))
    });
    broker.start();
    until("it is said that nobody subscribes", LONG, || last_error(&outbox).contains("nobody subscribes"));
    let reader = Reader::start(folder.path(), clear);
    for (reached, signal) in [(200, "KILL"), (700, "STOP"), (1_100, "KILL"), (1_600, "TERM")] {
        until("more arrives", LONG, || reader.ids().len() >= reached);
        if signal == "STOP" {
            broker.signal("STOP");
            until("it is said that it takes nothing in", LONG, || {
                last_error(&outbox).contains("has taken nothing in")
            });
            broker.signal("CONT");
        } else {
            broker.end(signal);
            broker.start();
        }
    }
    recording.join().unwrap();
    until("all is told", LONG, || waiting(&outbox) == 0);
    assert_eq!(outbox.status().unwrap()[0].backlog.dead, 0);
    until("all arrived", LONG, || reader.ids().iter().collect::<HashSet<_>>().len() == 2_000);
    let all = reader.ids();
    let mut seen = HashSet::new();
    let first: Vec<&String> = all.iter().filter(|id| seen.insert(*id)).collect();
    println!("{} arrived, {} of them again", all.len(), all.len() - first.len());
    assert!(first.is_sorted(), "first arrivals are in order");
    assert!(all.len() - first.len() <= 4, "no more is repeated than was on its way when a connection ended");
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
}

#[test]
fn a_message_says_what_it_said_before() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut broker, clear)) = broker(folder.path(), "") else { return };
    broker.start();
    let reader = Reader::start(folder.path(), clear);
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let outbox =
        Outbox::start(&store, &[destination(folder.path(), broker.port, &[])], pace(), clock).unwrap();
    store.record(sample::batch(1, 3)).unwrap();
    until("it is told", LONG, || waiting(&outbox) == 0);
    until("it is heard", LONG, || reader.heard().len() == 1);
    sample::golden("mqtt.txt", &format!("{}\n", reader.heard()[0]));
    let said = destination(folder.path(), broker.port, &[]).test(sample::at(0)).unwrap();
    println!("{said}");
    assert!(said.contains("took the test message over TLS 1.3 on `ot/incidents`: success"), "{said}");
}

#[test]
fn each_mistake_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut broker, clear)) = broker(folder.path(), "") else { return };
    broker.start();
    let file = |name: &str| Content::Text(folder.path().join(name).display().to_string().into());
    let told = |changes: &[(&'static str, Content)]| {
        let way = destination(folder.path(), broker.port, changes);
        way.test(sample::at(0)).map_err(|error| error.to_string())
    };
    let in_clear = |port: u16| {
        let mut changes = vec![("address", text(&format!("127.0.0.1:{port}"))), ("transport", text("tcp"))];
        changes.extend(["server_name", "ca_file", "certificate_file", "key_file"].map(|key| (key, text(""))));
        changes
    };
    for (changes, words) in [
        (vec![("ca_file", file("rogueca.pem"))], "its certificate was issued by none of the authorities in"),
        (vec![("server_name", text("other.test"))], "its certificate is not for `other.test`"),
        (
            vec![("certificate_file", file("rogue.pem")), ("key_file", file("rogue.key"))],
            "refuses our certificate",
        ),
        (vec![("certificate_file", text("")), ("key_file", text(""))], "it demands a client certificate"),
        (vec![("topic", text("plant/x"))], "not authorized (0x87): this user may not publish on `plant/x`"),
        (in_clear(broker.port), "ended"),
    ] {
        let error = told(&changes).unwrap_err();
        println!("{error}");
        assert!(error.contains(words), "{words}: {error}");
    }
    let error = told(&[]).unwrap_err();
    assert!(error.contains("asks to be tried later: nobody subscribes to `ot/incidents`"), "{error}");
    let said = told(&[("require_subscriber", Content::Boolean(false))]).unwrap();
    assert!(said.contains("no matching subscribers"), "{said}");
    let mut in_clear = in_clear(clear);
    in_clear.push(("require_subscriber", Content::Boolean(false)));
    let said = told(&in_clear).unwrap();
    assert!(said.contains("over plain TCP"), "{said}");

    broker.end("TERM");
    let (mut broker, _) = self::broker(folder.path(), "message_size_limit 150").unwrap();
    broker.start();
    let error = destination(folder.path(), broker.port, &[]).test(sample::at(0)).unwrap_err().to_string();
    assert!(error.contains("refused it for good: packet too large (0x95)"), "{error}");
}

#[test]
fn what_a_broker_says_it_takes_is_kept_to() {
    let folder = tempfile::tempdir().unwrap();
    let Some((mut broker, clear)) = broker(folder.path(), "max_packet_size 2500") else { return };
    broker.start();
    let reader = Reader::start(folder.path(), clear);
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let outbox =
        Outbox::start(&store, &[destination(folder.path(), broker.port, &[])], pace(), clock).unwrap();
    let mut large = sample::batch(5, 1);
    large.incidents[0].title = "x".repeat(9_000);
    store.record(large).unwrap();
    until("it is told", LONG, || waiting(&outbox) == 0);
    until("it is heard", LONG, || reader.heard().len() == 1);
    assert!(reader.heard()[0].contains("\"truncated\":true"), "{}", reader.heard()[0]);
    drop((outbox, reader, broker));

    let (mut broker, clear) = self::broker(folder.path(), "max_packet_size 1500").unwrap();
    broker.start();
    let reader = Reader::start(folder.path(), clear);
    let outbox =
        Outbox::start(&store, &[destination(folder.path(), broker.port, &[])], pace(), clock).unwrap();
    let mut large = sample::batch(6, 1);
    large.incidents[0].title = "x".repeat(9_000);
    store.record(large).unwrap();
    store.record(sample::batch(7, 1)).unwrap();
    until("all is told", LONG, || waiting(&outbox) == 0);
    until("it is heard", LONG, || reader.ids().contains(&format!("{:016x}", 7)));
    let dead = store.dead_letters("broker", 10).unwrap();
    assert_eq!(dead.len(), 1);
    assert!(format!("{dead:?}").contains("where it takes 1500"), "{dead:?}");
}
