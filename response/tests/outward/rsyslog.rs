//! A real rsyslog with mutual TLS: stopped, killed, started again, and asked what it holds.

use std::{
    collections::HashSet,
    fs,
    net::{TcpListener, TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    forward::syslog::{Origin, encode},
    outbox::{Outbox, Pace},
    store::{By, Status, Store, Told},
};

use crate::{
    parse::{self, Message, Parameters},
    pki, sample,
};

const BINARY: &str = "/usr/sbin/rsyslogd";

/// How it is spoken to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Tls,
    Tcp,
    Udp,
}

struct Rsyslog {
    folder: PathBuf,
    input: Input,
    port: u16,
    child: Option<Child>,
}

impl Rsyslog {
    /// None, loudly, where rsyslog with OpenSSL is not installed.
    fn prepare(folder: &Path, input: Input) -> Option<Self> {
        let driver =
            ["/usr/lib/x86_64-linux-gnu/rsyslog", "/usr/lib/aarch64-linux-gnu/rsyslog", "/usr/lib/rsyslog"]
                .iter()
                .any(|folder| Path::new(folder).join("lmnsd_ossl.so").exists());
        if !Path::new(BINARY).exists() || !driver {
            println!(
                "SKIPPED: {BINARY} or its OpenSSL driver is missing; install rsyslog and rsyslog-openssl"
            );
            return None;
        }
        pki::make(folder);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.display();
        let tls = format!(
            r#"DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="{at}/ca.pem"
  DefaultNetstreamDriverCertFile="{at}/server.pem" DefaultNetstreamDriverKeyFile="{at}/server.key""#
        );
        let mode = format!(
            r#"StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["{}"]"#,
            pki::GATEWAY
        );
        let (global, module, mode) = match input {
            Input::Tls => (tls.as_str(), "imtcp", mode.as_str()),
            Input::Tcp => ("", "imtcp", ""),
            Input::Udp => ("", "imudp", ""),
        };
        let configuration = format!(
            r#"global(workDirectory="{at}" maxMessageSize="64k" {global})
module(load="{module}" {mode})
input(type="{module}" port="{port}" address="127.0.0.1")
template(name="raw" type="string" string="%rawmsg%\n")
action(type="omfile" file="{at}/held" template="raw")
"#
        );
        fs::write(folder.join("rsyslog.conf"), configuration).unwrap();
        Some(Self { folder: folder.to_path_buf(), input, port, child: None })
    }

