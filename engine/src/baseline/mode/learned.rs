//! A learned mode as part of a baseline that is there: what it has beyond what holds always.

use fieldwarden_model::Point;

use super::{
    super::{Baseline, Entry, Envelope, compiled::CompiledEntry, diff::sweep::edges, guard},
    ModeName,
};

impl Baseline {
    /// The same with what was learned in a mode: of that, what goes beyond what holds always and in the mode already.
    #[must_use]
    pub fn with_mode(&self, name: ModeName, learned: &Self) -> Self {
        let mut all = self.clone();
        let held = self.in_mode(Some(name));
        let mut own = all.take_mode(name);
        own.talkers.extend(guard::strangers(learned, &held));
        for entry in &learned.conversations {
            let known = held.conversations.iter().rfind(|known| known.key() == entry.key());
            let more = known.map_or_else(|| Some(entry.clone()), |known| beyond(entry, known));
            // Whoever works stops when the work is done: nobody waits for the next poll.
            let Some(more) = more.map(|more| Entry { period_ms: None, ..more }) else { continue };
            match own.conversations.iter_mut().find(|there| there.key() == entry.key()) {
                Some(there) => super::overlay(there, &more),
                None => own.conversations.push(more),
            }
        }
        all.put_mode(own);
        all.sort();
        all
    }
}

/// What an entry has beyond another of its conversation; a line that counts instead of another lets through what that one did.
fn beyond(entry: &Entry, known: &Entry) -> Option<Entry> {
    let writes = lines(entry, known);
    let mut more = guard::rest(entry, known);
    if let Some(more) = &mut more {
        more.writes = writes;
    }
    more
}

/// Each value's line as wide as both, where the entry goes beyond the other.
fn lines(entry: &Entry, known: &Entry) -> Vec<Envelope> {
    let (Some(new), Some(old)) = (CompiledEntry::new(entry.clone()), CompiledEntry::new(known.clone()))
    else {
        return entry.writes.clone();
    };
    let mut kept: Vec<Envelope> = Vec::new();
    for ((space, step, _), places) in edges(new.envelopes().iter().chain(old.envelopes())) {
        for (from, until) in places.iter().zip(places.iter().skip(1)) {
            let point = Point { space, index: *from };
            let Some(line) = new.envelope(point, step) else { continue };
            let last = line.points.last.min(until.saturating_sub(1));
            let points = fieldwarden_model::PointRange { space, first: *from, last };
            let Some(held) = old.envelope(point, step) else {
                kept.push(Envelope { points, ..line.clone() });
                continue;
            };
            // A line may end within its last value, where another holds the whole of it.
            if held.allowed.covers(&line.allowed) && last <= held.points.last {
                continue;
            }
            kept.push(Envelope {
                points,
                allowed: line.allowed.with(&held.allowed),
                moves: line.moves.with(&held.moves),
                ..*line
            });
        }
    }
    kept.sort_by_key(|envelope| (envelope.points, envelope.step));
    kept
}
