//! The connection to a server.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{
    super::{ForwardError, Link, Stop, content, wire::Wire},
    config::{Credentials, Settings},
    keys,
    protocol::{self, Connect, Info, Message, Said},
};
use crate::{
    http::{self, tamed},
    store::Told,
};

/// How long the connection may be quiet before a sign of life is asked for.
const QUIET: Duration = Duration::from_secs(30);
/// Octets of an incident's id that are told.
const MAX_ID: usize = 128;
/// Numbers of JetStream's errors that are about the message: it, or its headers, are larger than the stream takes.
const ABOUT_THE_MESSAGE: [u64; 2] = [10_054, 10_097];

/// What a stream answers to a message: where it is now, or why it is not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    pub(super) stream: String,
    /// Counts from 1.
    pub(super) seq: u64,
    error: Option<Refusal>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: u64,
    err_code: u64,
    description: String,
}

pub(super) struct Client {
    settings: Settings,
    gateway: String,
    wire: Wire,
    /// What our answers are about: nobody guesses it who cannot read what we say.
    inbox: String,
    /// Messages published.
    published: u64,
    confirmed: u64,
}

impl Client {
    pub(super) fn connect(settings: &Settings, gateway: &str, stop: &Stop) -> Result<Self, ForwardError> {
        let wire = Wire::reach(&settings.endpoint, stop)?;
        let chance = chance().ok_or_else(|| wire.lost("this machine has no source of chance"))?;
        let inbox = format!("{}.{chance}", settings.inbox);
        let mut client = Self {
            settings: settings.clone(),
            gateway: gateway.to_owned(),
            wire,
            inbox,
            published: 0,
            confirmed: 0,
        };
        let info = client.greet()?;
        let connect = client.introduction(&info)?.line();
        client.wire.say(format!("{connect}SUB {}.* 1\r\nPING\r\n", client.inbox).as_bytes())?;
        client.await_pong()?;
        Ok(client)
    }

    /// Hears what the server demands and goes on in TLS.
    fn greet(&mut self) -> Result<Info, ForwardError> {
        let deadline = self.wire.deadline();
        let Some(said) = self.wire.next(deadline, protocol::read)? else { return Err(self.wire.silent()) };
        let info = match said {
            Said::Info(info) => info,
            Said::Err(text) => return Err(self.wire.lost(&text)),
            _ => return Err(self.wire.lost("it does not greet as a NATS server does")),
        };
        let is_secure = self.settings.endpoint.tls.is_some();
        if is_secure && !info.tls_required && !info.tls_available {
            let address = self.wire.address();
            let cause = "it offers no TLS; nothing was told in clear".into();
            return Err(ForwardError::Untrusted { address, cause });
        }
        if !is_secure && info.tls_required {
            return Err(self.wire.lost("it demands TLS: leave `transport` out, and name its `ca_file`"));
        }
        if !info.headers {
            return Err(self.wire.lost("it is too old a server to know headers"));
        }
        self.wire.secure()?;
        Ok(info)
    }

