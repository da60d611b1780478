//! `incident` and `writes`: the case, and what was written in the plant.

use clap::{Args, Subcommand, ValueEnum};
use fieldwarden_model::{IncidentId, Severity};

use super::{Outcome, ask::Connection};
use crate::daemon::control::Request;

#[derive(Debug, Args)]
pub(crate) struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Incidents that are open, or all
    List {
        /// Closed ones too
        #[arg(long)]
        all: bool,
        /// At least this severe
        #[arg(long, default_value = "info")]
        severity: SeverityWord,
        #[command(flatten)]
        connection: Connection,
    },
    /// One incident: what happened, in order, and what was done about it
    Show {
        /// The incident's id
        id: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give it to somebody
    Assign {
        /// The incident's id
        id: String,
        /// To whom
        to: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Say something about it
    Comment {
        /// The incident's id
        id: String,
        /// What to say
        text: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Add a task to it
    Task {
        /// The incident's id
        id: String,
        /// What is to be done
        text: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Say where the work stands: new, acknowledged, in_progress, closed
    Status {
        /// The incident's id
        id: String,
        /// The status
        #[arg(value_parser = ["new", "acknowledged", "in_progress", "closed"])]
        status: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// A severity on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeverityWord {
    /// Worth knowing.
    Info,
    /// Worth a look this week.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// The process may be at risk.
    Critical,
}

impl From<SeverityWord> for Severity {
    fn from(word: SeverityWord) -> Self {
        match word {
            SeverityWord::Info => Self::Info,
            SeverityWord::Low => Self::Low,
            SeverityWord::Medium => Self::Medium,
            SeverityWord::High => Self::High,
            SeverityWord::Critical => Self::Critical,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct WritesWords {
    /// At most so many, the newest
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    connection: Connection,
}

/// `incident ...`.
pub(crate) fn run(words: &Words) -> Outcome {
    let id = |id: &str| IncidentId(id.to_owned());
    match &words.verb {
        Verb::List { all, severity, connection } => connection.show(
            &Request::Incidents { all: *all, severity: (*severity).into() },
            &[
                ("id", "id"),
                ("severity", "severity"),
                ("score", "score"),
                ("last", "last"),
                ("status", "status"),
                ("assignee", "assignee"),
                ("alerts", "alerts"),
                ("what happened", "title"),
            ],
        ),
        Verb::Show { id: name, connection } => connection.show(
            &Request::Incident { id: id(name) },
            &[("time", "time"), ("what", "what"), ("who", "who"), ("in words", "text")],
        ),
        Verb::Assign { id: name, to, connection } => {
            done(connection, &Request::Assign { id: id(name), to: to.clone() })
        }
        Verb::Comment { id: name, text, connection } => {
            done(connection, &Request::Comment { id: id(name), text: text.clone() })
        }
        Verb::Task { id: name, text, connection } => {
            done(connection, &Request::Task { id: id(name), text: text.clone() })
        }
        Verb::Status { id: name, status, connection } => {
            done(connection, &Request::SetStatus { id: id(name), status: status.clone() })
        }
    }
}

/// `writes`.
pub(crate) fn writes(words: &WritesWords) -> Outcome {
    words.connection.show(
        &Request::Writes { limit: words.limit },
        &[
            ("time", "time"),
            ("client", "client"),
            ("server", "server"),
            ("unit", "unit"),
            ("operation", "operation"),
            ("points", "points"),
            ("old", "old"),
            ("new", "new"),
            ("tags", "tags"),
        ],
    )
}

/// Asks for something that has no rows to show.
pub(crate) fn done(connection: &Connection, request: &Request) -> Outcome {
    connection.show(request, &[("done", "done")])
}
