//! Mail: one for each message, over TLS alone.
//!
//! # Guarantee
//!
//! A message counts as told when the server answered 250 to the mail's last dot. Where the connection ends before, it is sent again under
//! the same Message-ID. Whoever the server refuses for good (5yz to RCPT) makes a dead letter of the message, once all others have theirs; whoever
//! it puts off (4yz) is tried later, he alone as long as this program runs.

mod dialogue;
mod mail;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fieldwarden_model::{Fault, Section, Timestamp, section::Reader};
use lettre::message::Mailbox;
use rustls::{ClientConfig, RootCertStore};

use self::dialogue::{Answer, Dialogue, Server};
use super::{Channel, Way, message::Message, notifier, policy::Policy, settings};
use crate::{
    forward::{Destination, ForwardError, Forwarder, hostname, tls},
    http,
};

/// The registration.
pub(super) const NOTIFIER: Forwarder = Forwarder { id: "smtp", configure };

/// One `[[notify.smtp]]`.
#[derive(Debug)]
struct Smtp {
    name: String,
    server: Server,
    ca_file: PathBuf,
    /// The user, and where his password is.
    login: Option<(String, PathBuf)>,
    from: Mailbox,
    policy: Policy,
    /// Of the message told last: who has it, while others of it are tried again.
    done: Arc<Mutex<(String, Vec<String>)>>,
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    notifier(Smtp::read(section).map(Arc::new))
}

/// A mailbox whose address every server takes.
fn mailbox(text: &str) -> Result<Mailbox, String> {
    let odd = || format!("`{text}` is no mail address");
    if text.chars().any(char::is_control) {
        return Err(odd());
    }
    let mailbox: Mailbox = text.parse().map_err(|_| odd())?;
    let address = mailbox.email.to_string();
    let plain = address.bytes().all(|octet| octet.is_ascii_graphic() && !b"<>\"".contains(&octet));
    if plain { Ok(mailbox) } else { Err(format!("`{text}` is no address of printable ASCII")) }
}

impl Smtp {
    fn read(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"mail\"");
        let server = read_server(&mut reader);
        let ca_file = reader.or("ca_file", String::from(http::SYSTEM_AUTHORITIES)).into();
        let user = reader.optional::<String>("user");
        let password = reader.optional::<String>("password_file").map(PathBuf::from);
        if user.is_some() != password.is_some() {
            reader.fault_at("password_file", "a user and his password go together".into(), None);
        }
        let from = reader.required::<String>("from", "from = \"fieldwarden@plant.example\"");
        let from = from.and_then(|text| match mailbox(&text) {
            Ok(mailbox) => Some(mailbox),
            Err(why) => {
                reader.fault_at("from", why, Some("write fieldwarden@plant.example".into()));
                None
            }
        });
        let policy = settings::people(&mut reader, |text| mailbox(text).map(drop), true);
        let all = (|| {
            let (name, server, from, policy) = (name?, server?, from?, policy?);
            Some(Self {
                name,
                server,
                ca_file,
                login: user.zip(password),
                from,
                policy,
                done: Arc::default(),
            })
        })();
        reader.finish_with(all)
    }

    fn dial(&self) -> Result<Dialogue, ForwardError> {
        let mut roots = RootCertStore::empty();
        for certificate in tls::certificates(&self.ca_file)? {
            // The machine's own list may hold what rustls does not know; it is not needed then.
            let _ = roots.add(certificate);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| self.server.lost(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let ourselves: String =
            hostname().chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).take(64).collect();
        let ourselves = if ourselves.is_empty() { "fieldwarden".into() } else { ourselves };
        let mut dialogue = Dialogue::open(&self.server, &Arc::new(tls), &ourselves)?;
        if let Some((user, password)) = &self.login {
            dialogue.authenticate(user, &http::secret(password)?)?;
        }
        Ok(dialogue)
    }

    /// One mail in one session: to whom the server took it, and whom it refused.
    fn post(&self, mail: &[u8], to: &[Mailbox]) -> Result<Posted, ForwardError> {
        let mut dialogue = self.dial()?;
        dialogue.ask(&format!("MAIL FROM:<{}>", self.from.email), 250)?;
        let mut posted = Posted::default();
        for mailbox in to {
            let answer = dialogue.say(&format!("RCPT TO:<{}>", mailbox.email))?;
            match answer.code {
                // 251: it forwards it.
                250 | 251 => posted.took.push(mailbox.email.to_string()),
                500..=599 => posted.refused.push(format!("{}: {}", mailbox.email, answer.said())),
                // After 421 it says no more.
                421 => return Err(self.server.later(&answer)),
                400..=499 => posted.later = Some(answer),
                _ => return Err(self.server.lost(format!("to RCPT it answers {}", answer.said()))),
            }
        }
        if !posted.took.is_empty() {
            dialogue.ask("DATA", 354)?;
            let answer = dialogue.data(mail)?;
            match answer.code {
                250 => {}
                400..=499 => return Err(self.server.later(&answer)),
                500..=599 => return Err(self.server.refused(answer.said())),
                _ => return Err(self.server.lost(format!("to the mail it answers {}", answer.said()))),
            }
        }
        dialogue.quit();
        Ok(posted)
    }
}

