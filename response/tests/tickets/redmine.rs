//! The real Redmine of Debian, with a database of its own.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::section::Content;
use fieldwarden_response::http;
use serde_json::{Value, json};

use crate::system::{Person, Running, Seen, System, await_port, unused_port};

/// The database that the package made, which each test copies.
const SEED: &str = "/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default";
const WEBRICK: &str = "/usr/share/rubygems-integration/all/gems";

/// Debian's bundler finds Debian's libraries; Ruby's own, which is newer, does not.
const BUNDLER: &str = "2.3.15";

pub(crate) struct Redmine {
    port: u16,
    token: String,
    person: Person,
    _running: Option<Running>,
}

const RACK: &str = "require '/usr/share/redmine/config/environment'
Setting.rest_api_enabled = '1'
user = User.find_by(login: 'admin')
user.must_change_passwd = false
user.save!(validate: false)
for name in ['plant', 'elsewhere']
  Project.create!(name: name, identifier: 'fieldwarden-' + name, trackers: Tracker.all)
end
File.write(ENV['KEY_FILE'] + '.new', user.api_key)
File.rename(ENV['KEY_FILE'] + '.new', ENV['KEY_FILE'])
run Rails.application
";

impl Redmine {
    /// None, loudly, where it is not installed.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let Some(webrick) = webrick().filter(|_| Path::new(SEED).exists()) else {
            println!("SKIPPED: {SEED} or WEBrick is missing; install redmine-sqlite");
            return None;
        };
        let port = unused_port();
        fs::copy(SEED, folder.join("redmine.db")).unwrap();
        fs::write(folder.join("config.ru"), RACK).unwrap();
        let log = fs::File::create(folder.join("redmine.log")).unwrap();
        let child = Command::new("bundle")
            .args(["exec", "rackup", "-s", "webrick", "-o", "127.0.0.1", "-p", &port.to_string()])
            .arg(folder.join("config.ru"))
            .current_dir("/usr/share/redmine")
            .env("BUNDLER_VERSION", BUNDLER)
            .env("RAILS_ENV", "production")
            .env("REDMINE_INSTANCE", "default")
            .env("RUBYLIB", webrick)
            .env("DATABASE_URL", format!("sqlite3:{}", folder.join("redmine.db").display()))
            .env("KEY_FILE", folder.join("key"))
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let mut running = Running(child);
        let until = Instant::now() + Duration::from_secs(90);
        while !folder.join("key").exists() {
            let log = || fs::read_to_string(folder.join("redmine.log")).unwrap_or_default();
            let is_there = running.0.try_wait().unwrap().is_none() && Instant::now() < until;
            assert!(is_there, "Redmine does not start: {}", log());
            thread::sleep(Duration::from_millis(50));
        }
        let token = fs::read_to_string(folder.join("key")).unwrap();
        await_port(port, "Redmine");
        Some(Self { _running: Some(running), ..Self::known(folder, port, &token) })
    }

    /// One that runs already.
    pub(crate) fn known(folder: &Path, port: u16, token: &str) -> Self {
        let person = Person::of(folder, port, ("x-redmine-api-key", token.to_owned()));
        Self { port, token: token.to_owned(), person, _running: None }
    }

    fn put(&self, number: &str, change: &Value) {
        self.person.ask("PUT", &format!("/issues/{number}.json"), Some(&json!({ "issue": change })));
    }
}

fn webrick() -> Option<String> {
    let named = |name: &str| name.starts_with("webrick-");
    let found = fs::read_dir(WEBRICK).ok()?.filter_map(Result::ok);
    let mut found = found.filter(|entry| named(&entry.file_name().to_string_lossy()));
    Some(found.next()?.path().join("lib").display().to_string())
}

impl System for Redmine {
    fn kind(&self) -> &'static str {
        "redmine"
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn token(&self) -> String {
        self.token.clone()
    }

    fn rest(&self) -> Vec<(&'static str, Content)> {
        vec![("project", Content::Text("fieldwarden-plant".into()))]
    }

    fn highest_priority(&self) -> u64 {
        5
    }

    fn tickets(&self, words: &str) -> Vec<Seen> {
        let words = http::encoded(words);
        let path = format!("/issues.json?status_id=*&subject=~{words}&sort=id&limit=100");
        let answer = self.person.ask("GET", &path, None);
        let of = |item: &Value| {
            let number = item["id"].to_string();
            let whole = self.person.ask("GET", &format!("/issues/{number}.json?include=journals"), None);
            let mut texts = vec![whole["issue"]["description"].as_str().unwrap().to_owned()];
            let notes = whole["issue"]["journals"].as_array().unwrap().iter();
            texts.extend(notes.filter_map(|journal| journal["notes"].as_str()).map(str::to_owned));
            Seen {
                number,
                subject: item["subject"].as_str().unwrap().to_owned(),
                is_open: !item["status"]["is_closed"].as_bool().unwrap(),
                priority: item["priority"]["id"].as_u64().unwrap(),
                texts,
            }
        };
        answer["issues"].as_array().unwrap().iter().map(of).collect()
    }

    fn person_writes(&self, number: &str, text: &str) {
        self.put(number, &json!({ "notes": text }));
    }

    fn person_closes(&self, number: &str) {
        self.put(number, &json!({ "status_id": 5 }));
    }

    fn person_reopens(&self, number: &str) {
        self.put(number, &json!({ "status_id": 2 }));
    }

    fn person_moves(&self, number: &str) {
        self.put(number, &json!({ "project_id": "fieldwarden-elsewhere" }));
    }

    fn person_deletes(&self, number: &str) {
        self.person.ask("DELETE", &format!("/issues/{number}.json"), None);
    }
}
