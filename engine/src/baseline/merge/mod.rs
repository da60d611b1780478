//! Two people's edits of one baseline, joined.
//!
//! Three ways, part by part: what one side left as it was becomes what the other made of it; what both changed alike is
//! changed; what both changed differently is a conflict, told with both versions, and nobody's edit is dropped for the
//! other's. Counts of values seen judge nothing and add up.

mod entry;
mod kinds;
mod modes;
mod quiet;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use super::{Baseline, Entry, KnownTalker, ModeName, Subject};

/// Something that both sides changed, each in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What the table is about.
    pub subject: Subject,
    /// Which part of it.
    pub what: String,
    /// What stood there before; none where there was nothing.
    pub base: Option<String>,
    /// What one side made of it; none where it took it out.
    pub mine: Option<String>,
    /// What the other side made of it.
    pub theirs: Option<String>,
}

/// What two people's edits come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The edits of both sides. With conflicts it is nothing to work with: one side's version stands in each.
    pub baseline: Baseline,
    /// What a person must decide, in the order of the file.
    pub conflicts: Vec<Conflict>,
}

/// One thing on three sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Three<T> {
    pub(crate) base: T,
    pub(crate) mine: T,
    pub(crate) theirs: T,
}

impl<T> Three<T> {
    fn map<U>(self, mut of: impl FnMut(T) -> U) -> Three<U> {
        Three { base: of(self.base), mine: of(self.mine), theirs: of(self.theirs) }
    }

    /// What the sides agree on; none where both changed it differently.
    fn agreed(self) -> Option<T>
    where
        T: PartialEq,
    {
        if self.mine == self.theirs || self.theirs == self.base {
            Some(self.mine)
        } else if self.mine == self.base {
            Some(self.theirs)
        } else {
            None
        }
    }
}

/// The conflicts of one table.
struct Judge {
    subject: Subject,
    /// In which mode alone holds what is joined.
    mode: Option<ModeName>,
    conflicts: Vec<Conflict>,
}

impl Judge {
    /// What the sides agree on; else a conflict, and one side's version.
    fn settle<T: PartialEq + Clone>(
        &mut self,
        what: &str,
        sides: Three<T>,
        text: impl Fn(&T) -> Option<String>,
    ) -> T {
        let mine = sides.mine.clone();
        let texts = Three { base: text(&sides.base), mine: text(&sides.mine), theirs: text(&sides.theirs) };
        sides.agreed().unwrap_or_else(|| {
            self.conflict(what, texts);
            mine
        })
    }

    fn conflict(&mut self, what: impl Into<String>, texts: Three<Option<String>>) {
        let Three { base, mine, theirs } = texts;
        let subject = self.subject.in_mode(self.mode);
        self.conflicts.push(Conflict { subject, what: what.into(), base, mine, theirs });
    }
}

/// Joins what `mine` and `theirs` made of `base`.
#[must_use]
pub fn merge(base: &Baseline, mine: &Baseline, theirs: &Baseline) -> Merged {
    let sides = Three { base, mine, theirs };
    let mut judge = Judge { subject: Subject::File, mode: None, conflicts: Vec::new() };
    let mode = judge.settle("mode", sides.map(|side| side.mode.clone()), |mode| Some(mode.clone()));
    let learned = judge.settle("learned", sides.map(|side| side.learned), |learned| {
        learned.map(|l| format!("{} frames, {} to {}", l.frames, l.from, l.until))
    });
    let talkers = talkers(&mut judge, sides);
    let conversations = conversations(&mut judge, sides);
    let modes = modes::join(&mut judge, sides);
    let schedule = modes::schedule(&mut judge, sides);
    let quiet = quiet::join(&mut judge, sides);
    let mut baseline = Baseline { mode, learned, talkers, conversations, modes, schedule, quiet };
    baseline.sort();
    ids(&mut judge, &baseline);
    Merged { baseline, conflicts: judge.conflicts }
}

fn talkers(judge: &mut Judge, sides: Three<&Baseline>) -> Vec<KnownTalker> {
    let known = sides.map(|side| {
        side.talkers.iter().rev().map(|known| (known.subject(), *known)).collect::<BTreeMap<_, _>>()
    });
    let subjects: BTreeSet<&Subject> =
        [&known.base, &known.mine, &known.theirs].into_iter().flat_map(BTreeMap::keys).collect();
    let mut talkers = Vec::new();
    for subject in subjects {
        judge.subject = *subject;
        let here = Three { base: &known.base, mine: &known.mine, theirs: &known.theirs }
            .map(|side| side.get(subject).copied());
        let text = |known: &Option<KnownTalker>| {
            known.map(|known| {
                known.mac.map_or_else(|| "there".into(), |mac| format!("there, network card {mac}"))
            })
        };
        let kept = match (here.mine, here.theirs) {
            (Some(mine), Some(_)) => {
                let macs = here.map(|side| side.and_then(|known| known.mac));
                let mac = judge.settle("network card", macs, |mac| mac.map(|mac| mac.to_string()));
                Some(KnownTalker { mac, ..mine })
            }
            _ => judge.settle("talker", here, text),
        };
        talkers.extend(kept);
    }
    talkers
}

fn conversations(judge: &mut Judge, sides: Three<&Baseline>) -> Vec<Entry> {
    let Three { base, mine, theirs } = sides.map(|side| {
        let mut entries: BTreeMap<Subject, Vec<&Entry>> = BTreeMap::new();
        for entry in &side.conversations {
            entries.entry(entry.subject()).or_default().push(entry);
        }
        entries
    });
    let subjects: BTreeSet<&Subject> = [&base, &mine, &theirs].into_iter().flat_map(BTreeMap::keys).collect();
    let mut kept = Vec::new();
    for subject in subjects {
        judge.subject = *subject;
        let here = Three { base: &base, mine: &mine, theirs: &theirs }
            .map(|side| side.get(subject).map(Vec::as_slice).unwrap_or_default());
        // Which of several tables an edit was meant for, nobody knows.
        if [here.base, here.mine, here.theirs].iter().any(|tables| tables.len() > 1) {
            let count = |tables: &[&Entry]| Some(format!("{} tables", tables.len()));
            judge.conflict("stands more than once: leave one table, then merge", here.map(count));
            kept.extend(here.mine.iter().map(|&entry| entry.clone()));
            continue;
        }
        kept.extend(entry::join(judge, here.map(|tables| tables.first().copied())));
    }
    kept
}

/// Two conversations that two people gave one name.
fn ids(judge: &mut Judge, baseline: &Baseline) {
    let mut named: BTreeMap<&str, Subject> = BTreeMap::new();
    for entry in &baseline.conversations {
        let Some(other) = named.insert(&entry.id, entry.subject()) else { continue };
        judge.subject = entry.subject();
        if other != judge.subject {
            let own = Some(judge.subject.to_string());
            let texts = Three { base: None, mine: own, theirs: Some(other.to_string()) };
            judge.conflict(format!("id `{}` for two conversations", entry.id), texts);
        }
    }
}

#[cfg(test)]
mod tests;
