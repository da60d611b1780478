//! `mode`: the operating mode that the plant is in, and a demand for another one.

use clap::{Args, Subcommand};
use fieldwarden_engine::baseline::quiet::until_of;
use fieldwarden_model::Timestamp;

use super::{Outcome, ask::Connection, incident::done};
use crate::daemon::control::Request;

#[derive(Debug, Args)]
pub(crate) struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The modes of the baseline, and which one holds
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Demand a mode for a while, whatever the schedule says; journaled
    Set {
        /// The mode, as the baseline names it
        name: String,
        /// Until when: a day, for its first moment in UTC, or a moment
        #[arg(long, value_parser = moment)]
        until: Timestamp,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Let the schedule hold again; journaled
    Clear {
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        connection: Connection,
    },
}

fn moment(text: &str) -> Result<Timestamp, String> {
    until_of(text)
        .ok_or_else(|| "write 2026-12-24 for its first moment in UTC, or 2026-12-24T18:00:00Z".into())
}

pub(crate) fn run(words: &Words) -> Outcome {
    match &words.verb {
        Verb::List { connection } => {
            connection.show(&Request::Modes, &[("mode", "mode"), ("holds", "holds"), ("until", "until")])
        }
        Verb::Set { name, until, reason, connection } => {
            let (mode, until) = (Some(name.clone()), Some(*until));
            done(connection, &Request::SetMode { mode, until, reason: reason.clone() })
        }
        Verb::Clear { reason, connection } => {
            done(connection, &Request::SetMode { mode: None, until: None, reason: reason.clone() })
        }
    }
}
