//! The command line: one verb, one file. Every table is also to be had as JSON Lines with `--json`.

mod ask;
mod assets;
mod baseline;
mod captures;
mod check;
mod contain;
mod decode;
mod evidence;
mod forward;
mod incident;
mod json_fields;
mod learn;
mod load;
mod mode;
mod replay;
mod run;
mod table;
mod zones;

use std::{fmt, process::ExitCode};

use clap::{Parser, Subcommand};

pub(crate) use learn::{outline, seed, settings as learner_settings, write, write_lesson};
pub(crate) use load::{baseline as load_baseline, baseline_text};
pub(crate) use replay::{alert_line, engine_settings, threads};

/// Watches fieldbus traffic, knows what is normal, says in plain words what is not, and contains it when told to.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 the work failed, 2 the words or a file \
were wrong, 3 something at or above --fail-on was found."
)]
struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the daemon: listen on the span port, judge, store, report, contain when told to
    Run(run::Words),
    /// How the daemon does: capture, blindness, baseline, outbox, orders, enforcer
    Status(ask::Connection),
    /// Judge captures with the same engine that runs live
    Replay(replay::Words),
    /// Make a baseline out of captures of normal operation
    Learn(learn::Words),
    /// Approved normal as text: show, diff, merge, accept, explain, sign
    Baseline(baseline::Words),
    /// Print every message of captures, judging nothing
    Decode(decode::Words),
    /// Who is on the wire and what it is, out of captures: nobody is asked anything
    Assets(assets::Words),
    /// Conduits used and unused, and what passes outside any, out of captures
    Zones(zones::Words),
    /// Report all faults of configurations and baselines; touches nothing
    Check(check::Words),
    /// The case: incidents, their alerts, comments and status
    Incident(incident::Words),
    /// Every write with old and new value
    Writes(incident::WritesWords),
    /// The order: rehearse, propose, approve, list, release
    Contain(contain::Words),
    /// The operating mode: list, set, clear
    Mode(mode::Words),
    /// The ways outward: list, test, retry
    Forward(forward::Words),
    /// Slices of frames cut for alerts: prove that nobody changed them
    Evidence(evidence::Words),
    /// Prove that the audit log is whole
    Audit(forward::AuditWords),
}

/// Why a verb did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The work failed: status 1.
    Work(String),
    /// The words or a file were wrong: status 2.
    Input(String),
    /// Something at or above the asked severity was found: status 3.
    Found,
    /// Two baselines differ, and that was asked for: status 1.
    Differs,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Work(format!("{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Work(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work(message) | Self::Input(message) => f.write_str(message),
            Self::Found => f.write_str("something at or above the asked severity was found"),
            Self::Differs => f.write_str("the baselines differ"),
        }
    }
}

/// What a verb comes to.
pub(crate) type Outcome = Result<(), Failure>;

/// Reads the words and does the work.
pub(crate) fn run() -> ExitCode {
    let outcome = match Words::parse().verb {
        Verb::Run(words) => run::run(&words),
        Verb::Status(connection) => ask::status(&connection),
        Verb::Replay(words) => replay::run(&words),
        Verb::Learn(words) => learn::run(&words),
        Verb::Baseline(words) => baseline::run(&words),
        Verb::Decode(words) => decode::run(&words),
        Verb::Assets(words) => assets::run(&words),
        Verb::Zones(words) => zones::run(&words),
        Verb::Check(words) => check::run(&words),
        Verb::Incident(words) => incident::run(&words),
        Verb::Writes(words) => incident::writes(&words),
        Verb::Contain(words) => contain::run(&words),
        Verb::Mode(words) => mode::run(&words),
        Verb::Forward(words) => forward::run(&words),
        Verb::Evidence(words) => evidence::run(&words),
        Verb::Audit(words) => forward::audit(&words),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that closed the pipe early (`| head`) has what it wanted.
        Err(Failure::Work(message)) if message.contains("Broken pipe") => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Found | Failure::Differs) {
                eprintln!("fieldwarden: {}", failure.to_string().trim_end());
            }
            ExitCode::from(match failure {
                Failure::Work(_) | Failure::Differs => 1,
                Failure::Input(_) => 2,
                Failure::Found => 3,
            })
        }
    }
}
