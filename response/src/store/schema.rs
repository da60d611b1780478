//! The tables, as a list of migrations: `PRAGMA user_version` tells how many of them a file has seen.
//!
//! Every table is STRICT. `seq` columns only count up, so that "the oldest" is an order nobody's hash decides.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Trouble;

/// Applied in order, each once, each in a transaction of its own. Never edit one that was released: add another.
const MIGRATIONS: &[&str] = &[FIRST, HOURS, REASONS, TICKETS, NOTICES];

/// The newest schema this program knows.
pub(crate) const NEWEST: i64 = 5;

const FIRST: &str = "
CREATE TABLE alerts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    incident TEXT NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_of_incident ON alerts (incident, seq);

CREATE TABLE incidents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    open INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    score INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    body TEXT NOT NULL,
    status TEXT NOT NULL,
    assignee TEXT
) STRICT;

CREATE TABLE revisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL,
    revision INTEGER NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (incident, revision)
) STRICT;

CREATE TABLE comments (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL,
    time INTEGER NOT NULL,
    operator TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX comments_of_incident ON comments (incident, seq);

CREATE TABLE tasks (
    incident TEXT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    added INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    done INTEGER,
    done_by TEXT,
    PRIMARY KEY (incident, number)
) STRICT;

CREATE TABLE orders (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    incident TEXT,
    unfinished INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX orders_of_incident ON orders (incident, seq);

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    operator TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_subject ON audit (subject, seq);
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE writes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    space INTEGER NOT NULL,
    client TEXT NOT NULL,
    server TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX writes_by_time ON writes (time);

CREATE TABLE conversation_hours (
    conversation TEXT NOT NULL,
    hour INTEGER NOT NULL,
    operations INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (conversation, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_hours_by_hour ON conversation_hours (hour);

CREATE TABLE checkpoint (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    time INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE destinations (
    name TEXT PRIMARY KEY,
    configured INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE outbox (
    destination TEXT NOT NULL,
    seq INTEGER NOT NULL,
    incident TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (destination, incident, revision)
) STRICT;
CREATE UNIQUE INDEX outbox_in_order ON outbox (destination, seq);

CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    incident TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What conversations did per hour, anew: nothing was ever written there. Names stand once, so that a row takes few octets.
const HOURS: &str = "
DROP TABLE conversation_hours;
CREATE TABLE conversation_names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE conversation_hours (
    conversation INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    operations INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (conversation, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_hours_by_hour ON conversation_hours (hour);
";

/// Why a letter is dead; whether a person paused a destination.
const REASONS: &str = "
ALTER TABLE dead_letters ADD COLUMN why TEXT NOT NULL DEFAULT 'too much waited';
ALTER TABLE destinations ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
";

/// Which ticket an incident has at which destination. `looked_at` counts rounds of looking, so that each ticket has its turn.
const TICKETS: &str = "
CREATE TABLE tickets (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    destination TEXT NOT NULL,
    incident TEXT NOT NULL,
    key TEXT NOT NULL,
    number TEXT NOT NULL,
    said TEXT NOT NULL,
    heard TEXT NOT NULL,
    saying TEXT NOT NULL,
    looked_at INTEGER NOT NULL DEFAULT 0,
    UNIQUE (destination, incident)
) STRICT;
CREATE INDEX tickets_by_number ON tickets (destination, number);
CREATE INDEX tickets_by_turn ON tickets (destination, looked_at, seq);
";

/// What ways to people remember, see `notices.rs`.
const NOTICES: &str = "
CREATE TABLE notices (
    destination TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (destination, subject)
) STRICT, WITHOUT ROWID;
";

/// Brings the file to the newest schema.
///
/// # Errors
/// What SQLite refused; a version past [`NEWEST`] is returned, not changed.
pub(crate) fn migrate(connection: &mut Connection) -> Result<i64, Trouble> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for (script, number) in MIGRATIONS.iter().zip(1i64..).filter(|(_, number)| *number > found) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        step.execute_batch(script)?;
        step.pragma_update(None, "user_version", number)?;
        step.commit()?;
    }
    Ok(found)
}
