//! What a way to people has to remember: how each incident stood when they were last told of it, and what waits to be told.
//!
//! One row for each destination and subject; its shape is the business of [`crate::notify`]. The subject is an incident's id, or empty for
//! what concerns the destination as a whole.

use fieldwarden_model::{IncidentId, Talker, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::{
    Case, Store, StoreError, StoredOrder, cases, error::Trouble, orders, queue::MAX_DEAD_LETTERS, record,
};

/// Alerts, the newest, out of which the assets of an incident are named.
const ALERTS_LOOKED_AT: u32 = 50;

/// What a person is told of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct Briefing {
    /// The incident, its status and who works on it.
    pub case: Case,
    /// Whom it touched, by the names of the site: the newest first, each once.
    pub assets: Vec<(Talker, Option<String>)>,
    /// The orders that answer it, oldest first.
    pub orders: Vec<StoredOrder>,
}

/// A step in the life of an order that answers an incident, out of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStep {
    /// Its line in the audit log.
    pub number: i64,
    /// When.
    pub time: Timestamp,
    /// What became of it: `order-kept`, `order-reverted`, ..
    pub action: String,
    /// The order as it stands now.
    pub stored: StoredOrder,
}

impl Store {
    /// What `destination` remembers, by subject.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn notices(&self, destination: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT subject, body FROM notices WHERE destination = ?1 ORDER BY subject",
            )?;
            let rows = statement.query_map([destination], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Remembers these subjects of `destination`, or forgets those without a body: all of them, or none.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn remember_notices(
        &self,
        destination: &str,
        changed: Vec<(String, Option<String>)>,
    ) -> Result<(), StoreError> {
        let destination = destination.to_owned();
        self.write(move |step| {
            for (subject, body) in changed {
                match body {
                    Some(body) => step
                        .prepare_cached(
                            "INSERT INTO notices (destination, subject, body) VALUES (?1, ?2, ?3)
                             ON CONFLICT (destination, subject) DO UPDATE SET body = excluded.body",
                        )?
                        .execute(params![destination, subject, body])?,
                    None => step
                        .prepare_cached("DELETE FROM notices WHERE destination = ?1 AND subject = ?2")?
                        .execute(params![destination, subject])?,
                };
            }
            Ok(())
        })
    }

    /// An incident with what a person is told beside it; none where it is no longer kept.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn briefing(&self, id: &IncidentId) -> Result<Option<Briefing>, StoreError> {
        self.read(|db| {
            let Some(case) = cases::find(db, id)? else { return Ok(None) };
            let mut statement =
                db.prepare_cached("SELECT body FROM alerts WHERE incident = ?1 ORDER BY seq DESC LIMIT ?2")?;
            let mut rows = statement.query(params![id.0, ALERTS_LOOKED_AT])?;
            let mut assets: Vec<(Talker, Option<String>)> = Vec::new();
            while let Some(row) = rows.next()? {
                let alert: fieldwarden_model::Alert =
                    serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
                let Some(server) = alert.server else { continue };
                if !assets.iter().any(|(known, _)| *known == server) {
                    assets.push((server, alert.server_name));
                }
            }
            Ok(Some(Briefing { case, assets, orders: orders::of_incident(db, id)? }))
        })
    }

    /// The newest line of the audit log, 0 for an empty one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn newest_audit_line(&self) -> Result<i64, StoreError> {
        self.read(|db| Ok(db.query_row("SELECT coalesce(max(seq), 0) FROM audit", [], |row| row.get(0))?))
    }

    /// What became of orders that answer an incident, in the lines of the audit log after `after`, and the last line that was looked at.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn order_steps(&self, after: i64, limit: u32) -> Result<(Vec<OrderStep>, i64), StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT line.seq, line.time, line.action, orders.body FROM
                   (SELECT seq, time, action, subject FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2) AS line
                 LEFT JOIN orders ON orders.id = line.subject AND orders.incident IS NOT NULL
                   AND line.action GLOB 'order-*' ORDER BY line.seq",
            )?;
            let mut rows = statement.query(params![after, limit])?;
            let (mut steps, mut last) = (Vec::new(), after);
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                let body: Option<String> = row.get(3)?;
                let Some(body) = body else { continue };
                let time = Timestamp::from_nanos(row.get(1)?);
                let stored = serde_json::from_str(&body)?;
                steps.push(OrderStep { number: last, time, action: row.get(2)?, stored });
            }
            Ok((steps, last))
        })
    }

    /// Something about an incident that `destination` refused for good though it was no longer in the outbox (a digest, a second call):
    /// a dead letter, as [`Store::bury`] makes one of what is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn bury_notice(&self, destination: &str, id: &IncidentId, why: &str) -> Result<(), StoreError> {
        let (destination, id, why) = (destination.to_owned(), id.clone(), why.to_owned());
        self.write(move |step| {
            let revision: Option<u32> = step
                .query_row("SELECT max(revision) FROM revisions WHERE incident = ?1", [&id.0], |row| {
                    row.get(0)
                })
                .optional()?
                .flatten();
            step.execute(
                "INSERT INTO dead_letters (destination, incident, revision, why) VALUES (?1, ?2, ?3, ?4)",
                params![destination, id.0, revision.unwrap_or(0), why],
            )?;
            step.execute("UPDATE destinations SET dead = dead + 1 WHERE name = ?1", [&destination])?;
            record::trim(step, "dead_letters", MAX_DEAD_LETTERS).map(drop)
        })
    }
}

/// What [`Store::forget_destination`] forgets beside what waits.
pub(crate) fn forget(step: &rusqlite::Transaction<'_>, destination: &str) -> Result<(), Trouble> {
    step.execute("DELETE FROM notices WHERE destination = ?1", [destination])?;
    Ok(())
}