fn read_server(reader: &mut Reader<'_>) -> Option<Server> {
    let address = reader.required::<String>("address", "address = \"mail.plant.example:587\"");
    let parts = address.as_deref().and_then(|address| tls::host_and_port(reader, address, 587));
    let name = tls::server_name(reader, parts.as_ref().map(|(host, _)| host.as_str()));
    let implicit = reader.one_of("tls", &[("starttls", false), ("implicit", true)]);
    let timeout = Duration::from_millis(reader.within("timeout_ms", 500..=300_000, 30_000));
    let (host, port) = parts?;
    Some(Server { address: address?, host, port, name: name?, implicit: implicit?, timeout })
}

/// What became of a mail.
#[derive(Default)]
struct Posted {
    took: Vec<String>,
    refused: Vec<String>,
    later: Option<Answer>,
}

impl Way for Arc<Smtp> {
    fn name(&self) -> &str {
        &self.name
    }

    fn address(&self) -> &str {
        &self.server.address
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn open(&self) -> Result<Box<dyn Channel>, ForwardError> {
        // A mail server closes on who says nothing: each mail has a session of its own, and this one only proves that there can be one.
        self.dial()?.quit();
        Ok(Box::new(Mailer(Arc::clone(self))))
    }

    fn test(&self, gateway: &str, now: Timestamp) -> Result<String, ForwardError> {
        let mut to = Vec::new();
        for person in self.policy.people(1, now) {
            to.extend(mailbox(&person).ok());
        }
        let mail = mail::write_test(gateway, &self.from, &to).map_err(|cause| self.server.refused(cause))?;
        let posted = self.post(&mail, &to)?;
        let told = posted.took.join(", ");
        match (posted.refused.as_slice(), &posted.later) {
            ([], None) => Ok(format!("`{}` took the test mail for {told}", self.server.address)),
            ([], Some(answer)) => Err(self.server.later(answer)),
            (refused, _) => Err(self.server.refused(refused.join("; "))),
        }
    }
}

struct Mailer(Arc<Smtp>);

impl Channel for Mailer {
    fn tell(&mut self, message: &Message) -> Result<Option<String>, ForwardError> {
        let smtp = &self.0;
        let key = message.key();
        let has_it = {
            let mut done = smtp.done.lock().unwrap_or_else(PoisonError::into_inner);
            if done.0 != key {
                *done = (key, Vec::new());
            }
            done.1.clone()
        };
        // Held against the rule when the configuration was read.
        let all: Vec<Mailbox> = message.to.iter().filter_map(|person| mailbox(person).ok()).collect();
        let open: Vec<Mailbox> =
            all.iter().filter(|mailbox| !has_it.contains(&mailbox.email.to_string())).cloned().collect();
        let mail = mail::write(message, &smtp.from, &all).map_err(|cause| smtp.server.refused(cause))?;
        let posted = smtp.post(&mail, &open)?;
        smtp.done.lock().unwrap_or_else(PoisonError::into_inner).1.extend(posted.took);
        match (posted.later, posted.refused.is_empty()) {
            (Some(answer), _) => Err(smtp.server.later(&answer)),
            (None, false) => Err(smtp.server.refused(posted.refused.join("; "))),
            (None, true) => Ok(None),
        }
    }
}
