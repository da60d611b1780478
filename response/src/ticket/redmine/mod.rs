//! Redmine 5 by its REST interface.
//!
//! Paths and fields as redmine.org/projects/redmine/wiki/Rest_Issues documents them, and as the real program of Debian 12 answers.

use fieldwarden_model::{Fault, Section, Severity, section::Reader};
use serde_json::{Value, json};
use ureq::http::Method;

use super::{Common, Found, Standing, System, Tickets, Tracker, Written, at, list};
use crate::{
    forward::{Destination, ForwardError, Forwarder},
    http::{self, Answer, Client, encoded},
    store::Status,
};

/// The registration.
pub(super) const TRACKER: Forwarder = Forwarder { id: "redmine", configure };

/// Tickets in one answer, which is the most it gives.
const PAGE: usize = 100;

/// What one `[[ticket.redmine]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    common: Common,
    /// The identifier of the project tickets are made in; people may move them.
    project: String,
    /// What its statuses are called, by where a case stands.
    words: [(Status, String); 3],
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let common = Common::read(&mut reader, "https://redmine.example");
    let project = reader.required::<String>("project", "project = \"ot-security\"");
    let words = [
        (Status::New, reader.or("status_new", String::from("New"))),
        (Status::InProgress, reader.or("status_in_progress", String::from("In Progress"))),
        (Status::Closed, reader.or("status_closed", String::from("Closed"))),
    ];
    let settings = common.zip(project).map(|(common, project)| Settings { common, project, words });
    Tickets::configured(reader.finish_with(settings))
}

impl System for Settings {
    fn common(&self) -> &Common {
        &self.common
    }

    fn open(&self) -> Result<Box<dyn Tracker>, ForwardError> {
        let headers = vec![("x-redmine-api-key", http::secret(&self.common.token_file)?)];
        let client = Client::new(&self.common.http)?;
        Ok(Box::new(Redmine { client, headers, project: self.project.clone(), words: self.words.clone() }))
    }
}

struct Redmine {
    client: Client,
    headers: Vec<(&'static str, String)>,
    project: String,
    words: [(Status, String); 3],
}

impl Redmine {
    fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, ForwardError> {
        let body = body.map(ToString::to_string);
        self.client.ask(method, path, &self.headers, body.as_deref().map(|body| ("application/json", body)))
    }

    fn get(&self, path: &str) -> Result<Value, ForwardError> {
        self.ask(&Method::GET, path, None)?.taken()?.json()
    }

    fn put(&self, number: &str, change: &Value) -> Result<(), ForwardError> {
        let change = json!({ "issue": change });
        self.ask(&Method::PUT, &format!("/issues/{number}.json"), Some(&change))?.taken().map(drop)
    }

    fn statuses(&self) -> Result<Vec<Value>, ForwardError> {
        let answer = self.get("/issue_statuses.json")?;
        Ok(list(&answer, "/issue_statuses").to_vec())
    }

    /// The word for a status that is no closed one: `status_new` tells who waits from who works.
    fn standing_of(&self, status: &Value) -> Status {
        let is_new =
            |(known, word): &(Status, String)| *known == Status::New && at(status, "/name") == word.as_str();
        match at(status, "/is_closed").as_bool() {
            Some(true) => Status::Closed,
            _ if self.words.iter().any(is_new) => Status::New,
            _ => Status::InProgress,
        }
    }

    fn priority_of(&self, severity: Severity) -> Result<Option<Value>, ForwardError> {
        let all = self.get("/enumerations/issue_priorities.json")?;
        Ok(priority(list(&all, "/issue_priorities"), severity).cloned())
    }
}

impl Tracker for Redmine {
    fn check(&self) -> Result<String, ForwardError> {
        // A key that is not known still reads public projects: first ask who we are.
        let we = self.get("/users/current.json")?;
        let project = self.get(&format!("/projects/{}.json", encoded(&self.project)))?;
        let known = self.statuses()?;
        if let Some((_, word)) =
            self.words.iter().find(|(_, word)| !known.iter().any(|one| at(one, "/name") == word.as_str()))
        {
            return Err(self.client.fault(format!("it has no issue status called `{word}`")));
        }
        let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        Ok(format!(
            "Redmine has the project `{}`, and we are `{}`",
            word(at(&project, "/project/name")),
            word(at(&we, "/user/login"))
        ))
    }

