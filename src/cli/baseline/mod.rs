//! `baseline`: approved normal as text that people review: show, compare, merge, accept, explain.

mod accept;
mod diff;
mod explain;
mod file;
mod merge;
mod preview;
mod quiet;
mod seen;
mod show;
mod sign;
mod source;
mod special;

use std::{collections::BTreeSet, path::Path};

use clap::{Args, Subcommand};
use fieldwarden_engine::{
    Baseline,
    baseline::{ModeName, diff::diff as differences},
};

use super::{Failure, Outcome};
use file::File;

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

/// A baseline file that is to have what was learned in a mode beside what it has.
pub(crate) struct Joined {
    file: File,
    mode: ModeName,
}

impl Joined {
    pub(crate) fn open(path: &Path, mode: &str) -> Result<Self, Failure> {
        let mode: ModeName = mode.parse().map_err(|why| Failure::Input(format!("`{mode}` is {why}")))?;
        let file = File::open(path)?;
        if file.baseline().usual_mode() == Some(mode) {
            return Err(Failure::Input(format!(
                "`{mode}` is the usual mode of `{}`\n\nhint: learn it into a file of its own, and join the two by `fieldwarden baseline merge`",
                path.display()
            )));
        }
        Ok(Self { file, mode })
    }

    /// The text of the file with it; every other line stands as it was.
    pub(crate) fn with(&self, learned: &Baseline) -> Result<String, Failure> {
        let after = self.file.baseline().with_mode(self.mode, learned);
        let changes = differences(self.file.baseline(), &after);
        let changed: BTreeSet<_> = changes.iter().map(|change| change.subject).collect();
        self.file.with(&after, &changed, &[])
    }
}

/// The release of the lines that `--json` prints: counts up when the meaning of a key changes.
const LINES_VERSION: u8 = 1;
