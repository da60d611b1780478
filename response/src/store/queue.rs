//! The outbox's tables: which revision waits for which destination.
//!
//! A revision enters in the very transaction that records it and leaves when a destination confirmed it, so no crash
//! can lose it between the two. Order is the order of recording, `seq`, the same for every destination.

use fieldwarden_model::{Incident, IncidentId, Timestamp};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    audit::{self, AuditEntry, By},
    cases::Status,
    error::Trouble,
    notices,
    record::{self, Evicted},
};

/// Revisions that may wait for one destination; past it the oldest become dead letters.
pub const MAX_BACKLOG: u64 = 100_000;

/// Dead letters remembered.
pub const MAX_DEAD_LETTERS: u64 = 100_000;

/// One revision of an incident, as it is told outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// When this revision was recorded.
    pub time: Timestamp,
    /// Where the case stood.
    pub status: Status,
    /// The incident.
    pub incident: Incident,
}

/// A revision that waits for a destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its place in the order, shared by all destinations.
    pub seq: i64,
    /// What to tell.
    pub told: Told,
}

/// A revision that a destination was never told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Of which incident.
    pub incident: IncidentId,
    /// Which revision.
    pub revision: u32,
    /// Why.
    pub why: String,
}

/// How much waits for one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// The destination.
    pub destination: String,
    /// False where the configuration no longer names it; what waits is kept, see [`Store::forget_destination`].
    pub configured: bool,
    /// Whether a person paused it.
    pub paused: bool,
    /// Revisions that wait, sent but unconfirmed ones included.
    pub waiting: u64,
    /// When the oldest of them was recorded.
    pub oldest: Option<Timestamp>,
    /// Revisions confirmed so far.
    pub delivered: u64,
    /// Revisions given up, since the backlog was full or the destination refused them for good.
    pub dead: u64,
}

