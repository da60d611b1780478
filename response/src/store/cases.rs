//! The case: what people do with an incident.

use fieldwarden_model::{Alert, Incident, IncidentId, Severity, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError, StoredOrder,
    audit::{self, AuditEntry, By},
    error::Trouble,
    orders,
    queue::{self, Told},
    record::Evicted,
};

/// Comments an incident can have.
pub const MAX_COMMENTS: u64 = 1_000;

/// Tasks an incident can have.
pub const MAX_TASKS: u64 = 200;

/// Alerts and audit lines that [`Store::incident`] returns, the newest of them.
const MAX_SHOWN: u32 = 1_000;

/// Where a case stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has looked at it.
    #[default]
    New,
    /// Somebody has.
    Acknowledged,
    /// Somebody works on it.
    InProgress,
    /// Done with; a further alert makes it new again.
    Closed,
}

impl Status {
    /// All, in the order of a case's life.
    pub const ALL: [Self; 4] = [Self::New, Self::Acknowledged, Self::InProgress, Self::Closed];

    /// The word as JSON and the command line spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::InProgress => "in_progress",
            Self::Closed => "closed",
        }
    }

    /// The status that `word` names.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// An incident and where its case stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// The incident.
    pub incident: Incident,
    /// Where its case stands.
    pub status: Status,
    /// Who works on it.
    pub assignee: Option<String>,
}

/// What somebody remarked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// When.
    pub time: Timestamp,
    /// Who.
    pub operator: String,
    /// What.
    pub text: String,
}

/// Something to be done about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its number within the incident, from 1.
    pub number: u32,
    /// What.
    pub text: String,
    /// Since when.
    pub added: Timestamp,
    /// Who added it.
    pub added_by: String,
    /// When and by whom it was done.
    pub done: Option<(Timestamp, String)>,
}

/// One line of an incident's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// The operator; `fieldwarden` or `enforcer` for what the programs did.
    pub who: String,
    /// What, in words.
    pub what: String,
}

/// An incident with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// Incident, status, assignee.
    pub case: Case,
    /// Its newest thousand alerts, oldest first.
    pub alerts: Vec<Alert>,
    /// What people remarked, oldest first.
    pub comments: Vec<Comment>,
    /// What is to be done, by number.
    pub tasks: Vec<Task>,
    /// The orders that answer it.
    pub orders: Vec<StoredOrder>,
    /// Alerts, remarks, decisions and orders by time.
    pub timeline: Vec<Moment>,
}

/// Which incidents are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Only those whose case is not closed.
    pub unclosed: bool,
    /// Not milder than this.
    pub severity: Severity,
    /// At most so many.
    pub limit: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self { unclosed: true, severity: Severity::Info, limit: 100 }
    }
}

