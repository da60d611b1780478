//! What one baseline says otherwise than another: what was added, removed, widened, narrowed, and what that lets through or
//! no longer lets through.
//!
//! Values and points are compared as the engine judges them, by the compiled baseline itself: two texts that spell the
//! same permission in other lines differ in their lines and in nothing else, and are told so. Two baselines without a
//! difference have the same text.

mod entry;
mod modes;
mod quiet;
pub(crate) mod sweep;

use std::collections::BTreeMap;

use fieldwarden_model::{PointRange, Value};

use super::{Allowed, Baseline, Entry, KnownTalker, ModeName, Subject};
pub(crate) use entry::bare;

/// What a difference does to judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Something that was told is told no longer.
    Widens,
    /// Something is told that was not.
    Narrows,
    /// No alert more or less.
    Same,
}

impl Effect {
    /// The word that reviews print.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Widens => "widens",
            Self::Narrows => "narrows",
            Self::Same => "same",
        }
    }
}

/// Which part of a baseline differs.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// The operating mode.
    Mode,
    /// What it was learned from.
    Learned,
    /// A talker as a whole.
    Talker,
    /// The hardware address of a talker.
    NetworkCard,
    /// A conversation as a whole; what it may do follows part by part.
    Conversation,
    /// The name of a conversation.
    Id,
    /// A function code.
    Function(u32),
    /// The name people gave a function code.
    FunctionName(u32),
    /// Points read.
    Reads(PointRange),
    /// Points that may be written at all.
    Written(PointRange),
    /// Values of a width that may be written, or no longer.
    Values {
        /// To which points.
        points: PointRange,
        /// How many points one value spans.
        step: u16,
        /// The values.
        allowed: Allowed,
    },
    /// The least value that may be written.
    Minimum(PointRange, u16, Bound),
    /// The greatest value that may be written.
    Maximum(PointRange, u16, Bound),
    /// Bits that became others, or values of another kind.
    Replaced {
        /// Of which points.
        points: PointRange,
        /// How many points one value spans.
        step: u16,
        /// The values before.
        old: Allowed,
        /// The values after.
        new: Allowed,
    },
    /// The most a count goes up by: before, and after.
    Counter(PointRange, u16, u64, u64),
    /// How many values an envelope rests on.
    Seen(PointRange, u16),
    /// How the lines are spelled or ordered, their meaning being the same.
    Lines,
    /// The usual time between two polls.
    Period,
    /// How lively the conversation is.
    Pace,
    /// How the values of an envelope move.
    Moves(PointRange, u16),
    /// How the values move that are read.
    Motion(PointRange, u16),
    /// Refusals in a minute.
    Refusals,
    /// A break of the protocol.
    Oddity(String),
    /// When a mode is due.
    Shift,
    /// What is told quietly, and until when.
    Quiet,
    /// Why, and who vouches for it.
    QuietWords,
}

/// A bound that moved; none is no bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Where it was.
    pub old: Option<Value>,
    /// Where it is.
    pub new: Option<Value>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What the table that differs is about.
    pub subject: Subject,
    /// What people call that table.
    pub name: String,
    /// Which part of it.
    pub part: Part,
    /// What that does to judgement.
    pub effect: Effect,
    /// The part in words: `maximum of 40101-40102`.
    pub what: String,
    /// What stood there; none where there was nothing.
    pub old: Option<String>,
    /// What stands there; none where there is nothing.
    pub new: Option<String>,
    /// What is let through, or no longer, in a sentence.
    pub meaning: String,
}

/// Everything `new` says otherwise than `old`, table by table: the file, talkers, conversations, what is quiet, each in canonical order.
#[must_use]
pub fn diff(old: &Baseline, new: &Baseline) -> Vec<Change> {
    let mut told =
        Teller { subject: Subject::File, name: String::from("the file"), mode: None, changes: Vec::new() };
    modes::usual(&mut told, old, new);
    let learned = |baseline: &Baseline| {
        baseline.learned.map(|l| format!("{} frames, {} to {}", l.frames, l.from, l.until))
    };
    told.scalar(
        Part::Learned,
        "learned",
        learned(old),
        learned(new),
        "tells where the rest comes from; judges nothing",
    );
    talkers(&mut told, old, new);
    conversations(&mut told, old, new);
    modes::compare(&mut told, old, new);
    quiet::compare(&mut told, old, new);
    told.changes
}

