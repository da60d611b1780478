//! What can still be read of a damaged store goes into the one that takes its place.
//!
//! Row by row, by place in the file, from both ends towards the damage: an index is not asked, since it may be what is damaged. A row counts only if
//! its record reads. What waited in an outbox without its record becomes a dead letter that says why, and the newest revision of every open incident is
//! queued again for every destination: told twice at most, and not lost.

use std::{fs, path::Path};

use fieldwarden_model::{Alert, Incident, IncidentId, Timestamp};
use rusqlite::{Connection, Row, Transaction, params_from_iter, types::Value};

use super::{StoredOrder, Told, WriteRecord, cases, error::Trouble, queue, with_suffix};

/// Tables, those first that others are of no use without. Beside each, whether its rows have a place in the file of their own.
const TABLES: [(&str, bool); 17] = [
    ("incidents", true),
    ("revisions", true),
    ("destinations", true),
    ("outbox", true),
    ("audit", true),
    ("alerts", true),
    ("orders", true),
    ("comments", true),
    ("tasks", true),
    ("tickets", true),
    ("notices", false),
    ("dead_letters", true),
    ("counters", false),
    ("checkpoint", true),
    ("writes", true),
    ("conversation_names", true),
    ("conversation_hours", false),
];

/// What became of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvaged {
    /// The table.
    pub table: &'static str,
    /// Rows that are in the new store.
    pub rows: u64,
    /// Whether the table was read from end to end and every row of it reads.
    pub whole: bool,
}

/// Copies what reads of the store at `damaged`, which is left as it is, into a fresh one.
///
/// # Errors
/// Why nothing at all can be read of it, or what the new store refused.
pub(crate) fn salvage(
    damaged: &Path,
    into: &mut Connection,
    now: Timestamp,
) -> Result<Vec<Salvaged>, Trouble> {
    let copy = Copy::of(damaged)?;
    let from = Connection::open(&copy.0)?;
    let version: i64 = from.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != super::schema::NEWEST {
        return Err(Trouble::Unknown {
            what: "schema of this program in the damaged store, but",
            id: version.to_string(),
        });
    }
    let step = into.transaction()?;
    let mut all = Vec::new();
    for (table, has_places) in TABLES {
        let (up, whole) = rows(&from, &step, table, "")?;
        let down = if whole || !has_places { 0 } else { rows(&from, &step, table, "ORDER BY rowid DESC")?.0 };
        all.push(Salvaged { table, rows: up + down, whole });
    }
    queue_again(&step, now)?;
    step.commit()?;
    Ok(all)
}

/// Queues the newest revision of every open incident for every destination, made anew where its record is lost; and buries what waited and is lost.
fn queue_again(step: &Transaction<'_>, now: Timestamp) -> Result<(), Trouble> {
    step.execute_batch(
        "CREATE TEMP TABLE lost AS SELECT destination, incident, revision FROM outbox
           WHERE seq NOT IN (SELECT seq FROM main.revisions);
         DELETE FROM outbox WHERE seq NOT IN (SELECT seq FROM revisions);",
    )?;
    let bare: Vec<String> = step
        .prepare(
            "SELECT id FROM incidents WHERE open = 1 AND NOT EXISTS (SELECT 1 FROM revisions
               WHERE revisions.incident = incidents.id AND revisions.revision = incidents.revision)",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in bare {
        if let Some(case) = cases::find(step, &IncidentId(id))? {
            queue::tell(step, &Told { time: now, status: case.status, incident: case.incident })?;
        }
    }
    step.execute_batch(
        "INSERT OR IGNORE INTO outbox (destination, seq, incident, revision)
           SELECT destinations.name, revisions.seq, revisions.incident, revisions.revision
           FROM destinations, revisions JOIN incidents ON incidents.id = revisions.incident
             AND incidents.revision = revisions.revision WHERE incidents.open = 1 AND destinations.configured = 1;
         DELETE FROM lost WHERE EXISTS (SELECT 1 FROM outbox WHERE outbox.destination = lost.destination
           AND outbox.incident = lost.incident AND outbox.revision = lost.revision);
         INSERT INTO dead_letters (destination, incident, revision, why)
           SELECT destination, incident, revision, 'its record was lost when the store was damaged' FROM lost;
         UPDATE destinations SET dead = dead + (SELECT count(*) FROM lost WHERE destination = name);
         DROP TABLE lost;",
    )?;
    Ok(())
}

/// Copies rows until one cannot be read; tells how many are new, and whether the end was reached and every record read.
fn rows(
    from: &Connection,
    into: &Connection,
    table: &'static str,
    order: &str,
) -> Result<(u64, bool), Trouble> {
    let Ok(mut statement) = from.prepare(&format!("SELECT * FROM {table} {order}")) else {
        return Ok((0, false));
    };
    let columns = statement.column_count();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let places = vec!["?"; columns].join(", ");
    let insert = format!("INSERT OR IGNORE INTO {table} ({}) VALUES ({places})", names.join(", "));
    let mut insert = into.prepare(&insert)?;
    let body = names.iter().position(|name| name == "body");
    let Ok(mut found) = statement.query([]) else { return Ok((0, false)) };
    let (mut count, mut all_read) = (0, true);
    loop {
        let row = match found.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok((count, all_read)),
            Err(_) => return Ok((count, false)),
        };
        match values(row, columns).filter(|values| reads(table, body.and_then(|body| values.get(body)))) {
            // What the new table does not take is no row of ours.
            Some(values) => match insert.execute(params_from_iter(values)) {
                Ok(rows) => count += u64::try_from(rows).unwrap_or(0),
                Err(_) => all_read = false,
            },
            None => all_read = false,
        }
    }
}

fn values(row: &Row<'_>, columns: usize) -> Option<Vec<Value>> {
    (0..columns).map(|column| row.get(column).ok()).collect()
}

/// Whether a row's record is one.
fn reads(table: &str, body: Option<&Value>) -> bool {
    let Some(Value::Text(text)) = body else { return true };
    match table {
        "alerts" => serde_json::from_str::<Alert>(text).is_ok(),
        "incidents" => serde_json::from_str::<Incident>(text).is_ok(),
        "revisions" => serde_json::from_str::<Told>(text).is_ok(),
        "orders" => serde_json::from_str::<StoredOrder>(text).is_ok(),
        "writes" => serde_json::from_str::<WriteRecord>(text).is_ok(),
        _ => true,
    }
}

/// A copy to read from: SQLite may write even where it is only to read. It goes when this does.
struct Copy(std::path::PathBuf);

impl Copy {
    fn of(damaged: &Path) -> Result<Self, Trouble> {
        let copy = Self(with_suffix(damaged, ".salvage"));
        let refused =
            |error: std::io::Error| Trouble::Unknown { what: "room for a copy of", id: error.to_string() };
        fs::copy(damaged, &copy.0).map_err(refused)?;
        let log = with_suffix(damaged, "-wal");
        if log.exists() {
            fs::copy(&log, with_suffix(&copy.0, "-wal")).map_err(refused)?;
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        for part in ["", "-wal", "-shm"] {
            // What is not there need not go.
            let _ = fs::remove_file(with_suffix(&self.0, part));
        }
    }
}
