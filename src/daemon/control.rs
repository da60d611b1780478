//! What the command line asks of the daemon, one JSON object per line on the control socket, and how it is answered.

use fieldwarden_model::{IncidentId, OrderId, Scope, Severity, Target, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest request line in octets: any local user may connect, so little is held for each.
pub(crate) const MAX_REQUEST: u64 = 64 << 10;
/// The longest reply line in octets.
pub(crate) const MAX_LINE: usize = 16 << 20;

/// A question or an instruction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub(crate) enum Request {
    /// How the daemon does.
    Status,
    /// Incidents, newest last.
    Incidents {
        /// Closed ones too.
        all: bool,
        /// At least this severe.
        severity: Severity,
    },
    /// One incident with its alerts, comments, tasks and orders.
    Incident {
        /// Which.
        id: IncidentId,
    },
    /// Gives an incident to somebody.
    Assign {
        /// Which.
        id: IncidentId,
        /// To whom.
        to: String,
    },
    /// Says something about an incident.
    Comment {
        /// Which.
        id: IncidentId,
        /// What.
        text: String,
    },
    /// Adds a task to an incident.
    Task {
        /// Which.
        id: IncidentId,
        /// What is to be done.
        text: String,
    },
    /// Sets where the work on an incident stands.
    SetStatus {
        /// Which.
        id: IncidentId,
        /// `new`, `acknowledged`, `in_progress` or `closed`.
        status: String,
    },
    /// Writes, operates, program and mode changes, with old and new values.
    Writes {
        /// At most so many, the newest.
        limit: u32,
    },
    /// What would fall silent, and can it be enforced here?
    Rehearse {
        /// Against whom.
        target: Target,
        /// How far it reaches; as the target says where absent.
        #[serde(default)]
        scope: Option<Scope>,
        /// For how long, in seconds.
        lapse_secs: u32,
    },
    /// Which orders could answer an incident, and which does the least harm?
    Candidates {
        /// The incident.
        incident: IncidentId,
        /// For how long they would stand, in seconds.
        lapse_secs: u32,
    },
    /// Writes an order down and rehearses it.
    Propose {
        /// Against whom.
        target: Target,
        /// How far it reaches; as the target says where absent.
        #[serde(default)]
        scope: Option<Scope>,
        /// For how long, in seconds.
        lapse_secs: u32,
        /// How long it is provisional, in seconds.
        keep_within_secs: u32,
        /// Whether to hold and ask when a protected conversation degrades; otherwise the order is reverted.
        hold_and_ask: bool,
        /// Why.
        reason: String,
        /// The incident it answers.
        incident: Option<IncidentId>,
    },
    /// Confirms an order.
    Approve {
        /// Which.
        order: OrderId,
    },
    /// Orders, newest last.
    Orders,
    /// Ends an order.
    Release {
        /// Which.
        order: OrderId,
        /// Why.
        reason: String,
    },
    /// Ends every order.
    ReleaseAll {
        /// Why.
        reason: String,
    },
    /// Which operating mode the plant is in, and which there are.
    Modes,
    /// Demands an operating mode, or that the schedule holds again.
    SetMode {
        /// Which; none for the schedule.
        mode: Option<String>,
        /// Until when.
        until: Option<Timestamp>,
        /// Why.
        reason: String,
    },
    /// Each destination with its backlog, lag and last error.
    Forwards,
    /// Tries a destination again now.
    ForwardRetry {
        /// Which.
        name: String,
        /// Whether its dead letters are queued again as well.
        #[serde(default)]
        dead: bool,
    },
    /// Pauses a destination, or lets it go on.
    ForwardPause {
        /// Which.
        name: String,
        /// Whether it is to pause.
        paused: bool,
    },
    /// The dead letters of a destination.
    ForwardDead {
        /// Which.
        name: String,
    },
    /// Sends a marked test message.
    ForwardTest {
        /// Which.
        name: String,
    },
    /// Checks the chain of the audit log.
    AuditVerify,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// Rows for a table or for JSON Lines.
    Rows(Vec<serde_json::Value>),
    /// Not done, and why.
    Refused(String),
}
