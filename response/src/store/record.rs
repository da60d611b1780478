//! What the engine found, written down in one step: all of a batch or nothing of it.

use fieldwarden_model::{Alert, Incident, IncidentId, Timestamp};
use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::{
    ConversationHour, Store, StoreError, WriteRecord,
    audit::{self, AuditEntry, By},
    cases::{self, Status},
    error::Trouble,
    history,
    queue::{self, Told},
};

/// Alerts kept.
pub const MAX_ALERTS: u64 = 1_000_000;

/// Incidents kept.
pub const MAX_INCIDENTS: u64 = 100_000;

/// Incident revisions kept.
pub const MAX_REVISIONS: u64 = 500_000;

/// What one step of the engine leaves behind. Handed in with its checkpoint, a crash resumes exactly after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// When the batch was made.
    pub time: Timestamp,
    /// New alerts. An id that is known already is skipped.
    pub alerts: Vec<Alert>,
    /// Incidents that are new or have changed. The store counts their revisions itself, see [`Store::record`].
    pub incidents: Vec<Incident>,
    /// New writes.
    pub writes: Vec<WriteRecord>,
    /// What conversations did since the last batch that carried any. A minute's worth at a time is plenty.
    pub hours: Vec<ConversationHour>,
    /// Lines for the audit log.
    pub audit: Vec<AuditEntry>,
    /// The engine's state after this batch.
    pub checkpoint: Option<Checkpoint>,
}

/// The engine's state, opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The version of the encoding, as its writer counts it.
    pub version: u32,
    /// The engine's time.
    pub time: Timestamp,
    /// The octets.
    pub body: Vec<u8>,
}

/// What recording changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many of the alerts were new.
    pub new_alerts: u64,
    /// Each incident that changed, with its new revision.
    pub revisions: Vec<(IncidentId, u32)>,
    /// What had to go because a cap was hit. Each entry is worth an event.
    pub evicted: Vec<Evicted>,
}

/// Rows that went because a table was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Evicted {
    /// The table.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
}

impl Store {
    /// Writes a batch down, all of it or nothing, and tells every destination of each incident that changed.
    ///
    /// An incident's revision counts up only when its content differs from what is stored; content from before what
    /// is stored (an engine resumed from an older checkpoint repeats itself) changes nothing. So the same batch
    /// recorded twice leaves the store as it was after the first time, but for its writes and hours: those belong in
    /// the same batch as the checkpoint that follows them.
    ///
    /// # Errors
    /// See [`StoreError`]. The batch may be handed in again.
    pub fn record(&self, batch: Batch) -> Result<Recorded, StoreError> {
        if batch.incidents.is_empty() {
            return self.write(move |step| record(step, &batch));
        }
        self.write_and_tell(move |step| record(step, &batch))
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.read(|db| {
            let found = db.query_row("SELECT version, time, body FROM checkpoint", [], |row| {
                Ok(Checkpoint {
                    version: row.get(0)?,
                    time: Timestamp::from_nanos(row.get(1)?),
                    body: row.get(2)?,
                })
            });
            Ok(found.optional()?)
        })
    }

    /// Everything that was ever evicted, by table.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn counters(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached("SELECT name, value FROM counters ORDER BY name")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn record(step: &Transaction<'_>, batch: &Batch) -> Result<Recorded, Trouble> {
    let mut recorded = Recorded::default();
    for alert in &batch.alerts {
        recorded.new_alerts += insert_alert(step, alert)?;
    }
    let mut newcomers = 0u64;
    for incident in &batch.incidents {
        if let Some(revision) = insert_incident(step, incident, batch.time)? {
            newcomers += u64::from(revision == 1);
            recorded.revisions.push((incident.id.clone(), revision));
        }
    }
    history::remember_writes(step, &batch.writes)?;
    for entry in &batch.audit {
        audit::append(step, entry)?;
    }
    if let Some(checkpoint) = &batch.checkpoint {
        save_checkpoint(step, checkpoint)?;
    }
    let mut evicted = vec![history::remember_hours(step, &batch.hours)?];
    if recorded.new_alerts > 0 {
        evicted.push(trim(step, "alerts", MAX_ALERTS)?);
    }
    if !batch.writes.is_empty() {
        evicted.push(trim(step, "writes", history::MAX_WRITES)?);
    }
    if newcomers > 0 {
        evicted.push(cases::trim_incidents(step, MAX_INCIDENTS)?);
    }
    if !recorded.revisions.is_empty() {
        evicted.extend(queue::trim(step, queue::MAX_BACKLOG, MAX_REVISIONS)?);
    }
    evicted.retain(|evicted| evicted.rows > 0);
    for evicted in &evicted {
        count(step, evicted)?;
    }
    recorded.evicted = evicted;
    Ok(recorded)
}

