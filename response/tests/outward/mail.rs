//! Mail against a real server: each change that matters is one mail in its incident's thread, whatever the server does, and nothing that stood
//! on the wire becomes a header or a line.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use fieldwarden_model::{
    Order, OrderId, OrderState, Scope, Severity, Target,
    order::{OnDegraded, Report},
    section::Content,
};
use fieldwarden_response::{
    forward::Destination,
    store::{Status, Store, StoredOrder},
};
use serde_json::{Value, json};

use crate::{
    people::{
        by, drained, last_error, list, moved, notifier, record, start, store, table, tables, text, until,
    },
    pki, sample,
};

/// A mail server with its certificate and what it took.
struct Server {
    child: Child,
    folder: PathBuf,
    port: u16,
    tls: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn up(folder: &Path, tls: &'static str, plan: &Value) -> Option<Self> {
        let python = python()?;
        pki::make(folder);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(&python, folder, tls, port, plan, "server");
        Some(Self { child, folder: folder.into(), port, tls })
    }

    /// Starts it anew at the same place once it died.
    fn again(&mut self, plan: &Value) {
        self.child.wait().unwrap();
        self.child = spawn(&python().unwrap(), &self.folder, self.tls, self.port, plan, "server");
    }

    fn entries(&self) -> Vec<(&'static str, Content)> {
        let file = |name: &str| text(self.folder.join(name).to_str().unwrap());
        fs::write(self.folder.join("password"), "correct-horse\n").unwrap();
        vec![
            ("name", text("mail")),
            ("address", text(&format!("127.0.0.1:{}", self.port))),
            ("server_name", text(pki::COLLECTOR)),
            ("ca_file", file("ca.pem")),
            ("tls", text(self.tls)),
            ("user", text("gateway")),
            ("password_file", file("password")),
            ("from", text("Fieldwarden <fieldwarden@plant.example>")),
            ("to", list(&["shift@plant.example"])),
            ("timeout_ms", Content::Integer(2_000)),
        ]
    }

    fn way(&self, changes: &[(&'static str, Content)]) -> Arc<dyn Destination> {
        let mut entries = self.entries();
        for (key, value) in changes {
            entries.retain(|(known, _)| known != key);
            entries.push((key, value.clone()));
        }
        notifier("smtp", &entries).unwrap()
    }

    fn mails(&self) -> Vec<Mail> {
        let text = fs::read_to_string(self.folder.join("mails")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).map(Mail).collect()
    }

    fn taken(&self) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.0["answered"] == true).collect()
    }
}

fn python() -> Option<String> {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../.venv/bin/python");
    let there =
        Command::new(python).args(["-c", "import aiosmtpd"]).output().is_ok_and(|out| out.status.success());
    if !there {
        println!("SKIPPED: aiosmtpd is missing in .venv; run lab/setup");
    }
    there.then(|| python.into())
}

