//! The services of people: each spoken to as its own documentation says, an incident's whole life held against a payload that a person has read.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use fieldwarden_model::{OrderState, Severity, section::Content};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, State},
    store::{Status, Store},
};
use serde_json::{Value, json};

use crate::{
    peer::{Reply, Request, serve},
    people::{by, drained, last_error, list, moved, notifier, order, record, start, store, text, until},
    sample,
};

const PATH: &str =
    "/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sig=S3cret";

fn way(kind: &str, folder: &Path, port: u16, more: &[(&'static str, Content)]) -> Arc<dyn Destination> {
    fs::write(folder.join("token"), "t0ken\n").unwrap();
    fs::write(folder.join("path"), PATH).unwrap();
    fs::write(folder.join("ca.pem"), rcgen::generate_simple_self_signed(["x".into()]).unwrap().cert.pem())
        .unwrap();
    let file = |name: &str| text(folder.join(name).to_str().unwrap());
    let secret = if kind == "teams" { ("path_file", file("path")) } else { ("token_file", file("token")) };
    let mut entries = vec![
        ("name", text("people")),
        ("url", text(&format!("http://127.0.0.1:{port}"))),
        ("ca_file", file("ca.pem")),
        ("timeout_ms", Content::Integer(600)),
        secret,
    ];
    entries.extend(more.iter().cloned());
    notifier(kind, &entries).unwrap()
}

/// An incident from its beginning to its second one, so that each message is there before what comes next.
fn life(store: &Store, outbox: &Outbox, heard: &Mutex<Vec<Request>>, after_order: usize) {
    record(store, 0, 1, Severity::High);
    drained(outbox);
    record(store, 0, 2, Severity::High);
    record(store, 0, 3, Severity::Critical);
    drained(outbox);
    order(store, OrderState::Kept, "order-kept");
    until("the order is told", || heard.lock().unwrap().len() >= after_order);
    for status in [Status::Acknowledged, Status::Closed] {
        moved(store, 0, status);
    }
    record(store, 0, 9, Severity::Critical);
    drained(outbox);
}

/// Without what differs from machine to machine and from moment to moment.
fn settled(text: &str) -> String {
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let told = |line: &str| match line.split_once(&format!("Told by {} at ", hostname.trim())) {
        Some((before, _)) => format!("{before}Told by GATEWAY at TIME; times are UTC."),
        None => line.to_owned(),
    };
    text.lines().map(told).collect::<Vec<_>>().join("\n")
}

fn settle(value: Value) -> Value {
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    match value {
        Value::String(text) if text == hostname.trim() => "GATEWAY".into(),
        Value::String(text) => settled(&text).into(),
        Value::Array(values) => values.into_iter().map(settle).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, settle(value))).collect(),
        other => other,
    }
}

/// Holds requests against the golden ones; `UPDATE_EXPECT=1` writes them anew.
fn golden(kind: &str, requests: &[Request]) {
    let told: Vec<Value> = requests
        .iter()
        .map(|request| {
            let body = serde_json::from_slice(&request.body).unwrap();
            let to = format!("{} {}", request.method, request.path);
            json!({"to": to, "authorization": request.headers.get("authorization"), "body": settle(body)})
        })
        .collect();
    let text = serde_json::to_string_pretty(&told).unwrap() + "\n";
    let file = format!("{}/tests/outward/golden/notify/{kind}.json", env!("CARGO_MANIFEST_DIR"));
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(Path::new(&file).parent().unwrap()).unwrap();
        fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&file).unwrap(), "{file}");
}

fn body(request: &Request) -> Value {
    assert_eq!(request.headers["content-type"], "application/json");
    serde_json::from_slice(&request.body).unwrap()
}

/// "chat.postMessage": the parent of a thread has to be there, and each message has a `ts` of its own.
fn slack(number: usize, request: &Request) -> Reply {
    assert_eq!(
        (request.path.as_str(), request.headers["authorization"].as_str()),
        ("/chat.postMessage", "Bearer t0ken")
    );
    let body = body(request);
    let error = match (&body["channel"], &body["text"], &body["thread_ts"]) {
        (Value::String(channel), ..) if channel != "C0123456789" => "channel_not_found",
        (_, Value::String(text), _) if text.len() > 40_000 => "msg_too_long",
        (_, Value::String(_), Value::Null) => "",
        (_, Value::String(_), Value::String(ts)) if ts == "1700000000.000000" => "",
        _ => "thread_not_found",
    };
    let answer = json!({"ok": error.is_empty(), "error": error, "ts": format!("1700000000.{number:06}")});
    Reply::Body("200 OK", answer.to_string())
}

