//! The memory of the plant: every write with old and new value, and how much each conversation did per hour.

use std::path::{Path, PathBuf};

use fieldwarden_model::{AddressSpace, Alert, FrameRef, Talker, Timestamp, Value, Verb};
use rusqlite::{Connection, OpenFlags, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, error::Trouble, record::Evicted, schema};

/// Write records kept.
pub const MAX_WRITES: u64 = 1_000_000;

/// Rows of conversation statistics kept.
pub const MAX_CONVERSATION_HOURS: u64 = 2_000_000;

/// One write, operate, program or mode change that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WriteRecord {
    /// When it was complete on the wire.
    pub time: Timestamp,
    /// The address space of both talkers.
    pub space: AddressSpace,
    /// Who asked.
    pub client: Talker,
    /// Who was asked.
    pub server: Talker,
    /// On which port.
    pub server_port: Option<u16>,
    /// The unit behind the server's address.
    pub unit: Option<u16>,
    /// The protocol, such as `modbus`.
    pub protocol: String,
    /// What was done.
    pub operation: Verb,
    /// The points touched, in the protocol's notation.
    pub points: Option<String>,
    /// Values before, as far as they were seen.
    pub old: Vec<Value>,
    /// Values carried.
    pub new: Vec<Value>,
    /// The change in the words of the site's tag list.
    #[serde(default)]
    pub tags: Option<String>,
    /// The frames it rests on.
    pub frames: Vec<FrameRef>,
}

/// What one conversation did in one hour. Recording the same conversation and hour again adds to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationHour {
    /// The conversation, as the engine spells its key.
    pub conversation: String,
    /// The hour's beginning.
    pub hour: Timestamp,
    /// Operations asked for and reported.
    pub operations: u64,
    /// Operations refused.
    pub refused: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
}

/// What is remembered of one conversation, or of one thing that is quiet, all hours together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The conversation, as the engine spells its key; of what is quiet, its scope.
    pub name: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// The memory of the plant without the right to write it: the daemon may have the store open.
#[derive(Debug)]
pub struct Memory {
    db: Connection,
    file: PathBuf,
}