fn spawn(python: &str, folder: &Path, tls: &str, port: u16, plan: &Value, certificate: &str) -> Child {
    let at = |name: &str| folder.join(name).display().to_string();
    let mut plan = plan.clone();
    plan["port"] = json!(port);
    plan["tls"] = json!(tls);
    plan["certificate"] = json!(at(&format!("{certificate}.pem")));
    plan["key"] = json!(at(&format!("{certificate}.key")));
    plan["journal"] = json!(at("mails"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/mail_server.py");
    let child = Command::new(python)
        .args([script, &plan.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the mail server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    child
}

/// A mail as Python's parser read it.
#[derive(Debug)]
struct Mail(Value);

impl Mail {
    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.0["headers"].as_array().unwrap();
        let found = headers.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name))?;
        found[1].as_str()
    }

    fn text(&self) -> &str {
        self.0["text"].as_str().unwrap()
    }

    fn id(&self) -> &str {
        self.header("message-id").unwrap()
    }
}

fn subjects(mails: &[Mail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.header("subject").unwrap().rsplit_once(" (").unwrap().1).collect()
}

fn order(store: &Store, state: OrderState, action: &str) -> OrderId {
    let incident = sample::incident(0, 1).id;
    let mut order = Order {
        id: OrderId(String::new()),
        target: Target::Talker { talker: "10.0.0.66".parse().unwrap() },
        scope: Scope::IsolateTalker,
        lapse_secs: 600,
        keep_within_secs: 30,
        on_degraded: OnDegraded::Revert,
        reason: "unknown laptop".into(),
        incident: Some(incident),
        author: "jo".into(),
        proposed: sample::at(5),
    };
    order.id = order.identify();
    let id = order.id.clone();
    let stored = StoredOrder { order, state, approvals: vec![], plan: None, report: None };
    store.save_order(stored, action, "unknown laptop", by()).unwrap();
    id
}

#[test]
fn each_change_that_matters_is_one_mail_in_the_thread_of_its_incident() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::up(folder.path(), "starttls", &json!({})) else { return };
    let store = store(folder.path());
    let way = server.way(&[]);
    let outbox = start(&store, &way);
    record(&store, 0, 1, Severity::High);
    record(&store, 0, 2, Severity::High);
    record(&store, 0, 3, Severity::Critical);
    drained(&outbox);
    let id = order(&store, OrderState::Proposed, "order-proposed");
    until("a proposal is told", || server.taken().len() == 3);
    for (seconds, state) in [(6, OrderState::Provisional), (7, OrderState::Kept), (8, OrderState::Reverted)] {
        let cause = "no keep came".to_owned();
        let report =
            Report { order: id.clone(), state, time: sample::at(seconds), cause, plan: None, lapses: None };
        store.report_order(report).unwrap();
    }
    until("its end is told", || server.taken().len() == 5);
    moved(&store, 0, Status::Acknowledged);
    moved(&store, 0, Status::Closed);
    record(&store, 0, 9, Severity::Critical);
    drained(&outbox);
    outbox.stop(Duration::from_secs(5));
    // A restart tells nothing twice.
    let outbox = start(&store, &way);
    record(&store, 1, 1, Severity::Low);
    record(&store, 2, 1, Severity::High);
    drained(&outbox);
    until("all is told", || server.taken().len() >= 8);
    let mails = server.taken();
    let expected = [
        "opened)",
        "severity rose from high)",
        "waits",
        "contained)",
        "not contained)",
        "closed)",
        "reopened)",
        "opened)",
    ];
    let told = subjects(&mails);
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (n, (told, expected)) in told.iter().zip(expected).enumerate() {
        assert!(told.contains(expected) || n == 2, "{n}: {told}");
    }
    let root = mails[0].id();
    assert!(root.starts_with("<0000000000000000@") && root.ends_with("plant.example>"), "{root}");
    assert_eq!(mails[0].header("in-reply-to"), None);
    for mail in &mails[1..7] {
        assert_eq!((mail.header("in-reply-to"), mail.header("references")), (Some(root), Some(root)));
        assert_eq!(mail.header("auto-submitted"), Some("auto-generated"));
        assert_eq!(mail.header("to"), Some("shift@plant.example"));
    }
    let ids: BTreeSet<&str> = mails.iter().map(Mail::id).collect();
    assert_eq!(ids.len(), 8, "each has an id of its own: {ids:?}");
    let subject = mails[1].header("subject").unwrap();
    assert!(
        subject.starts_with("[CRITICAL] Dosing PLC: Unknown laptop 10.0.0.66 writes set-points"),
        "{subject}"
    );
    for (mail, words) in [
        (0, "Asset          Dosing PLC (10.0.0.20)"),
        (0, "What was done  nothing yet"),
        (0, "  fieldwarden incident status 0000000000000000 acknowledged"),
        (0, "acknowledge it so that nobody else is called"),
        (4, "What was done  isolate-talker against everything of 10.0.0.66: undone: it is not contained"),
        (5, "What is asked  Nothing: it is closed."),
    ] {
        assert!(mails[mail].text().contains(words), "{mail} lacks {words}:\n{}", mails[mail].text());
    }
    println!("{}\n\n{}", subject, mails[1].text());
}