    fn start(&mut self) {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let child = Command::new(BINARY)
            .args(["-n", "-f", &at("rsyslog.conf"), "-i", &at("pid")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(10);
        let listens = || match self.input {
            Input::Udp => UdpSocket::bind(("127.0.0.1", self.port)).is_err(),
            Input::Tls | Input::Tcp => TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
        };
        while !listens() {
            assert!(Instant::now() < until, "rsyslog does not listen");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// With `KILL` it has no chance to write down what it holds in memory.
    fn end(&mut self, signal: &str) {
        let Some(mut child) = self.child.take() else { return };
        self.signal(&child, signal);
        child.wait().unwrap();
        let _ = fs::remove_file(self.folder.join("pid"));
    }

    fn signal(&self, child: &Child, signal: &str) {
        assert!(
            Command::new("kill")
                .args([&format!("-{signal}"), &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    fn held(&self) -> Vec<Message> {
        held(&self.folder)
    }
}

/// What a collector wrote into the file `held`, a message a line.
pub(crate) fn held(folder: &Path) -> Vec<Message> {
    let bytes = fs::read(folder.join("held")).unwrap_or_default();
    let whole = |line: &[u8]| {
        // A kill may leave half a line, to which the next run appends.
        let start = (0..line.len()).rev().find(|at| line[*at..].starts_with(b"<"))?;
        parse::message(line).or_else(|_| parse::message(&line[start..])).ok()
    };
    bytes.split(|byte| *byte == b'\n').filter_map(whole).collect()
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        self.end("KILL");
    }
}

pub(crate) fn clock() -> Timestamp {
    sample::at(0)
}

pub(crate) fn pace() -> Pace {
    Pace::between(Duration::from_millis(100), Duration::from_secs(1), 7)
}

pub(crate) fn without_repeats(messages: Vec<Message>) -> Vec<Message> {
    let mut seen = HashSet::new();
    let key =
        |message: &Message| (message.parameter("id").to_owned(), message.parameter("revision").to_owned());
    messages.into_iter().filter(|message| message.msgid == "INCIDENT" && seen.insert(key(message))).collect()
}

/// What the collector must hold, said with our own encoder and taken apart with the strict parser.
pub(crate) fn expected(store: &Store) -> Vec<Message> {
    let origin = |message: &Told| {
        let origin = Origin { hostname: "g".into(), process: 1, facility: 4, max_bytes: 8_192, format: None };
        parse::message(encode(message, &origin).as_bytes()).unwrap()
    };
    store.revisions(0, 1_000_000).unwrap().iter().map(|waiting| origin(&waiting.told)).collect()
}

pub(crate) fn content(messages: &[Message]) -> Vec<(&str, &Parameters, &str)> {
    messages.iter().map(|m| (m.time.as_str(), &m.parameters, m.text.as_str())).collect()
}

pub(crate) fn wait_until_delivered(outbox: &Outbox, longest: Duration) {
    let until = Instant::now() + longest;
    loop {
        let status = outbox.status().unwrap();
        if status.iter().all(|way| way.backlog.waiting == 0) {
            return;
        }
        assert!(Instant::now() < until, "{status:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_the_collector_holds_equals_the_store_however_often_it_died() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut rsyslog) = Rsyslog::prepare(folder.path(), Input::Tls) else { return };
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let destination = pki::destination(folder.path(), rsyslog.port, &[]);
    let outbox = Outbox::start(&store, &[destination], pace(), clock).unwrap();
    let recording = thread::spawn({
        let store = store.clone();
        move || {
            for n in 0..1_980u32 {
                store.record(sample::batch(n % 60, u64::from(n / 60) + 1)).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            for n in 0..20 {
                let by = By { operator: "jo".into(), time: sample::at(99) };
                store.set_status(&sample::incident(n, 1).id, Status::Acknowledged, by).unwrap();
            }
        }
    });
    // The attack begins while the collector is down.
    thread::sleep(Duration::from_millis(700));
    for (signal, up) in
        [("KILL", 900), ("TERM", 1_700), ("KILL", 2_600), ("STOP", 2_500), ("KILL", 600), ("TERM", 450)]
    {
        rsyslog.start();
        thread::sleep(Duration::from_millis(up));
        if signal == "STOP" {
            // It hangs with the connection open, reads nothing for longer than the confirmation takes, and dies.
            rsyslog.signal(rsyslog.child.as_ref().unwrap(), "STOP");
            thread::sleep(Duration::from_millis(2_500));
            rsyslog.end("KILL");
        } else {
            rsyslog.end(signal);
        }
        thread::sleep(Duration::from_millis(300));
    }
    recording.join().unwrap();
    rsyslog.start();
    wait_until_delivered(&outbox, Duration::from_secs(60));
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
    rsyslog.end("TERM");
    let all = rsyslog.held();
    let repeats = all.len();
    let held = without_repeats(all);
    let expected = expected(&store);
    assert_eq!(expected.len(), 2_000);
    println!("{} messages held, {} repeats", repeats, repeats - held.len());
    assert!(content(&held) == content(&expected), "{} held, {} expected", held.len(), expected.len());
}

#[test]
fn each_mistake_in_the_certificates_is_told_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut rsyslog) = Rsyslog::prepare(folder.path(), Input::Tls) else { return };
    rsyslog.start();
    let file = |name: &str| Content::Text(folder.path().join(name).display().to_string().into());
    let told = |changes: &[(&str, Content)]| {
        let destination = pki::destination(folder.path(), rsyslog.port, changes);
        destination.test(sample::at(0)).map_err(|error| error.to_string())
    };
    for (changes, words) in [
        (vec![("ca_file", file("rogueca.pem"))], "its certificate was issued by none of the authorities in"),
        (
            vec![("server_name", Content::Text("other.test".into()))],
            "its certificate is not for `other.test`",
        ),
        (
            vec![("certificate_file", file("rogue.pem")), ("key_file", file("rogue.key"))],
            "refuses our certificate",
        ),
        (vec![("key_file", file("rogue.key"))], "is not the key of"),
        (vec![("key_file", file("absent.key"))], "absent.key"),
    ] {
        let error = told(&changes).unwrap_err();
        println!("{error}");
        assert!(error.contains(words), "{changes:?}: {error}");
    }
    let fine = told(&[]).unwrap();
    println!("{fine}");
    assert!(fine.contains("accepted our certificate over TLS 1.3, read the test message"), "{fine}");
    rsyslog.end("TERM");
    assert_eq!(rsyslog.held().last().map(|message| message.msgid.clone()), Some("TEST".into()));
}

#[test]
fn over_plain_tcp_what_a_killed_collector_lost_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut rsyslog) = Rsyslog::prepare(folder.path(), Input::Tcp) else { return };
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let plain = [("transport", Content::Text("tcp".into()))];
    let outbox =
        Outbox::start(&store, &[pki::destination(folder.path(), rsyslog.port, &plain)], pace(), clock)
            .unwrap();
    for n in 0..300u32 {
        store.record(sample::batch(n % 60, u64::from(n / 60) + 1)).unwrap();
    }
    for (signal, up) in [("KILL", 900), ("TERM", 1_700), ("KILL", 600)] {
        rsyslog.start();
        thread::sleep(Duration::from_millis(up));
        rsyslog.end(signal);
    }
    rsyslog.start();
    let test = pki::destination(folder.path(), rsyslog.port, &plain).test(sample::at(0)).unwrap();
    assert!(test.contains("read the test message over plain TCP"), "{test}");
    wait_until_delivered(&outbox, Duration::from_secs(60));
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
    rsyslog.end("TERM");
    let (held, expected) = (without_repeats(rsyslog.held()), expected(&store));
    assert!(content(&held) == content(&expected), "{} held, {} expected", held.len(), expected.len());
}

#[test]
fn over_udp_all_arrives_where_somebody_listens_and_where_nobody_does_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut rsyslog) = Rsyslog::prepare(folder.path(), Input::Udp) else { return };
    let plain = [("transport", Content::Text("udp".into())), ("format", Content::Text("cef".into()))];
    let port = rsyslog.port;
    let destination = || pki::destination(folder.path(), port, &plain);
    let nobody = destination().test(sample::at(0)).unwrap_err().to_string();
    assert!(nobody.contains("nobody listens there for datagrams"), "{nobody}");
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    for n in 0..100u32 {
        store.record(sample::batch(n, 1)).unwrap();
    }
    let outbox = Outbox::start(&store, &[destination()], pace(), clock).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while outbox.status().unwrap()[0].last_error.is_none() {
        assert!(Instant::now() < end, "the outbox does not hear that nobody listens");
        thread::sleep(Duration::from_millis(20));
    }
    rsyslog.start();
    wait_until_delivered(&outbox, Duration::from_secs(60));
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
    let told = destination().test(sample::at(0)).unwrap();
    assert!(told.contains("whether it arrived nobody knows"), "{told}");
    thread::sleep(Duration::from_millis(200));
    rsyslog.end("TERM");
    let held = fs::read_to_string(rsyslog.folder.join("held")).unwrap();
    let ids: HashSet<&str> =
        held.lines().filter_map(|line| line.split("externalId=").nth(1)?.split(' ').next()).collect();
    assert_eq!(ids.len(), 100, "each incident is there");
}
