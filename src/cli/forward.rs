//! `forward` and `audit`: the ways outward, and proof that the log is whole.

use clap::{Args, Subcommand};

use super::{Outcome, ask::Connection, incident::done};
use crate::daemon::control::Request;

#[derive(Debug, Args)]
pub(crate) struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every destination with backlog, lag and last error
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Send a marked test message and say what came back
    Test {
        /// The destination's name
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Try a destination again now
    Retry {
        /// The destination's name
        name: String,
        /// Queue its dead letters again, too
        #[arg(long)]
        dead: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Tell a destination nothing until it is resumed; what there is to tell waits, also across a restart
    Pause {
        /// The destination's name
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Let a destination go on
    Resume {
        /// The destination's name
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// What a destination was never told: refused for good, or too much waited
    Dead {
        /// The destination's name
        name: String,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditWords {
    #[command(subcommand)]
    verb: AuditVerb,
}

#[derive(Debug, Subcommand)]
enum AuditVerb {
    /// Recompute the chain of the audit log from its first line to its last
    Verify {
        #[command(flatten)]
        connection: Connection,
    },
}

/// `forward ...`.
pub(crate) fn run(words: &Words) -> Outcome {
    match &words.verb {
        Verb::List { connection } => connection.show(
            &Request::Forwards,
            &[
                ("destination", "name"),
                ("address", "address"),
                ("state", "state"),
                ("waiting", "waiting"),
                ("oldest waiting", "oldest"),
                ("delivered", "delivered"),
                ("dead", "dead"),
                ("last error", "last_error"),
            ],
        ),
        Verb::Test { name, connection } => done(connection, &Request::ForwardTest { name: name.clone() }),
        Verb::Retry { name, dead, connection } => {
            done(connection, &Request::ForwardRetry { name: name.clone(), dead: *dead })
        }
        Verb::Pause { name, connection } => {
            done(connection, &Request::ForwardPause { name: name.clone(), paused: true })
        }
        Verb::Resume { name, connection } => {
            done(connection, &Request::ForwardPause { name: name.clone(), paused: false })
        }
        Verb::Dead { name, connection } => connection.show(
            &Request::ForwardDead { name: name.clone() },
            &[("incident", "incident"), ("revision", "revision"), ("why", "why")],
        ),
    }
}

/// `audit ...`.
pub(crate) fn audit(words: &AuditWords) -> Outcome {
    let AuditVerb::Verify { connection } = &words.verb;
    done(connection, &Request::AuditVerify)
}
