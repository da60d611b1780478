//! One destination's thread.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use fieldwarden_model::Timestamp;

use super::{OutboxStatus, Pace, State};
use crate::{
    forward::{Destination, ForwardError, Link, Stop},
    store::{Backlog, Store, StoreError},
};

/// Revisions read from the store at once.
const CHUNK: u32 = 64;

/// Messages that may be sent and unconfirmed on one connection. Only their places are remembered.
const MAX_UNCONFIRMED: usize = 20_000;

/// How long the thread listens to the other side before it looks for new work.
const TICK: Duration = Duration::from_millis(100);

/// How often confirmations are written down. Each costs a sync of the disk.
const CONFIRM_EVERY: Duration = Duration::from_millis(500);

/// What the thread and its owner share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    health: Mutex<Health>,
    woken: Condvar,
    stop: Stop,
}

#[derive(Debug, Default)]
struct Health {
    state: State,
    failures: u32,
    last_error: Option<(Timestamp, String)>,
    last_confirmed: Option<Timestamp>,
    retry: bool,
    /// Whether a person paused it.
    paused: bool,
    /// Whether what waits is to be looked at from its beginning: something earlier may wait again.
    again: bool,
}

impl Shared {
    pub(super) fn status(&self, backlog: Backlog, address: &str) -> OutboxStatus {
        let health = self.health();
        OutboxStatus {
            backlog,
            address: address.to_owned(),
            state: health.state,
            failures: health.failures,
            last_error: health.last_error.clone(),
            last_confirmed: health.last_confirmed,
        }
    }

    pub(super) fn retry(&self) {
        self.health().retry = true;
        self.woken.notify_all();
    }

    /// A person pauses it, or lets it go on.
    pub(super) fn pause_for(&self, paused: bool) {
        self.health().paused = paused;
        self.woken.notify_all();
    }

    fn is_paused(&self) -> bool {
        self.health().paused
    }

    /// Waits until it may go on, or is to stop.
    fn await_resumption(&self) {
        let mut health = self.health();
        if !health.paused {
            return;
        }
        health.state = State::Paused;
        let mut health = self
            .woken
            .wait_while(health, |health| health.paused && !self.stop.raised())
            .unwrap_or_else(PoisonError::into_inner);
        health.state = State::Connecting;
    }

    /// Something earlier waits again.
    pub(super) fn look_again(&self) {
        self.health().again = true;
        self.retry();
    }

    fn looks_again(&self) -> bool {
        std::mem::take(&mut self.health().again)
    }

