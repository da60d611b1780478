//! The memory of the appliance: one SQLite file, one thread that writes it, any number of readers.
//!
//! What a call acknowledged is on the disk: write-ahead log, `synchronous=FULL`, one transaction per call. A crash at
//! any moment leaves the file as the last acknowledged call left it, or as the one after it. Nothing here panics on a
//! full disk or a damaged file; see [`StoreError`] for what is promised after each fault.
//!
//! | table | cap | what goes first |
//! |---|---|---|
//! | alerts | [`MAX_ALERTS`] | the oldest |
//! | incidents | [`MAX_INCIDENTS`] | the oldest that is closed, else the oldest |
//! | revisions | [`MAX_REVISIONS`] | the oldest that no destination waits for |
//! | writes | [`MAX_WRITES`] | the oldest |
//! | conversation hours | [`MAX_CONVERSATION_HOURS`] | the oldest hours |
//! | outbox, per destination | [`MAX_BACKLOG`] | the oldest becomes a dead letter |
//! | dead letters | [`MAX_DEAD_LETTERS`] | the oldest |
//! | tickets | one for each incident and destination | with their incident |
//! | what ways to people remember, per destination | [`crate::notify::MAX_STANDINGS`] | what is closed, the oldest of it before all |
//! | comments, tasks per incident | [`MAX_COMMENTS`], [`MAX_TASKS`] | a further one is refused |
//! | audit | none: it grows only with decisions of people and orders | |
//!
//! Every eviction is told in [`Recorded::evicted`] and summed in [`Store::counters`].

mod audit;
mod cases;
mod error;
mod history;
mod notices;
mod orders;
mod queue;
mod record;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;
mod tickets;
mod writer;

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fieldwarden_model::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction};

pub use self::{
    audit::{AuditEntry, AuditLine, By, Verdict},
    cases::{Case, Comment, Filter, MAX_COMMENTS, MAX_TASKS, Moment, Shown, Status, Task},
    error::StoreError,
    history::{
        ConversationHour, MAX_CONVERSATION_HOURS, MAX_WRITES, Memory, Remembered, WriteFilter, WriteRecord,
    },
    notices::{Briefing, OrderStep},
    orders::{Approval, StoredOrder},
    queue::{Backlog, DeadLetter, MAX_BACKLOG, MAX_DEAD_LETTERS, Told, Waiting},
    record::{Batch, Checkpoint, Evicted, MAX_ALERTS, MAX_INCIDENTS, MAX_REVISIONS, Recorded},
    salvage::Salvaged,
    tickets::{Heard, Remark, Said, Ticket},
};
use self::{error::Trouble, writer::Writer};

/// How long a statement waits for a lock some other tool holds on the file.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How long after an exchange of the file the next one may be.
const BETWEEN_EXCHANGES: Duration = Duration::from_secs(3_600);

/// Read connections kept open between calls.
const IDLE_READERS: usize = 4;

/// A cheap handle on the store; clone it freely. Calls block until the disk has what they wrote.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    /// Held for reading by whoever reads, and for writing while the file is exchanged.
    gate: RwLock<()>,
    /// When the file was last exchanged.
    mended: Mutex<Option<Timestamp>>,
    /// Counts up whenever something was added to the outbox.
    told: AtomicU64,
    /// Held as long as the store is open, so that no second process opens it.
    _lock: File,
}

/// A damaged store that was moved out of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where the damaged file is now.
    pub moved_to: PathBuf,
    /// What was wrong with it.
    pub cause: String,
    /// What of it is in the store that took its place; or why nothing is.
    pub salvaged: Result<Vec<Salvaged>, String>,
}