impl Store {
    /// The incidents that `filter` lets through, most deserving first: by score, then the latest.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn incidents(&self, filter: &Filter) -> Result<Vec<Case>, StoreError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT body, status, assignee FROM incidents
                 WHERE severity >= ?1 AND (?2 = 0 OR status <> 'closed') ORDER BY score DESC, last DESC, seq LIMIT ?3",
            )?;
            let mut rows = statement.query(params![rank(filter.severity), filter.unclosed, filter.limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(case(row)?);
            }
            Ok(found)
        })
    }

    /// One incident with all that belongs to it.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is none of that id.
    pub fn incident(&self, id: &IncidentId) -> Result<Shown, StoreError> {
        let mut shown = self.read(|db| {
            let case = find(db, id)?.ok_or_else(|| unknown(id))?;
            let (alerts, comments, tasks) = (alerts(db, id)?, comments(db, id)?, tasks(db, id)?);
            let orders = orders::of_incident(db, id)?;
            Ok(Shown { case, alerts, comments, tasks, orders, timeline: Vec::new() })
        })?;
        shown.timeline = self.timeline(&shown)?;
        Ok(shown)
    }

    /// Gives the case to somebody, or to nobody.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is no such incident.
    pub fn assign(&self, id: &IncidentId, assignee: Option<&str>, by: By) -> Result<(), StoreError> {
        let assignee = assignee.map(str::to_owned);
        self.on_case(id, "assign", by, move |step, id, _| {
            step.execute("UPDATE incidents SET assignee = ?2 WHERE id = ?1", params![id.0, assignee])?;
            Ok(assignee.map_or_else(|| "to nobody".into(), |name| format!("to {name}")))
        })
    }

    /// Adds a remark.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], and [`StoreError::Limit`] past [`MAX_COMMENTS`].
    pub fn comment(&self, id: &IncidentId, text: &str, by: By) -> Result<(), StoreError> {
        let text = text.to_owned();
        self.on_case(id, "comment", by, move |step, id, by| {
            remark(step, id, &text, by)?;
            Ok(text)
        })
    }

    /// Adds a task and tells its number.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], and [`StoreError::Limit`] past [`MAX_TASKS`].
    pub fn add_task(&self, id: &IncidentId, text: &str, by: By) -> Result<u32, StoreError> {
        let (id, text) = (id.clone(), text.to_owned());
        self.write(move |step| {
            find(step, &id)?.ok_or_else(|| unknown(&id))?;
            room(step, "SELECT count(*) FROM tasks WHERE incident = ?1", "tasks", &id, MAX_TASKS)?;
            let number: u32 = step.query_row(
                "INSERT INTO tasks (incident, number, text, added, added_by)
                 SELECT ?1, (SELECT count(*) + 1 FROM tasks WHERE incident = ?1), ?2, ?3, ?4 RETURNING number",
                params![id.0, text, by.time.nanos(), by.operator],
                |row| row.get(0),
            )?;
            let detail = format!("{number}: {text}");
            audit::append(step, &AuditEntry { by, action: "task-added".into(), subject: id.0, detail })?;
            Ok(number)
        })
    }

    /// Marks a task as done. Done twice, the first time stands.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is no such incident or task.
    pub fn finish_task(&self, id: &IncidentId, number: u32, by: By) -> Result<(), StoreError> {
        self.on_case(id, "task-done", by, move |step, id, by| {
            let changed = step.execute(
                "UPDATE tasks SET done = coalesce(done, ?3), done_by = coalesce(done_by, ?4)
                 WHERE incident = ?1 AND number = ?2",
                params![id.0, number, by.time.nanos(), by.operator],
            )?;
            match changed {
                0 => Err(Trouble::Unknown { what: "task", id: format!("{number} of {id}") }),
                _ => Ok(number.to_string()),
            }
        })
    }

    /// Moves the case on, or back. The change is told outside as a new revision.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is no such incident.
    pub fn set_status(&self, id: &IncidentId, status: Status, by: By) -> Result<(), StoreError> {
        let id = id.clone();
        self.write_and_tell(move |step| move_to(step, &id, status, by))
    }

    /// Runs `change` on an incident that exists and journals it with the detail that `change` returns.
    fn on_case<F>(&self, id: &IncidentId, action: &'static str, by: By, change: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Transaction<'_>, &IncidentId, &By) -> Result<String, Trouble> + Send + 'static,
    {
        let id = id.clone();
        self.write(move |step| {
            find(step, &id)?.ok_or_else(|| unknown(&id))?;
            let detail = change(step, &id, &by)?;
            audit::append(step, &AuditEntry { by, action: action.into(), subject: id.0, detail })
        })
    }

    fn timeline(&self, shown: &Shown) -> Result<Vec<Moment>, StoreError> {
        let mut moments: Vec<Moment> = shown
            .alerts
            .iter()
            .map(|alert| Moment { time: alert.time, who: "fieldwarden".into(), what: alert.summary.clone() })
            .collect();
        let subjects = shown.orders.iter().map(|stored| stored.order.id.0.as_str());
        for subject in subjects.chain([shown.case.incident.id.0.as_str()]) {
            for line in self.audit_lines(Some(subject), MAX_SHOWN)? {
                let what = format!("{}: {}", line.action, line.detail);
                moments.push(Moment { time: line.time, who: line.operator, what });
            }
        }
        moments.sort_by_key(|moment| moment.time);
        Ok(moments)
    }
}

/// The stored incident of that id.
pub(crate) fn find(db: &Connection, id: &IncidentId) -> Result<Option<Case>, Trouble> {
    let mut statement = db.prepare_cached("SELECT body, status, assignee FROM incidents WHERE id = ?1")?;
    let mut rows = statement.query([&id.0])?;
    rows.next()?.map(case).transpose()
}

/// Moves a case on, or back, and tells it as a new revision; nothing where it stands there.
pub(crate) fn move_to(
    step: &Transaction<'_>,
    id: &IncidentId,
    status: Status,
    by: By,
) -> Result<(), Trouble> {
    let Case { mut incident, status: before, .. } = find(step, id)?.ok_or_else(|| unknown(id))?;
    if before == status {
        return Ok(());
    }
    incident.revision = incident.revision.saturating_add(1);
    put(step, &incident, status)?;
    queue::tell(step, &Told { time: by.time, status, incident })?;
    let detail = format!("{} to {}", before.word(), status.word());
    audit::append(step, &AuditEntry { by, action: "status".into(), subject: id.0.clone(), detail })
}