/// Collects what differs in one table after the other.
struct Teller {
    subject: Subject,
    name: String,
    /// In which mode alone holds what is compared.
    mode: Option<ModeName>,
    changes: Vec<Change>,
}

impl Teller {
    fn about(&mut self, subject: Subject, name: String) {
        self.subject = subject.in_mode(self.mode);
        self.name = self.mode.map_or_else(|| name.clone(), |mode| format!("in {mode}: {name}"));
    }

    fn tell(
        &mut self,
        (part, effect): (Part, Effect),
        what: impl Into<String>,
        (old, new): (Option<String>, Option<String>),
        meaning: impl Into<String>,
    ) {
        let (subject, name) = (self.subject, self.name.clone());
        let (what, meaning) = (what.into(), meaning.into());
        self.changes.push(Change { subject, name, part, effect, what, old, new, meaning });
    }

    /// Something that judges nothing.
    fn scalar(&mut self, part: Part, what: &str, old: Option<String>, new: Option<String>, meaning: &str) {
        if old != new {
            self.tell((part, Effect::Same), what, (old, new), meaning);
        }
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn talkers(told: &mut Teller, old: &Baseline, new: &Baseline) {
    let mut pairs: BTreeMap<Subject, (Option<&KnownTalker>, Option<&KnownTalker>)> = BTreeMap::new();
    for known in &old.talkers {
        pairs.entry(known.subject()).or_default().0.get_or_insert(known);
    }
    for known in &new.talkers {
        pairs.entry(known.subject()).or_default().1.get_or_insert(known);
    }
    for (subject, (old, new)) in pairs {
        told.about(subject, subject.to_string());
        let mac = |known: Option<&KnownTalker>| known.and_then(|known| known.mac).map(|mac| mac.to_string());
        let address = |known: Option<&KnownTalker>| known.map(|known| known.talker.to_string());
        let whole = match (old, new) {
            (None, Some(_)) => Some((Effect::Widens, "this address may be heard without an alert")),
            (Some(_), None) => Some((Effect::Narrows, "this address is told as a new talker")),
            _ => None,
        };
        if let Some((effect, meaning)) = whole {
            told.tell((Part::Talker, effect), "talker", (address(old), address(new)), meaning);
        }
        let meaning = "a stranger with this network card is told as this talker, as low";
        told.scalar(Part::NetworkCard, "network card", mac(old), mac(new), meaning);
    }
}

/// The tables of one conversation on one side: the last counts.
#[derive(Default)]
struct Tables<'a> {
    counts: Option<&'a Entry>,
    overridden: Vec<&'a Entry>,
}

impl<'a> Tables<'a> {
    fn add(&mut self, entry: &'a Entry) {
        self.overridden.extend(self.counts.replace(entry));
    }
}

fn conversations(told: &mut Teller, old: &Baseline, new: &Baseline) {
    let rank =
        |e: &Entry| (e.space, e.server, e.client, e.transport, e.server_port, e.unit, e.protocol.clone());
    let mut pairs: BTreeMap<_, (Tables<'_>, Tables<'_>)> = BTreeMap::new();
    for entry in &old.conversations {
        pairs.entry(rank(entry)).or_default().0.add(entry);
    }
    for entry in &new.conversations {
        pairs.entry(rank(entry)).or_default().1.add(entry);
    }
    for (old, new) in pairs.into_values() {
        let Some(named) = new.counts.or(old.counts) else { continue };
        told.about(named.subject(), named.id.clone());
        match (old.counts, new.counts) {
            (Some(old), Some(new)) => entry::compare(told, old, new),
            (None, Some(new)) => entry::added(told, new),
            (Some(old), None) => entry::removed(told, old),
            (None, None) => {}
        }
        let lines =
            |tables: &Tables<'_>| (!tables.overridden.is_empty()).then(|| entry::spelled(&tables.overridden));
        let meaning = "a later table about the same conversation counts instead";
        told.scalar(Part::Lines, "overridden tables", lines(&old), lines(&new), meaning);
    }
}

#[cfg(test)]
mod tests;