impl SetAside {
    /// What was saved and what was not, for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let fate = match &self.salvaged {
            Err(cause) => format!("nothing could be read of it ({cause})"),
            Ok(tables) => {
                let rows: u64 = tables.iter().map(|table| table.rows).sum();
                let not_whole = |table: &&Salvaged| !table.whole;
                let hurt: Vec<String> = tables
                    .iter()
                    .filter(not_whole)
                    .map(|table| format!("{} ({} rows saved)", table.table, table.rows))
                    .collect();
                let hurt = if hurt.is_empty() { "none".to_owned() } else { hurt.join(", ") };
                format!("{rows} rows of it are saved; tables that lost some: {hurt}")
            }
        };
        format!(
            "the store was damaged ({}); {fate}; all of it is kept as `{}`",
            self.cause,
            self.moved_to.display()
        )
    }
}

impl Store {
    /// Opens the store at `path`, creating or migrating it as needed, and checks that it is whole.
    ///
    /// # Errors
    /// See [`StoreError`]; a damaged file is left as it is, see [`Store::open_or_set_aside`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let connection = open_checked(path)?;
        let writer = Writer::start(connection).map_err(|cause| cannot_open(path, &cause))?;
        let shared = Shared {
            file: path.to_path_buf(),
            writer,
            readers: Mutex::default(),
            gate: RwLock::default(),
            mended: Mutex::default(),
            told: AtomicU64::new(0),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Like [`Store::open`], but a damaged file is renamed to `NAME.corrupt-<nanoseconds of now>`, its log files
    /// with it, and a new store takes its place, with all in it that can still be read. What was set aside is returned and journaled, never dropped.
    ///
    /// # Errors
    /// See [`StoreError`], where the file cannot be moved or the fresh one not be made.
    pub fn open_or_set_aside(path: &Path, now: Timestamp) -> Result<(Self, Option<SetAside>), StoreError> {
        let cause = match Self::open(path) {
            Ok(store) => return Ok((store, None)),
            Err(StoreError::Corrupt { cause, .. }) => cause,
            Err(other) => return Err(other),
        };
        let (connection, aside) = exchange(path, cause, now)?;
        drop(connection);
        Ok((Self::open(path)?, Some(aside)))
    }

    /// Does the same while the store is open, where its file is damaged by now; none where it is whole, or was exchanged within the hour: a disk
    /// that fails on and on is not to be filled with what was set aside.
    ///
    /// # Errors
    /// See [`StoreError`]. Until a later attempt goes well, nothing more is recorded, and every call says so.
    pub fn mend(&self, now: Timestamp) -> Result<Option<SetAside>, StoreError> {
        // Nobody may have the old file open when it is moved: SQLite knows its log files by name.
        let _gate = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut mended = self.shared.mended.lock().unwrap_or_else(PoisonError::into_inner);
        if mended.is_some_and(|before| now.since(before) < BETWEEN_EXCHANGES) {
            return Ok(None);
        }
        self.readers().clear();
        let path = self.file().to_path_buf();
        let closed = || StoreError::Closed { file: self.file().to_path_buf() };
        let done = self
            .shared
            .writer
            .with_connection(move |connection| {
                // By a connection of its own: the writer's may still hold what the disk no longer does.
                let health = Connection::open(&path).and_then(|fresh| {
                    fresh.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
                });
                let cause = match health {
                    Ok(health) if health == "ok" => return Ok(None),
                    Ok(health) => health,
                    Err(error) => error.to_string(),
                };
                let placeholder =
                    Connection::open_in_memory().map_err(|error| Trouble::from(error).at(&path))?;
                drop(std::mem::replace(connection, placeholder));
                let (fresh, aside) = exchange(&path, cause, now)?;
                *connection = fresh;
                Ok(Some(aside))
            })
            .ok_or_else(closed)?;
        if let Ok(Some(_)) = done {
            *mended = Some(now);
        }
        done
    }

    /// The database file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.shared.file
    }

    /// Finishes what was handed in and closes the file. Calls on other handles fail with [`StoreError::Closed`].
    pub fn close(self) {
        self.shared.writer.stop();
        self.readers().clear();
    }

