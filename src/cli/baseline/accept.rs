//! `baseline accept`: what an alert told is normal from now on.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use fieldwarden_engine::{
    baseline::{
        Subject,
        accept::{Accepted, accept},
        quiet::words_of,
    },
    json::{NoAlert, alert_of},
};
use fieldwarden_model::Alert;
use serde_json::json;

use super::{
    super::{Failure, Outcome, learn, load},
    LINES_VERSION, diff,
    file::{File, note},
    preview::{Preview, Replayed},
};
use crate::daemon::settings::Settings as Configuration;

#[derive(Debug, Args)]
#[command(after_help = "Without --write nothing is changed: see what it would change, then decide.")]
pub(crate) struct Words {
    /// The alert's id, as `replay --json` tells it
    alert: String,
    /// A capture in which it was told; also shows which alerts would be told no longer
    #[arg(long, value_name = "CAPTURE", num_args = 1.., required_unless_present = "alerts")]
    capture: Vec<PathBuf>,
    /// Lines of `replay --json` in which it stands
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// The baseline
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,
    /// The daemon's configuration: site, detectors, limits
    #[arg(long)]
    config: Option<PathBuf>,
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
    let file = File::open(&words.baseline)?;
    let configuration =
        words.config.as_deref().map(|path| load::load(path, Configuration::configure)).transpose()?;
    let (site, engine) = configuration.map(|c| (c.site, c.engine)).unwrap_or_default();
    let replayed = Replayed { captures: &words.capture, site, engine };
    let before = if words.capture.is_empty() { Vec::new() } else { replayed.alerts(file.baseline())? };
    let alert = match &words.alerts {
        Some(path) => in_lines(path, &words.alert)?,
        None => in_captures(&before, &words.alert)?,
    };
    let accepted = accept(file.baseline(), &alert).map_err(|refusal| Failure::Work(refusal.to_string()))?;
    let after = if words.capture.is_empty() { None } else { Some(replayed.alerts(&accepted.baseline)?) };
    let preview = after.as_deref().map(|after| Preview::of(&before, after));
    // Proven to be possible before anybody is told that it is.
    let text = text(words, &file, &accepted, &alert)?;
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
    }
    if words.write {
        learn::write(&words.baseline, &text)?;
    }
    outcome(&mut out, words, &alert)?;
    out.flush()?;
    Ok(())
}

fn outcome(out: &mut impl std::io::Write, words: &Words, alert: &Alert) -> Outcome {
    let path = words.baseline.display();
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

pub(super) fn in_captures(alerts: &[Alert], id: &str) -> Result<Alert, Failure> {
    alerts.iter().find(|alert| alert.id.0 == id).cloned().ok_or_else(|| {
        Failure::Input(format!(
            "none of the {} alerts that these captures give under this baseline has the id `{id}`\n\nhint: `fieldwarden replay --json --baseline FILE CAPTURE` tells them",
            alerts.len()
        ))
    })
}

pub(super) fn in_lines(path: &Path, id: &str) -> Result<Alert, Failure> {
    let name = path.display();
    let unreadable = |fault: std::io::Error| Failure::Input(format!("cannot read `{name}`: {fault}"));
    let lines = BufReader::new(std::fs::File::open(path).map_err(unreadable)?).lines();
    for (line, number) in lines.zip(1_u64..) {
        let line = line.map_err(unreadable)?;
        match alert_of(&line) {
            Ok(alert) if alert.id.0 == id => return Ok(alert),
            Ok(_) | Err(NoAlert::Other) => {}
            Err(_) if line.trim().is_empty() => {}
            Err(fault) => return Err(Failure::Input(format!("{name}:{number}: {fault}"))),
        }
    }
    Err(Failure::Input(format!("no line of `{name}` tells an alert with the id `{id}`")))
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