    fn introduction(&self, info: &Info) -> Result<Connect<'static>, ForwardError> {
        let mut connect = Connect {
            headers: true,
            no_responders: true,
            tls_required: self.settings.endpoint.tls.is_some(),
            protocol: 1,
            lang: "rust",
            version: env!("CARGO_PKG_VERSION"),
            name: "fieldwarden",
            ..Connect::default()
        };
        let nonce = || info.nonce.as_deref().ok_or_else(|| self.wire.lost("it asks for no key"));
        match &self.settings.credentials {
            Credentials::None => {}
            Credentials::Password(user, file) => {
                connect.user = Some(user.clone());
                connect.pass = Some(http::secret(file)?);
            }
            Credentials::Token(file) => connect.auth_token = Some(http::secret(file)?),
            Credentials::Nkey(file) => {
                let key = keys::nkey(file)?;
                connect.sig = Some(key.sign(nonce()?));
                connect.nkey = Some(key.public());
            }
            Credentials::Credentials(file) => {
                let (token, key) = keys::credentials(file)?;
                connect.sig = Some(key.sign(nonce()?));
                connect.jwt = Some(token);
            }
        }
        Ok(connect)
    }

    /// The server takes us in once it answered the PING behind our introduction.
    fn await_pong(&mut self) -> Result<(), ForwardError> {
        let deadline = self.wire.deadline();
        while let Some(said) = self.heard(deadline)? {
            match said {
                Said::Pong => return Ok(()),
                other => self.mind(&other)?,
            }
        }
        Err(self.wire.silent())
    }

    fn heard(&mut self, deadline: Instant) -> Result<Option<Said>, ForwardError> {
        if Instant::now() > deadline {
            // A server that talks without an end keeps nobody waiting.
            return Ok(None);
        }
        self.wire.next(deadline, protocol::read)
    }

    /// What may come at any time.
    fn mind(&mut self, said: &Said) -> Result<(), ForwardError> {
        match said {
            Said::Ping => self.wire.say(b"PONG\r\n"),
            Said::Pong => {
                self.wire.lives();
                Ok(())
            }
            Said::Err(text) => Err(self.complaint(text)),
            // Cluster members come and go; an answer that came too late; nothing we asked for.
            Said::Info(_) | Said::Message(_) | Said::Ok => Ok(()),
        }
    }

    fn complaint(&self, text: &str) -> ForwardError {
        let is_about_us =
            ["Authorization", "Authentication", "Account"].iter().any(|word| text.contains(word));
        if is_about_us {
            let cause = format!("it does not know us: {text}");
            return ForwardError::Untrusted { address: self.wire.address(), cause };
        }
        self.wire.lost(text)
    }

    /// Publishes one message and waits until a stream says that it stored it.
    pub(super) fn publish(&mut self, body: &str, id: &str) -> Result<Stored, ForwardError> {
        self.published += 1;
        let reply = format!("{}.{}", self.inbox, self.published);
        let mut headers = vec![("Nats-Msg-Id", id)];
        if let Some(stream) = &self.settings.stream {
            headers.push(("Nats-Expected-Stream", stream));
        }
        let octets = protocol::publish(&self.settings.subject, &reply, &headers, body);
        self.wire.say(&octets)?;
        let deadline = self.wire.deadline();
        while let Some(said) = self.heard(deadline)? {
            match said {
                Said::Message(message) if message.subject == reply => return self.judge(&message),
                // It says so before it hangs up: what was not said is said on the next connection.
                Said::Err(text) if text.contains("Maximum Payload") => {
                    let cause =
                        format!("{text}: a message of {} octets; see its `max_payload`", octets.len());
                    return Err(ForwardError::Refused { address: self.wire.address(), cause });
                }
                other => self.mind(&other)?,
            }
        }
        Err(self.wire.silent())
    }

    fn judge(&self, message: &Message) -> Result<Stored, ForwardError> {
        let subject = &self.settings.subject;
        match message.status {
            Some(503) => {
                let cause = format!("no stream takes `{subject}`: make one, or write its subject");
                return Err(self.wire.lost(&cause));
            }
            Some(status) => return Err(self.wire.lost(&format!("status {status} for `{subject}`"))),
            None => {}
        }
        let stored: Stored = serde_json::from_slice(&message.payload).unwrap_or_default();
        if let Some(error) = &stored.error {
            return Err(self.refusal(error));
        }
        if stored.stream.is_empty() || stored.seq == 0 {
            let cause = format!("whoever listens to `{subject}` acknowledges nothing: it is no stream");
            return Err(self.wire.lost(&cause));
        }
        match &self.settings.stream {
            Some(expected) if *expected != stored.stream => {
                let cause = format!("`{}` took it, which is not `{expected}`", tamed(&stored.stream));
                Err(self.wire.lost(&cause))
            }
            _ => Ok(stored),
        }
    }

    fn refusal(&self, error: &Refusal) -> ForwardError {
        let address = self.wire.address();
        let cause = format!("{} (error {}, {})", tamed(&error.description), error.code, error.err_code);
        if ABOUT_THE_MESSAGE.contains(&error.err_code) {
            return ForwardError::Refused { address, cause };
        }
        match error.code {
            // Full, without a leader, out of resources: it passes, or somebody makes room.
            429 | 500..=599 => ForwardError::Later { address, cause, pause: None },
            _ => ForwardError::Lost { address, cause },
        }
    }

    pub(super) fn manner(&self) -> &'static str {
        self.wire.manner()
    }
}

/// Sixteen octets of chance in hexadecimal digits.
fn chance() -> Option<String> {
    let mut octets = [0u8; 16];
    aws_lc_rs::rand::fill(&mut octets).ok()?;
    Some(octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    }))
}

impl Link for Client {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        let settings = &self.settings;
        let body = content::encode(settings.format, told, &self.gateway, settings.max_message_bytes);
        // A header holds no more than printable characters.
        let id: String = told.incident.id.0.chars().filter(char::is_ascii_graphic).take(MAX_ID).collect();
        self.publish(&body, &format!("{id}:{}", told.incident.revision))?;
        self.confirmed += 1;
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        let until = Instant::now() + wait;
        while let Some(said) = self.heard(until)? {
            self.mind(&said)?;
        }
        self.wire.pulse(QUIET, b"PING\r\n")
    }

    fn confirmed(&mut self) -> u64 {
        self.confirmed
    }

    fn close(self: Box<Self>) {
        self.wire.part(b"");
    }
}