#[test]
fn slack_holds_an_incident_as_one_thread_also_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(slack);
    let more = [("channel", text("C0123456789")), ("to", list(&["U0000000001", "S0000000002"]))];
    let way = way("slack", folder.path(), port, &more);
    let store = store(folder.path());
    let outbox = start(&store, &way);
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    outbox.stop(Duration::from_secs(5));
    let outbox = start(&store, &way);
    life(&store, &outbox, &heard, 3);
    let heard = heard.lock().unwrap().clone();
    golden("slack", &heard);
    assert_eq!(heard.len(), 5, "opened, rose, contained, closed, reopened");
    for request in &heard[1..] {
        assert_eq!(body(request)["thread_ts"], "1700000000.000000");
    }
}

#[test]
fn of_what_slack_says_only_what_is_about_the_message_is_for_good() {
    for (error, is_for_good) in [("msg_too_long", true), ("invalid_auth", false), ("ratelimited", false)] {
        let folder = tempfile::tempdir().unwrap();
        let (port, _) = serve(move |number, request| match number {
            0 => Reply::Body("200 OK", json!({"ok": false, "error": error}).to_string()),
            _ => slack(0, request),
        });
        let store = store(folder.path());
        let outbox = start(&store, &way("slack", folder.path(), port, &[("channel", text("C0123456789"))]));
        record(&store, 0, 1, Severity::High);
        record(&store, 1, 1, Severity::High);
        drained(&outbox);
        assert_eq!(store.backlogs().unwrap()[0].dead, u64::from(is_for_good), "{error}");
        assert!(last_error(&outbox).contains(error), "{}", last_error(&outbox));
    }
}

#[test]
fn nobody_is_mentioned_and_no_link_made_by_a_name_on_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(slack);
    let (cards, carded) = serve(|_, _| Reply::Status("202 Accepted"));
    let title = "<!channel> <https://evil.example|Dosing> & [PLC](https://evil.example)\r\n\u{202e}x";
    for (kind, port, more) in
        [("slack", port, vec![("channel", text("C0123456789"))]), ("teams", cards, vec![])]
    {
        let folder = tempfile::tempdir_in(folder.path()).unwrap();
        let store = store(folder.path());
        let outbox = start(&store, &way(kind, folder.path(), port, &more));
        let mut incident = sample::incident(0, 1);
        incident.title = title.into();
        store
            .record(fieldwarden_response::store::Batch {
                time: incident.last,
                incidents: vec![incident],
                ..Default::default()
            })
            .unwrap();
        drained(&outbox);
    }
    let said = body(&heard.lock().unwrap()[0])["text"].as_str().unwrap().to_owned();
    assert!(!said.contains(['<', '>', '\u{202e}', '\r']), "{said}");
    assert!(said.contains("&lt;!channel&gt;"), "{said}");
    let card = body(&carded.lock().unwrap()[0]);
    let blocks = card["attachments"][0]["content"]["body"].as_array().unwrap().clone();
    assert!(blocks.iter().all(|block| block["type"] == "RichTextBlock"), "markup is nothing there: {card}");
}

/// A workflow that takes what its trigger's schema describes, up to 28 KB.
fn teams(_: usize, request: &Request) -> Reply {
    assert_eq!(request.path, PATH);
    assert!(!request.headers.contains_key("authorization"));
    let body = body(request);
    let card = &body["attachments"][0];
    let is_one = body["type"] == "message"
        && card["contentType"] == "application/vnd.microsoft.card.adaptive"
        && card["content"]["type"] == "AdaptiveCard"
        && request.body.len() <= 28 * 1_024;
    Reply::Status(if is_one { "202 Accepted" } else { "400 Bad Request" })
}

#[test]
fn teams_gets_cards_and_nobody_sees_the_secret_in_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) =
        serve(|number, request| if number == 0 { Reply::Status("500 Oops") } else { teams(number, request) });
    let store = store(folder.path());
    let outbox = start(&store, &way("teams", folder.path(), port, &[]));
    life(&store, &outbox, &heard, 4);
    let shown = format!("{outbox:?} {:?} {}", outbox.status(), last_error(&outbox));
    assert!(shown.contains("500") && !shown.contains("S3cret") && !shown.contains("workflows"), "{shown}");
    let mut requests = heard.lock().unwrap().clone();
    requests.remove(0);
    for request in &mut requests {
        request.path = "THE SECRET PATH".into();
    }
    golden("teams", &requests);
}

