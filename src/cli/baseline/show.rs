//! `baseline show`: a baseline as tables that people read.

use std::{
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use clap::Args;
use fieldwarden_engine::{
    Baseline,
    baseline::{Entry, KnownTalker, text::transport_word},
};
use serde_json::{Value, json};

use super::{
    super::{Outcome, load, table},
    LINES_VERSION,
};

/// Lines of points told per conversation in the overview; `--conversation` tells all of those it finds.
const MAX_LINES: usize = 8;

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The baseline
    file: PathBuf,
    /// Only what has this text in its id, in a talker's address or in its protocol; tells all points
    #[arg(long, value_name = "TEXT")]
    conversation: Option<String>,
    /// JSON Lines: one for each talker and conversation, with all points
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let baseline = load::baseline(&words.file)?;
    let wanted = words.conversation.as_deref().unwrap_or_default().to_lowercase();
    let entries: Vec<&Entry> =
        baseline.conversations.iter().filter(|entry| concerns(entry, &wanted)).collect();
    let is_of = |known: &KnownTalker| {
        let speaks = |entry: &&Entry| {
            entry.space == known.space && (entry.client == known.talker || entry.server == known.talker)
        };
        known.talker.to_string().contains(&wanted) || entries.iter().any(speaks)
    };
    let talkers: Vec<&KnownTalker> =
        baseline.talkers.iter().filter(|known| wanted.is_empty() || is_of(known)).collect();
    if words.json {
        let rows: Vec<Value> =
            talkers.into_iter().map(talker_row).chain(entries.into_iter().map(entry_row)).collect();
        return table::print(&rows, &[], true);
    }
    people(&baseline, &talkers, &entries, if wanted.is_empty() { MAX_LINES } else { usize::MAX })
}

/// Whether a conversation has a text in its id, its talkers or its protocol.
fn concerns(entry: &Entry, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(&entry.id) || has(&entry.client.to_string()) || has(&entry.server.to_string()) || has(&entry.protocol)
}

fn people(baseline: &Baseline, talkers: &[&KnownTalker], entries: &[&Entry], lines: usize) -> Outcome {
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "Operating mode: {}", baseline.mode)?;
    if let Some(learned) = baseline.learned {
        writeln!(out, "Learned from {} frames, {} to {}", learned.frames, learned.from, learned.until)?;
    }
    let mut table = table::plain();
    table.set_header(["talker", "network card", "space"]);
    for known in talkers {
        let mac = known.mac.map(|mac| mac.to_string()).unwrap_or_default();
        table.add_row([known.talker.to_string(), mac, known.space.0.to_string()]);
    }
    writeln!(out, "\n{table}")?;
    for entry in entries {
        writeln!(out, "\n{}", headline(entry))?;
        for (what, text) in details(entry, lines) {
            writeln!(out, "  {what:<10}{text}")?;
        }
    }
    let points: usize = entries.iter().map(|entry| entry.writes.len()).sum();
    writeln!(
        out,
        "\n{} talkers, {} conversations, {points} ranges of written points.",
        talkers.len(),
        entries.len()
    )?;
    out.flush()?;
    Ok(())
}

/// The id, and behind it what the id leaves out where a person gave another one.
fn headline(entry: &Entry) -> String {
    match entry.key().map(|key| key.to_string()) {
        Some(key) if key != entry.id => format!("{} ({key})", entry.id),
        _ => entry.id.clone(),
    }
}

/// What an entry says, a line each.
fn details(entry: &Entry, most: usize) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    let functions: Vec<String> = entry.functions.iter().map(|function| function.text()).collect();
    if !functions.is_empty() {
        told.push(("functions", functions.join(", ")));
    }
    let reads = entry.reads.iter().map(|range| entry.points_text(range)).collect();
    told.extend(listed("reads", reads, most));
    let write = |envelope: &fieldwarden_engine::baseline::Envelope| {
        let points = entry.points_text(&envelope.points);
        let width = envelope.width_text();
        format!("{points}: {}{width}, {} values seen", envelope.bounds_text(), envelope.seen)
    };
    told.extend(listed("writes", entry.writes.iter().map(write).collect(), most));
    let motion = |line: &fieldwarden_engine::baseline::ReadMotion| {
        format!("{}: {}", entry.points_text(&line.points), line.text())
    };
    told.extend(listed("motion", entry.motion.iter().map(motion).collect(), most));
    told.extend(entry.period_ms.map(|period| ("polls", format!("every {period} ms"))));
    if entry.refusals_per_minute > 0 {
        told.push(("refusals", format!("at most {} a minute", entry.refusals_per_minute)));
    }
    if !entry.oddities.is_empty() {
        told.push(("oddities", entry.oddities.join(", ")));
    }
    told
}

/// A list below one heading, cut where it is long.
fn listed(what: &'static str, items: Vec<String>, most: usize) -> Vec<(&'static str, String)> {
    let more = items.len().saturating_sub(most);
    let mut told: Vec<_> = items
        .into_iter()
        .take(most)
        .enumerate()
        .map(|(n, text)| (if n == 0 { what } else { "" }, text))
        .collect();
    if more > 0 {
        told.push(("", format!("and {more} more: `--conversation` with a part of the id tells them")));
    }
    told
}

fn talker_row(known: &KnownTalker) -> Value {
    json!({
        "type": "talker",
        "version": LINES_VERSION,
        "talker": known.talker.to_string(),
        "mac": known.mac.map(|mac| mac.to_string()),
        "space": known.space.0,
    })
}

fn entry_row(entry: &Entry) -> Value {
    let functions: Vec<String> = entry.functions.iter().map(|function| function.text()).collect();
    let reads: Vec<String> = entry.reads.iter().map(|range| entry.points_text(range)).collect();
    let writes: Vec<Value> = entry
        .writes
        .iter()
        .map(|envelope| {
            json!({
                "points": entry.points_text(&envelope.points),
                "step": envelope.step,
                "minimum": envelope.minimum,
                "maximum": envelope.maximum,
                "seen": envelope.seen,
            })
        })
        .collect();
    let motion: Vec<Value> = entry
        .motion
        .iter()
        .map(|line| {
            json!({
                "points": entry.points_text(&line.points),
                "step": line.step,
                "still_ms": line.still_ms,
                "wobble_per_minute": line.wobble_per_minute,
                "random": line.random,
                "seen": line.seen,
            })
        })
        .collect();
    json!({
        "type": "conversation",
        "version": LINES_VERSION,
        "id": entry.id,
        "space": entry.space.0,
        "client": entry.client.to_string(),
        "server": entry.server.to_string(),
        "transport": transport_word(entry.transport),
        "server_port": entry.server_port,
        "protocol": entry.protocol.as_str(),
        "unit": entry.unit,
        "functions": functions,
        "reads": reads,
        "writes": writes,
        "motion": motion,
        "period_ms": entry.period_ms,
        "refusals_per_minute": entry.refusals_per_minute,
        "oddities": entry.oddities,
    })
}
