//! Splunk's HTTP Event Collector, with indexer acknowledgement: one event for each revision of an incident.
//!
//! # Guarantee
//!
//! A 200 merely says that the collector has the event in its memory. With acknowledgement switched on for the token it gives an `ackId`, and a
//! revision counts as told once the indexers say so of it; where they have not within `confirm_after_ms` the connection is given up and
//! everything unconfirmed is told again. Events carry `id` and `revision`, by which repeats are told apart.
//!
//! Fields after the pages "Format events for HTTP Event Collector", "About HTTP Event Collector Indexer Acknowledgment" and "Troubleshoot
//! HTTP Event Collector" (Splunk Enterprise 9): `time` in seconds with a fraction, `host`, `source`, `sourcetype`, `index`, `event`; `Authorization: Splunk
//! TOKEN`, `X-Splunk-Request-Channel`; `ackId`; `{"acks":[..]}` to `/services/collector/ack`; the codes of refusals.

use std::{
    collections::{BTreeSet, VecDeque},
    path::PathBuf,
    time::{Duration, Instant},
};

use fieldwarden_model::{Fault, Section, Timestamp, digest::Digest, section::Reader};
use serde_json::{Value, json};

use super::{
    Destination, ForwardError, Forwarder, Link, Stop,
    content::{self, Format},
};
use crate::{
    http::{self, Answer, Client},
    store::{Store, Told},
};

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "splunk_hec", configure };

/// Octets an event may have: well within the collector's megabyte.
const MAX_EVENT: usize = 65_536;
/// How often the indexers are asked.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Acknowledgements asked for at once.
const MAX_ASKED: usize = 1_000;
/// Codes of a 400 that are about the event itself; others are about the token, the channel or the index, which a person mends.
const ABOUT_THE_EVENT: [u64; 5] = [5, 6, 12, 13, 15];

/// What one `[[forward.splunk_hec]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// Where it is.
    pub http: http::Settings,
    /// The token of the collector.
    pub token_file: PathBuf,
    /// The index; the token's own where absent.
    pub index: Option<String>,
    /// The source type.
    pub sourcetype: String,
    /// Whether the token has acknowledgement switched on.
    pub acknowledge: bool,
    /// How long the indexers may take to say that they have an event.
    pub confirm_after: Duration,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"splunk\"");
        let http = http::Settings::read(&mut reader, "https://splunk.example:8088");
        let token_file = reader
            .required::<String>("token_file", "token_file = \"/run/credentials/fieldwarden.service/hec\"");
        let index = reader.optional::<String>("index");
        let sourcetype = reader.or("sourcetype", String::from("fieldwarden:incident"));
        let acknowledge = reader.or("acknowledge", true);
        let confirm_after = Duration::from_millis(reader.within("confirm_after_ms", 1_000..=600_000, 60_000));
        let all = (|| {
            let (name, http, token_file) = (name?, http?, token_file?.into());
            Some(Self { name, http, token_file, index, sourcetype, acknowledge, confirm_after })
        })();
        reader.finish_with(all)
    }
}

/// A collector.
#[derive(Clone, Debug)]
pub struct SplunkHec {
    settings: Settings,
    gateway: String,
}

impl SplunkHec {
    fn open(&self) -> Result<Collector, ForwardError> {
        let client = Client::new(&self.settings.http)?;
        let token = http::secret(&self.settings.token_file)?;
        let channel = channel(&self.gateway, &self.settings.name);
        let headers =
            vec![("authorization", format!("Splunk {token}")), ("x-splunk-request-channel", channel.clone())];
        let (settings, gateway) = (self.settings.clone(), self.gateway.clone());
        let waiting = VecDeque::new();
        Ok(Collector {
            settings,
            gateway,
            client,
            headers,
            channel,
            waiting,
            asked: Instant::now(),
            confirmed: 0,
        })
    }
}

