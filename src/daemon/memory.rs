//! Handing what the engine found to the store without ever waiting for the disk.
//!
//! The engine's thread gathers alerts, incident revisions and writes into one batch and hands it over, together with a
//! checkpoint, as soon as the store is ready for one. While the disk is full or slow the batch grows in memory, within
//! a bound, and is told as trouble in `status`; alerts and incidents are never among what goes at the bound.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fieldwarden_model::{Alert, Incident, Timestamp};
use fieldwarden_response::store::{Batch, Checkpoint, ConversationHour, Store, StoreError, WriteRecord};

/// Writes waiting in memory at most; beyond it the oldest go and are counted.
const MAX_WAITING_WRITES: usize = 50_000;
/// Hours of conversations waiting in memory at most; further ones go and are counted.
const MAX_WAITING_HOURS: usize = 50_000;
/// Something found waits at most this long before it is handed over.
const GATHER: Duration = Duration::from_millis(100);
/// Without anything found, the state is checkpointed this often.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// Pause before a failed batch is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Attempts at a batch that fails while the daemon is stopping.
const LAST_ATTEMPTS: u32 = 4;

/// What is wrong with the store at present, if anything.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Option<String>>);

impl Trouble {
    /// The sentence to show.
    pub(crate) fn sentence(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, sentence: Option<String>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(new)) = (held.as_ref(), &sentence) {
            eprintln!("fieldwarden: {new}; what is found meanwhile waits in memory");
        } else if held.is_some() && sentence.is_none() {
            eprintln!("fieldwarden: the store works again; what had waited is written");
        }
        *held = sentence;
    }
}

/// The engine's end: gathers and hands over.
pub(crate) struct Memory {
    waiting: Batch,
    waiting_hours: BTreeMap<(String, Timestamp), ConversationHour>,
    lost_writes: u64,
    lost_hours: u64,
    to_store: Option<SyncSender<Batch>>,
    writer: Option<JoinHandle<()>>,
    stopping: Arc<AtomicBool>,
    gathered_since: Option<Instant>,
    last_checkpoint: Instant,
}

impl Memory {
    /// Starts the thread that writes.
    pub(crate) fn start(store: Store, trouble: Arc<Trouble>) -> std::io::Result<Self> {
        let (to_store, from_engine) = sync_channel(1);
        let stopping = Arc::new(AtomicBool::new(false));
        let writer = thread::Builder::new().name("store".into()).spawn({
            let stopping = Arc::clone(&stopping);
            move || {
                super::give_way();
                write_all(&store, &from_engine, &trouble, &stopping);
            }
        })?;
        Ok(Self {
            waiting: Batch::default(),
            waiting_hours: BTreeMap::new(),
            lost_writes: 0,
            lost_hours: 0,
            to_store: Some(to_store),
            writer: Some(writer),
            stopping,
            gathered_since: None,
            last_checkpoint: Instant::now(),
        })
    }

    /// Remembers an alert.
    pub(crate) fn alert(&mut self, alert: Alert) {
        self.waiting.alerts.push(alert);
        self.gathered();
    }

    /// Remembers an incident's new revision; an older one that still waits is replaced.
    pub(crate) fn incident(&mut self, incident: Incident) {
        if let Some(known) = self.waiting.incidents.iter_mut().find(|known| known.id == incident.id) {
            *known = incident;
        } else {
            self.waiting.incidents.push(incident);
        }
        self.gathered();
    }

    /// Remembers a write.
    pub(crate) fn write(&mut self, write: WriteRecord) {
        if self.waiting.writes.len() >= MAX_WAITING_WRITES {
            self.waiting.writes.remove(0);
            self.lost_writes += 1;
        }
        self.waiting.writes.push(write);
        self.gathered();
    }

    /// Remembers what conversations did: of one conversation and hour, the sum.
    pub(crate) fn hours(&mut self, hours: Vec<ConversationHour>) {
        for hour in hours {
            let key = (hour.conversation.clone(), hour.hour);
            let has_room = self.waiting_hours.len() < MAX_WAITING_HOURS;
            match self.waiting_hours.get_mut(&key) {
                Some(known) => {
                    known.operations = known.operations.saturating_add(hour.operations);
                    known.refused = known.refused.saturating_add(hour.refused);
                    known.first = known.first.min(hour.first);
                    known.last = known.last.max(hour.last);
                }
                None if has_room => {
                    self.waiting_hours.insert(key, hour);
                }
                None => self.lost_hours += 1,
            }
        }
    }

