//! Request Tracker 5 by its REST 2 interface.
//!
//! Paths and fields as `RT::REST2` documents them (docs.bestpractical.com/rt/5.0.3/RT/REST2.html), and as the real program of Debian 12 answers.

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
pub(super) const TRACKER: Forwarder = Forwarder { id: "request_tracker", configure };

/// Tickets, transactions or attachments in one answer.
const PAGE: usize = 100;
/// Pages that are read of one list.
const PAGES: usize = 20;

/// What one `[[ticket.request_tracker]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    common: Common,
    /// The queue tickets are made in; people may move them.
    queue: String,
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let common = Common::read(&mut reader, "https://tickets.example");
    let queue = reader.required::<String>("queue", "queue = \"OT security\"");
    let settings = common.zip(queue).map(|(common, queue)| Settings { common, queue });
    Tickets::configured(reader.finish_with(settings))
}

impl System for Settings {
    fn common(&self) -> &Common {
        &self.common
    }

    fn open(&self) -> Result<Box<dyn Tracker>, ForwardError> {
        let token = http::secret(&self.common.token_file)?;
        let headers =
            vec![("authorization", format!("token {token}")), ("accept", "application/json".into())];
        Ok(Box::new(RequestTracker {
            client: Client::new(&self.common.http)?,
            headers,
            queue: self.queue.clone(),
        }))
    }
}

struct RequestTracker {
    client: Client,
    headers: Vec<(&'static str, String)>,
    queue: String,
}

impl RequestTracker {
    fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, ForwardError> {
        let body = body.map(ToString::to_string);
        let body = body.as_deref().map(|body| ("application/json", body));
        self.client.ask(method, &format!("/REST/2.0{path}"), &self.headers, body)
    }

    fn get(&self, path: &str) -> Result<Value, ForwardError> {
        self.ask(&Method::GET, path, None)?.taken()?.json()
    }

    /// All items of a list, page after page.
    fn list(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Vec<Value>, ForwardError> {
        let mut items = Vec::new();
        for page in 1..=PAGES {
            let path =
                format!("{path}{}per_page={PAGE}&page={page}", if path.contains('?') { '&' } else { '?' });
            let answer = self.ask(method, &path, body)?.taken()?.json()?;
            let found = list(&answer, "/items");
            let is_last = found.len() < PAGE;
            items.extend_from_slice(found);
            if is_last {
                break;
            }
        }
        Ok(items)
    }

    /// The texts that one transaction put into a ticket.
    fn text_of(&self, transaction: u64) -> Result<String, ForwardError> {
        let path = format!("/transaction/{transaction}/attachments?fields=Content,ContentType");
        let texts = self.list(&Method::GET, &path, None)?;
        let plain =
            |part: &&Value| at(part, "/ContentType").as_str().is_none_or(|kind| kind.starts_with("text/"));
        let texts: Vec<&str> =
            texts.iter().filter(plain).filter_map(|part| at(part, "/Content").as_str()).collect();
        Ok(texts.join("\n"))
    }
}

impl Tracker for RequestTracker {
    fn check(&self) -> Result<String, ForwardError> {
        let queue = self.get(&format!("/queue/{}", encoded(&self.queue)))?;
        let name = at(&queue, "/Name").as_str().unwrap_or(&self.queue);
        Ok(format!("Request Tracker has the queue `{name}`"))
    }

    fn find(&self, key: &str) -> Result<Vec<Found>, ForwardError> {
        let query = encoded(&format!("Subject LIKE '{key}'"));
        let path = format!("/tickets?query={query}&fields=Subject,Status&orderby=id&order=ASC");
        let items = self.list(&Method::GET, &path, None)?;
        let of = |item: &Value| {
            let is_open = status(at(item, "/Status").as_str()?)? != Status::Closed;
            Some(Found { number: number(at(item, "/id"))?, is_open })
        };
        Ok(items.iter().filter_map(of).collect())
    }