#[test]
fn nothing_that_stood_on_the_wire_becomes_a_header_or_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::up(folder.path(), "implicit", &json!({})) else { return };
    let store = store(folder.path());
    let outbox = start(&store, &server.way(&[("storm_messages", Content::Integer(0))]));
    let hostile = [
        "x\r\nBcc: everybody@evil.example\r\n\r\nPay at once".to_owned(),
        "x\nSubject: another\n.\nQUIT\n".to_owned(),
        "\u{202e}gnp.exe \u{2028}line \u{0}nul \u{1b}[2J \u{7f} \u{feff}\u{e0041}".to_owned(),
        "A".repeat(65_536),
        "\u{fffd}é漢字🏭 =?utf-8?q?x?= <b>".to_owned(),
        ".\r\n.".to_owned(),
        String::new(),
    ];
    for (number, name) in (0..).zip(&hostile) {
        let mut incident = sample::incident(number, 1);
        incident.title.clone_from(name);
        incident.story = vec![fieldwarden_model::Step { time: sample::at(1), what: name.clone() }];
        let mut alert = sample::alert(&incident, 1);
        alert.server_name = Some(name.clone());
        let batch = fieldwarden_response::store::Batch {
            time: incident.last,
            alerts: vec![alert],
            incidents: vec![incident],
            ..Default::default()
        };
        store.record(batch).unwrap();
    }
    drained(&outbox);
    let mails = server.taken();
    assert_eq!(mails.len(), hostile.len());
    let names = |mail: &Mail| -> Vec<String> {
        mail.0["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| pair[0].as_str().unwrap().to_owned())
            .collect()
    };
    let lines = mails[6].text().lines().count();
    for mail in &mails {
        assert_eq!(names(mail), names(&mails[0]), "no header comes or goes");
        assert_eq!(mail.0["to"], json!(["shift@plant.example"]));
        assert_eq!(mail.text().lines().count(), lines, "no line comes or goes:\n{}", mail.text());
        assert!(mail.0["longest"].as_u64().unwrap() <= 998, "RFC 5322 section 2.1.1");
        assert_eq!(mail.0["defects"], json!([]));
        let all = format!("{}{}", mail.header("subject").unwrap(), mail.text());
        assert!(all.chars().all(|c| c == '\n' || !c.is_control()), "{all:?}");
        assert!(!all.contains(['\u{202e}', '\u{2028}', '\u{feff}', '\u{e0041}']), "{all:?}");
        assert!(all.len() < 4_096, "{}", all.len());
    }
    let subject = mails[4].header("subject").unwrap();
    assert!(subject.contains("é漢字🏭 = ?utf-8?q?x?= <b>"), "{subject}");
}

#[test]
fn a_server_that_dies_within_a_mail_gets_it_again_under_the_same_id() {
    for word in ["early", "late"] {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut server) = Server::up(folder.path(), "starttls", &json!({"data": [word]})) else {
            return;
        };
        let store = store(folder.path());
        let outbox = start(&store, &server.way(&[]));
        record(&store, 0, 1, Severity::High);
        server.again(&json!({}));
        record(&store, 1, 1, Severity::High);
        drained(&outbox);
        let (mails, taken) = (server.mails(), server.taken());
        let ids: Vec<&str> = taken.iter().map(Mail::id).collect();
        assert_eq!(ids.len(), 2, "{word}: {ids:?}");
        if word == "late" {
            assert_eq!(mails[0].id(), ids[0], "a repeat bears the same id");
        }
        assert!(
            last_error(&outbox).contains(&format!("127.0.0.1:{}", server.port)),
            "{}",
            last_error(&outbox)
        );
    }
}

#[test]
fn what_the_server_puts_off_comes_later_and_what_stalls_holds_nobody_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({"data": ["451", "stall"], "defer": {"engineer@plant.example": 2}});
    let Some(server) = Server::up(folder.path(), "starttls", &plan) else { return };
    let store = store(folder.path());
    let to = list(&["shift@plant.example", "engineer@plant.example"]);
    let outbox = start(&store, &server.way(&[("to", to)]));
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    let taken = server.taken();
    let people: Vec<&Value> = taken.iter().map(|mail| &mail.0["to"]).collect();
    // One was put off twice beside the trouble with the mail itself; whoever had it got no second one.
    assert_eq!(people, [&json!(["shift@plant.example", "engineer@plant.example"])]);
    assert_eq!(server.mails().len(), 3);
    assert_eq!(store.backlogs().unwrap()[0].dead, 0);

    let folder = tempfile::tempdir().unwrap();
    let plan = json!({"defer": {"engineer@plant.example": 2}});
    let Some(server) = Server::up(folder.path(), "starttls", &plan) else { return };
    let store = crate::people::store(folder.path());
    let to = list(&["shift@plant.example", "engineer@plant.example"]);
    let outbox = start(&store, &server.way(&[("to", to)]));
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    let taken = server.taken();
    let people: Vec<&Value> = taken.iter().map(|mail| &mail.0["to"]).collect();
    assert_eq!(people, [&json!(["shift@plant.example"]), &json!(["engineer@plant.example"])]);
    assert_eq!(taken[0].id(), taken[1].id());
    assert!(last_error(&outbox).contains("450 4.2.1 greylisted"), "{}", last_error(&outbox));
}