    /// A number that changes whenever the outbox got something new.
    pub(crate) fn told_count(&self) -> u64 {
        self.shared.told.load(Ordering::Acquire)
    }

    /// Runs `work` in one transaction on the writing thread and waits until it is on the disk.
    fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Trouble> + Send + 'static,
    {
        match self.shared.writer.run(work) {
            Some(result) => result.map_err(|trouble| trouble.at(self.file())),
            None => Err(StoreError::Closed { file: self.file().to_path_buf() }),
        }
    }

    /// Like [`Store::write`], and wakes the outbox afterwards.
    fn write_and_tell<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Trouble> + Send + 'static,
    {
        let done = self.write(work)?;
        self.shared.told.fetch_add(1, Ordering::Release);
        Ok(done)
    }

    /// Runs `work` on a connection that cannot write, in one consistent view.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, StoreError> {
        let _gate = self.shared.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut reader = self.reader()?;
        let answer = reader
            .transaction()
            .map_err(Trouble::from)
            .and_then(|view| work(&view))
            .map_err(|trouble| trouble.at(self.file()))?;
        let mut idle = self.readers();
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        Ok(answer)
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        if self.shared.writer.stopped() {
            return Err(StoreError::Closed { file: self.file().to_path_buf() });
        }
        if let Some(idle) = self.readers().pop() {
            return Ok(idle);
        }
        let open = || {
            let connection = Connection::open_with_flags(self.file(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            connection.busy_timeout(BUSY_WAIT)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        open().map_err(|trouble: Trouble| trouble.at(self.file()))
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two writers would each believe their own revision numbers; the lock lasts as long as the process at most.
fn lock(path: &Path) -> Result<File, StoreError> {
    let name = with_suffix(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|cause| cannot_open(&name, &cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { file: path.to_path_buf() }),
        Err(TryLockError::Error(cause)) => Err(cannot_open(&name, &cause)),
    }
}

fn open_checked(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let found = schema::migrate(&mut connection)?;
        Ok((connection, health, found))
    };
    let (connection, health, found) = open().map_err(|trouble: Trouble| trouble.at(path))?;
    if health != "ok" {
        return Err(StoreError::Corrupt { file: path.to_path_buf(), cause: health });
    }
    if found > schema::NEWEST {
        return Err(StoreError::TooNew { file: path.to_path_buf(), found, known: schema::NEWEST });
    }
    Ok(connection)
}

/// Moves a damaged file, which nobody has open, out of the way and puts a new one in its place, with what reads of it.
fn exchange(path: &Path, cause: String, now: Timestamp) -> Result<(Connection, SetAside), StoreError> {
    let moved_to = with_suffix(path, &format!(".corrupt-{}", now.nanos()));
    if path.exists() {
        fs::rename(path, &moved_to).map_err(|cause| cannot_open(path, &cause))?;
    }
    for log in ["-wal", "-shm"] {
        let from = with_suffix(path, log);
        if from.exists() {
            fs::rename(&from, with_suffix(&moved_to, log)).map_err(|cause| cannot_open(&from, &cause))?;
        }
    }
    let mut connection = open_checked(path)?;
    let salvaged = salvage::salvage(&moved_to, &mut connection, now);
    let salvaged = salvaged.map_err(|trouble| trouble.at(&moved_to).to_string());
    let aside = SetAside { moved_to, cause, salvaged };
    let entry = AuditEntry {
        by: By { operator: "fieldwarden".into(), time: now },
        action: "store-set-aside".into(),
        subject: aside.moved_to.display().to_string(),
        detail: aside.sentence(),
    };
    writer::transact(&mut connection, |step| audit::append(step, &entry))
        .map_err(|trouble| trouble.at(path))?;
    Ok((connection, aside))
}

fn cannot_open(file: &Path, cause: &std::io::Error) -> StoreError {
    StoreError::Open { file: file.to_path_buf(), cause: cause.to_string() }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
