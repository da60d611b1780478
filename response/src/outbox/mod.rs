//! The durable way out: one thread per destination takes what the store holds for it, in order, until it is
//! confirmed.
//!
//! * Each (incident, revision) reaches each destination at least once, and first arrivals are in the order of
//!   recording. What was not confirmed when a connection or this program ended is sent again.
//! * Destinations know nothing of each other: one that hangs delays no other.
//! * A failed attempt is repeated after a pause that doubles up to a cap, with jitter, so that many gateways do not
//!   come back to a restarted collector in the same second. The pause starts afresh once a message was confirmed.
//! * Nothing is dropped silently: past [`crate::store::MAX_BACKLOG`] waiting revisions the oldest become dead
//!   letters, which are counted, listed and told in [`crate::store::Recorded::evicted`].

mod backoff;
mod worker;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fieldwarden_model::Timestamp;
use serde::Serialize;

pub use self::backoff::Pace;
use self::worker::{Shared, Worker};
use crate::{
    forward::Destination,
    store::{Backlog, By, Store, StoreError},
};

/// What a destination's thread does at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Connecting, or about to.
    #[default]
    Connecting,
    /// Connected; sends whatever waits.
    Connected,
    /// Waits before the next attempt.
    Pausing,
    /// A person paused it: what there is to tell waits.
    Paused,
    /// Ended, because the outbox was stopped.
    Stopped,
}

/// How the way to one destination does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutboxStatus {
    /// What waits, what was delivered, what was given up.
    pub backlog: Backlog,
    /// Where it is.
    pub address: String,
    /// What its thread does.
    pub state: State,
    /// Attempts that failed since the last confirmation.
    pub failures: u32,
    /// What went wrong last, and when; stays readable after it went well again.
    pub last_error: Option<(Timestamp, String)>,
    /// When something was last confirmed.
    pub last_confirmed: Option<Timestamp>,
}

/// Why an outbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread could not be made.
    #[error("the thread for destination `{name}` could not be started: {cause}")]
    Thread {
        /// The destination.
        name: String,
        /// What the operating system said.
        cause: io::Error,
    },
}

/// All destinations at work.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    ways: Vec<Way>,
}

#[derive(Debug)]
struct Way {
    destination: Arc<dyn Destination>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Outbox {
    /// Names the destinations to the store and starts a thread for each. `clock` tells the time of errors and
    /// confirmations.
    ///
    /// # Errors
    /// See [`StartError`]; threads already started are stopped again.
    pub fn start(
        store: &Store,
        destinations: &[Arc<dyn Destination>],
        pace: Pace,
        clock: fn() -> Timestamp,
    ) -> Result<Self, StartError> {
        let names: Vec<String> =
            destinations.iter().map(|destination| destination.name().to_owned()).collect();
        store.set_destinations(&names)?;
        let backlogs = store.backlogs()?;
        let is_paused =
            |name: &str| backlogs.iter().any(|backlog| backlog.destination == name && backlog.paused);
        let mut outbox = Self { store: store.clone(), ways: Vec::new() };
        for (destination, number) in destinations.iter().zip(1u64..) {
            let shared = Arc::new(Shared::default());
            shared.pause_for(is_paused(destination.name()));
            let worker = Worker {
                store: store.clone(),
                destination: Arc::clone(destination),
                shared: Arc::clone(&shared),
                pace: pace.for_destination(number),
                clock,
            };
            let name = destination.name().to_owned();
            let thread = thread::Builder::new()
                .name(format!("to {name}"))
                .spawn(move || worker.run())
                .map_err(|cause| StartError::Thread { name, cause })?;
            let thread = Mutex::new(Some(thread));
            outbox.ways.push(Way { destination: Arc::clone(destination), shared, thread });
        }
        Ok(outbox)
    }

    /// How each way does, in the order of the configuration. What waits for destinations out of the configuration
    /// stands in [`Store::backlogs`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn status(&self) -> Result<Vec<OutboxStatus>, StoreError> {
        let backlogs = self.store.backlogs()?;
        let of = |way: &Way| {
            let name = way.destination.name();
            let backlog = backlogs.iter().find(|backlog| backlog.destination == name)?.clone();
            Some(way.shared.status(backlog, way.destination.address()))
        };
        Ok(self.ways.iter().filter_map(of).collect())
    }

    /// Ends the pause of a destination now. False where none has that name.
    pub fn retry(&self, name: &str) -> bool {
        let mut found = false;
        for way in self.ways.iter().filter(|way| way.destination.name() == name) {
            way.shared.retry();
            found = true;
        }
        found
    }

    /// Pauses a destination, or lets it go on; a pause outlives a restart. False where none has that name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn pause(&self, name: &str, paused: bool, by: By) -> Result<bool, StoreError> {
        let Some(way) = self.ways.iter().find(|way| way.destination.name() == name) else { return Ok(false) };
        self.store.pause_destination(name, paused, by)?;
        way.shared.pause_for(paused);
        Ok(true)
    }

    /// Queues the dead letters of a destination again and sends them: how many are queued, and how many are no longer kept. None where
    /// no destination has that name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn revive(&self, name: &str, by: By) -> Result<Option<(u64, u64)>, StoreError> {
        let Some(way) = self.ways.iter().find(|way| way.destination.name() == name) else { return Ok(None) };
        let revived = self.store.revive(name, by)?;
        way.shared.look_again();
        Ok(Some(revived))
    }

    /// Stops all threads, each with an orderly goodbye, for at most `grace` altogether. What is not confirmed by
    /// then is sent again at the next start. Tells the destinations whose threads were still busy.
    pub fn stop(self, grace: Duration) -> Vec<String> {
        self.raise();
        let until = Instant::now() + grace;
        let mut busy = Vec::new();
        for way in &self.ways {
            let Some(thread) = way.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                continue;
            };
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(10));
            }
            if thread.is_finished() {
                // A panic of the thread is a bug, and shows as a state other than stopped.
                let _ = thread.join();
            } else {
                busy.push(way.destination.name().to_owned());
            }
        }
        busy
    }

    fn raise(&self) {
        for way in &self.ways {
            way.shared.stop();
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.raise();
    }
}
