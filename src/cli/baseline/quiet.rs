//! `baseline quiet`: what an alert told is told as information from now on, for a reason and until a moment.

use std::{
    collections::BTreeSet,
    io::{BufWriter, Write as _},
};

use clap::Args;
use fieldwarden_engine::{
    Baseline,
    baseline::{
        Quiet,
        accept::never,
        diff::diff,
        quiet::{Scope, until_of, words_of},
    },
};
use fieldwarden_model::{Alert, Timestamp};
use serde_json::json;

use super::{
    super::{Failure, Outcome, learn},
    LINES_VERSION, diff as review,
    file::File,
    preview::told,
    source::Source,
};

#[derive(Debug, Args)]
#[command(
    after_help = "Without --write nothing is changed. What is quiet is still told, as information without an incident, and counted."
)]
pub(crate) struct Words {
    #[command(flatten)]
    source: Source,
    /// Until when: a day, for its first moment in UTC, or a moment; open-ended where it is left out
    #[arg(long, value_name = "DAY", value_parser = moment)]
    until: Option<Timestamp>,
    /// Why, for the next reader: stands in the entry and in each alert it quiets
    #[arg(long, value_name = "TEXT", value_parser = words_of)]
    reason: String,
    /// Who vouches for it
    #[arg(long, value_name = "NAME", value_parser = words_of)]
    by: Option<String>,
    /// Change the baseline
    #[arg(long)]
    write: bool,
    /// JSON Lines: one for each difference, one for the outcome
    #[arg(long)]
    json: bool,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    until_of(text)
        .ok_or_else(|| "write 2026-12-24 for its first moment in UTC, or 2026-12-24T18:00:00Z".into())
}

pub(crate) fn run(words: &Words) -> Outcome {
    let source = &words.source;
    let file = File::open(&source.baseline)?;
    let replayed = source.replayed()?;
    let found = source.find(&replayed, file.baseline())?;
    let alert = &found.alert;
    let (quiet, after) = quieted(words, file.baseline(), alert)?;
    let changes = diff(file.baseline(), &after);
    let text = file.with(&after, &BTreeSet::from([quiet.subject()]), &[])?;
    let others = if source.capture.is_empty() { None } else { Some(replayed.alerts(&after)?) };
    let name = quiet.scope.to_string();
    let is_quiet = |alert: &&Alert| alert.quieted_by.as_ref() == Some(&name);
    let others: Option<Vec<&Alert>> = others
        .as_ref()
        .map(|alerts| alerts.iter().filter(is_quiet).filter(|other| other.id != alert.id).collect());
    let mut out = BufWriter::new(std::io::stdout().lock());
    if words.json {
        for row in changes.iter().map(review::row) {
            writeln!(out, "{row}")?;
        }
    } else {
        writeln!(out, "{}\n", alert.summary)?;
        review::review(&mut out, &changes)?;
        tell_others(&mut out, others.as_deref())?;
        if !found.remembered.is_empty() {
            let covers = |other: &&Alert| {
                other.id != alert.id && Scope::of(other).is_some_and(|told| quiet.scope.covers(&told))
            };
            let others: Vec<&Alert> = found.remembered.iter().filter(covers).collect();
            found.tell(&mut out, &others, "would have been quiet")?;
        }
    }
    if words.write {
        learn::write(&source.baseline, &text)?;
    }
    outcome(&mut out, words, &name, others.as_deref())?;
    out.flush()?;
    Ok(())
}

/// The entry, and the baseline with it.
fn quieted(words: &Words, baseline: &Baseline, alert: &Alert) -> Result<(Quiet, Baseline), Failure> {
    if let Some(why) = never(&alert.detector) {
        return Err(Failure::Work(format!("what `{}` tells is never quieted: {why}", alert.detector)));
    }
    let scope = Scope::of(alert).ok_or_else(|| {
        Failure::Work(format!("this program does not know what `{}` or its protocol is", alert.detector))
    })?;
    let quiet =
        Quiet { scope, until: words.until, reason: words.reason.clone(), accepted_by: words.by.clone() };
    let mut after = baseline.clone();
    // The same scope for another reason, or for longer: the new words count.
    after.quiet.retain(|other| other.scope != scope);
    after.quiet.push(quiet.clone());
    after.sort();
    Ok((quiet, after))
}

fn tell_others(out: &mut impl std::io::Write, others: Option<&[&Alert]>) -> Outcome {
    match others {
        None => {}
        Some([]) => writeln!(out, "\nOver these captures no other alert would be quiet.")?,
        Some(others) => {
            writeln!(out, "\nOver these captures {} other alerts would be quiet:", others.len())?;
            told(out, others)?;
        }
    }
    Ok(())
}

fn outcome(out: &mut impl std::io::Write, words: &Words, scope: &str, others: Option<&[&Alert]>) -> Outcome {
    let path = words.source.baseline.display();
    if words.json {
        let row = json!({
            "type": "quieted",
            "version": LINES_VERSION,
            "alert": words.source.alert,
            "scope": scope,
            "until": words.until.map(|until| until.to_string()),
            "reason": words.reason,
            "others": others.map(|others| others.iter().map(|alert| alert.id.0.as_str()).collect::<Vec<_>>()),
            "baseline": path.to_string(),
            "written": words.write,
        });
        writeln!(out, "{row}")?;
    } else if words.write {
        writeln!(out, "\nWritten to {path}.")?;
    } else {
        writeln!(out, "\nNothing was changed; `--write` changes {path}.")?;
    }
    Ok(())
}