/// The channel is a GUID of our own choice: the same each time, since acknowledgements are counted by it.
fn channel(gateway: &str, name: &str) -> String {
    let digest = Digest::new().with("splunk channel").with(gateway).with(name).full();
    let part = |range: std::ops::Range<usize>| digest.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

impl Destination for SplunkHec {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn address(&self) -> &str {
        &self.settings.http.url
    }

    fn connect(&self, _: &Store, _: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(Box::new(self.open()?))
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        let event = content::encode_test(Format::Json, &self.gateway, now);
        let receipt = self.open()?.post(&event, now)?;
        let proof = match receipt {
            Some(receipt) => format!("it acknowledges events (this one as number {receipt})"),
            None => "it acknowledges nothing".into(),
        };
        Ok(format!("`{}` took the test event; {proof}", self.settings.http.url))
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    let settings = Settings::configure(section)?;
    Ok(Box::new(SplunkHec { settings, gateway: super::hostname() }))
}

struct Collector {
    settings: Settings,
    gateway: String,
    client: Client,
    headers: Vec<(&'static str, String)>,
    channel: String,
    /// Events sent and not known to be indexed, oldest first: the number of each, until it is, and when it was sent.
    waiting: VecDeque<(Option<u64>, Instant)>,
    asked: Instant,
    confirmed: u64,
}

impl Collector {
    /// Posts an event; its number where acknowledgement is on.
    fn post(&self, event: &str, time: Timestamp) -> Result<Option<u64>, ForwardError> {
        // Our own encoder wrote it.
        let event: Value = serde_json::from_str(event).unwrap_or_default();
        let nanos = time.nanos();
        let seconds =
            format!("{}.{:03}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000) / 1_000_000);
        let mut body = json!({
            "time": seconds,
            "host": self.gateway,
            "source": "fieldwarden",
            "sourcetype": self.settings.sourcetype,
            "event": event,
        });
        if let (Some(index), Some(object)) = (&self.settings.index, body.as_object_mut()) {
            object.insert("index".into(), json!(index));
        }
        let answer = self.client.post(
            "/services/collector/event",
            "application/json",
            &body.to_string(),
            &self.headers,
        )?;
        receipt(answer, self.settings.acknowledge)
    }

    /// Asks which events the indexers have.
    fn ask(&mut self) -> Result<(), ForwardError> {
        let acks: Vec<u64> =
            self.waiting.iter().filter_map(|(receipt, _)| *receipt).take(MAX_ASKED).collect();
        let path = format!("/services/collector/ack?channel={}", self.channel);
        let body = json!({"acks": acks}).to_string();
        let answer = self.client.post(&path, "application/json", &body, &self.headers)?.taken()?;
        let Some(said) = indexed(&answer.body) else { return Err(answer.fault()) };
        for (receipt, _) in &mut self.waiting {
            if receipt.is_some_and(|n| said.contains(&n)) {
                *receipt = None;
            }
        }
        self.asked = Instant::now();
        Ok(())
    }
}

/// The number under which an event was taken, where the token acknowledges.
///
/// # Errors
/// It was not taken; or it was without a number where there has to be one: that could never be confirmed.
pub fn receipt(answer: Answer, acknowledge: bool) -> Result<Option<u64>, ForwardError> {
    let answer = taken(answer)?;
    if !acknowledge {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match value.get("ackId").and_then(Value::as_u64) {
        Some(number) => Ok(Some(number)),
        None => Err(answer.fault()),
    }
}

/// The numbers that an answer says the indexers have; none where it says nothing of the kind.
#[must_use]
pub fn indexed(body: &str) -> Option<BTreeSet<u64>> {
    let value: Value = serde_json::from_str(body).ok()?;
    let said = value.get("acks")?.as_object()?;
    let has = said.iter().filter(|(_, has)| **has == Value::Bool(true));
    Some(has.filter_map(|(number, _)| number.parse().ok()).collect())
}

/// A 400 by its code: only what is wrong with the event is refused for good.
fn taken(answer: Answer) -> Result<Answer, ForwardError> {
    if answer.status != 400 {
        return answer.taken();
    }
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let code = value.get("code").and_then(Value::as_u64);
    Err(if code.is_some_and(|code| ABOUT_THE_EVENT.contains(&code)) {
        answer.refused()
    } else {
        answer.fault()
    })
}

impl Link for Collector {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        let event = content::encode(Format::Json, told, &self.gateway, MAX_EVENT);
        let receipt = self.post(&event, told.time)?;
        self.waiting.push_back((receipt, Instant::now()));
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        let oldest = self.waiting.iter().find(|(receipt, _)| receipt.is_some()).map(|(_, sent)| *sent);
        if let Some(sent) = oldest {
            if self.asked.elapsed() >= ASK_EVERY {
                self.ask()?;
            }
            if sent.elapsed() > self.settings.confirm_after {
                let seconds = sent.elapsed().as_secs();
                return Err(ForwardError::Stalled { address: self.settings.http.url.clone(), seconds });
            }
        }
        std::thread::sleep(wait);
        Ok(())
    }

    /// In order: one that is not indexed holds up those behind it, which are told again with it if it never is.
    fn confirmed(&mut self) -> u64 {
        while self.waiting.front().is_some_and(|(receipt, _)| receipt.is_none()) {
            self.waiting.pop_front();
            self.confirmed += 1;
        }
        self.confirmed
    }

    fn close(self: Box<Self>) {}
}
