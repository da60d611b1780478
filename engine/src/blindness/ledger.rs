//! What was not seen, by reason and place; bounded.

use std::{collections::BTreeMap, fmt::Write as _};

use fieldwarden_model::Timestamp;

use super::{Lacks, Reason};
use crate::{conversation::ServiceKey, detect::DETECTORS};

/// Places one shard keeps apart; those beyond are counted by reason alone.
const MAX_PLACES: usize = 128;
/// Lines a summary tells per reason; more are counted in one line.
pub const MAX_TOLD: usize = 100;
/// Fewer signs of a one-way mirror than this are a mirror that reordered the first packets of a connection.
const ENOUGH_ONE_WAY: u64 = 3;

/// Where something was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Anywhere.
    Everywhere,
    /// On one capturing interface.
    Interface(u16),
    /// In a table, by the name of its cap.
    Cap(&'static str),
    /// Between a client and a service.
    Service(ServiceKey),
}

/// How often, when, and what is missing for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) count: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) lacks: Lacks,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.lacks = self.lacks.with(other.lacks);
    }
}

/// What one shard, or the capture as a whole, did not see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    rows: BTreeMap<(Reason, Place), Count>,
    /// What happened in places beyond the cap, and how many times a place was.
    beyond: BTreeMap<Reason, Count>,
}

impl Ledger {
    /// Something was not seen, `count` times.
    pub(crate) fn note(&mut self, reason: Reason, place: Place, lacks: Lacks, time: Timestamp, count: u64) {
        let seen = Count { count, first: time, last: time, lacks };
        if let Some(row) = self.rows.get_mut(&(reason, place)) {
            row.add(seen);
        } else if self.rows.len() < MAX_PLACES {
            self.rows.insert((reason, place), seen);
        } else {
            self.beyond.entry(reason).and_modify(|row| row.add(seen)).or_insert(seen);
        }
    }

    fn rows(&self) -> impl Iterator<Item = (Reason, Place, Count)> {
        self.rows.iter().map(|((reason, place), count)| (*reason, *place, *count))
    }

    fn beyond(&self) -> impl Iterator<Item = (Reason, Count)> {
        self.beyond.iter().map(|(reason, count)| (*reason, *count))
    }
}

/// A line of what is not assured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// Why.
    pub reason: Reason,
    /// Where: a conversation, an interface, a cap by name, or everywhere.
    pub place: String,
    /// How often: frames, gaps, messages or whatever the reason counts.
    pub count: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// The detectors it blinds there, in the order in which they judge.
    pub detectors: Vec<&'static str>,
}

impl core::fmt::Display for Blind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{}: {} ({}, {} times",
            self.place,
            self.reason.sentence(),
            self.reason.word(),
            self.count
        )?;
        if self.detectors.is_empty() {
            f.write_str("; blinds no detector)")
        } else {
            write!(f, "; blinds {})", self.detectors.join(", "))
        }
    }
}

/// Adds ledgers up into lines, sorted by reason and place; `name` writes a service as its conversation.
pub(crate) fn told<'a>(
    ledgers: impl Iterator<Item = &'a Ledger>,
    disabled: &[String],
    name: impl Fn(&ServiceKey) -> String,
) -> Vec<Blind> {
    let mut rows: BTreeMap<(Reason, Place), Count> = BTreeMap::new();
    let mut beyond: BTreeMap<Reason, (u64, Count)> = BTreeMap::new();
    for ledger in ledgers {
        for (reason, place, count) in ledger.rows() {
            rows.entry((reason, place)).and_modify(|row| row.add(count)).or_insert(count);
        }
        for (reason, count) in ledger.beyond() {
            beyond.entry(reason).and_modify(|(_, row)| row.add(count)).or_insert((0, count));
        }
    }
    let mut told: BTreeMap<Reason, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for ((reason, place), count) in rows {
        if reason == Reason::OneWayMirror && count.count < ENOUGH_ONE_WAY {
            continue;
        }
        let lines_of_reason = told.entry(reason).or_default();
        if *lines_of_reason >= MAX_TOLD {
            let (places, row) = beyond.entry(reason).or_insert((0, Count { count: 0, ..count }));
            *places += 1;
            row.add(count);
            continue;
        }
        *lines_of_reason += 1;
        lines.push(line(reason, words(&place, &name), &count, disabled));
    }
    for (reason, (places, count)) in beyond {
        let mut place = String::from("elsewhere");
        if places > 0 {
            // Writing to a String cannot fail.
            let _ = write!(place, " ({places} more places at least)");
        }
        lines.push(line(reason, place, &count, disabled));
    }
    lines.sort_by(|a, b| (a.reason, &a.place).cmp(&(b.reason, &b.place)));
    lines
}

fn line(reason: Reason, place: String, count: &Count, disabled: &[String]) -> Blind {
    let blinded = DETECTORS.iter().filter(|detector| count.lacks.blinds(detector.needs()));
    let detectors = blinded.map(|detector| detector.id()).filter(|id| !disabled.iter().any(|off| off == id));
    Blind {
        reason,
        place,
        count: count.count,
        first: count.first,
        last: count.last,
        detectors: detectors.collect(),
    }
}

fn words(place: &Place, name: &impl Fn(&ServiceKey) -> String) -> String {
    match place {
        Place::Everywhere => String::from("everywhere"),
        Place::Interface(number) => format!("interface {number}"),
        Place::Cap(cap) => format!("the cap `{cap}`"),
        Place::Service(service) => name(service),
    }
}