#[test]
fn whoever_is_refused_is_a_dead_letter_and_all_others_have_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({"refuse": ["gone@plant.example"], "data": ["ok", "554"]});
    let Some(server) = Server::up(folder.path(), "starttls", &plan) else { return };
    let store = store(folder.path());
    let outbox = start(&store, &server.way(&[("to", list(&["gone@plant.example", "shift@plant.example"]))]));
    record(&store, 0, 1, Severity::High);
    drained(&outbox);
    record(&store, 1, 1, Severity::High);
    record(&store, 2, 1, Severity::High);
    drained(&outbox);
    let taken = server.taken();
    assert_eq!(
        taken.iter().map(|mail| &mail.0["to"]).collect::<Vec<_>>(),
        [&json!(["shift@plant.example"]); 2]
    );
    let letters = store.dead_letters("mail", 9).unwrap();
    assert_eq!(letters.len(), 3, "{letters:?}");
    assert!(letters[2].why.contains("gone@plant.example: 550 5.1.1 no such person"), "{letters:?}");
    assert!(letters[1].why.contains("554 as the test says"), "{letters:?}");
    // Told again on demand: all three, one of which nobody has.
    assert_eq!(outbox.revive("mail", by()).unwrap(), Some((3, 0)));
    until("they are told again", || server.taken().len() == 5);
    assert!(subjects(&server.taken())[2].contains("told again"));
}

#[test]
fn nobody_who_answers_is_called_again_and_silence_calls_the_next_level() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::up(folder.path(), "starttls", &json!({})) else { return };
    let store = store(folder.path());
    let line = |level, who: &str| {
        table(&[
            ("level", Content::Integer(level)),
            ("from", text("00:00")),
            ("to", text("24:00")),
            ("people", list(&[who])),
        ])
    };
    let changes = [
        ("escalate_after_secs", Content::Integer(1)),
        ("escalate_times", Content::Integer(2)),
        ("to", list(&[])),
        ("on_call", tables(&[line(1, "first@plant.example"), line(2, "second@plant.example")])),
    ];
    let outbox = start(&store, &server.way(&changes));
    record(&store, 0, 1, Severity::High);
    until("both calls are out", || server.taken().len() == 3);
    moved(&store, 0, Status::Acknowledged);
    record(&store, 1, 1, Severity::High);
    drained(&outbox);
    moved(&store, 1, Status::Acknowledged);
    record(&store, 2, 1, Severity::High);
    until("the last is called about twice", || {
        server.taken().iter().filter(|mail| mail.header("subject").unwrap().contains("\"2\"")).count() == 3
    });
    let taken = server.taken();
    let of = |number: &str| -> Vec<&str> {
        let about = taken.iter().filter(|mail| mail.header("subject").unwrap().contains(number));
        about.map(|mail| mail.0["to"][0].as_str().unwrap()).collect()
    };
    let levels = ["first@plant.example", "second@plant.example", "second@plant.example"];
    assert_eq!(of("\"0\""), levels);
    assert_eq!(of("\"2\""), levels);
    // Whether the first call was out before it was acknowledged is a matter of a second; a second one never is.
    assert!(of("\"1\"").len() <= 2, "{:?}", of("\"1\""));
}

#[test]
fn more_than_is_bearable_is_a_digest() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::up(folder.path(), "starttls", &json!({})) else { return };
    let store = store(folder.path());
    let changes = [("storm_messages", Content::Integer(3)), ("storm_secs", Content::Integer(4))];
    let outbox = start(&store, &server.way(&changes));
    for number in 0..40 {
        record(&store, number, 1, Severity::High);
    }
    record(&store, 99, 1, Severity::Critical);
    drained(&outbox);
    until("a digest comes", || {
        server.taken().iter().any(|mail| mail.header("subject").unwrap().contains("incidents with news"))
    });
    let mut told = 0;
    let taken = server.taken();
    for mail in &taken {
        told += (0..100).filter(|n| mail.text().contains(&format!("{n:016x}"))).count();
    }
    assert_eq!(
        told,
        41,
        "each is told once: {:?}",
        taken.iter().map(|mail| mail.header("subject")).collect::<Vec<_>>()
    );
    assert!(taken.len() <= 12, "{}", taken.len());
    assert!(taken.iter().any(|mail| mail.header("subject").unwrap().starts_with("[CRITICAL] Dosing PLC")));
}

