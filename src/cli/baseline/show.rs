//! `baseline show`: a baseline as tables that people read.

use std::{
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use clap::Args;
use fieldwarden_engine::{
    Baseline,
    baseline::{
        Allowed, Entry, Envelope, KnownTalker, Quiet,
        quiet::until_of,
        text::{bits_text, transport_word},
    },
};
use fieldwarden_model::Timestamp;
use serde_json::{Value, json};

use super::{
    super::{Outcome, load, table},
    LINES_VERSION,
    seen::{Seen, text},
    special,
};

use crate::daemon::now;

/// Lines of points told per conversation in the overview; `--conversation` tells all of those it finds.
const MAX_LINES: usize = 8;

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The baseline
    file: PathBuf,
    /// Only what has this text in its id, in a talker's address or in its protocol; tells all points
    #[arg(long, value_name = "TEXT")]
    conversation: Option<String>,
    /// The daemon's store: tells of each conversation and each thing that is quiet how often, when first and when last
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// As of which day or moment: what is quiet until before it is over. Now, where it is left out
    #[arg(long, value_name = "DAY", value_parser = as_of)]
    at: Option<Timestamp>,
    /// JSON Lines: one for each talker, conversation and thing that is quiet, with all points
    #[arg(long)]
    json: bool,
}

fn as_of(text: &str) -> Result<Timestamp, String> {
    until_of(text).ok_or_else(|| "write 2026-12-24, or 2026-12-24T18:00:00Z".into())
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
    let is_quiet = |quiet: &&Quiet| quiet.subject().to_string().to_lowercase().contains(&wanted);
    let quiets: Vec<&Quiet> = baseline.quiet.iter().filter(is_quiet).collect();
    let seen = words.store.as_deref().map(Seen::open).transpose()?;
    let about = About { at: words.at.unwrap_or_else(now), seen };
    if words.json {
        let entry = |entry| Seen::beside(about.seen.as_ref(), entry_row(entry), |seen| seen.entry(entry));
        let quiet = |quiet| {
            let row = special::quiet_row(quiet, about.at);
            Seen::beside(about.seen.as_ref(), row, |seen| seen.quiet(quiet))
        };
        let (talkers, entries) = (talkers.into_iter().map(talker_row), entries.into_iter().map(entry));
        let rows: Vec<Value> = talkers
            .chain(entries)
            .chain(special::mode_rows(&baseline))
            .chain(quiets.into_iter().map(quiet))
            .collect();
        return table::print(&rows, &[], true);
    }
    let lines = if wanted.is_empty() { MAX_LINES } else { usize::MAX };
    people(&baseline, &talkers, &entries, &quiets, &about, lines)
}

/// What the entries are held against.
struct About {
    /// The moment.
    at: Timestamp,
    /// What the daemon remembers.
    seen: Option<Seen>,
}

/// Whether a conversation has a text in its id, its talkers or its protocol.
fn concerns(entry: &Entry, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(&entry.id) || has(&entry.client.to_string()) || has(&entry.server.to_string()) || has(&entry.protocol)
}

fn people(
    baseline: &Baseline,
    talkers: &[&KnownTalker],
    entries: &[&Entry],
    quiets: &[&Quiet],
    about: &About,
    lines: usize,
) -> Outcome {
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
        if let Some(seen) = &about.seen {
            writeln!(out, "  {:<10}{}", "seen", text(seen.entry(entry)))?;
        }
    }
    special::modes(&mut out, baseline, lines)?;
    for quiet in quiets {
        special::quiet(&mut out, quiet, about.at, about.seen.as_ref())?;
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
pub(super) fn headline(entry: &Entry) -> String {
    match entry.key().map(|key| key.to_string()) {
        Some(key) if key != entry.id => format!("{} ({key})", entry.id),
        _ => entry.id.clone(),
    }
}

/// What an entry says, a line each.
pub(super) fn details(entry: &Entry, most: usize) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    let functions: Vec<String> = entry.functions.iter().map(|function| function.text()).collect();
    if !functions.is_empty() {
        told.push(("functions", functions.join(", ")));
    }
    let reads = entry.reads.iter().map(|range| entry.points_text(range)).collect();
    told.extend(listed("reads", reads, most));
    let write = |envelope: &Envelope| {
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

pub(super) fn talker_row(known: &KnownTalker) -> Value {
    json!({
        "type": "talker",
        "version": LINES_VERSION,
        "talker": known.talker.to_string(),
        "mac": known.mac.map(|mac| mac.to_string()),
        "space": known.space.0,
    })
}

/// What a line of `writes` says; what its kind of values does not have is null.
fn write_row(entry: &Entry, envelope: &Envelope) -> Value {
    let (minimum, maximum) = envelope.allowed.bounds().unwrap_or_default();
    let (mut values, mut bits, mut counter) = (None, None, None);
    match &envelope.allowed {
        Allowed::Range { .. } => {}
        Allowed::Values(few) => values = Some(few.iter().collect::<Vec<_>>()),
        Allowed::Bits(word) => bits = Some((word.changing(), word.set())),
        Allowed::Counter(count) => counter = Some(count.step),
    }
    json!({
        "points": entry.points_text(&envelope.points),
        "step": envelope.step,
        "minimum": minimum,
        "maximum": maximum,
        "values": values,
        "bits": bits.map(|(changing, _)| bits_text(changing)),
        "set": bits.map(|(_, set)| bits_text(set)),
        "counter": counter,
        "seen": envelope.seen,
    })
}

pub(super) fn entry_row(entry: &Entry) -> Value {
    let functions: Vec<String> = entry.functions.iter().map(|function| function.text()).collect();
    let reads: Vec<String> = entry.reads.iter().map(|range| entry.points_text(range)).collect();
    let writes: Vec<Value> = entry.writes.iter().map(|envelope| write_row(entry, envelope)).collect();
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
