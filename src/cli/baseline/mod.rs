//! `baseline`: approved normal as text that people review: show, compare, merge, accept, explain.

mod accept;
mod diff;
mod explain;
mod file;
mod merge;
mod preview;
mod quiet;
mod show;
mod sign;

use clap::{Args, Subcommand};

use super::Outcome;

#[derive(Debug, Args)]
pub(crate) struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// What a baseline says: talkers, and conversations with their functions, points and values
    Show(show::Words),
    /// What one baseline says otherwise than another, and what that lets through
    Diff(diff::Words),
    /// Join the edits that two people made to one baseline; loses none silently
    Merge(merge::Words),
    /// Take what an alert told for normal from now on: the smallest entry that covers it
    Accept(accept::Words),
    /// Tell what an alert told quietly from now on: the smallest entry that covers it, for a reason, until a day
    Quiet(quiet::Words),
    /// Why an operation is normal, or is not
    Explain(explain::Words),
    /// Vouch for a baseline: write a signature beside it
    Sign(sign::SignWords),
    /// Say who signed a baseline, or fail
    Verify(sign::VerifyWords),
}

pub(crate) fn run(words: &Words) -> Outcome {
    match &words.verb {
        Verb::Show(words) => show::run(words),
        Verb::Diff(words) => diff::run(words),
        Verb::Merge(words) => merge::run(words),
        Verb::Accept(words) => accept::run(words),
        Verb::Quiet(words) => quiet::run(words),
        Verb::Explain(words) => explain::run(words),
        Verb::Sign(words) => sign::sign(words),
        Verb::Verify(words) => sign::verify(words),
    }
}

/// The release of the lines that `--json` prints: counts up when the meaning of a key changes.
const LINES_VERSION: u8 = 1;
