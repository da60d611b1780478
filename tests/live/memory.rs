//! The daemon's store, read from outside while the daemon runs, and what the collector holds, in the same terms.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// One revision of an incident, as far as the collector is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) incident: String,
    pub(crate) number: String,
    pub(crate) severity: String,
    pub(crate) score: String,
    pub(crate) alerts: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) open: String,
}

/// Every revision the store holds, in the order they were recorded.
pub(crate) fn stored_revisions(store: &Path) -> Vec<Revision> {
    column(store, "SELECT body FROM revisions ORDER BY seq").iter().map(|body| revision(body)).collect()
}

/// The ids of all alerts the store holds, sorted.
pub(crate) fn stored_alerts(store: &Path) -> Vec<String> {
    column(store, "SELECT id FROM alerts ORDER BY id")
}

/// All alerts the store holds, in the order they were recorded.
pub(crate) fn stored_alert_bodies(store: &Path) -> Vec<Value> {
    column(store, "SELECT body FROM alerts ORDER BY seq")
        .iter()
        .map(|body| serde_json::from_str(body).unwrap())
        .collect()
}

/// The ids of all incidents the store holds, sorted.
pub(crate) fn stored_incidents(store: &Path) -> Vec<String> {
    column(store, "SELECT id FROM incidents ORDER BY id")
}

/// Every order the store holds, oldest first: its id and where it stands.
pub(crate) fn stored_orders(store: &Path) -> Vec<(String, String)> {
    let state = |body: String| {
        let stored: Value = serde_json::from_str(&body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&stored["order"]["id"]), text(&stored["state"]))
    };
    column(store, "SELECT body FROM orders ORDER BY seq").into_iter().map(state).collect()
}

/// Every revision the collector holds, repeats by (id, revision) dropped, in the order of their first arrival.
pub(crate) fn received_revisions(received: &[Value]) -> Vec<Revision> {
    let mut held: Vec<Revision> = Vec::new();
    for message in received.iter().filter(|message| message["msgid"] == "INCIDENT") {
        let data = message["structured_data"].as_str().unwrap();
        let field = |key: &str| {
            let (_, rest) =
                data.split_once(&format!(" {key}=\"")).unwrap_or_else(|| panic!("no {key} in {data}"));
            rest.split_once('"').unwrap().0.to_owned()
        };
        let told = Revision {
            incident: field("id"),
            number: field("revision"),
            severity: field("severity"),
            score: field("score"),
            alerts: field("alerts"),
            first: field("first"),
            last: field("last"),
            open: field("open"),
        };
        match held.iter().find(|known| (&known.incident, &known.number) == (&told.incident, &told.number)) {
            Some(known) => assert_eq!(*known, told, "a repeat says something else"),
            None => held.push(told),
        }
    }
    held
}

fn revision(body: &str) -> Revision {
    let told: Value = serde_json::from_str(body).unwrap();
    let incident = &told["incident"];
    let text = |key: &str| match &incident[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Revision {
        incident: text("id"),
        number: text("revision"),
        severity: text("severity"),
        score: text("score"),
        alerts: text("alerts"),
        first: text("first"),
        last: text("last"),
        open: u8::from(incident["open"] == true).to_string(),
    }
}

fn column(store: &Path, query: &str) -> Vec<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(db) = Connection::open_with_flags(store, flags) else { return Vec::new() };
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let mut statement = db.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
