//! A baseline file as people wrote it: what it says, where its tables stand, and how it is written again.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use fieldwarden_config::{Layout, Piece, Place, Remark, Sources, read_tables, weave};
use fieldwarden_engine::{
    Baseline,
    baseline::{Entry, KnownTalker, Placed, Placing, Quiet, Reading, Subject, diff::diff},
};
use fieldwarden_model::document::{Document, Table};

use super::super::{Failure, load};

/// A baseline file that was read.
pub(super) struct File {
    pub(super) name: String,
    pub(super) placed: Placed,
    text: String,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let (placed, text) = load::tables_and_text::<Placing>(path)?;
        Ok(Self { name: path.display().to_string(), placed, text })
    }

    pub(super) const fn baseline(&self) -> &Baseline {
        &self.placed.baseline
    }

    /// Where the table about a subject stands: `baseline.toml:12`; the file's name where it has none.
    pub(super) fn place(&self, subject: &Subject) -> String {
        match self.placed.places.get(subject).and_then(|at| self.text.get(..at.start as usize)) {
            Some(before) => format!("{}:{}", self.name, before.matches('\n').count() + 1),
            None => self.name.clone(),
        }
    }

    /// The text in its tables, and what each is about: nothing for those that are neither talker, conversation nor quiet, and for
    /// those that a later one overrides.
    pub(super) fn tables(&self) -> (Piece<'_>, Vec<(Option<Subject>, Piece<'_>)>) {
        let by_header: BTreeMap<u32, Subject> =
            self.placed.places.iter().map(|(subject, at)| (at.start, *subject)).collect();
        let layout = Layout::of(&self.text);
        let tables = layout.tables.into_iter();
        (layout.top, tables.map(|piece| (by_header.get(&piece.header).copied(), piece)).collect())
    }

    /// The text with the tables about some subjects written anew, or for the first time, as `after` has them; all else
    /// stands as it was.
    pub(super) fn with(
        &self,
        after: &Baseline,
        changed: &BTreeSet<Subject>,
        notes: &[(Subject, Remark)],
    ) -> Result<String, Failure> {
        let documented = Documented::of(after);
        let (top, pieces) = self.tables();
        let known: BTreeSet<Subject> = pieces.iter().filter_map(|(subject, _)| *subject).collect();
        let noted = |subject: Subject| {
            let own = notes.iter().filter(move |(about, _)| *about == subject);
            own.map(|(_, note)| note.clone())
        };
        let mut new: Vec<&Subject> = documented
            .order
            .iter()
            .filter(|subject| changed.contains(subject) && !known.contains(subject))
            .collect();
        new.reverse();
        let mut out = top.text.to_owned();
        for (subject, piece) in &pieces {
            let rank = subject.as_ref().and_then(|subject| documented.rank(subject));
            while let Some(next) = new.last().filter(|next| rank.is_some() && documented.rank(next) < rank) {
                documented.write(&mut out, next, noted(**next).collect());
                new.pop();
            }
            match subject.filter(|subject| changed.contains(subject)) {
                Some(subject) => {
                    let remarks = noted(subject).chain(piece.remarks.iter().cloned()).collect();
                    documented.write(&mut out, &subject, remarks);
                }
                None => out.push_str(piece.text),
            }
        }
        while let Some(next) = new.pop() {
            documented.write(&mut out, next, noted(*next).collect());
        }
        // Each table written anew ends with an empty line, the last one too.
        while out.ends_with("\n\n") && !self.text.ends_with("\n\n") {
            out.pop();
        }
        proven(out, after, &self.name)
    }
}

