//! What is told over HTTPS: what these services have in common, once. Each has a file with its row of the table, and the shape of its payload.
//!
//! # Guarantee
//!
//! A message counts as told when the service answered that it took it, to the end of its answer. Where a message is several requests (one for each
//! person) and one of them fails, those before it are not made again as long as this program runs.

pub(super) mod ntfy;
pub(super) mod opsgenie;
pub(super) mod pagerduty;
pub(super) mod slack;
pub(super) mod sms;
pub(super) mod teams;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use fieldwarden_model::{Fault, Section, Severity, Timestamp, section::Reader};

use super::{Channel, Way, message::Message, notifier, policy::Policy, settings};
use crate::{
    forward::{Destination, ForwardError},
    http::{self, Answer, Client},
};

/// JSON, as nearly all of them take it.
const JSON: &str = "application/json";

/// One service: a row of the table.
struct Service {
    /// What `name` is called in an example.
    example: &'static str,
    /// Where it is, unless `url` says otherwise; where this is none, `url` has to.
    url: Url,
    /// How its secret goes along.
    secret: Secret,
    /// Settings of its own.
    fields: &'static [Field],
    /// Whether a name is one of a person it knows; none where it keeps books of its own, and decides by itself whom to wake.
    people: People,
    /// What is asked of it.
    requests: fn(&Message, &Context<'_>) -> Vec<Request>,
    /// What an answer means, and what it calls the conversation.
    answered: fn(Answer) -> Result<Option<String>, ForwardError>,
}

enum Url {
    /// The service's own.
    Usual(&'static str),
    /// Each site has one; this is an example.
    Written(&'static str),
}

/// How a secret goes along.
enum Secret {
    /// In a header, behind a word: `token_file`.
    Header { name: &'static str, prefix: &'static str, is_required: bool },
    /// In the body: `token_file`.
    Body,
    /// It is the rest of the address: `path_file`.
    Path,
}

/// A setting of one service.
struct Field {
    key: &'static str,
    /// What it is where it is left out; it has to be written where this is none.
    usual: Option<&'static str>,
    help: &'static str,
    /// Why a value is none.
    check: fn(&str) -> Result<(), String>,
}

/// Whom a service knows.
enum People {
    /// It keeps books of its own.
    ItsOwn,
    /// Nobody, or whoever is named: a mention.
    Some(fn(&str) -> Result<(), String>),
    /// Whoever is named; somebody has to be.
    Named(fn(&str) -> Result<(), String>),
}

/// What payloads are made with.
struct Context<'a> {
    secret: Option<&'a str>,
    fields: &'a BTreeMap<&'static str, String>,
}

impl Context<'_> {
    fn field(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }
}

struct Request {
    is_put: bool,
    path: String,
    kind: &'static str,
    body: String,
}

impl Request {
    fn post(path: impl Into<String>, body: &serde_json::Value) -> Self {
        Self { is_put: false, path: path.into(), kind: JSON, body: body.to_string() }
    }
}

/// One configured service.
#[derive(Debug)]
struct Configured {
    service: &'static Service,
    name: String,
    http: http::Settings,
    secret_file: Option<PathBuf>,
    fields: BTreeMap<&'static str, String>,
    policy: Policy,
    /// How many requests of which message were made.
    done: Mutex<(String, usize)>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.example)
    }
}

/// Reads one table of a service.
fn configure(service: &'static Service, section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    notifier(read(service, section).map(Arc::new))
}

