//! Asking the running daemon over its control socket.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use serde_json::Value;

use super::{Failure, Outcome, table};
use crate::daemon::control::{MAX_LINE, Reply, Request};

/// The daemon answers within this, rehearsals on a busy gateway included.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to reach the daemon and how to print what it says.
#[derive(Clone, Debug, Args)]
pub(crate) struct Connection {
    /// The daemon's control socket
    #[arg(long, default_value = "/run/fieldwarden/control.sock", env = "FIELDWARDEN_SOCKET")]
    socket: PathBuf,
    /// JSON Lines instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

impl Connection {
    /// Asks one thing.
    pub(crate) fn ask(&self, request: &Request) -> Result<Vec<Value>, Failure> {
        let path = self.socket.display();
        let unreachable = |fault: std::io::Error| {
            Failure::Work(format!(
                "the daemon does not answer at `{path}`: {fault}\n\nhint: is `fieldwarden run` up, and does its `[control] socket` say the same path?"
            ))
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(unreachable)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_string(request).map_err(anyhow::Error::from)?;
        line.push('\n');
        stream.write_all(line.as_bytes()).map_err(unreachable)?;
        let mut answer = String::new();
        BufReader::new(stream).take(MAX_LINE as u64).read_line(&mut answer).map_err(unreachable)?;
        match serde_json::from_str(&answer) {
            Ok(Reply::Rows(rows)) => Ok(rows),
            Ok(Reply::Refused(why)) => Err(Failure::Work(why)),
            Err(_) if answer.is_empty() => {
                Err(Failure::Work(format!("the daemon at `{path}` closed the connection")))
            }
            Err(fault) => Err(Failure::Work(format!("the daemon at `{path}` said something else: {fault}"))),
        }
    }

    /// Asks one thing and prints the rows.
    pub(crate) fn show(&self, request: &Request, columns: &[table::Column]) -> Outcome {
        table::print(&self.ask(request)?, columns, self.json)
    }
}

/// `status`.
pub(crate) fn status(connection: &Connection) -> Outcome {
    connection.show(&Request::Status, &[("what", "what"), ("state", "state"), ("detail", "detail")])
}
