//! What is remembered of tickets: which one an incident has at which destination, what was said in it, and what was heard of it.

use fieldwarden_model::{IncidentId, Severity};
use rusqlite::{Connection, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    audit::{self, AuditEntry, By},
    cases::{self, Status},
    error::Trouble,
};

/// An incident's ticket at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The destination.
    pub destination: String,
    /// Whose ticket it is.
    pub incident: IncidentId,
    /// The correlation key it carries.
    pub key: String,
    /// What the other side calls it.
    pub number: String,
    /// What it says of the incident.
    pub said: Said,
    /// What it will say once the remark that is on its way stands there.
    pub saying: Option<Said>,
    /// What people did with it, as far as it came back into the case.
    pub heard: Heard,
}

/// What a ticket says of its incident, so that only what changed is added to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The newest revision it covers.
    pub revision: u32,
    /// The severity it shows.
    pub severity: Option<Severity>,
    /// Where the case stood.
    pub status: Status,
    /// How many techniques it names.
    pub techniques: usize,
    /// How many talkers it names.
    pub talkers: usize,
    /// The orders it names and where they stood, one word each.
    pub orders: Vec<(String, String)>,
}

/// What was last heard of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Where it stood, in the words of a case.
    pub status: Status,
    /// The newest remark that was read, as the other side numbers them.
    pub latest: u64,
    /// How often a double of it was looked for.
    #[serde(default)]
    pub looks: u8,
}

/// What a person wrote into a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Who, as the case shows it.
    pub operator: String,
    /// What.
    pub text: String,
}

const COLUMNS: &str = "destination, incident, key, number, said, heard, saying";

impl Store {
    /// The ticket that an incident has at a destination.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn ticket(&self, destination: &str, incident: &IncidentId) -> Result<Option<Ticket>, StoreError> {
        let terms = params![destination, incident.0];
        Ok(self.tickets("destination = ?1 AND incident = ?2", terms)?.pop())
    }

    /// All incidents that share a ticket.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn tickets_numbered(&self, destination: &str, number: &str) -> Result<Vec<Ticket>, StoreError> {
        self.tickets("destination = ?1 AND number = ?2 ORDER BY seq", params![destination, number])
    }

    /// The tickets that were not looked at for the longest time, and notes that they are now.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn tickets_to_look_at(&self, destination: &str, limit: u32) -> Result<Vec<Ticket>, StoreError> {
        let found =
            self.tickets("destination = ?1 ORDER BY looked_at, seq LIMIT ?2", params![destination, limit])?;
        let seen: Vec<IncidentId> = found.iter().map(|ticket| ticket.incident.clone()).collect();
        let destination = destination.to_owned();
        self.write(move |step| {
            let turn: i64 = step.query_row(
                "SELECT coalesce(max(looked_at), 0) + 1 FROM tickets WHERE destination = ?1",
                [&destination],
                |row| row.get(0),
            )?;
            for incident in seen {
                step.execute(
                    "UPDATE tickets SET looked_at = ?3 WHERE destination = ?1 AND incident = ?2",
                    params![destination, incident.0, turn],
                )?;
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Writes down that an incident has this ticket, and what was said in it; journaled where it is a new one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn put_ticket(&self, ticket: Ticket, by: By) -> Result<(), StoreError> {
        self.write(move |step| {
            if put(step, &ticket)? {
                let detail = format!("{} at {}", ticket.number, ticket.destination);
                let subject = ticket.incident.0;
                audit::append(step, &AuditEntry { by, action: "ticket".into(), subject, detail })?;
            }
            Ok(())
        })
    }

    /// Takes what people did with a ticket into the case, all at once: what they wrote, and where they moved it to.
    /// Past [`super::MAX_COMMENTS`] their words are journaled alone.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn hear_ticket(
        &self,
        ticket: Ticket,
        remarks: Vec<Remark>,
        moved_to: Option<Status>,
        by: By,
    ) -> Result<(), StoreError> {
        self.write_and_tell(move |step| {
            put(step, &ticket)?;
            if cases::find(step, &ticket.incident)?.is_none() {
                return Ok(());
            }
            for Remark { operator, text } in remarks {
                let by = By { operator, time: by.time };
                match cases::remark(step, &ticket.incident, &text, &by) {
                    Ok(()) | Err(Trouble::Limit { .. }) => {}
                    Err(trouble) => return Err(trouble),
                }
                let subject = ticket.incident.0.clone();
                audit::append(step, &AuditEntry { by, action: "comment".into(), subject, detail: text })?;
            }
            match moved_to {
                Some(status) => cases::move_to(step, &ticket.incident, status, by),
                None => Ok(()),
            }
        })
    }

    /// Forgets a ticket that is gone at its destination; journaled.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn forget_ticket(&self, ticket: Ticket, by: By) -> Result<(), StoreError> {
        self.write(move |step| {
            step.execute(
                "DELETE FROM tickets WHERE destination = ?1 AND incident = ?2",
                params![ticket.destination, ticket.incident.0],
            )?;
            let detail = format!("{} at {} is gone", ticket.number, ticket.destination);
            let subject = ticket.incident.0;
            audit::append(step, &AuditEntry { by, action: "ticket-gone".into(), subject, detail })
        })
    }

    fn tickets(&self, which: &str, terms: &[&dyn rusqlite::ToSql]) -> Result<Vec<Ticket>, StoreError> {
        self.read(|db: &Connection| {
            let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM tickets WHERE {which}"))?;
            let mut rows = statement.query(terms)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(ticket(row)?);
            }
            Ok(found)
        })
    }
}

/// Whether the ticket is a new one.
fn put(step: &Transaction<'_>, ticket: &Ticket) -> Result<bool, Trouble> {
    let before = step.execute(
        "UPDATE tickets SET key = ?3, said = ?5, heard = ?6, saying = ?7
         WHERE destination = ?1 AND incident = ?2 AND number = ?4",
        values(ticket)?,
    )?;
    if before == 0 {
        step.execute(
            &format!("INSERT OR REPLACE INTO tickets ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
            values(ticket)?,
        )?;
    }
    Ok(before == 0)
}

fn values(ticket: &Ticket) -> Result<[String; 7], Trouble> {
    Ok([
        ticket.destination.clone(),
        ticket.incident.0.clone(),
        ticket.key.clone(),
        ticket.number.clone(),
        serde_json::to_string(&ticket.said)?,
        serde_json::to_string(&ticket.heard)?,
        serde_json::to_string(&ticket.saying)?,
    ])
}

fn ticket(row: &Row<'_>) -> Result<Ticket, Trouble> {
    let (said, heard, saying): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(6)?);
    Ok(Ticket {
        destination: row.get(0)?,
        incident: IncidentId(row.get(1)?),
        key: row.get(2)?,
        number: row.get(3)?,
        said: serde_json::from_str(&said)?,
        heard: serde_json::from_str(&heard)?,
        saying: serde_json::from_str(&saying)?,
    })
}
