//! Orders and what became of them. Every step of an order's life is a line of the audit log.

use fieldwarden_model::{
    IncidentId, Order, OrderId, OrderState, Timestamp,
    order::{Plan, Report},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{
    Store, StoreError,
    audit::{self, AuditEntry, By},
    error::Trouble,
};

/// One person's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub operator: String,
    /// When.
    pub time: Timestamp,
}

/// An order with everything known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOrder {
    /// What is demanded.
    pub order: Order,
    /// Where it stands.
    pub state: OrderState,
    /// Who confirmed it.
    pub approvals: Vec<Approval>,
    /// What the enforcer would do.
    pub plan: Option<Plan>,
    /// What the enforcer last said.
    pub report: Option<Report>,
}

impl StoredOrder {
    /// How many different people must approve it, as the enforcer said when it was proposed.
    #[must_use]
    pub fn approvals_wanted(&self) -> u8 {
        self.plan.as_ref().map_or(1, |plan| plan.approvals)
    }
}

impl Store {
    /// Saves an order, new or changed, and journals `action` (such as `order-proposed`, `order-approved`) with
    /// `detail`.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn save_order(
        &self,
        order: StoredOrder,
        action: &str,
        detail: &str,
        by: By,
    ) -> Result<(), StoreError> {
        let (action, detail) = (action.to_owned(), detail.to_owned());
        self.write(move |step| {
            put(step, &order)?;
            audit::append(step, &AuditEntry { by, action, subject: order.order.id.0, detail })
        })
    }

    /// Takes down what the enforcer reports. A report that says what is known already changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where no such order is stored.
    pub fn report_order(&self, report: Report) -> Result<StoredOrder, StoreError> {
        self.write(move |step| {
            let Some(mut stored) = find(step, &report.order)? else {
                return Err(Trouble::Unknown { what: "order", id: report.order.0 });
            };
            if stored.report.as_ref() == Some(&report) && stored.state == report.state {
                return Ok(stored);
            }
            let entry = AuditEntry {
                by: By { operator: "enforcer".into(), time: report.time },
                action: format!("order-{}", report.state.word()),
                subject: report.order.0.clone(),
                detail: report.cause.clone(),
            };
            stored.state = report.state;
            stored.report = Some(report);
            put(step, &stored)?;
            audit::append(step, &entry)?;
            Ok(stored)
        })
    }

    /// The order of that id.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] where there is none.
    pub fn order(&self, id: &OrderId) -> Result<StoredOrder, StoreError> {
        self.read(|db| find(db, id)?.ok_or_else(|| Trouble::Unknown { what: "order", id: id.0.clone() }))
    }

    /// The newest `limit` orders, oldest of them first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn orders(&self, limit: u32) -> Result<Vec<StoredOrder>, StoreError> {
        self.read(|db| {
            select(
                db,
                "SELECT body FROM (SELECT * FROM orders ORDER BY seq DESC LIMIT ?1) ORDER BY seq",
                limit,
            )
        })
    }

    /// The orders that are not finished: what a start has to take up again.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn unfinished_orders(&self) -> Result<Vec<StoredOrder>, StoreError> {
        self.read(|db| select(db, "SELECT body FROM orders WHERE unfinished = ?1 ORDER BY seq", true))
    }
}

pub(crate) fn of_incident(db: &Connection, incident: &IncidentId) -> Result<Vec<StoredOrder>, Trouble> {
    select(db, "SELECT body FROM orders WHERE incident = ?1 ORDER BY seq", &incident.0)
}

fn select(db: &Connection, query: &str, key: impl rusqlite::ToSql) -> Result<Vec<StoredOrder>, Trouble> {
    let mut statement = db.prepare_cached(query)?;
    let mut rows = statement.query([key])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(found)
}

fn find(db: &Connection, id: &OrderId) -> Result<Option<StoredOrder>, Trouble> {
    let body: Option<String> =
        db.query_row("SELECT body FROM orders WHERE id = ?1", [&id.0], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

fn put(step: &Transaction<'_>, stored: &StoredOrder) -> Result<(), Trouble> {
    let unfinished =
        stored.state.in_force() || matches!(stored.state, OrderState::Proposed | OrderState::Approved);
    step.prepare_cached(
        "INSERT INTO orders (id, incident, unfinished, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET unfinished = excluded.unfinished, body = excluded.body",
    )?
    .execute(params![
        stored.order.id.0,
        stored.order.incident.as_ref().map(|id| id.0.as_str()),
        unfinished,
        serde_json::to_string(stored)?
    ])?;
    Ok(())
}
