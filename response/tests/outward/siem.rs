//! Splunk and Elasticsearch, as their makers' pages describe them: what is acknowledged is told once, what is not is told again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, Pace},
    store::Store,
};
use serde_json::{Value, json};

use crate::{
    files::destinations,
    peer::{Reply, Request, serve},
    sample,
};

fn clock() -> Timestamp {
    sample::at(0)
}

pub(crate) fn destination(
    kind: &str,
    folder: &Path,
    port: u16,
    more: &[(&'static str, Content)],
) -> Arc<dyn Destination> {
    fs::write(folder.join("secret"), "s3cret\n").unwrap();
    let authority = rcgen::generate_simple_self_signed(["x".into()]).unwrap();
    fs::write(folder.join("ca.pem"), authority.cert.pem()).unwrap();
    let text = |text: String| Content::Text(text.into());
    let file = |name: &str| text(folder.join(name).display().to_string());
    let mut entries = vec![
        ("name", text("siem".into())),
        ("url", text(format!("http://127.0.0.1:{port}"))),
        ("ca_file", file("ca.pem")),
        (if kind == "splunk_hec" { "token_file" } else { "api_key_file" }, file("secret")),
        ("timeout_ms", Content::Integer(600)),
    ];
    entries.extend(more.iter().cloned());
    destinations(kind, &entries).unwrap().remove(0)
}

pub(crate) fn told(folder: &Path, way: Arc<dyn Destination>, incidents: u32) -> (Store, Outbox) {
    let store = Store::open(&folder.join("store.sqlite")).unwrap();
    let pace = Pace::between(Duration::from_millis(10), Duration::from_millis(40), 7);
    let outbox = Outbox::start(&store, &[way], pace, clock).unwrap();
    for n in 0..incidents {
        store.record(sample::batch(n, 1)).unwrap();
    }
    let end = Instant::now() + Duration::from_secs(30);
    while outbox.status().unwrap()[0].backlog.waiting > 0 {
        assert!(Instant::now() < end, "{:?}", outbox.status());
        thread::sleep(Duration::from_millis(20));
    }
    (store, outbox)
}

fn last_error(outbox: &Outbox) -> String {
    outbox.status().unwrap()[0].last_error.clone().unwrap().1
}

/// A collector with its indexers: events, by the number it gave each, and those it indexed.
#[derive(Default)]
pub(crate) struct Splunk {
    events: Vec<Value>,
    indexed: BTreeSet<u64>,
}

impl Splunk {
    /// "About HTTP Event Collector Indexer Acknowledgment".
    pub(crate) fn hear(&mut self, request: &Request, takes: bool) -> Reply {
        assert_eq!(request.headers["authorization"], "Splunk s3cret");
        let channel = &request.headers["x-splunk-request-channel"];
        assert_eq!(channel.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{channel}");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if request.path == "/services/collector/event" {
            let number = self.events.len() as u64;
            self.events.push(body);
            if takes {
                self.indexed.insert(number);
            }
            return Reply::Body("200 OK", json!({"text": "Success", "code": 0, "ackId": number}).to_string());
        }
        assert_eq!(request.path, format!("/services/collector/ack?channel={channel}"));
        let acks: BTreeMap<String, bool> = body["acks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|number| (number.to_string(), self.indexed.contains(&number.as_u64().unwrap())))
            .collect();
        Reply::Body("200 OK", json!({"acks": acks}).to_string())
    }

    pub(crate) fn ids(&self, indexed: bool) -> Vec<String> {
        let numbered = (0..).zip(&self.events).filter(|(n, _)| !indexed || self.indexed.contains(n));
        numbered.map(|(_, event)| event["event"]["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn what_the_indexers_have_is_told_and_what_they_lost_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let splunk: Arc<Mutex<Splunk>> = Arc::default();
    let hears = Arc::clone(&splunk);
    // The events of its first second are lost with its memory.
    let since = Instant::now();
    let (port, _) = serve(move |_, request| {
        hears.lock().unwrap().hear(request, since.elapsed() > Duration::from_secs(1))
    });
    let more = [("confirm_after_ms", Content::Integer(1_000)), ("index", Content::Text("ot".into()))];
    let (_store, outbox) = told(folder.path(), destination("splunk_hec", folder.path(), port, &more), 5);
    let splunk = splunk.lock().unwrap();
    let expected: BTreeSet<String> = (0..5).map(|n| format!("{n:016x}")).collect();
    assert_eq!(splunk.ids(true).into_iter().collect::<BTreeSet<_>>(), expected, "each is indexed");
    assert!(splunk.ids(false).len() > 5, "what was lost was told again");
    let event = &splunk.events[0];
    assert_eq!(
        (event["sourcetype"].as_str(), event["index"].as_str()),
        (Some("fieldwarden:incident"), Some("ot"))
    );
    assert_eq!(event["time"], "1767323046.000");
    assert!(last_error(&outbox).contains("has taken nothing in"), "{}", last_error(&outbox));
}

#[test]
fn of_splunks_refusals_only_those_about_the_event_are_for_good() {
    for (code, text, is_for_good) in [
        (6, "Invalid data format", true),
        (7, "Incorrect index", false),
        (10, "Data channel is missing", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let splunk: Arc<Mutex<Splunk>> = Arc::default();
        let (port, _) = serve(move |n, request| match n {
            0 => Reply::Body("400 Bad Request", json!({"text": text, "code": code}).to_string()),
            _ => splunk.lock().unwrap().hear(request, true),
        });
        let (store, outbox) = told(folder.path(), destination("splunk_hec", folder.path(), port, &[]), 2);
        assert_eq!(store.backlogs().unwrap()[0].dead, u64::from(is_for_good), "{text}");
        assert!(last_error(&outbox).contains(text), "{}", last_error(&outbox));
    }
}

/// "Bulk index or delete documents": one action and its document, of which one line of the answer speaks.
pub(crate) fn bulk(request: &Request, documents: &mut BTreeMap<String, Value>) -> Value {
    let kind = request.headers["content-type"].as_str();
    assert_eq!((request.path.as_str(), kind), ("/_bulk", "application/x-ndjson"));
    assert_eq!(request.headers["authorization"], "ApiKey s3cret");
    let text = std::str::from_utf8(&request.body).unwrap();
    assert!(text.ends_with('\n'), "NDJSON ends with a line end");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0]["create"]["_index"], "fieldwarden-incidents");
    let id = lines[0]["create"]["_id"].as_str().unwrap().to_owned();
    let is_new = documents.insert(id.clone(), lines[1].clone()).is_none();
    let status = if is_new { 201 } else { 409 };
    json!({"took": 1, "errors": !is_new, "items": [{"create": {"_id": id, "status": status}}]})
}

#[test]
fn each_document_is_there_once_whatever_was_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let documents: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
    let hears = Arc::clone(&documents);
    let item = |status: u16, kind: &str| {
        let error = json!({"type": kind, "reason": "as the test says"});
        json!({"errors": true, "items": [{"create": {"status": status, "error": error}}]}).to_string()
    };
    let rejected = item(429, "es_rejected_execution_exception");
    let unparsed = item(400, "document_parsing_exception");
    let (port, heard) = serve(move |n, request| {
        if n == 3 {
            return Reply::Body("200 OK", rejected.clone());
        }
        if n == 5 {
            return Reply::Body("200 OK", unparsed.clone());
        }
        let answer = bulk(request, &mut hears.lock().unwrap());
        // It took the second, and its answer is lost on the way.
        if n == 1 { Reply::Cut } else { Reply::Body("200 OK", answer.to_string()) }
    });
    let way = destination("elasticsearch", folder.path(), port, &[]);
    let (store, _outbox) = told(folder.path(), way, 5);
    let documents = documents.lock().unwrap();
    assert_eq!(heard.lock().unwrap().len(), 7, "one was repeated, one tried later");
    assert_eq!(store.backlogs().unwrap()[0].dead, 1, "one was no document to it");
    assert_eq!(documents.len(), 4);
    for (id, document) in documents.iter() {
        assert_eq!(id.split(':').next().unwrap(), document["fieldwarden"]["id"]);
        assert_eq!(document["event"]["kind"], "alert");
    }
}

#[test]
fn a_test_says_what_came_back() {
    let folder = tempfile::tempdir().unwrap();
    let splunk: Arc<Mutex<Splunk>> = Arc::default();
    let (port, _) = serve(move |_, request| splunk.lock().unwrap().hear(request, true));
    let said = destination("splunk_hec", folder.path(), port, &[]).test(sample::at(0)).unwrap();
    assert!(said.contains("it acknowledges events"), "{said}");
    let (port, _) =
        serve(|_, request| Reply::Body("200 OK", bulk(request, &mut BTreeMap::new()).to_string()));
    let said = destination("elasticsearch", folder.path(), port, &[]).test(sample::at(0)).unwrap();
    assert!(said.contains("took a test document into `fieldwarden-incidents`"), "{said}");
    let (port, _) = serve(|_, _| Reply::Status("403 Forbidden"));
    for kind in ["splunk_hec", "elasticsearch"] {
        let error = destination(kind, folder.path(), port, &[]).test(sample::at(0)).unwrap_err().to_string();
        assert!(error.contains("403 Forbidden"), "{error}");
    }
}

#[test]
fn faults_of_a_table_are_told() {
    let text = |text: &str| Content::Text(text.into());
    let faults = destinations(
        "elasticsearch",
        &[("name", text("x")), ("url", text("https://e.example:9200")), ("index", text("_Bad"))],
    );
    assert!(faults.unwrap_err()[0].contains("no name of an index"));
    let faults = destinations("splunk_hec", &[("name", text("x")), ("url", text("https://s.example:8088"))]);
    assert!(faults.unwrap_err()[0].contains("`token_file` is missing"));
}