fn insert_alert(step: &Transaction<'_>, alert: &Alert) -> Result<u64, Trouble> {
    let rows = step
        .prepare_cached("INSERT OR IGNORE INTO alerts (id, incident, time, body) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![alert.id.0, alert.incident.0, alert.time.nanos(), serde_json::to_string(alert)?])?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// The incident's new revision, or none where nothing changed.
fn insert_incident(
    step: &Transaction<'_>,
    incident: &Incident,
    now: Timestamp,
) -> Result<Option<u32>, Trouble> {
    let stored = cases::find(step, &incident.id)?;
    let mut incident = incident.clone();
    let mut status = Status::New;
    // An incident that was evicted and comes back goes on counting where it stopped.
    incident.revision = 1 + told_before(step, &incident.id)?;
    if let Some(stored) = stored {
        incident.revision = stored.incident.revision;
        status = stored.status;
        if incident == stored.incident || is_older(&incident, &stored.incident) {
            return Ok(None);
        }
        incident.revision = incident.revision.saturating_add(1);
        if status == Status::Closed && incident.last > stored.incident.last {
            status = Status::New;
            audit::append(
                step,
                &AuditEntry {
                    by: By { operator: "fieldwarden".into(), time: now },
                    action: "status".into(),
                    subject: incident.id.0.clone(),
                    detail: "closed to new, since further alerts joined".into(),
                },
            )?;
        }
    }
    cases::put(step, &incident, status)?;
    let revision = incident.revision;
    queue::tell(step, &Told { time: now, status, incident })?;
    Ok(Some(revision))
}

fn told_before(step: &Transaction<'_>, id: &IncidentId) -> Result<u32, Trouble> {
    let mut newest =
        step.prepare_cached("SELECT coalesce(max(revision), 0) FROM revisions WHERE incident = ?1")?;
    Ok(newest.query_row([&id.0], |row| row.get(0))?)
}

/// Whether `incoming` describes the incident at an earlier moment than `stored` does.
fn is_older(incoming: &Incident, stored: &Incident) -> bool {
    let moment = |incident: &Incident| (incident.last, incident.alerts, !incident.open);
    moment(incoming) < moment(stored)
}

fn save_checkpoint(step: &Transaction<'_>, checkpoint: &Checkpoint) -> Result<(), Trouble> {
    // One row, replaced: the write-ahead log takes the blob once, however often it is checkpointed into the file.
    step.prepare_cached(
        "INSERT INTO checkpoint (one, version, time, body) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET version = excluded.version, time = excluded.time, body = excluded.body",
    )?
    .execute(params![checkpoint.version, checkpoint.time.nanos(), checkpoint.body])?;
    Ok(())
}

/// Keeps the newest `cap` rows of a table whose `seq` only counts up.
pub(crate) fn trim(step: &Transaction<'_>, table: &'static str, cap: u64) -> Result<Evicted, Trouble> {
    let rows = step
        .prepare_cached(&format!("DELETE FROM {table} WHERE seq <= (SELECT max(seq) FROM {table}) - ?1"))?
        .execute([i64::try_from(cap).unwrap_or(i64::MAX)])?;
    Ok(Evicted { table, rows: u64::try_from(rows).unwrap_or(0) })
}

fn count(step: &Transaction<'_>, evicted: &Evicted) -> Result<(), Trouble> {
    step.prepare_cached(
        "INSERT INTO counters (name, value) VALUES ('evicted_' || ?1, ?2)
         ON CONFLICT DO UPDATE SET value = value + excluded.value",
    )?
    .execute(params![evicted.table, evicted.rows])?;
    Ok(())
}
