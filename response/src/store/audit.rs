//! The audit log: who decided what, when. Append-only by trigger, and each row's hash covers the row before it.
//!
//! The chain shows any edit or removal inside the log and, by the row counter SQLite keeps, a cut tail. Somebody who
//! rewrites the whole file can rewrite the whole chain: [`Verdict::head`] is what one keeps elsewhere against that.

use fieldwarden_model::{Timestamp, digest::Digest};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, error::Trouble};

/// Who does something, and when: what every decision is journaled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// The named operator, the playbook, or `fieldwarden` for what the program did by itself.
    pub operator: String,
    /// When.
    pub time: Timestamp,
}

/// One line to be added to the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Who and when.
    pub by: By,
    /// What was done, one word or two with a hyphen, such as `assign` or `order-approved`.
    pub action: String,
    /// To what: an incident id, an order id, a file.
    pub subject: String,
    /// The rest, in words.
    pub detail: String,
}

/// One line of the audit log as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its number, from 1 without gaps.
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub operator: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// The rest, in words.
    pub detail: String,
    /// Hash of this line and the one before it, 64 hexadecimal digits.
    pub hash: String,
}

/// What [`Store::verify_audit`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Rows read.
    pub rows: u64,
    /// Hash of the last row; empty for an empty log. Kept elsewhere it also proves that nothing was rewritten.
    pub head: String,
    /// The first row that does not follow from the one before it, or is missing.
    pub first_broken: Option<u64>,
}

impl Store {
    /// Adds one line on its own.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |step| append(step, &entry))
    }

    /// The newest `limit` lines, oldest of them first; only those about `subject` where one is given.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn audit_lines(&self, subject: Option<&str>, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT * FROM (SELECT seq, time, operator, action, subject, detail, previous, hash FROM audit
                 WHERE ?1 IS NULL OR subject = ?1 ORDER BY seq DESC LIMIT ?2) ORDER BY seq",
            )?;
            let rows = statement.query_map(params![subject, limit], |row| Ok(line(row)?.0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Recomputes the whole chain.
    ///
    /// # Errors
    /// Only where the file cannot be read: a broken chain is an answer.
    pub fn verify_audit(&self) -> Result<Verdict, StoreError> {
        self.read(verify)
    }
}

/// Adds a line within a transaction.
pub(crate) fn append(step: &Transaction<'_>, entry: &AuditEntry) -> Result<(), Trouble> {
    let last: Option<(i64, String)> = step
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (seq, previous) = last.unwrap_or_default();
    let line = AuditLine {
        number: u64::try_from(seq).unwrap_or(0) + 1,
        time: entry.by.time,
        operator: entry.by.operator.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        detail: entry.detail.clone(),
        hash: String::new(),
    };
    let hash = chained(&line, &previous);
    step.prepare_cached(
        "INSERT INTO audit (seq, time, operator, action, subject, detail, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        seq + 1,
        line.time.nanos(),
        line.operator,
        line.action,
        line.subject,
        line.detail,
        previous,
        hash
    ])?;
    Ok(())
}

fn verify(db: &Connection) -> Result<Verdict, Trouble> {
    let mut verdict = Verdict { rows: 0, head: String::new(), first_broken: None };
    let mut statement = db.prepare(
        "SELECT seq, time, operator, action, subject, detail, previous, hash FROM audit ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (line, previous) = line(row)?;
        let expected = verdict.rows + 1;
        let sound =
            line.number == expected && previous == verdict.head && line.hash == chained(&line, &previous);
        if !sound && verdict.first_broken.is_none() {
            verdict.first_broken = Some(line.number.min(expected));
        }
        verdict.rows = expected;
        verdict.head = line.hash;
    }
    let counted: Option<u64> = db
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'audit'", [], |row| row.get(0))
        .optional()?;
    if counted.is_some_and(|counted| counted > verdict.rows) && verdict.first_broken.is_none() {
        verdict.first_broken = Some(verdict.rows + 1);
    }
    Ok(verdict)
}

fn line(row: &Row<'_>) -> rusqlite::Result<(AuditLine, String)> {
    let line = AuditLine {
        number: row.get(0)?,
        time: Timestamp::from_nanos(row.get(1)?),
        operator: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        detail: row.get(5)?,
        hash: row.get(7)?,
    };
    Ok((line, row.get(6)?))
}

fn chained(line: &AuditLine, previous: &str) -> String {
    Digest::new()
        .with(previous)
        .with(line.number.to_be_bytes())
        .with(line.time.nanos().to_be_bytes())
        .with(&line.operator)
        .with(&line.action)
        .with(&line.subject)
        .with(&line.detail)
        .full()
}