/// "Send an event": what each action needs, and what becomes of the alert of a key.
fn pagerduty(alerts: &Mutex<BTreeMap<String, Vec<String>>>, request: &Request) -> Reply {
    let body = body(request);
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let payload = &body["payload"];
    let is_whole = text("event_action") != "trigger"
        || (payload["summary"].as_str().is_some_and(|summary| summary.len() <= 1_024)
            && payload["source"].is_string()
            && ["critical", "error", "warning", "info"].iter().any(|word| payload["severity"] == *word));
    if request.path != "/v2/enqueue"
        || text("routing_key") != "t0ken"
        || text("dedup_key").len() > 255
        || !is_whole
    {
        return Reply::Body("400 Bad Request", json!({"status": "invalid event"}).to_string());
    }
    alerts.lock().unwrap().entry(text("dedup_key")).or_default().push(text("event_action"));
    let answer = json!({"status": "success", "message": "Event processed", "dedup_key": text("dedup_key")});
    Reply::Body("202 Accepted", answer.to_string())
}

#[test]
fn pagerduty_keeps_one_alert_for_an_incident_and_ends_it_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let alerts: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
    let told = Arc::clone(&alerts);
    let (port, heard) = serve(move |_, request| pagerduty(&told, request));
    let way = way("pagerduty", folder.path(), port, &[]);
    let store = store(folder.path());
    let outbox = start(&store, &way);
    life(&store, &outbox, &heard, 3);
    golden("pagerduty", &heard.lock().unwrap());
    let actions = ["trigger", "trigger", "trigger", "acknowledge", "resolve", "trigger"];
    assert_eq!(alerts.lock().unwrap()["0000000000000000"], actions);
    assert_eq!(store.backlogs().unwrap()[0].dead, 0);
    // The peer hears one connection at a time.
    outbox.stop(Duration::from_secs(5));
    let said = way.test(sample::at(0)).unwrap();
    assert!(said.contains("took the test message"), "{said}");
    assert_eq!(alerts.lock().unwrap()["fieldwarden-test"], ["trigger", "resolve"], "nobody tidies up");
}

/// "Alert API": an alias has one open alert; what is done to one that is not there is taken, and forgotten.
fn opsgenie(alerts: &Mutex<BTreeMap<String, Vec<String>>>, request: &Request) -> Reply {
    assert_eq!(request.headers["authorization"], "GenieKey t0ken");
    let body = body(request);
    let mut alerts = alerts.lock().unwrap();
    if request.path == "/v2/alerts" {
        let fits =
            |key: &str, most: usize| body[key].as_str().is_some_and(|text| text.chars().count() <= most);
        let is_whole =
            fits("message", 130) && fits("alias", 512) && fits("description", 15_000) && fits("source", 100);
        if !is_whole || !["P1", "P2", "P3", "P4", "P5"].iter().any(|word| body["priority"] == *word) {
            return Reply::Status("422 Unprocessable Entity");
        }
        let alias = body["alias"].as_str().unwrap().to_owned();
        alerts.entry(alias).or_default().push(format!("create {}", body["priority"].as_str().unwrap()));
    } else {
        let (path, query) = request.path.split_once('?').unwrap();
        assert_eq!(query, "identifierType=alias");
        let (alias, verb) = path.strip_prefix("/v2/alerts/").unwrap().split_once('/').unwrap();
        let method = if verb == "priority" { "PUT" } else { "POST" };
        assert_eq!(request.method, method);
        let what = body["priority"]
            .as_str()
            .map_or_else(|| verb.to_owned(), |priority| format!("{verb} {priority}"));
        alerts.get_mut(alias).unwrap().push(what);
    }
    let answer = json!({"result": "Request will be processed", "took": 0.1, "requestId": "43a29c5c"});
    Reply::Body("202 Accepted", answer.to_string())
}