    fn find(&self, key: &str) -> Result<Vec<Found>, ForwardError> {
        let path = format!("/issues.json?status_id=*&subject=~{}&sort=id&limit={PAGE}", encoded(key));
        let answer = self.get(&path)?;
        let items = list(&answer, "/issues");
        let of = |item: &Value| {
            // Whether it filters by subject is not for us to trust.
            let has_key = at(item, "/subject").as_str()?.contains(key);
            let is_open = self.standing_of(at(item, "/status")) != Status::Closed;
            has_key.then_some(Found { number: at(item, "/id").as_u64()?.to_string(), is_open })
        };
        Ok(items.iter().filter_map(of).collect())
    }

    fn create(&self, subject: &str, body: &str, severity: Severity) -> Result<String, ForwardError> {
        let priority = self.priority_of(severity)?.map(|priority| at(&priority, "/id").clone());
        let issue = json!({
            "project_id": self.project,
            "subject": subject,
            "description": verbatim(body),
            "priority_id": priority,
        });
        let answer = self.ask(&Method::POST, "/issues.json", Some(&json!({ "issue": issue })))?.taken()?;
        at(&answer.json()?, "/issue/id").as_u64().map(|id| id.to_string()).ok_or_else(|| answer.fault())
    }

    fn standing(&self, number: &str) -> Result<Option<Standing>, ForwardError> {
        let answer = self.ask(&Method::GET, &format!("/issues/{number}.json"), None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.taken()?.json()?;
        let status = self.standing_of(at(&answer, "/issue/status"));
        let subject = at(&answer, "/issue/subject").as_str().unwrap_or_default().to_owned();
        Ok(Some(Standing { number: number.to_owned(), status, subject }))
    }

    fn written(&self, number: &str, after: u64) -> Result<Vec<Written>, ForwardError> {
        let answer = self.get(&format!("/issues/{number}.json?include=journals"))?;
        let issue = at(&answer, "/issue");
        let author = |user: &Value| at(user, "/name").as_str().unwrap_or("somebody").to_owned();
        let mut written = Vec::new();
        if after == 0 {
            let text = plain(at(issue, "/description").as_str().unwrap_or_default());
            written.push(Written { number: 0, author: author(at(issue, "/author")), text });
        }
        for journal in list(issue, "/journals") {
            let Some(place) = at(journal, "/id").as_u64().filter(|place| *place > after) else { continue };
            let text = plain(at(journal, "/notes").as_str().unwrap_or_default());
            written.push(Written { number: place, author: author(at(journal, "/user")), text });
        }
        written.sort_by_key(|written| written.number);
        Ok(written)
    }

    fn write(&self, number: &str, text: &str) -> Result<(), ForwardError> {
        self.put(number, &json!({ "notes": verbatim(text) }))
    }

    fn move_to(&self, number: &str, status: Status) -> Result<(), ForwardError> {
        let aim = if status == Status::Acknowledged { Status::InProgress } else { status };
        let named = |one: &&Value| {
            self.words.iter().any(|(known, word)| *known == aim && at(one, "/name") == word.as_str())
        };
        match self.statuses()?.iter().find(named) {
            // What its workflow does not permit it leaves out, and answers as if all were well.
            Some(status) => self.put(number, &json!({ "status_id": at(status, "/id") })),
            None => Ok(()),
        }
    }

    fn raise(&self, number: &str, severity: Severity) -> Result<(), ForwardError> {
        let all = self.get("/enumerations/issue_priorities.json")?;
        let all = list(&all, "/issue_priorities");
        let issue = self.get(&format!("/issues/{number}.json"))?;
        let place = |id: &Value| all.iter().position(|one| at(one, "/id") == id);
        let Some(aim) = priority(all, severity) else { return Ok(()) };
        if place(at(&issue, "/issue/priority/id")) >= place(at(aim, "/id")) {
            return Ok(());
        }
        self.put(number, &json!({ "priority_id": at(aim, "/id") }))
    }
}

/// The priority for a severity among those that a site has, lowest first: the severities are spread over them.
fn priority(all: &[Value], severity: Severity) -> Option<&Value> {
    let rank = Severity::ALL.iter().position(|known| *known == severity)?;
    all.get(rank * all.len().checked_sub(1)? / (Severity::ALL.len() - 1))
}

/// Text as it is, whatever mark-up the site reads: words off the wire must not become links or pictures.
fn verbatim(text: &str) -> String {
    format!("<pre>\n{}</pre>", text.replace('<', "‹").replace('>', "›"))
}

/// The same without the frame.
fn plain(text: &str) -> String {
    text.trim().trim_start_matches("<pre>").trim_end_matches("</pre>").trim().to_owned()
}