    /// Hours of conversations that had to go because the store was out of order for too long.
    pub(crate) const fn lost_hours(&self) -> u64 {
        self.lost_hours
    }

    /// Writes that had to go because the store was out of order for too long.
    pub(crate) const fn lost_writes(&self) -> u64 {
        self.lost_writes
    }

    /// Hands over what has gathered, when it is time and the store is ready. `checkpoint` is only called then.
    pub(crate) fn hand_over(&mut self, now: Timestamp, checkpoint: impl FnOnce() -> Checkpoint) {
        let due = self.gathered_since.is_some_and(|since| since.elapsed() >= GATHER)
            || self.last_checkpoint.elapsed() >= CHECKPOINT_EVERY;
        if due {
            self.try_send(now, checkpoint);
        }
    }

    /// Hands over everything and waits until the store has it, or until it cannot take it.
    pub(crate) fn finish(mut self, now: Timestamp, checkpoint: impl FnOnce() -> Checkpoint) {
        self.stopping.store(true, Ordering::Relaxed);
        self.waiting.time = now;
        self.waiting.checkpoint = Some(checkpoint());
        self.waiting.hours = std::mem::take(&mut self.waiting_hours).into_values().collect();
        if let Some(to_store) = self.to_store.take() {
            // Sending fails only when the writer is gone, which has told why.
            let _ = to_store.send(std::mem::take(&mut self.waiting));
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }

    fn gathered(&mut self) {
        self.gathered_since.get_or_insert_with(Instant::now);
    }

    fn try_send(&mut self, now: Timestamp, checkpoint: impl FnOnce() -> Checkpoint) {
        let Some(to_store) = &self.to_store else { return };
        let mut batch = std::mem::take(&mut self.waiting);
        batch.time = now;
        batch.checkpoint = Some(checkpoint());
        batch.hours = std::mem::take(&mut self.waiting_hours).into_values().collect();
        match to_store.try_send(batch) {
            Ok(()) => {
                self.gathered_since = None;
                self.last_checkpoint = Instant::now();
            }
            Err(TrySendError::Full(mut batch) | TrySendError::Disconnected(mut batch)) => {
                let hours = std::mem::take(&mut batch.hours);
                self.waiting = batch;
                self.hours(hours);
                self.gathered_since = Some(Instant::now());
            }
        }
    }
}

/// Writes batch after batch. A batch that cannot be written is tried again until it can be: nothing is lost while the
/// process lives. Once the daemon is stopping, [`LAST_ATTEMPTS`] more are made.
fn write_all(store: &Store, from_engine: &Receiver<Batch>, trouble: &Trouble, stopping: &AtomicBool) {
    while let Ok(batch) = from_engine.recv() {
        let mut last_attempts = LAST_ATTEMPTS;
        let recorded = loop {
            let fault = match store.record(batch.clone()) {
                Ok(recorded) => break recorded,
                Err(fault) => fault,
            };
            trouble.set(Some(fault.to_string()));
            if matches!(fault, StoreError::Corrupt { .. }) {
                mend(store);
            }
            if stopping.load(Ordering::Relaxed) {
                if last_attempts == 0 {
                    eprintln!("fieldwarden: stopping with {} alerts unwritten: {fault}", batch.alerts.len());
                    return;
                }
                last_attempts -= 1;
            }
            thread::sleep(RETRY);
        };
        trouble.set(None);
        for evicted in recorded.evicted {
            eprintln!(
                "fieldwarden: {} rows of {} had to go, its cap is reached",
                evicted.rows, evicted.table
            );
        }
    }
}

/// Exchanges a file that was damaged under our hands for one with what reads of it, and says so.
fn mend(store: &Store) {
    match store.mend(super::now()) {
        Ok(Some(aside)) => eprintln!("fieldwarden: {}", aside.sentence()),
        Ok(None) => {}
        Err(fault) => eprintln!("fieldwarden: the damaged store cannot be replaced: {fault}"),
    }
}
