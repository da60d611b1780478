//! Tickets: one incident, one ticket, whatever happens on the way.
//!
//! A ticket system is a destination like any other: the [outbox](crate::outbox) brings it each revision until it is confirmed. What makes
//! exactly one ticket out of "at least once" is the same for all of them and stands in `desk.rs`; a folder beside it knows one system's
//! requests and words.
//!
//! # Guarantee
//!
//! * **A ticket is looked for before one is made**, by a correlation key in its subject (see `docs/tickets/README.md`), and again after: where two
//!   gateways made one each at the same moment, the younger is closed as its double.
//! * **What was said is said once.** Each text of ours begins with the incident and the revision it covers; what the ticket already
//!   shows is not written again, also where the answer to the first attempt was lost.
//! * **Final state counts.** A revision that waited is not told by itself: the ticket is brought to where the incident stands now. A day's
//!   outage is one remark.
//! * **People have the last word.** What they write comes back into the case, and so does closing and reopening. Severity is only ever raised.

mod desk;
mod redmine;
mod request_tracker;
mod text;

use std::{fmt, path::PathBuf, time::Duration};

use fieldwarden_model::{Fault, Severity, Timestamp, section::Reader};

use serde_json::Value;

use self::desk::Desk;
use crate::{
    forward::{Destination, ForwardError, Forwarder, Link, Stop},
    http,
    store::{Status, Store},
};

/// Every kind of ticket system, in the order in which configurations are read.
pub static TRACKERS: &[Forwarder] = &[request_tracker::TRACKER, redmine::TRACKER];

/// What the tables of all ticket systems have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Common {
    /// The destination's name.
    name: String,
    /// Where it is.
    http: http::Settings,
    /// What we are known by.
    token_file: PathBuf,
    /// Which plant, the same on all gateways that watch it.
    site: String,
    /// The mildest incident that opens a ticket.
    severity: Severity,
    /// How often people's doings are looked for.
    poll: Duration,
}

impl Common {
    /// Reads `name`, `site`, `token_file`, `severity`, `poll_seconds` and those of [`http::Settings`].
    fn read(reader: &mut Reader<'_>, example: &str) -> Option<Self> {
        let name = reader.required::<String>("name", "name = \"tickets\"");
        let http = http::Settings::read(reader, example);
        let token_file = reader.required::<String>(
            "token_file",
            "token_file = \"/run/credentials/fieldwarden.service/tickets\"",
        );
        let site = reader.required::<String>("site", "site = \"north waterworks\"");
        let words = [Severity::Medium, Severity::Info, Severity::Low, Severity::High, Severity::Critical]
            .map(|severity| (severity.word(), severity));
        let severity = reader.one_of("severity", &words);
        let poll = Duration::from_secs(reader.within("poll_seconds", 1..=3_600, 60));
        Some(Self {
            name: name?,
            http: http?,
            token_file: token_file?.into(),
            site: site?,
            severity: severity?,
            poll,
        })
    }
}

/// Where a ticket stands, as a case would say it, with what else a look at it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    /// What it is called now: another ticket where somebody merged it into that.
    number: String,
    /// Where it stands.
    status: Status,
    /// Its subject.
    subject: String,
}

/// A ticket that carries our key.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    number: String,
    is_open: bool,
}

/// Something that somebody wrote into a ticket, its description included.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    /// Its place in the order of writing.
    number: u64,
    author: String,
    text: String,
}

/// One ticket system, as the desk works with it. Any error but [`ForwardError::Refused`] ends the connection.
trait Tracker: Send {
    /// Proves that we are known and that tickets can be made, without making one; says what there is, for a person.
    fn check(&self) -> Result<String, ForwardError>;

    /// The tickets whose subject carries `key`, the oldest first, closed ones too, deleted ones not.
    fn find(&self, key: &str) -> Result<Vec<Found>, ForwardError>;

    /// Makes one, and says what it is called.
    fn create(&self, subject: &str, body: &str, severity: Severity) -> Result<String, ForwardError>;

    /// Where one stands; none where it is deleted.
    fn standing(&self, number: &str) -> Result<Option<Standing>, ForwardError>;

    /// What was written into it after place `after`, in order; from 0 on, its description too.
    fn written(&self, number: &str, after: u64) -> Result<Vec<Written>, ForwardError>;

    /// Writes into it, for those who work on it.
    fn write(&self, number: &str, text: &str) -> Result<(), ForwardError>;

    /// Moves it to where a case would say `status`, and no further; see [`Tracker::standing`] for whether it went.
    fn move_to(&self, number: &str, status: Status) -> Result<(), ForwardError>;

    /// Raises its priority to that of `severity`.
    fn raise(&self, number: &str, severity: Severity) -> Result<(), ForwardError>;
}

/// What a kind of ticket system makes out of its table.
trait System: fmt::Debug + Send + Sync {
    fn common(&self) -> &Common;

    /// Reads the token and makes the requests' client.
    fn open(&self) -> Result<Box<dyn Tracker>, ForwardError>;
}

/// A ticket system as a destination.
#[derive(Debug)]
struct Tickets<S>(S);

impl<S: System> Tickets<S> {
    fn configured(system: Result<S, Vec<Fault>>) -> Result<Box<dyn Destination>, Vec<Fault>>
    where
        S: 'static,
    {
        system.map(|system| Box::new(Self(system)) as Box<dyn Destination>)
    }
}

impl<S: System> Destination for Tickets<S> {
    fn name(&self) -> &str {
        &self.0.common().name
    }

    fn address(&self) -> &str {
        &self.0.common().http.url
    }

    fn connect(&self, store: &Store, _: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        let tracker = self.0.open()?;
        tracker.check()?;
        Ok(Box::new(Desk::new(self.0.common().clone(), store.clone(), tracker)))
    }

    fn test(&self, _: Timestamp) -> Result<String, ForwardError> {
        let found = self.0.open()?.check()?;
        Ok(format!("`{}` knows us: {found}; no ticket was made", self.address()))
    }
}

/// What stands at a place of an answer (RFC 6901), `null` where nothing does.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The list at a place of an answer, empty where there is none.
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    at(value, pointer).as_array().map(Vec::as_slice).unwrap_or_default()
}