/// The text of a merged baseline, in canonical order, with the comments of both files; and the comments that could not be
/// kept since what they were about is gone.
pub(super) fn woven(merged: &Baseline, files: [&File; 2]) -> Result<(String, Vec<String>), Failure> {
    let documented = Documented::of(merged);
    let mut remarks: BTreeMap<Option<Subject>, Vec<Remark>> = BTreeMap::new();
    let (mut top_remarks, mut learned, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let (top, pieces) = file.tables();
        top_remarks.extend(top.remarks);
        for (subject, piece) in pieces {
            match subject {
                Some(subject) if documented.tables.contains_key(&subject) => {
                    remarks.entry(Some(subject)).or_default().extend(piece.remarks);
                }
                None if piece.path == "learned" && documented.learned.is_some() => {
                    learned.extend(piece.remarks)
                }
                about => {
                    let about = about.map_or_else(|| format!("[{}]", piece.path), |about| about.to_string());
                    let told = |remark: Remark| format!("{}: {about}: {}", file.name, remark.text);
                    lost.extend(piece.remarks.into_iter().map(told));
                }
            }
        }
    }
    let mut out = weave(&documented.top, &top_remarks);
    if let Some(table) = &documented.learned {
        apart(&mut out);
        out.push_str(&weave(table, &learned));
    }
    for subject in &documented.order {
        documented.write(&mut out, subject, remarks.remove(&Some(*subject)).unwrap_or_default());
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    Ok((proven(out, merged, "the merged text")?, lost))
}

fn apart(out: &mut String) {
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push_str(if out.ends_with('\n') { "\n" } else { "\n\n" });
    }
}

/// A text, if it says what it should: nothing is written that would be read otherwise.
fn proven(text: String, meant: &Baseline, name: &str) -> Result<String, Failure> {
    let mut sources = Sources::new();
    let file = sources.add(name, text.clone());
    let (read, spelling) = read_tables::<Reading>(&sources, file);
    match read {
        Ok(baseline) if spelling.is_empty() && diff(meant, &baseline).is_empty() => Ok(text),
        _ => Err(Failure::Work(format!(
            "`{name}` is written in a way that cannot be changed without loss\n\nhint: write each talker as a table `[[talker]]`, each conversation as `[[conversation]]`, what is quiet as `[[quiet]]`; `fieldwarden baseline show --json` tells what it says"
        ))),
    }
}

/// The tables of a baseline by what they are about.
struct Documented {
    top: Table,
    learned: Option<Table>,
    tables: BTreeMap<Subject, Table>,
    order: Vec<Subject>,
    ranks: BTreeMap<Subject, usize>,
}

impl Documented {
    fn of(baseline: &Baseline) -> Self {
        let Document { entries, tables, .. } = baseline.document();
        let talkers = baseline.talkers.iter().map(KnownTalker::subject);
        let conversations = baseline.conversations.iter().map(Entry::subject);
        let in_mode = baseline.modes.iter().flat_map(|mode| {
            let talkers = mode.talkers.iter().map(KnownTalker::subject);
            let all = talkers.chain(mode.conversations.iter().map(Entry::subject));
            all.map(|subject| subject.in_mode(Some(mode.name)))
        });
        let schedule = baseline.schedule.iter().copied().map(Subject::Shift);
        let quiet = baseline.quiet.iter().map(Quiet::subject);
        let order: Vec<Subject> =
            talkers.chain(conversations).chain(in_mode).chain(schedule).chain(quiet).collect();
        let mut tables = tables.into_iter();
        let learned = baseline.learned.and_then(|_| tables.next());
        let ranks = order.iter().zip(0..).map(|(subject, rank)| (*subject, rank)).collect();
        // Of several tables about one subject the last counts.
        let tables = order.iter().copied().zip(tables).collect();
        Self { top: Table { entries, ..Table::default() }, learned, tables, order, ranks }
    }

    fn rank(&self, subject: &Subject) -> Option<usize> {
        self.ranks.get(subject).copied()
    }

    fn write(&self, out: &mut String, subject: &Subject, remarks: Vec<Remark>) {
        let Some(table) = self.tables.get(subject) else { return };
        apart(out);
        out.push_str(&weave(table, &remarks));
        out.push('\n');
    }
}

/// A note above the table about a subject.
pub(super) fn note(subject: Subject, words: &str) -> (Subject, Remark) {
    (subject, Remark::new(Place::AboveTable, words))
}
