//! The ways outward: one folder per kind of destination, one line each in [`FORWARDERS`].
//!
//! A forwarder knows one outside format and nothing else. What is told, in which order and how often it is tried
//! again is the business of [`crate::outbox`]; what proves that a message arrived is the business of the [`Link`],
//! because only the protocol knows.

pub mod content;
pub mod elasticsearch;
pub mod file;
pub mod mqtt;
pub mod nats;
pub mod splunk_hec;
pub mod syslog;
pub(crate) mod tls;
pub mod webhook;
mod wire;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fieldwarden_model::{Fault, Section, Timestamp, section::Reader};

use crate::store::{Store, Told};

/// A kind of destination.
#[derive(Debug)]
pub struct Forwarder {
    /// The name of its tables in the configuration: `[[forward.<id>]]`.
    pub id: &'static str,
    /// Reads one of these tables. Touches neither files nor the network.
    pub configure: Configure,
}

/// Reads one table of a configuration, or tells every fault in it.
pub type Configure = fn(&Section) -> Result<Box<dyn Destination>, Vec<Fault>>;

/// Every kind of destination, in the order in which configurations are read.
pub static FORWARDERS: &[Forwarder] = &[
    syslog::FORWARDER,
    file::FORWARDER,
    webhook::FORWARDER,
    splunk_hec::FORWARDER,
    elasticsearch::FORWARDER,
    nats::FORWARDER,
    mqtt::FORWARDER,
];

/// One configured destination.
pub trait Destination: fmt::Debug + Send + Sync {
    /// Its name in the configuration, unique among all destinations.
    fn name(&self) -> &str;

    /// Where it is, for a person.
    fn address(&self) -> &str;

    /// Connects, and returns only once there is evidence that the other side accepted us. Reads key files anew each
    /// time, so that a renewed certificate is used without a restart. The store is for what tells more than the
    /// incident, and for what has to be remembered of the other side.
    ///
    /// # Errors
    /// Why not, in words that name the address or the file.
    fn connect(&self, store: &Store, stop: &Stop) -> Result<Box<dyn Link>, ForwardError>;

    /// Sends one message that is marked as a test and tells what came back.
    ///
    /// # Errors
    /// Why it could not be delivered, in words that name the address or the file.
    fn test(&self, now: Timestamp) -> Result<String, ForwardError>;
}

/// A connection to a destination. Any error ends it: the caller drops it, connects again, and repeats every message
/// that was not confirmed.
pub trait Link: Send {
    /// Hands one message to the connection.
    ///
    /// # Errors
    /// [`ForwardError::Refused`] of this message alone; after any other the connection is of no more use.
    fn send(&mut self, told: &Told) -> Result<(), ForwardError>;

    /// Hears what the other side has to say, for at most `wait`.
    ///
    /// # Errors
    /// The other side closed, rejected or fell silent: the connection is of no more use.
    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError>;

    /// How many messages, from the first one of this connection, need never be sent again.
    fn confirmed(&mut self) -> u64;

    /// Says goodbye in an orderly way, for at most about a second.
    fn close(self: Box<Self>);
}

/// Tells one message and hears at once whether it was taken.
trait Tell: Send {
    /// # Errors
    /// See [`Link::send`].
    fn tell(&self, told: &Told) -> Result<(), ForwardError>;
}

/// A connection on which every answer is a receipt.
struct Answered<T> {
    tell: T,
    confirmed: u64,
}

impl<T: Tell + 'static> Answered<T> {
    fn link(tell: T) -> Box<dyn Link> {
        Box::new(Self { tell, confirmed: 0 })
    }
}

impl<T: Tell> Link for Answered<T> {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        self.tell.tell(told)?;
        self.confirmed += 1;
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        std::thread::sleep(wait);
        Ok(())
    }

    fn confirmed(&mut self) -> u64 {
        self.confirmed
    }

    fn close(self: Box<Self>) {}
}

/// Says "stop" to everything that waits on behalf of one destination.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Stop, soon.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether to stop.
    #[must_use]
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Why a destination could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// A file the configuration names cannot be used.
    #[error("`{file}`: {cause}")]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: String,
    },
    /// No connection came about.
    #[error("`{address}` cannot be reached: {cause}")]
    Unreachable {
        /// The address as configured.
        address: String,
        /// What the network said.
        cause: String,
    },
    /// One side does not trust the other.
    #[error("`{address}` is not trusted or does not trust us: {cause}")]
    Untrusted {
        /// The address as configured.
        address: String,
        /// Who refused whom, and why.
        cause: String,
    },
    /// The connection ended.
    #[error("the connection to `{address}` ended: {cause}")]
    Lost {
        /// The address as configured.
        address: String,
        /// How.
        cause: String,
    },
    /// The other side no longer takes anything in.
    #[error("`{address}` has taken nothing in for {seconds} s")]
    Stalled {
        /// The address as configured.
        address: String,
        /// For how long.
        seconds: u64,
    },
    /// It will never take this message, however often it is sent: the message becomes a dead letter, and the next one is sent.
    #[error("`{address}` refused it for good: {cause}")]
    Refused {
        /// The address as configured.
        address: String,
        /// What it said.
        cause: String,
    },
    /// It asked to be tried later.
    #[error("`{address}` asks to be tried later: {cause}")]
    Later {
        /// The address as configured.
        address: String,
        /// What it said.
        cause: String,
        /// How long it asked us to wait.
        pause: Option<Duration>,
    },
    /// The store that has to remember what was said could not.
    #[error("what was told there could not be written down: {0}")]
    Store(String),
    /// We were told to stop.
    #[error("stopped")]
    Stopped,
}

/// The machine's name, empty where it has none.
pub(crate) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// Reads the `[forward]` section: every `[[forward.<kind>]]` of every kind.
///
/// # Errors
/// Every fault with its place; two destinations of one name are one.
pub fn configure(section: &Section) -> Result<Vec<Arc<dyn Destination>>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let mut destinations = Vec::new();
    read(&mut reader, FORWARDERS, &mut destinations);
    reader.finish_with(Some(destinations))
}

/// Adds what the tables of these kinds describe to the destinations known so far.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    kinds: &[Forwarder],
    destinations: &mut Vec<Arc<dyn Destination>>,
) {
    for kind in kinds {
        for table in reader.tables(kind.id) {
            let Some(destination) = reader.absorb((kind.configure)(table)) else { continue };
            if destinations.iter().any(|known| known.name() == destination.name()) {
                let message = format!("a second destination is called `{}`", destination.name());
                let help =
                    Some("give each destination a name of its own: its backlog is kept under it".into());
                let _ = reader.absorb::<()>(Err(vec![Fault { at: table.at, message, help }]));
                continue;
            }
            destinations.push(Arc::from(destination));
        }
    }
}
