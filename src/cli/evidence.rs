//! `evidence`, and the slices that a replay cuts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use fieldwarden_model::Alert;
use fieldwarden_response::evidence::{CHAIN, Chain, EvidenceError, Facts, Verdict};
use fieldwarden_sensor::{
    Merged,
    evidence::{Limits, cut},
};
use serde_json::{Value, json};

use super::{Failure, Outcome, table};
use crate::evidence;

/// Slices that one replay cuts at most; the first alerts get theirs.
const MAX_SLICES: usize = 1_000;
/// Slices cut in one reading of the captures, and chained together.
const AT_ONCE: usize = 64;
/// Slices told by name at most that hold less than was asked for; the chain tells all.
const MAX_TOLD: usize = 10;

#[derive(Debug, Args)]
pub(crate) struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Prove that slices of evidence are as they were cut, or tell where they differ
    Verify {
        /// JSON Lines instead of a table
        #[arg(long)]
        json: bool,
        /// Folders of slices, or single slices of one
        #[arg(required = true)]
        places: Vec<PathBuf>,
    },
}

/// `evidence ...`.
pub(crate) fn run(words: &Words) -> Outcome {
    let Verb::Verify { json, places } = &words.verb;
    let mut rows = Vec::new();
    let mut faults = 0;
    for place in places {
        for (slice, verdict) in verified(place)? {
            faults += usize::from(!matches!(verdict, Ok((Verdict::Intact, _))));
            rows.push(row(&slice, verdict));
        }
    }
    table::print(
        &rows,
        &[("slice", "slice"), ("alert", "alert"), ("state", "state"), ("detail", "detail")],
        *json,
    )?;
    if faults > 0 {
        return Err(Failure::Work(format!("{faults} of {} slices are not as they were cut", rows.len())));
    }
    Ok(())
}

/// What became of a slice, and what the chain says of it.
type Verified = Result<(Verdict, Facts), EvidenceError>;

/// Compares one slice, or all of a folder: those the chain names, and those it does not.
fn verified(place: &Path) -> Result<Vec<(PathBuf, Verified)>, Failure> {
    let is_folder = fs::metadata(place)
        .map_err(|fault| Failure::Input(format!("`{}`: {fault}", place.display())))?
        .is_dir();
    let folder = match place.parent() {
        _ if is_folder => place,
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if !folder.join(CHAIN).exists() {
        let told = format!("there is no `{CHAIN}` in `{}`: nothing is known of its files", folder.display());
        return Err(Failure::Work(told));
    }
    let chain = Chain::open(folder).map_err(work)?;
    let mut names = Vec::new();
    if is_folder {
        names.extend(chain.links().iter().map(|link| link.facts.slice.clone()));
        let known: BTreeSet<&String> = chain.links().iter().map(|link| &link.facts.slice).collect();
        names.extend(slices(folder)?.into_iter().filter(|name| !known.contains(name)));
    } else {
        names.push(place.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    let verify = |name: String| {
        let verdict = chain.verify(&name).map(|(verdict, facts)| (verdict, facts.clone()));
        (folder.join(name), verdict)
    };
    Ok(names.into_iter().map(verify).collect())
}

/// The names of the captures in a folder.
fn slices(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".pcapng") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn row(slice: &Path, verdict: Verified) -> Value {
    let slice = slice.display().to_string();
    let (verdict, facts) = match verdict {
        Ok(known) => known,
        Err(fault) => return json!({ "slice": slice, "state": "not known", "detail": fault.to_string() }),
    };
    let (state, detail) = match verdict {
        Verdict::Intact => ("intact", evidence::shortcomings(&facts)),
        Verdict::Changed { from, until } => {
            ("changed", format!("it differs for the first time between octets {from} and {until}"))
        }
        Verdict::Shortened { got, expected } => {
            ("shortened", format!("{got} octets of {expected} are left, as they were"))
        }
        Verdict::Lengthened { expected } => {
            ("lengthened", format!("something stands behind its {expected} octets, which are as they were"))
        }
    };
    json!({ "slice": slice, "alert": facts.alert, "state": state, "detail": detail })
}

fn work(fault: impl std::fmt::Display) -> Failure {
    Failure::Work(fault.to_string())
}

/// The alerts of a replay that get slices.
pub(crate) struct Slices {
    folder: PathBuf,
    before_secs: u64,
    chain: Chain,
    alerts: Vec<Alert>,
    ids: BTreeSet<String>,
    beyond: u64,
}

impl Slices {
    /// Makes the folder, which must hold no evidence yet: slices are never written over.
    pub(crate) fn new(folder: &Path, before_secs: u64) -> Result<Self, Failure> {
        let wrong = |fault: std::io::Error| Failure::Work(format!("`{}`: {fault}", folder.display()));
        evidence::make_folder(folder).map_err(wrong)?;
        if folder.join(CHAIN).exists() || !slices(folder)?.is_empty() {
            let told = format!(
                "`{}` holds evidence already, which is never written over\n\nhint: name a new folder",
                folder.display()
            );
            return Err(Failure::Input(told));
        }
        let chain = Chain::open(folder).map_err(work)?;
        let folder = folder.to_path_buf();
        Ok(Self { folder, before_secs, chain, alerts: Vec::new(), ids: BTreeSet::new(), beyond: 0 })
    }

    /// Remembers an alert. One that comes again under the same id keeps its first slice.
    pub(crate) fn take(&mut self, alert: &Alert) {
        if self.ids.contains(&alert.id.0) {
            return;
        }
        if self.alerts.len() >= MAX_SLICES {
            self.beyond += 1;
            return;
        }
        self.ids.insert(alert.id.0.clone());
        self.alerts.push(alert.clone());
    }

    /// Reads the captures again and cuts the slices; standard error hears what became of them.
    pub(crate) fn cut(mut self, captures: &[PathBuf]) -> Outcome {
        let limits = Limits {
            before: Duration::from_secs(self.before_secs),
            after: Duration::from_secs(evidence::AFTER_SECS),
            octets: evidence::SLICE_OCTETS,
        };
        let mut short = Vec::new();
        for alerts in self.alerts.chunks(AT_ONCE) {
            let wanted: Vec<_> = alerts.iter().map(evidence::wanted).collect();
            let slices = cut(&self.folder, &wanted, limits, &mut || Merged::open(captures)).map_err(work)?;
            let facts: Vec<Facts> =
                alerts.iter().zip(slices).map(|(alert, slice)| evidence::facts(alert, slice)).collect();
            let told = facts.iter().map(|facts| (facts.slice.clone(), evidence::shortcomings(facts)));
            short.extend(told.filter(|(_, shortcomings)| !shortcomings.is_empty()));
            self.chain.add(facts, u64::MAX).map_err(work)?;
        }
        eprintln!("{} slices of evidence in `{}`", self.alerts.len(), self.folder.display());
        for (slice, shortcomings) in short.iter().take(MAX_TOLD) {
            eprintln!("fieldwarden: note: {slice}: {shortcomings}");
        }
        if short.len() > MAX_TOLD {
            eprintln!("fieldwarden: note: so do {} more: `{CHAIN}` tells them all", short.len() - MAX_TOLD);
        }
        if self.beyond > 0 {
            eprintln!(
                "fieldwarden: note: {} alerts have no slice, as one replay cuts {MAX_SLICES} at most",
                self.beyond
            );
        }
        Ok(())
    }
}
