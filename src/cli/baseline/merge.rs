//! `baseline merge`: the edits of two people, joined.

use std::{io::Write as _, path::PathBuf};

use clap::Args;
use fieldwarden_engine::baseline::merge::{Conflict, merge};
use serde_json::{Value, json};

use super::{
    super::{Failure, Outcome, learn, table},
    LINES_VERSION,
    file::{File, woven},
};

#[derive(Debug, Args)]
#[command(
    after_help = "Where both changed the same thing differently nothing is written: change one side, then merge again."
)]
pub(crate) struct Words {
    /// The baseline that both began with
    base: PathBuf,
    /// What one made of it
    mine: PathBuf,
    /// What the other made of it
    theirs: PathBuf,
    /// Where the joined baseline is written; only when there is no conflict
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// JSON Lines: one for each conflict, one for each comment that could not be kept
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let base = File::open(&words.base)?;
    let (mine, theirs) = (File::open(&words.mine)?, File::open(&words.theirs)?);
    let merged = merge(base.baseline(), mine.baseline(), theirs.baseline());
    if !merged.conflicts.is_empty() {
        tell(words, &merged.conflicts, &mine, &theirs)?;
        let count = match merged.conflicts.len() {
            1 => "1 conflict".to_owned(),
            several => format!("{several} conflicts"),
        };
        return Err(Failure::Work(format!(
            "{count}: `{}` was not written\n\nhint: agree on each, change one side accordingly, and merge again",
            words.output.display()
        )));
    }
    let (text, lost) = woven(&merged.baseline, [&mine, &theirs])?;
    learn::write(&words.output, &text)?;
    let mut out = std::io::stdout().lock();
    if words.json {
        for comment in &lost {
            writeln!(
                out,
                "{}",
                json!({"type": "comment-lost", "version": LINES_VERSION, "comment": comment})
            )?;
        }
        return Ok(());
    }
    writeln!(
        out,
        "{}: {} talkers and {} conversations{}, with the edits of both.",
        words.output.display(),
        merged.baseline.talkers.len(),
        merged.baseline.conversations.len(),
        match merged.baseline.quiet.len() {
            0 => String::new(),
            1 => String::from(", 1 thing quiet"),
            more => format!(", {more} things quiet"),
        }
    )?;
    for comment in &lost {
        writeln!(out, "Not kept, since what it was about is gone: {comment}")?;
    }
    Ok(())
}

fn tell(words: &Words, conflicts: &[Conflict], mine: &File, theirs: &File) -> Outcome {
    let row = |conflict: &Conflict| row(conflict, mine, theirs);
    if words.json {
        return table::print(&conflicts.iter().map(row).collect::<Vec<_>>(), &[], true);
    }
    let mut out = std::io::stdout().lock();
    for conflict in conflicts {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".into());
        writeln!(out, "{}\n  {}", conflict.subject, conflict.what)?;
        writeln!(out, "    was     {}", side(&conflict.base))?;
        writeln!(out, "    mine    {}  ({})", side(&conflict.mine), mine.place(&conflict.subject))?;
        writeln!(out, "    theirs  {}  ({})", side(&conflict.theirs), theirs.place(&conflict.subject))?;
    }
    Ok(())
}

fn row(conflict: &Conflict, mine: &File, theirs: &File) -> Value {
    json!({
        "type": "conflict",
        "version": LINES_VERSION,
        "about": conflict.subject.to_string(),
        "what": conflict.what,
        "base": conflict.base,
        "mine": conflict.mine,
        "mine_at": mine.place(&conflict.subject),
        "theirs": conflict.theirs,
        "theirs_at": theirs.place(&conflict.subject),
    })
}
