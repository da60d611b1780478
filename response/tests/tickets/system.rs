//! A real ticket system, as its users see it.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{
    Section,
    section::{Content, Key, Node, Reader, Span},
};
use fieldwarden_response::{forward::Destination, http, outward};
use serde_json::Value;

/// A ticket as people see it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) number: String,
    pub(crate) subject: String,
    pub(crate) is_open: bool,
    pub(crate) priority: u64,
    /// The description, and what was written behind it.
    pub(crate) texts: Vec<String>,
}

impl Seen {
    /// How often one of its texts says this.
    pub(crate) fn says(&self, words: &str) -> usize {
        self.texts.iter().filter(|text| text.contains(words)).count()
    }
}

pub(crate) trait System: Send + Sync {
    /// The kind, as a configuration names it.
    fn kind(&self) -> &'static str;
    fn port(&self) -> u16;
    fn token(&self) -> String;
    /// What its table has beside what all have.
    fn rest(&self) -> Vec<(&'static str, Content)>;
    fn highest_priority(&self) -> u64;
    /// Tickets whose subject has these words, deleted ones not.
    fn tickets(&self, words: &str) -> Vec<Seen>;
    fn person_writes(&self, number: &str, text: &str);
    fn person_closes(&self, number: &str);
    fn person_reopens(&self, number: &str);
    fn person_moves(&self, number: &str);
    fn person_deletes(&self, number: &str);
}

/// The process of a peer, killed with the test.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Its children are of its group.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = self.0.wait();
    }
}

pub(crate) fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn await_port(port: u16, what: &str) {
    let until = Instant::now() + Duration::from_secs(90);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "{what} does not listen");
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn table(entries: &[(&str, Content)]) -> Section {
    let at = Span::default();
    let entry = |(name, value): &(&str, Content)| {
        (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
    };
    Section { path: "".into(), at, entries: entries.iter().map(entry).collect() }
}

/// What people do, by the system's own interface, straight to it.
pub(crate) struct Person {
    client: http::Client,
    header: (&'static str, String),
}

impl Person {
    pub(crate) fn of(folder: &Path, port: u16, header: (&'static str, String)) -> Self {
        authority(folder);
        let entries = [
            ("url", Content::Text(format!("http://127.0.0.1:{port}").into())),
            ("ca_file", Content::Text(folder.join("ca.pem").display().to_string().into())),
            ("timeout_ms", Content::Integer(60_000)),
        ];
        let section = table(&entries);
        let settings = http::Settings::read(&mut Reader::new(&section), "").unwrap();
        Self { client: http::Client::new(&settings).unwrap(), header }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let method = method.parse().unwrap();
        let body = body.map(ToString::to_string);
        let body = body.as_deref().map(|body| ("application/json", body));
        let headers = [(self.header.0, self.header.1.clone())];
        let answer = self.client.ask(&method, path, &headers, body).unwrap();
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_default()
    }
}

/// Some authority, for a client that wants one and speaks in the clear to this machine.
fn authority(folder: &Path) {
    let file = folder.join("ca.pem");
    if !file.exists() {
        let some = rcgen::generate_simple_self_signed(["x".into()]).unwrap();
        std::fs::write(file, some.cert.pem()).unwrap();
    }
}

/// The destination of a configuration that names this system, reached by way of `port`.
pub(crate) fn destination(
    system: &dyn System,
    folder: &Path,
    port: u16,
    changes: &[(&'static str, Content)],
) -> Arc<dyn Destination> {
    authority(folder);
    std::fs::write(folder.join("token"), system.token()).unwrap();
    let text = |text: String| Content::Text(text.into());
    let mut entries = vec![
        ("name", text("tickets".into())),
        ("url", text(format!("http://127.0.0.1:{port}"))),
        ("ca_file", text(folder.join("ca.pem").display().to_string())),
        ("token_file", text(folder.join("token").display().to_string())),
        ("site", text("north waterworks".into())),
        ("timeout_ms", Content::Integer(3_000)),
        ("poll_seconds", Content::Integer(1)),
    ];
    entries.extend(system.rest());
    entries.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    entries.extend_from_slice(changes);
    let at = Span::default();
    let list = Content::List(vec![Node { at, value: Content::Table(table(&entries)) }]);
    let kinds = table(&[(system.kind(), list)]);
    let file = table(&[("ticket", Content::Table(kinds))]);
    let mut reader = Reader::new(&file);
    let found = outward::configure(&mut reader);
    let faults = reader.finish();
    found.unwrap_or_else(|| panic!("{faults:?}")).remove(0)
}

/// The tickets about the incident of that number. Their words come off the wire: its digits end before the next sign.
pub(crate) fn of(system: &dyn System, number: u32) -> Vec<Seen> {
    let words = [format!("of pump {number}<"), format!("of pump {number}‹")];
    let mut found = system.tickets(&format!("of pump {number}"));
    found.retain(|seen| words.iter().any(|words| seen.subject.contains(words)));
    found
}