#[test]
fn opsgenie_keeps_one_alert_for_an_incident_and_its_priority_rises_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let alerts: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
    let told = Arc::clone(&alerts);
    let (port, heard) = serve(move |_, request| opsgenie(&told, request));
    let way = way("opsgenie", folder.path(), port, &[]);
    let store = store(folder.path());
    let outbox = start(&store, &way);
    life(&store, &outbox, &heard, 4);
    golden("opsgenie", &heard.lock().unwrap());
    let done = ["create P2", "notes", "priority P1", "notes", "acknowledge", "close", "create P1"];
    assert_eq!(alerts.lock().unwrap()["0000000000000000"], done);
    outbox.stop(Duration::from_secs(5));
    way.test(sample::at(0)).unwrap();
    assert_eq!(alerts.lock().unwrap()["fieldwarden-test"], ["create P5", "close"]);
}

/// "Publish as JSON".
fn ntfy(request: &Request) -> Reply {
    let body = body(request);
    let is_one = request.path == "/"
        && body["topic"].is_string()
        && body["message"].as_str().is_some_and(|text| text.len() <= 4_096)
        && body["priority"].as_u64().is_some_and(|priority| (1..=5).contains(&priority))
        && body["tags"].is_array();
    let status = if is_one { "200 OK" } else { "400 Bad Request" };
    Reply::Body(status, json!({"id": "sPs71M8A2T", "event": "message"}).to_string())
}

#[test]
fn ntfy_tells_each_topic_and_whoever_has_it_is_not_told_again_because_another_has_not() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(|number, request| match number {
        1 => Reply::Status("503 Service Unavailable"),
        3 => Reply::Cut,
        _ => ntfy(request),
    });
    let store = store(folder.path());
    let topics = list(&["shift-a", "shift-b", "shift-c"]);
    let outbox = start(&store, &way("ntfy", folder.path(), port, &[("to", topics)]));
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    let heard = heard.lock().unwrap().clone();
    let topics: Vec<String> =
        heard.iter().map(|request| body(request)["topic"].as_str().unwrap().to_owned()).collect();
    assert_eq!(topics, ["shift-a", "shift-b", "shift-b", "shift-c", "shift-c"]);
    assert_eq!(heard[1].key(), heard[2].key(), "under the same key");
    golden("ntfy", &heard[..1]);
}

#[test]
fn a_digest_that_is_refused_is_a_dead_letter_of_each_incident_and_can_be_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) =
        serve(|number, request| if number == 1 { Reply::Status("400 Bad Request") } else { ntfy(request) });
    let store = store(folder.path());
    let more = [
        ("to", list(&["shift"])),
        ("storm_messages", Content::Integer(1)),
        ("storm_secs", Content::Integer(2)),
    ];
    let outbox = start(&store, &way("ntfy", folder.path(), port, &more));
    for number in 0..3 {
        record(&store, number, 1, Severity::High);
    }
    until("the digest is refused", || store.backlogs().unwrap()[0].dead == 2);
    let letters = store.dead_letters("people", 9).unwrap();
    assert!(letters.iter().all(|letter| letter.revision == 1 && letter.why.contains("400")), "{letters:?}");
    assert_eq!(outbox.revive("people", by()).unwrap(), Some((2, 0)));
    until("both are told again", || heard.lock().unwrap().len() == 4);
    let heard = heard.lock().unwrap();
    assert!(body(&heard[1])["title"].as_str().unwrap().contains("2 incidents with news"));
    for (request, id) in heard[2..].iter().zip(["0000000000000001", "0000000000000002"]) {
        let text = body(request)["message"].as_str().unwrap().to_owned();
        assert!(text.contains(id) && text.contains("told again"), "{text}");
    }
}

#[test]
fn a_text_message_is_what_the_gateway_s_own_template_says() {
    let folder = tempfile::tempdir().unwrap();
    let (port, heard) = serve(|_, _| Reply::Status("200 OK"));
    let store = store(folder.path());
    let numbers = list(&["+4930123456", "+4930123457"]);
    let outbox = start(&store, &way("sms", folder.path(), port, &[("to", numbers.clone())]));
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    golden("sms", &heard.lock().unwrap());
    let (port, heard) = serve(|_, _| Reply::Status("200 OK"));
    let other = tempfile::tempdir().unwrap();
    let store = crate::people::store(other.path());
    let more =
        [("to", numbers), ("encoding", text("form")), ("template", text("From=Plant&To={to}&Body={text}"))];
    let outbox = start(&store, &way("sms", other.path(), port, &more));
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0].headers["content-type"], "application/x-www-form-urlencoded");
    let said = String::from_utf8(heard[0].body.clone()).unwrap();
    let begin = "From=Plant&To=%2B4930123456&Body=%5BHIGH%5D%20Dosing%20PLC%3A%20Unknown%20laptop";
    assert!(said.starts_with(begin) && said.matches('&').count() == 2, "{said}");
}