    pub(super) fn stop(&self) {
        self.stop.raise();
        // Taking the lock makes sure that a thread about to wait has seen the sign or will hear the call.
        drop(self.health());
        self.woken.notify_all();
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, unless told to retry or to stop.
    fn pause(&self, pause: Duration) {
        let mut health = self.health();
        health.state = State::Pausing;
        let (mut health, _) = self
            .woken
            .wait_timeout_while(health, pause, |health| !health.retry && !self.stop.raised())
            .unwrap_or_else(PoisonError::into_inner);
        health.retry = false;
        health.state = State::Connecting;
    }
}

/// Why a connection's work ended.
enum End {
    Link(ForwardError),
    Store(StoreError),
}

impl From<ForwardError> for End {
    fn from(error: ForwardError) -> Self {
        Self::Link(error)
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How long the other side asked us to wait.
const fn asked_for(error: &ForwardError) -> Option<Duration> {
    match error {
        ForwardError::Later { pause, .. } => *pause,
        _ => None,
    }
}

pub(super) struct Worker {
    pub(super) store: Store,
    pub(super) destination: Arc<dyn Destination>,
    pub(super) shared: Arc<Shared>,
    pub(super) pace: Pace,
    pub(super) clock: fn() -> Timestamp,
}

impl Worker {
    pub(super) fn run(mut self) {
        while !self.shared.stop.raised() {
            self.shared.await_resumption();
            if self.shared.stop.raised() {
                break;
            }
            let mut asked = None;
            let cause = match self.destination.connect(&self.store, &self.shared.stop) {
                Ok(mut link) => {
                    self.shared.health().state = State::Connected;
                    let end = self.serve(link.as_mut());
                    match end {
                        // The connection is still good: we stop, or the store has trouble.
                        Ok(()) | Err(End::Store(_) | End::Link(ForwardError::Stopped)) => link.close(),
                        Err(End::Link(_)) => drop(link),
                    }
                    match end {
                        Ok(()) => continue,
                        Err(End::Link(error)) => {
                            asked = asked_for(&error);
                            error.to_string()
                        }
                        Err(End::Store(error)) => self.of_store(&error),
                    }
                }
                Err(error) => error.to_string(),
            };
            if !self.shared.stop.raised() {
                let failures = self.note(cause);
                self.shared.pause(self.pace.pause(failures).max(asked.unwrap_or_default()));
            }
        }
        self.shared.health().state = State::Stopped;
    }

    /// What is wrong with the store; a file that is damaged is exchanged for one with what reads of it.
    fn of_store(&self, error: &StoreError) -> String {
        let mended = match error {
            StoreError::Corrupt { .. } => self.store.mend((self.clock)()),
            _ => Ok(None),
        };
        match mended {
            Ok(None) => error.to_string(),
            Ok(Some(aside)) => aside.sentence(),
            Err(fault) => format!("{error}; it cannot be replaced: {fault}"),
        }
    }

    /// Sends and confirms until told to stop, or to pause.
    fn serve(&self, link: &mut dyn Link) -> Result<(), End> {
        let mut unconfirmed: VecDeque<i64> = VecDeque::new();
        let (mut sent_up_to, mut confirmed) = (0, 0u64);
        let mut seen = None;
        let mut last_confirm = Instant::now();
        while !self.shared.stop.raised() && !self.shared.is_paused() {
            if self.shared.looks_again() {
                (sent_up_to, seen) = (0, None);
            }
            // Read before the query: what comes in between is found in the next round.
            let told = self.store.told_count();
            let mut more = false;
            if seen != Some(told) && unconfirmed.len() < MAX_UNCONFIRMED {
                let waiting = self.store.waiting(self.destination.name(), sent_up_to, CHUNK)?;
                more = !waiting.is_empty();
                for item in waiting {
                    sent_up_to = item.seq;
                    match link.send(&item.told) {
                        Ok(()) => unconfirmed.push_back(item.seq),
                        Err(refused @ ForwardError::Refused { .. }) => {
                            self.note(refused.to_string());
                            self.store.bury(self.destination.name(), item.seq, &refused.to_string())?;
                        }
                        Err(other) => {
                            // What it took before that is not sent again.
                            self.confirm(link.confirmed(), &mut confirmed, &mut unconfirmed)?;
                            return Err(other.into());
                        }
                    }
                }
                if !more {
                    seen = Some(told);
                }
            }
            // As of a moment at which all was well: what was told by then is not sent again.
            let known = link.confirmed();
            if let Err(error) = link.listen(if more { Duration::from_millis(1) } else { TICK }) {
                self.confirm(known, &mut confirmed, &mut unconfirmed)?;
                return Err(error.into());
            }
            if last_confirm.elapsed() >= CONFIRM_EVERY {
                last_confirm = Instant::now();
                self.confirm(link.confirmed(), &mut confirmed, &mut unconfirmed)?;
            }
        }
        Ok(())
    }

    /// Takes what `link` confirmed out of the outbox. In this order: only what the disk knows counts as done.
    fn confirm(
        &self,
        total: u64,
        confirmed: &mut u64,
        unconfirmed: &mut VecDeque<i64>,
    ) -> Result<(), StoreError> {
        let fresh =
            usize::try_from(total.saturating_sub(*confirmed)).unwrap_or(usize::MAX).min(unconfirmed.len());
        if fresh == 0 {
            return Ok(());
        }
        // What was put in the queue again behind our back stands at an earlier place, and is not among these.
        let places: Vec<i64> = unconfirmed.drain(..fresh).collect();
        self.store.confirm(self.destination.name(), &places)?;
        *confirmed = total;
        let mut health = self.shared.health();
        health.failures = 0;
        health.last_confirmed = Some((self.clock)());
        Ok(())
    }

    fn note(&self, cause: String) -> u32 {
        let mut health = self.shared.health();
        health.failures = health.failures.saturating_add(1);
        health.last_error = Some(((self.clock)(), cause));
        health.failures
    }
}