impl Memory {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// See [`StoreError`]; a store that a daemon of another release wrote may have another shape.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = path.to_path_buf();
        let cannot = |trouble: Trouble| trouble.at(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(|fault| cannot(fault.into()))?;
        let found: i64 = db
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|fault| cannot(fault.into()))?;
        if found != schema::NEWEST {
            return Err(StoreError::TooNew { file, found, known: schema::NEWEST });
        }
        Ok(Self { db, file })
    }

    /// Every conversation, sorted by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn conversations(&self) -> Result<Vec<Remembered>, StoreError> {
        self.read(
            "SELECT name, sum(operations), min(first), max(last)
             FROM conversation_hours JOIN conversation_names ON id = conversation GROUP BY name ORDER BY name",
        )
    }

    /// Everything that was told quietly, by its scope, sorted.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn quiet(&self) -> Result<Vec<Remembered>, StoreError> {
        self.read(
            "SELECT body ->> '$.quieted_by' AS scope, count(*), min(time), max(time)
             FROM alerts WHERE incident = '' AND scope IS NOT NULL GROUP BY scope ORDER BY scope",
        )
    }

    /// The alerts remembered, the newest so many, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn alerts(&self, most: u32) -> Result<Vec<Alert>, StoreError> {
        let read = || -> Result<Vec<Alert>, Trouble> {
            let mut statement = self.db.prepare(
                "SELECT body FROM (SELECT seq, body FROM alerts ORDER BY seq DESC LIMIT ?1) ORDER BY seq",
            )?;
            let mut rows = statement.query(params![most])?;
            let mut alerts = Vec::new();
            while let Some(row) = rows.next()? {
                alerts.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
            }
            Ok(alerts)
        };
        read().map_err(|trouble| trouble.at(&self.file))
    }

    fn read(&self, query: &str) -> Result<Vec<Remembered>, StoreError> {
        let rows = || -> Result<Vec<Remembered>, Trouble> {
            let mut statement = self.db.prepare(query)?;
            let rows = statement.query_map([], |row| {
                Ok(Remembered {
                    name: row.get(0)?,
                    count: row.get(1)?,
                    first: Timestamp::from_nanos(row.get(2)?),
                    last: Timestamp::from_nanos(row.get(3)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        rows().map_err(|trouble| trouble.at(&self.file))
    }
}

/// Which writes are wanted; the default is the newest hundred of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteFilter {
    /// Only this client's.
    pub client: Option<Talker>,
    /// Only to this server.
    pub server: Option<Talker>,
    /// Not before.
    pub from: Timestamp,
    /// Before.
    pub until: Timestamp,
    /// The newest so many.
    pub limit: u32,
}

impl Default for WriteFilter {
    fn default() -> Self {
        Self { client: None, server: None, from: Timestamp::MIN, until: Timestamp::MAX, limit: 100 }
    }
}

impl Store {
    /// The writes that `filter` lets through, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn writes(&self, filter: &WriteFilter) -> Result<Vec<WriteRecord>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT body FROM (SELECT seq, body FROM writes
                   WHERE time >= ?1 AND time < ?2 AND (?3 IS NULL OR client = ?3) AND (?4 IS NULL OR server = ?4)
                   ORDER BY seq DESC LIMIT ?5) ORDER BY seq",
            )?;
            let client = filter.client.map(|talker| talker.to_string());
            let server = filter.server.map(|talker| talker.to_string());
            let bounds = params![filter.from.nanos(), filter.until.nanos(), client, server, filter.limit];
            let mut rows = statement.query(bounds)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
            }
            Ok(found)
        })
    }

    /// What conversations did in the hours that begin within `from..until`, sorted by conversation and hour; only
    /// `conversation` where one is named.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn conversation_hours(
        &self,
        conversation: Option<&str>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ConversationHour>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT name, hour, operations, refused, first, last
                 FROM conversation_hours JOIN conversation_names ON id = conversation
                 WHERE (?1 IS NULL OR name = ?1) AND hour >= ?2 AND hour < ?3 ORDER BY name, hour",
            )?;
            let rows = statement.query_map(params![conversation, from.nanos(), until.nanos()], |row| {
                Ok(ConversationHour {
                    conversation: row.get(0)?,
                    hour: Timestamp::from_nanos(row.get(1)?),
                    operations: row.get(2)?,
                    refused: row.get(3)?,
                    first: Timestamp::from_nanos(row.get(4)?),
                    last: Timestamp::from_nanos(row.get(5)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

pub(crate) fn remember_writes(step: &Transaction<'_>, writes: &[WriteRecord]) -> Result<(), Trouble> {
    let mut insert = step.prepare_cached(
        "INSERT INTO writes (time, space, client, server, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for write in writes {
        let body = serde_json::to_string(write)?;
        let (client, server) = (write.client.to_string(), write.server.to_string());
        insert.execute(params![write.time.nanos(), write.space.0, client, server, body])?;
    }
    Ok(())
}

pub(crate) fn remember_hours(step: &Transaction<'_>, hours: &[ConversationHour]) -> Result<Evicted, Trouble> {
    let mut add = step.prepare_cached(
        "INSERT INTO conversation_hours (conversation, hour, operations, refused, first, last)
         VALUES ((SELECT id FROM conversation_names WHERE name = ?1), ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET operations = min(operations + excluded.operations, 4611686018427387903),
                                   refused = min(refused + excluded.refused, 4611686018427387903),
                                   first = min(first, excluded.first), last = max(last, excluded.last)",
    )?;
    let mut name = step.prepare_cached("INSERT OR IGNORE INTO conversation_names (name) VALUES (?1)")?;
    for hour in hours {
        // Held at 2^62: a sum past 2^63 would turn into a floating-point number and be refused for ever.
        let bounded = |value: u64| i64::try_from(value).unwrap_or(i64::MAX / 4);
        name.execute(params![hour.conversation])?;
        add.execute(params![
            hour.conversation,
            hour.hour.nanos(),
            bounded(hour.operations),
            bounded(hour.refused),
            hour.first.nanos(),
            hour.last.nanos()
        ])?;
    }
    if hours.is_empty() {
        return Ok(Evicted { table: "conversation_hours", rows: 0 });
    }
    trim_hours(step, MAX_CONVERSATION_HOURS)
}

/// Whole hours go, oldest first, until `cap` rows are left.
pub(crate) fn trim_hours(step: &Transaction<'_>, cap: u64) -> Result<Evicted, Trouble> {
    let mut evicted = Evicted { table: "conversation_hours", rows: 0 };
    let mut rows: u64 = step.query_row("SELECT count(*) FROM conversation_hours", [], |row| row.get(0))?;
    while rows > cap {
        let gone = step.execute(
            "DELETE FROM conversation_hours WHERE hour = (SELECT min(hour) FROM conversation_hours)",
            [],
        )?;
        let gone = u64::try_from(gone).unwrap_or(u64::MAX);
        if gone == 0 {
            break;
        }
        evicted.rows += gone;
        rows = rows.saturating_sub(gone);
    }
    if evicted.rows > 0 {
        step.execute(
            "DELETE FROM conversation_names WHERE id NOT IN (SELECT conversation FROM conversation_hours)",
            [],
        )?;
    }
    Ok(evicted)
}