fn read(service: &'static Service, section: &Section) -> Result<Configured, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let name = reader.required::<String>("name", &format!("name = \"{}\"", service.example));
    let http = match service.url {
        Url::Usual(url) => http::Settings::read_or(&mut reader, url),
        Url::Written(example) => http::Settings::read(&mut reader, example),
    };
    let (key, is_required) = match service.secret {
        Secret::Header { is_required, .. } => ("token_file", is_required),
        Secret::Body => ("token_file", true),
        Secret::Path => ("path_file", true),
    };
    let help = format!("{key} = \"/run/credentials/fieldwarden.service/{}\"", service.example);
    let secret_file = if is_required { reader.required(key, &help) } else { reader.optional::<String>(key) };
    let mut fields = BTreeMap::new();
    for field in service.fields {
        let value = match field.usual {
            Some(usual) => Some(reader.or(field.key, usual.to_owned())),
            None => reader.required::<String>(field.key, field.help),
        };
        let Some(value) = value else { continue };
        if let Err(why) = (field.check)(&value) {
            reader.fault_at(field.key, why, Some(format!("write {}", field.help)));
        }
        fields.insert(field.key, value);
    }
    let policy = match service.people {
        People::ItsOwn => settings::pager(&mut reader),
        People::Some(check) => settings::people(&mut reader, check, false),
        People::Named(check) => settings::people(&mut reader, check, true),
    };
    let all = (|| {
        let (name, http, policy) = (name?, http?, policy?);
        let secret_file = secret_file.map(PathBuf::from);
        Some(Configured { service, name, http, secret_file, fields, policy, done: Mutex::default() })
    })();
    reader.finish_with(all)
}

impl Configured {
    fn dial(self: &Arc<Self>) -> Result<Open, ForwardError> {
        let client = Client::new(&self.http)?;
        let secret = self.secret_file.as_deref().map(http::secret).transpose()?;
        Ok(Open { of: Arc::clone(self), client, secret })
    }
}

impl Way for Arc<Configured> {
    fn name(&self) -> &str {
        &self.name
    }

    fn address(&self) -> &str {
        &self.http.url
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn open(&self) -> Result<Box<dyn Channel>, ForwardError> {
        Ok(Box::new(self.dial()?))
    }

    fn test(&self, gateway: &str, now: Timestamp) -> Result<String, ForwardError> {
        let mut open = self.dial()?;
        let to = self.policy.people(1, now);
        open.tell(&Message::test(gateway, to.clone(), now, false))?;
        if matches!(self.service.people, People::ItsOwn) {
            // Nobody has to tidy up behind a test.
            open.tell(&Message::test(gateway, to, now, true))?;
        }
        Ok(format!("`{}` took the test message", self.http.url))
    }
}

struct Open {
    of: Arc<Configured>,
    client: Client,
    secret: Option<String>,
}

impl Open {
    fn ask(&self, request: &Request, key: &str) -> Result<Option<String>, ForwardError> {
        let service = self.of.service;
        let mut headers = vec![("idempotency-key", key.to_owned())];
        let mut path = request.path.clone();
        match (&service.secret, &self.secret) {
            (Secret::Header { name, prefix, .. }, Some(secret)) => {
                headers.push((name, format!("{prefix}{secret}")));
            }
            (Secret::Path, Some(secret)) => {
                path = if secret.starts_with('/') { secret.clone() } else { format!("/{secret}") };
            }
            _ => {}
        }
        let send = if request.is_put { Client::put } else { Client::post };
        (service.answered)(send(&self.client, &path, request.kind, &request.body, &headers)?)
    }
}

impl Channel for Open {
    fn tell(&mut self, message: &Message) -> Result<Option<String>, ForwardError> {
        let context = Context { secret: self.secret.as_deref(), fields: &self.of.fields };
        let requests = (self.of.service.requests)(message, &context);
        let key = message.key();
        let made = {
            let mut done = self.of.done.lock().unwrap_or_else(PoisonError::into_inner);
            if done.0 != key {
                *done = (key.clone(), 0);
            }
            done.1
        };
        let (mut thread, mut refused) = (None, None);
        for (number, request) in requests.iter().enumerate().skip(made) {
            match self.ask(request, &format!("{key}-{number}")) {
                Ok(told) => thread = thread.or(told),
                // The others are told all the same.
                Err(error @ ForwardError::Refused { .. }) => refused = Some(error),
                Err(other) => return Err(other),
            }
            self.of.done.lock().unwrap_or_else(PoisonError::into_inner).1 = number + 1;
        }
        refused.map_or(Ok(thread), Err)
    }
}

/// By the status alone.
fn by_status(answer: Answer) -> Result<Option<String>, ForwardError> {
    answer.taken().map(|_| None)
}

/// Anything goes.
fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

/// From 1 to 5, the mildest first, as many of them count.
const fn of_five(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

/// What names an incident in an address or as a key: printable, without what separates.
fn slug(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect()
}