/// Adds what somebody remarked.
pub(crate) fn remark(step: &Transaction<'_>, id: &IncidentId, text: &str, by: &By) -> Result<(), Trouble> {
    room(step, "SELECT count(*) FROM comments WHERE incident = ?1", "comments", id, MAX_COMMENTS)?;
    step.execute(
        "INSERT INTO comments (incident, time, operator, text) VALUES (?1, ?2, ?3, ?4)",
        params![id.0, by.time.nanos(), by.operator, text],
    )?;
    Ok(())
}

/// Writes an incident and its status, as they are told outside.
pub(crate) fn put(step: &Transaction<'_>, incident: &Incident, status: Status) -> Result<(), Trouble> {
    step.prepare_cached(
        "INSERT INTO incidents (id, revision, open, severity, score, first, last, body, status)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, open = excluded.open,
           severity = excluded.severity, score = excluded.score, first = excluded.first, last = excluded.last,
           body = excluded.body, status = excluded.status",
    )?
    .execute(params![
        incident.id.0,
        incident.revision,
        incident.open,
        rank(incident.severity),
        incident.score,
        incident.first.nanos(),
        incident.last.nanos(),
        serde_json::to_string(incident)?,
        status.word()
    ])?;
    Ok(())
}

/// Keeps `cap` incidents: closed ones go first, the oldest of them before all.
pub(crate) fn trim_incidents(step: &Transaction<'_>, cap: u64) -> Result<Evicted, Trouble> {
    let rows: u64 = step.query_row("SELECT count(*) FROM incidents", [], |row| row.get(0))?;
    let excess = rows.saturating_sub(cap);
    let ids: Vec<String> = step
        .prepare_cached("SELECT id FROM incidents ORDER BY status = 'closed' DESC, open, seq LIMIT ?1")?
        .query_map([excess], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        step.execute("DELETE FROM incidents WHERE id = ?1", [&id])?;
        step.execute("DELETE FROM comments WHERE incident = ?1", [&id])?;
        step.execute("DELETE FROM tasks WHERE incident = ?1", [&id])?;
        step.execute("DELETE FROM tickets WHERE incident = ?1", [&id])?;
    }
    Ok(Evicted { table: "incidents", rows: excess })
}

fn case(row: &Row<'_>) -> Result<Case, Trouble> {
    let incident = serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    let word: String = row.get(1)?;
    let status = Status::named(&word).ok_or(Trouble::Unknown { what: "status", id: word })?;
    Ok(Case { incident, status, assignee: row.get(2)? })
}

fn alerts(db: &Connection, id: &IncidentId) -> Result<Vec<Alert>, Trouble> {
    let mut statement = db.prepare_cached(
        "SELECT body FROM (SELECT seq, body FROM alerts WHERE incident = ?1 ORDER BY seq DESC LIMIT ?2) ORDER BY seq",
    )?;
    let mut rows = statement.query(params![id.0, MAX_SHOWN])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

fn comments(db: &Connection, id: &IncidentId) -> Result<Vec<Comment>, Trouble> {
    let mut statement =
        db.prepare_cached("SELECT time, operator, text FROM comments WHERE incident = ?1 ORDER BY seq")?;
    let rows = statement.query_map([&id.0], |row| {
        Ok(Comment { time: Timestamp::from_nanos(row.get(0)?), operator: row.get(1)?, text: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn tasks(db: &Connection, id: &IncidentId) -> Result<Vec<Task>, Trouble> {
    let mut statement = db.prepare_cached(
        "SELECT number, text, added, added_by, done, done_by FROM tasks WHERE incident = ?1 ORDER BY number",
    )?;
    let rows = statement.query_map([&id.0], |row| {
        let done: Option<i64> = row.get(4)?;
        let done_by: Option<String> = row.get(5)?;
        Ok(Task {
            number: row.get(0)?,
            text: row.get(1)?,
            added: Timestamp::from_nanos(row.get(2)?),
            added_by: row.get(3)?,
            done: done.map(Timestamp::from_nanos).zip(done_by),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn room(
    step: &Transaction<'_>,
    count: &str,
    what: &'static str,
    id: &IncidentId,
    cap: u64,
) -> Result<(), Trouble> {
    let rows: u64 = step.prepare_cached(count)?.query_row([&id.0], |row| row.get(0)).optional()?.unwrap_or(0);
    if rows < cap { Ok(()) } else { Err(Trouble::Limit { what, id: id.0.clone(), cap }) }
}

fn unknown(id: &IncidentId) -> Trouble {
    Trouble::Unknown { what: "incident", id: id.0.clone() }
}

fn rank(severity: Severity) -> usize {
    Severity::ALL.iter().position(|known| *known == severity).unwrap_or(0)
}