impl Store {
    /// Names the destinations that the configuration has. A new one starts with the newest revision of every open
    /// incident; one that is gone gets nothing new, and what waits for it stays.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn set_destinations(&self, names: &[String]) -> Result<(), StoreError> {
        let names = names.to_vec();
        self.write_and_tell(move |step| {
            step.execute("UPDATE destinations SET configured = 0", [])?;
            for name in names {
                let new = step.execute(
                    "INSERT OR IGNORE INTO destinations (name, configured) VALUES (?1, 1)",
                    [&name],
                )?;
                step.execute("UPDATE destinations SET configured = 1 WHERE name = ?1", [&name])?;
                if new > 0 {
                    step.execute(
                        "INSERT OR IGNORE INTO outbox (destination, seq, incident, revision)
                         SELECT ?1, revisions.seq, revisions.incident, revisions.revision FROM revisions
                         JOIN incidents ON incidents.id = revisions.incident
                           AND incidents.revision = revisions.revision WHERE incidents.open = 1",
                        [&name],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Drops a destination that the configuration no longer names, and what waits for it; journaled.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is none of that name that is out of the configuration.
    pub fn forget_destination(&self, name: &str, by: By) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |step| {
            if step.execute("DELETE FROM destinations WHERE name = ?1 AND configured = 0", [&name])? == 0 {
                return Err(Trouble::Unknown { what: "unconfigured destination", id: name });
            }
            step.execute("DELETE FROM tickets WHERE destination = ?1", [&name])?;
            let waiting = step.execute("DELETE FROM outbox WHERE destination = ?1", [&name])?;
            notices::forget(step, &name)?;
            let detail = format!("{waiting} waiting revisions dropped");
            audit::append(
                step,
                &AuditEntry { by, action: "forget-destination".into(), subject: name, detail },
            )
        })
    }

    /// How much waits for each destination, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn backlogs(&self) -> Result<Vec<Backlog>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT name, configured, delivered, dead, paused,
                   (SELECT count(*) FROM outbox WHERE destination = name),
                   (SELECT time FROM revisions WHERE seq = (SELECT min(seq) FROM outbox WHERE destination = name))
                 FROM destinations ORDER BY name",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Backlog {
                    destination: row.get(0)?,
                    configured: row.get(1)?,
                    delivered: row.get(2)?,
                    dead: row.get(3)?,
                    paused: row.get(4)?,
                    waiting: row.get(5)?,
                    oldest: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_nanos),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The next revisions for `destination` after place `after`, in order. One whose record does not read, since somebody or something wrote into
    /// it, becomes a dead letter.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn waiting(&self, destination: &str, after: i64, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        let mut unreadable = Vec::new();
        let found = self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT outbox.seq, revisions.body FROM outbox JOIN revisions ON revisions.seq = outbox.seq
                 WHERE outbox.destination = ?1 AND outbox.seq > ?2 ORDER BY outbox.seq LIMIT ?3",
            )?;
            let mut rows = statement.query(params![destination, after, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let body = row.get_ref(1)?.as_str().map_err(|error| error.to_string());
                let told =
                    body.and_then(|body| serde_json::from_str(body).map_err(|error| error.to_string()));
                match told {
                    Ok(told) => found.push(Waiting { seq: row.get(0)?, told }),
                    Err(error) => unreadable.push((row.get(0)?, error)),
                }
            }
            Ok(found)
        })?;
        for (seq, error) in unreadable {
            self.bury(destination, seq, &format!("its record does not read: {error}"))?;
        }
        Ok(found)
    }

    /// Marks what stands at these places as confirmed by `destination`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn confirm(&self, destination: &str, places: &[i64]) -> Result<(), StoreError> {
        let (destination, places) = (destination.to_owned(), places.to_vec());
        self.write(move |step| {
            let mut rows = 0;
            for seq in places {
                rows += step
                    .prepare_cached("DELETE FROM outbox WHERE destination = ?1 AND seq = ?2")?
                    .execute(params![destination, seq])?;
            }
            step.execute(
                "UPDATE destinations SET delivered = delivered + ?2 WHERE name = ?1",
                params![destination, rows],
            )?;
            Ok(())
        })
    }

    /// Notes that a person pauses a destination, or lets it go on; journaled.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is none of that name.
    pub fn pause_destination(&self, name: &str, paused: bool, by: By) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |step| {
            let rows =
                step.execute("UPDATE destinations SET paused = ?2 WHERE name = ?1", params![name, paused])?;
            if rows == 0 {
                return Err(Trouble::Unknown { what: "destination", id: name });
            }
            let action = if paused { "forward-paused" } else { "forward-resumed" };
            let detail = String::new();
            audit::append(step, &AuditEntry { by, action: action.into(), subject: name, detail })
        })
    }

    /// A revision that `destination` refused for good: it waits no longer, and is remembered as a dead letter with the reason.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn bury(&self, destination: &str, seq: i64, why: &str) -> Result<(), StoreError> {
        let (destination, why) = (destination.to_owned(), why.to_owned());
        self.write(move |step| {
            step.execute(
                "INSERT INTO dead_letters (destination, incident, revision, why)
                 SELECT destination, incident, revision, ?3 FROM outbox WHERE destination = ?1 AND seq = ?2",
                params![destination, seq, why],
            )?;
            let rows = step.execute(
                "DELETE FROM outbox WHERE destination = ?1 AND seq = ?2",
                params![destination, seq],
            )?;
            step.execute(
                "UPDATE destinations SET dead = dead + ?2 WHERE name = ?1",
                params![destination, rows],
            )?;
            record::trim(step, "dead_letters", MAX_DEAD_LETTERS).map(drop)
        })
    }

    /// Queues the dead letters of a destination again, as far as what they told is still kept: how many are queued, and how many are gone.
    /// Each incident is told as it stands by its latest dead letter; it comes behind what waits.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn revive(&self, destination: &str, by: By) -> Result<(u64, u64), StoreError> {
        let destination = destination.to_owned();
        self.write_and_tell(move |step| {
            let letters: u64 = step.query_row(
                "SELECT count(DISTINCT incident) FROM dead_letters WHERE destination = ?1",
                [&destination],
                |row| row.get(0),
            )?;
            let revived = step.execute(
                "INSERT OR IGNORE INTO outbox (destination, seq, incident, revision)
                 SELECT ?1, seq, incident, revision FROM revisions WHERE (incident, revision) IN
                   (SELECT incident, max(revision) FROM dead_letters WHERE destination = ?1 GROUP BY incident)",
                [&destination],
            )?;
            step.execute("DELETE FROM dead_letters WHERE destination = ?1", [&destination])?;
            let revived = u64::try_from(revived).unwrap_or(u64::MAX);
            let gone = letters.saturating_sub(revived);
            let detail = format!("{revived} incidents queued again, {gone} no longer kept");
            let entry = AuditEntry { by, action: "forward-revived".into(), subject: destination, detail };
            audit::append(step, &entry)?;
            Ok((revived, gone))
        })
    }

    /// Every revision recorded and still kept, in the order of recording: what a collector must hold.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn revisions(&self, after: i64, limit: u32) -> Result<Vec<Waiting>, StoreError> {
        self.read(|db| {
            let mut statement =
                db.prepare_cached("SELECT seq, body FROM revisions WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
            let mut rows = statement.query(params![after, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let told = serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
                found.push(Waiting { seq: row.get(0)?, told });
            }
            Ok(found)
        })
    }

    /// The newest dead letters of a destination: incidents and revisions it was never told.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn dead_letters(&self, destination: &str, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT incident, revision, why FROM dead_letters WHERE destination = ?1 ORDER BY seq DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![destination, limit], |row| {
                Ok(DeadLetter { incident: IncidentId(row.get(0)?), revision: row.get(1)?, why: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Puts a revision down for every configured destination.
pub(crate) fn tell(step: &Transaction<'_>, told: &Told) -> Result<(), Trouble> {
    let incident = &told.incident;
    step.prepare_cached("INSERT INTO revisions (incident, revision, time, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            incident.id.0,
            incident.revision,
            told.time.nanos(),
            serde_json::to_string(told)?
        ])?;
    step.prepare_cached(
        "INSERT INTO outbox (destination, seq, incident, revision)
         SELECT name, ?1, ?2, ?3 FROM destinations WHERE configured = 1",
    )?
    .execute(params![step.last_insert_rowid(), incident.id.0, incident.revision])?;
    Ok(())
}

/// Holds every backlog, the revisions and the dead letters at their caps.
pub(crate) fn trim(step: &Transaction<'_>, backlog: u64, revisions: u64) -> Result<Vec<Evicted>, Trouble> {
    let mut evicted = Vec::new();
    let full: Vec<(String, u64)> = step
        .prepare_cached("SELECT destination, count(*) FROM outbox GROUP BY destination HAVING count(*) > ?1")?
        .query_map([backlog], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (destination, rows) in full {
        evicted.push(bury(step, &destination, rows.saturating_sub(backlog))?);
    }
    if !evicted.is_empty() {
        evicted.push(record::trim(step, "dead_letters", MAX_DEAD_LETTERS)?);
    }
    let oldest: Option<i64> = step
        .query_row("SELECT max(seq) - ?1 FROM revisions", [revisions], |row| row.get(0))
        .optional()?
        .flatten();
    let rows = step
        .prepare_cached(
            "DELETE FROM revisions WHERE seq <= ?1 AND seq NOT IN (SELECT seq FROM outbox WHERE seq <= ?1)",
        )?
        .execute([oldest.unwrap_or(0)])?;
    evicted.push(Evicted { table: "revisions", rows: u64::try_from(rows).unwrap_or(0) });
    Ok(evicted)
}

/// The oldest `rows` of a backlog become dead letters.
fn bury(step: &Transaction<'_>, destination: &str, rows: u64) -> Result<Evicted, Trouble> {
    let last: i64 = step.query_row(
        "SELECT seq FROM outbox WHERE destination = ?1 ORDER BY seq LIMIT 1 OFFSET ?2",
        params![destination, rows.saturating_sub(1)],
        |row| row.get(0),
    )?;
    step.execute(
        "INSERT INTO dead_letters (destination, incident, revision, why)
         SELECT destination, incident, revision, 'too much waited' FROM outbox WHERE destination = ?1 AND seq <= ?2 ORDER BY seq",
        params![destination, last],
    )?;
    step.execute("DELETE FROM outbox WHERE destination = ?1 AND seq <= ?2", params![destination, last])?;
    step.execute("UPDATE destinations SET dead = dead + ?2 WHERE name = ?1", params![destination, rows])?;
    Ok(Evicted { table: "outbox", rows })
}
