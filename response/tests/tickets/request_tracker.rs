//! The real Request Tracker of Debian, with a database of its own.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use fieldwarden_model::section::Content;
use fieldwarden_response::http;
use serde_json::{Value, json};

use crate::{
    fake,
    system::{Person, Running, Seen, System, await_port, unused_port},
};

const SERVER: &str = "/usr/share/request-tracker5/libexec/rt-server";

pub(crate) struct RequestTracker {
    port: u16,
    token: String,
    person: Person,
    _running: Option<Running>,
}

/// What makes a token for the one user there is.
const TOKEN: &str = "use RT; RT::LoadConfig(); RT::Init(); require RT::AuthToken; require RT::Queue;
my $user = RT::CurrentUser->new; $user->LoadByName('root');
my $queue = RT::Queue->new($user); $queue->Create(Name => 'OT security'); $queue = RT::Queue->new($user); $queue->Create(Name => 'Elsewhere');
my ($ok, $said, $token) = RT::AuthToken->new($user)->Create(Owner => $user->Id, Description => 'fieldwarden');
print $token;";

impl RequestTracker {
    /// None, loudly, where it is not installed.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        if !Path::new(SERVER).exists() {
            println!("SKIPPED: {SERVER} is missing; install request-tracker5 and rt5-db-sqlite");
            return None;
        }
        let port = unused_port();
        for part in ["more", "mason", "sessions"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let at = folder.display();
        let configuration = format!(
            "use utf8; Set($rtname, 'test'); Set($Organization, 'test.local');
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{at}/rt');
Set($WebDomain, '127.0.0.1'); Set($WebPort, {port}); Set($WebPath, '');
Set($MailCommand, 'testfile'); Set($LogToSyslog, ''); Set($LogToSTDERR, 'error');
Set($MasonDataDir, '{at}/mason'); Set($MasonSessionDir, '{at}/sessions'); 1;\n"
        );
        fs::write(folder.join("RT_SiteConfig.pm"), configuration).unwrap();
        fs::write(folder.join("token.pl"), TOKEN).unwrap();
        let run = |program: &str| {
            let mut command = Command::new(program);
            command
                .env("RT_SITE_CONFIG", folder.join("RT_SiteConfig.pm"))
                .env("RT_SITE_CONFIG_DIR", folder.join("more"))
                .current_dir(folder)
                .stderr(Stdio::null());
            command
        };
        let words = ["--action", "init", "--skip-create", "--dba", "root", "--dba-password", ""];
        assert!(run("rt-setup-database-5").args(words).stdout(Stdio::null()).status().unwrap().success());
        let made = run("perl").args(["-I/usr/share/request-tracker5/lib", "token.pl"]).output().unwrap();
        let token = String::from_utf8(made.stdout).unwrap();
        let port_word = port.to_string();
        let words =
            ["--server", "Starlet", "--host", "127.0.0.1", "--port", &port_word, "--max-workers", "3"];
        let child = run(SERVER).args(words).stdout(Stdio::null()).process_group(0).spawn().unwrap();
        let running = Some(Running(child));
        await_port(port, "Request Tracker");
        Some(Self { _running: running, ..Self::known(folder, port, &token) })
    }

    /// One that answers as the real one does, see `fake.rs`.
    pub(crate) fn fake(folder: &Path) -> Self {
        let token = "1-14-fake";
        Self::known(folder, fake::serve(token), token)
    }

    /// One that runs already.
    pub(crate) fn known(folder: &Path, port: u16, token: &str) -> Self {
        let person = Person::of(folder, port, ("authorization", format!("token {token}")));
        Self { port, token: token.to_owned(), person, _running: None }
    }

    fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.person.ask("GET", &format!("/REST/2.0{path}"), None);
        answer["items"].as_array().cloned().unwrap_or_default()
    }

    fn put(&self, number: &str, change: &Value) {
        let said = self.person.ask("PUT", &format!("/REST/2.0/ticket/{number}"), Some(change));
        assert!(!said.to_string().contains("isn't a valid"), "{said}");
    }
}

impl System for RequestTracker {
    fn kind(&self) -> &'static str {
        "request_tracker"
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn token(&self) -> String {
        self.token.clone()
    }

    fn rest(&self) -> Vec<(&'static str, Content)> {
        vec![("queue", Content::Text("OT security".into()))]
    }

    fn highest_priority(&self) -> u64 {
        100
    }

    fn tickets(&self, words: &str) -> Vec<Seen> {
        let query = http::encoded(&format!("Subject LIKE '{words}'"));
        let items = self
            .list(&format!("/tickets?query={query}&fields=Subject,Status,Priority&orderby=id&per_page=100"));
        let of = |item: Value| {
            let number = item["id"].as_str().unwrap().to_owned();
            let parts = self.list(&format!("/ticket/{number}/attachments?fields=Content&per_page=100"));
            let texts = parts.iter().filter_map(|part| part["Content"].as_str()).map(str::to_owned).collect();
            Seen {
                number,
                subject: item["Subject"].as_str().unwrap().to_owned(),
                is_open: !matches!(item["Status"].as_str().unwrap(), "resolved" | "rejected"),
                priority: item["Priority"].as_str().unwrap().parse().unwrap(),
                texts,
            }
        };
        items.into_iter().map(of).collect()
    }

    fn person_writes(&self, number: &str, text: &str) {
        let words = json!({ "Content": text, "ContentType": "text/plain" });
        self.person.ask("POST", &format!("/REST/2.0/ticket/{number}/correspond"), Some(&words));
    }

    fn person_closes(&self, number: &str) {
        self.put(number, &json!({ "Status": "resolved" }));
    }

    fn person_reopens(&self, number: &str) {
        self.put(number, &json!({ "Status": "open" }));
    }

    fn person_moves(&self, number: &str) {
        self.put(number, &json!({ "Queue": "Elsewhere" }));
    }

    fn person_deletes(&self, number: &str) {
        self.person.ask("DELETE", &format!("/REST/2.0/ticket/{number}"), None);
    }
}
