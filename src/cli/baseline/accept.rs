//! `baseline accept`: what an alert told is normal from now on.

use std::{
    collections::BTreeSet,
    io::{BufWriter, Write as _},
};

use clap::Args;
use fieldwarden_engine::baseline::{
    Subject,
    accept::{Accepted, accept},
    quiet::words_of,
};
use fieldwarden_model::Alert;
use serde_json::json;

use super::{
    super::{Failure, Outcome, learn},
    LINES_VERSION, diff,
    file::{File, note},
    preview::Preview,
    source::Source,
};

#[derive(Debug, Args)]
#[command(after_help = "Without --write nothing is changed: see what it would change, then decide.")]
pub(crate) struct Words {
    #[command(flatten)]
    source: Source,
    /// Change the baseline
    #[arg(long)]
    write: bool,
    /// Why, for the next reader: stands above the entry
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who accepts it: stands beside the reason
    #[arg(long, value_name = "NAME", requires = "reason", value_parser = words_of)]
    by: Option<String>,
    /// JSON Lines: one for each difference, one for the preview, one for the outcome
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let source = &words.source;
    let file = File::open(&source.baseline)?;
    let replayed = source.replayed()?;
    let found = source.find(&replayed, file.baseline())?;
    let alert = &found.alert;
    let accepted = accept(file.baseline(), alert).map_err(|refusal| Failure::Work(refusal.to_string()))?;
    let after = if source.capture.is_empty() { None } else { Some(replayed.alerts(&accepted.baseline)?) };
    let preview = after.as_deref().map(|after| Preview::of(&found.before, after));
    // Proven to be possible before anybody is told that it is.
    let text = text(words, &file, &accepted, alert)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if words.json {
        for row in accepted.changes.iter().map(diff::row).chain(preview.as_ref().map(Preview::row)) {
            writeln!(out, "{row}")?;
        }
    } else {
        writeln!(out, "{}\n", alert.summary)?;
        diff::review(&mut out, &accepted.changes)?;
        if let Some(preview) = &preview {
            preview.people(&mut out)?;
        }
        found.tell_covered(&mut out, &accepted.baseline)?;
    }
    if words.write {
        learn::write(&source.baseline, &text)?;
    }
    outcome(&mut out, words, alert)?;
    out.flush()?;
    Ok(())
}

fn outcome(out: &mut impl std::io::Write, words: &Words, alert: &Alert) -> Outcome {
    let path = words.source.baseline.display();
    if words.json {
        let row = json!({
            "type": "accepted",
            "version": LINES_VERSION,
            "alert": alert.id.0,
            "baseline": path.to_string(),
            "written": words.write,
            "reason": words.reason,
            "by": words.by,
        });
        writeln!(out, "{row}")?;
    } else if words.write {
        writeln!(out, "\nWritten to {path}.")?;
    } else {
        writeln!(out, "\nNothing was changed; `--write` changes {path}.")?;
    }
    Ok(())
}

/// The file as it shall be: only the tables that change are written anew, with the reason above each.
fn text(words: &Words, file: &File, accepted: &Accepted, alert: &Alert) -> Result<String, Failure> {
    let changed: BTreeSet<Subject> = accepted.changes.iter().map(|change| change.subject).collect();
    let date = alert.time.to_string();
    let date = date.get(..10).unwrap_or_default();
    let notes: Vec<_> = words
        .reason
        .iter()
        .flat_map(|reason| {
            let by = words.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            let said = format!("Accepted{by} ({} {} of {date}): {reason}", alert.detector, alert.id.0);
            changed.iter().map(move |subject| note(*subject, &said))
        })
        .collect();
    file.with(&accepted.baseline, &changed, &notes)
}