#[test]
fn whatever_a_service_does_each_message_arrives_in_order_and_the_refused_one_can_be_told_again() {
    for (what, fault, is_dead) in [
        ("cuts", Reply::Cut, false),
        ("lies", Reply::Lie, false),
        ("stalls", Reply::Stall, false),
        ("fails", Reply::Status("500 Internal Server Error"), false),
        ("is overrun", Reply::Status("429 Too Many Requests"), false),
        ("does not know us", Reply::Status("403 Forbidden"), false),
        ("refuses", Reply::Status("400 Bad Request"), true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (port, heard) =
            serve(move |n, _| if n == 1 { fault.clone() } else { Reply::Status("202 Accepted") });
        let store = store(folder.path());
        let outbox = start(&store, &way("pagerduty", folder.path(), port, &[]));
        for number in 0..4 {
            record(&store, number, 1, Severity::High);
        }
        drained(&outbox);
        let keys = |heard: &[Request]| -> Vec<String> {
            let mut keys: Vec<String> =
                heard.iter().map(|request| body(request)["dedup_key"].as_str().unwrap().to_owned()).collect();
            keys.dedup();
            keys
        };
        let all: Vec<String> = (0..4).map(|n| format!("{n:016x}")).collect();
        assert_eq!(keys(&heard.lock().unwrap()), all, "{what}");
        assert_eq!(store.backlogs().unwrap()[0].dead, u64::from(is_dead), "{what}");
        assert!(
            last_error(&outbox).contains(&format!("127.0.0.1:{port}")),
            "{what}: {}",
            last_error(&outbox)
        );
        if is_dead {
            assert_eq!(outbox.revive("people", by()).unwrap(), Some((1, 0)));
            drained(&outbox);
            assert_eq!(keys(&heard.lock().unwrap()).last().unwrap(), &all[1]);
            assert!(outbox.pause("people", true, by()).unwrap());
            until("it pauses", || outbox.status().unwrap()[0].state == State::Paused);
            record(&store, 9, 1, Severity::High);
            assert_eq!(outbox.status().unwrap()[0].backlog.waiting, 1);
        }
    }
}

#[test]
fn faults_of_a_table_are_told() {
    let entries = |more: &[(&'static str, Content)]| {
        let mut entries = vec![("name", text("x")), ("url", text("https://service.example"))];
        entries.retain(|(known, _)| !more.iter().any(|(key, _)| key == known));
        entries.extend(more.iter().cloned());
        entries
    };
    let token = ("token_file", text("/x"));
    for (kind, more, what) in [
        ("slack", vec![token.clone()], "`channel` is missing"),
        (
            "slack",
            vec![token.clone(), ("channel", text("C1")), ("to", list(&["<!channel>"]))],
            "no id of a member",
        ),
        ("teams", vec![], "`path_file` is missing"),
        ("teams", vec![("path_file", text("/x")), ("to", list(&["jo"]))], "cannot be mentioned"),
        ("pagerduty", vec![], "`token_file` is missing"),
        ("pagerduty", vec![token.clone(), ("escalate_times", Content::Integer(2))], "unknown key"),
        ("opsgenie", vec![("url", text("http://api.opsgenie.example"))], "without TLS"),
        ("ntfy", vec![], "nobody is to be told"),
        ("ntfy", vec![("to", list(&["../admin"]))], "no topic"),
        ("sms", vec![("to", list(&["030123456"]))], "no number"),
        ("sms", vec![("to", list(&["+4930123456"])), ("template", text("{to}"))], "has no {text}"),
        ("sms", vec![("to", list(&["+4930123456"])), ("encoding", text("xml"))], "not known here"),
    ] {
        let faults = notifier(kind, &entries(&more)).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(what)), "{kind}, {what}: {faults:?}");
    }
}

#[test]
fn every_way_to_people_has_a_row_on_their_page_and_a_snippet() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let page = fs::read_to_string(format!("{root}/docs/notifications.md")).unwrap();
    let upstream = fs::read_to_string(format!("{root}/docs/upstream.md")).unwrap();
    for kind in fieldwarden_response::notify::NOTIFIERS {
        assert!(page.contains(&format!("\n| `{}` |", kind.id)), "{}", kind.id);
        assert!(upstream.contains(&format!("[[notify.{}]]", kind.id)), "{}", kind.id);
    }
}
