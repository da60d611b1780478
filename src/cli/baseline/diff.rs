//! `baseline diff`: what one baseline says otherwise than another, as a review reads it.

use std::{
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use clap::Args;
use fieldwarden_engine::baseline::diff::{Change, Effect, Part, diff};
use serde_json::{Value, json};

use super::{
    super::{Failure, Outcome, load, table},
    LINES_VERSION,
};

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The baseline as it was
    old: PathBuf,
    /// The baseline as it shall be
    new: PathBuf,
    /// End with status 1 when they differ
    #[arg(long)]
    exit_code: bool,
    /// JSON Lines: one for each difference
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let (old, new) = (load::baseline(&words.old)?, load::baseline(&words.new)?);
    let changes = diff(&old, &new);
    if words.json {
        table::print(&changes.iter().map(row).collect::<Vec<_>>(), &[], true)?;
    } else {
        let mut out = BufWriter::new(std::io::stdout().lock());
        review(&mut out, &changes)?;
        out.flush()?;
    }
    if words.exit_code && !changes.is_empty() { Err(Failure::Differs) } else { Ok(()) }
}

/// All differences, below the table each is about, and how many of them let something through.
pub(super) fn review(out: &mut impl std::io::Write, changes: &[Change]) -> Outcome {
    let mut counts = [0_usize; 3];
    for group in changes.chunk_by(|a, b| a.subject == b.subject) {
        if let Some(first) = group.first() {
            writeln!(out, "{}", first.name)?;
        }
        for change in group.iter().filter(|change| !is_said_with_values(change, group)) {
            if let Some(count) = counts.get_mut(change.effect as usize) {
                *count += 1;
            }
            line(out, change)?;
        }
    }
    let [widen, narrow, same] = counts;
    match changes {
        [] => writeln!(out, "The baselines say the same.")?,
        _ => writeln!(
            out,
            "{widen} widen (what was told is told no longer), {narrow} narrow, {same} change no alert."
        )?,
    }
    Ok(())
}

fn line(out: &mut impl std::io::Write, change: &Change) -> Outcome {
    let mark = match change.effect {
        Effect::Widens => "WIDENS",
        Effect::Narrows => "narrows",
        Effect::Same => "",
    };
    let versions = match (&change.old, &change.new) {
        (Some(old), Some(new)) => format!("{old} -> {new}"),
        (Some(old), None) => format!("{old} removed"),
        (None, Some(new)) => format!("{new} added"),
        (None, None) => String::new(),
    };
    writeln!(out, "  {mark:<8} {}: {versions}\n           {}", change.what, change.meaning)?;
    Ok(())
}

/// New points with new values are one line for people.
fn is_said_with_values(change: &Change, group: &[Change]) -> bool {
    let Part::Written(points) = &change.part else { return false };
    let mut own = group.iter().filter(|other| other.effect == change.effect);
    own.any(|other| matches!(&other.part, Part::Values { points: held, .. } if held.contains(points)))
}

/// A difference as one line for machines.
pub(super) fn row(change: &Change) -> Value {
    json!({
        "type": "change",
        "version": LINES_VERSION,
        "about": change.subject.to_string(),
        "entry": change.name,
        "effect": change.effect.word(),
        "what": change.what,
        "old": change.old,
        "new": change.new,
        "meaning": change.meaning,
    })
}