#[test]
fn a_test_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::up(folder.path(), "starttls", &json!({"refuse": ["gone@plant.example"]}))
    else {
        return;
    };
    let test = |changes: &[(&'static str, Content)]| {
        let patient = [("timeout_ms", Content::Integer(20_000))];
        server.way(&[changes, &patient].concat()).test(sample::at(0)).map_err(|error| error.to_string())
    };
    let fine = test(&[]).unwrap();
    assert!(fine.contains("took the test mail for shift@plant.example"), "{fine}");
    let file = |name: &str| text(folder.path().join(name).to_str().unwrap());
    fs::write(folder.path().join("wrong"), "wrong-horse").unwrap();
    for (key, value, what) in [
        (
            "ca_file",
            file("rogueca.pem"),
            "is not trusted or does not trust us: invalid peer certificate: UnknownIssuer",
        ),
        ("server_name", text("other.test"), "is not trusted or does not trust us"),
        ("password_file", file("wrong"), "it does not take user `gateway`: 535"),
        ("password_file", file("absent"), "absent"),
        ("to", list(&["gone@plant.example"]), "gone@plant.example: 550"),
        ("tls", text("implicit"), "127.0.0.1"),
    ] {
        let error = test(&[(key, value)]).unwrap_err();
        assert!(error.contains(what) && !error.contains("horse"), "{key}: {error}");
    }
}

/// A server that says these lines, one after each that it hears.
fn says(lines: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            for line in lines {
                let _ = stream.get_mut().write_all(line.as_bytes());
                let mut heard = String::new();
                if stream.read_line(&mut heard).unwrap_or(0) == 0 {
                    break;
                }
            }
        }
    });
    port
}

#[test]
fn no_server_gets_a_word_without_tls_or_says_more_than_is_bearable() {
    static ENDLESS: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| "220 ".to_owned() + &"x".repeat(100_000));
    static LINES: std::sync::LazyLock<[&'static str; 1]> = std::sync::LazyLock::new(|| [ENDLESS.as_str()]);
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    for (lines, what) in [
        (&["220 mail\r\n", "250-mail\r\n250 AUTH PLAIN\r\n"][..], "it offers no STARTTLS"),
        (
            &["220 mail\r\n", "250-mail\r\n250 STARTTLS\r\n", "220 go\r\n250-mail\r\n250 AUTH PLAIN\r\n"],
            "somebody put words behind its answer to STARTTLS",
        ),
        (
            &["220 mail\r\n", "250-mail\r\n250 STARTTLS\r\n", "454 not now\r\n"],
            "asks to be tried later: 454 not now",
        ),
        (&["421 too busy\r\n"], "asks to be tried later: 421 too busy"),
        (&["\u{1b}[2J hello\r\n"], "which is no answer"),
        (&LINES[..], "more than 16384 octets"),
        (&["220 mail\r\n", ""], "has taken nothing in"),
    ] {
        let server = Server {
            child: Command::new("true").spawn().unwrap(),
            folder: folder.path().into(),
            port: says(lines),
            tls: "starttls",
        };
        let error =
            server.way(&[("timeout_ms", Content::Integer(500))]).test(sample::at(0)).unwrap_err().to_string();
        assert!(error.contains(what) && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn faults_of_a_table_are_told() {
    let entries = |key: &'static str, value: Option<Content>| {
        let mut entries = vec![
            ("name", text("mail")),
            ("address", text("mail.plant.example:587")),
            ("from", text("fieldwarden@plant.example")),
            ("to", list(&["shift@plant.example"])),
        ];
        entries.retain(|(known, _)| *known != key);
        entries.extend(value.map(|value| (key, value)));
        entries
    };
    assert!(notifier("smtp", &entries("none", None)).is_ok());
    let quiet = |from: &str| {
        tables(&[table(&[("from", text(from)), ("to", text("06:00")), ("below", text("loud"))])])
    };
    for (key, value, what) in [
        ("to", None, "nobody is to be told"),
        ("to", Some(list(&["x\r\nRCPT TO:<evil@evil.example>"])), "is no mail address"),
        ("to", Some(list(&["ö@plant.example"])), "is no address of printable ASCII"),
        ("from", Some(text("nobody")), "is no mail address"),
        ("address", Some(text("mail.plant.example")), "no host with a port"),
        ("tls", Some(text("opportunistic")), "not known here"),
        ("user", Some(text("jo")), "go together"),
        ("quiet", Some(quiet("25:00")), "no time of the day"),
        ("quiet", Some(quiet("22:00")), "`loud` is not known here"),
        ("severity", Some(text("bad")), "not known here"),
        ("escalate_times", Some(Content::Integer(99)), "outside 1 to 20"),
    ] {
        let faults = notifier("smtp", &entries(key, value)).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(what)), "{key}, {what}: {faults:?}");
    }
}