    fn create(&self, subject: &str, body: &str, severity: Severity) -> Result<String, ForwardError> {
        let ticket = json!({
            "Queue": self.queue,
            "Subject": subject,
            "Content": body,
            "ContentType": "text/plain",
            "Priority": priority(severity),
        });
        let answer = self.ask(&Method::POST, "/ticket", Some(&ticket))?.taken()?;
        number(at(&answer.json()?, "/id")).ok_or_else(|| answer.fault())
    }

    fn standing(&self, of: &str) -> Result<Option<Standing>, ForwardError> {
        let answer = self.ask(&Method::GET, &format!("/ticket/{of}"), None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = answer.taken()?;
        let ticket = answer.json()?;
        let word = at(&ticket, "/Status").as_str().ok_or_else(|| answer.fault())?;
        // A ticket that was merged into another answers as that other.
        let number = number(at(&ticket, "/id")).unwrap_or_else(|| of.to_owned());
        let subject = at(&ticket, "/Subject").as_str().unwrap_or_default().to_owned();
        Ok(status(word).map(|status| Standing { number, status, subject }))
    }

    fn written(&self, of: &str, after: u64) -> Result<Vec<Written>, ForwardError> {
        let terms = json!([
            { "field": "ObjectType", "value": "RT::Ticket" },
            { "field": "ObjectId", "value": of },
            { "field": "id", "operator": ">", "value": after },
        ]);
        let path = "/transactions?fields=Type,Creator&orderby=id&order=ASC";
        let mut written = Vec::new();
        for item in &self.list(&Method::POST, path, Some(&terms))? {
            let Some(place) = number(at(item, "/id")).and_then(|id| id.parse().ok()) else { continue };
            let is_text = matches!(at(item, "/Type").as_str(), Some("Create" | "Comment" | "Correspond"));
            if !is_text || place <= after {
                continue;
            }
            let author = at(item, "/Creator/id").as_str().unwrap_or("somebody").to_owned();
            written.push(Written { number: place, author, text: self.text_of(place)? });
        }
        written.sort_by_key(|written| written.number);
        Ok(written)
    }

    fn write(&self, to: &str, text: &str) -> Result<(), ForwardError> {
        // A comment, which those who work on it see; correspondence would go out by mail to whoever asked.
        let comment = json!({ "Content": text, "ContentType": "text/plain" });
        self.ask(&Method::POST, &format!("/ticket/{to}/comment"), Some(&comment))?.taken().map(drop)
    }

    fn move_to(&self, ticket: &str, status: Status) -> Result<(), ForwardError> {
        let word = match status {
            Status::New => "new",
            Status::Acknowledged | Status::InProgress => "open",
            Status::Closed => "resolved",
        };
        // What it does not permit it answers with 200 and a sentence.
        self.ask(&Method::PUT, &format!("/ticket/{ticket}"), Some(&json!({ "Status": word })))?
            .taken()
            .map(drop)
    }

    fn raise(&self, ticket: &str, severity: Severity) -> Result<(), ForwardError> {
        let path = format!("/ticket/{ticket}");
        let now = self.get(&path)?;
        let now = number(at(&now, "/Priority")).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        if now >= priority(severity) {
            return Ok(());
        }
        let change = json!({ "Priority": priority(severity) });
        self.ask(&Method::PUT, &path, Some(&change))?.taken().map(drop)
    }
}

/// 0 to 100; its own words are low for 0, medium for 50, high for 100 (`%PriorityAsString` in `RT_Config`).
const fn priority(severity: Severity) -> u64 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 20,
        Severity::Medium => 50,
        Severity::High => 75,
        Severity::Critical => 100,
    }
}

/// Where a ticket of its default life cycle stands; none where it is deleted. A word that a site added is work in progress.
fn status(word: &str) -> Option<Status> {
    match word {
        "new" => Some(Status::New),
        "resolved" | "rejected" => Some(Status::Closed),
        "deleted" => None,
        _ => Some(Status::InProgress),
    }
}

/// Numbers come as numbers or as texts.
fn number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) => {
            Some(text.clone())
        }
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}
