//! One segment of a session removed, as a mirror loses it: every message that it did not carry comes out all the same, with
//! the same core fields, and nothing comes out that was not there.
//!
//! Each capture's TCP sessions, at most [`Counts::frames`] frames of each at a time, are decoded whole and then once for each
//! segment removed: data, handshake, bare acknowledgements and farewells alike.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use common::{
    frames::{self, Frame},
    spoken::{Quick, spoken},
    told::{Told, by_sender, told},
};

/// How much is done.
struct Counts {
    /// Frames of a session decoded at a time.
    frames: usize,
    /// Segments removed per capture, spread over its sessions.
    removals: usize,
}

const QUICK: Counts = Counts { frames: 60, removals: 24 };
const FULL: Counts = Counts { frames: 250, removals: 2_000 };

/// Captures at the quick scale.
const QUICK_CAPTURES: Quick = Quick { per_folder: 8, octets: 200_000 };

#[test]
fn one_segment_removed_costs_the_messages_it_carried_and_no_other() {
    let counts = if common::scale_is_full() { FULL } else { QUICK };
    let mut failures = BTreeMap::new();
    let (mut removed, mut failed, mut with_data) = (0, 0, 0);
    for path in spoken(QUICK_CAPTURES) {
        let outcome = remove_each(&path, &counts);
        removed += outcome.removed;
        with_data += outcome.with_data;
        failed += outcome.failures.len();
        if let Some(first) = outcome.failures.into_iter().next() {
            failures.insert(path.display().to_string(), first);
        }
    }
    println!("{removed} segments removed, {with_data} of them with data");
    assert!(
        removed > 500 && with_data > 200,
        "{removed} removals, {with_data} with data: the corpus is missing"
    );
    common::without_open("one_segment", &mut failures);
    assert!(
        failures.is_empty(),
        "{failed} of {removed} removals cost more than they carried:\n{failures:#?}"
    );
}

#[derive(Default)]
struct Outcome {
    removed: usize,
    with_data: usize,
    failures: Vec<String>,
}

fn remove_each(path: &Path, counts: &Counts) -> Outcome {
    let whole = frames::read(path);
    let pieces: Vec<Vec<(u64, Frame)>> = frames::sessions(&whole)
        .into_iter()
        .flat_map(|session| session.chunks(counts.frames).map(<[_]>::to_vec).collect::<Vec<_>>())
        .collect();
    let total: usize = pieces.iter().map(Vec::len).sum();
    let every = total.div_ceil(counts.removals).max(1);
    let mut outcome = Outcome::default();
    let mut n = 0;
    for piece in pieces {
        let chosen: Vec<usize> = (0..piece.len()).filter(|at| (n + at).is_multiple_of(every)).collect();
        n += piece.len();
        if chosen.is_empty() {
            continue;
        }
        let before = told(&piece);
        for at in chosen {
            let mut rest = piece.clone();
            let (number, frame) = rest.remove(at);
            outcome.removed += 1;

            let again = frames::sent_again(number, &frame, &rest);
            let had_data = frames::carries_data(&frame);
            outcome.with_data += usize::from(had_data);
            let gone = Gone { number, had_data, again, found_again: u64::MAX };
            if let Err(what) = compare(&before, &told(&rest), &gone) {
                outcome.failures.push(format!("without frame {number}: {what}"));
            }
        }
    }
    outcome
}

/// The frame that was removed.
#[derive(Clone)]
struct Gone {
    number: u64,
    had_data: bool,
    /// The frame with the sender's next sound message.
    found_again: u64,
    /// Later frames with octets that it had made old news, as those sent again are, or those that came late and that it acknowledged.
    again: BTreeSet<u64>,
}

impl Gone {
    /// Whether a message may be told though it was not before.
    fn excuses(&self, told: &Told) -> bool {
        sent_again(told, self) || told.is_fault() && self.is_out_of_step(told)
    }

    /// Whether a message came before the framing was found again.
    fn is_out_of_step(&self, told: &Told) -> bool {
        told.frames.iter().any(|frame| (self.number..=self.found_again).contains(frame))
    }
}

/// Whether `after` is `before` without what the removed frame carried.
fn compare(before: &[Told], after: &[Told], gone: &Gone) -> Result<(), String> {
    // What answers a request that was lost cannot say what was asked.
    let touched = before.iter().filter(|told| told.carried_by(gone.number));
    let mut unpaired: BTreeSet<&str> = touched.map(|told| &*told.exchange).collect();
    // Nor can the answer to a request that came late, and counts only now.
    unpaired.extend(after.iter().filter(|told| sent_again(told, gone)).map(|told| &*told.exchange));
    if unpaired.is_empty() && gone.had_data {
        // Octets that no message tells may give others their sense, as the prompt of a login does.
        unpaired.insert("");
    }
    let (mut before, mut after) = (by_sender(before), by_sender(after));
    // Octets that come late are told late: where a hole is given up earlier or later, messages change their places.
    before
        .values_mut()
        .chain(after.values_mut())
        .for_each(|list| list.sort_by(|one, two| one.frames.cmp(&two.frames)));
    let senders: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for sender in senders {
        let nothing = Vec::new();
        let expected = before.get(sender).unwrap_or(&nothing);
        let got = after.get(sender).unwrap_or(&nothing);
        // While the framing is lost, octets between messages are not held against their sender.
        let sound = |told: &&&Told| !told.is_fault() && told.frames.first() > Some(&gone.number);
        let found_again = expected.iter().find(sound).and_then(|told| told.frames.first()).copied();
        let gone = Gone { found_again: found_again.unwrap_or(u64::MAX), ..gone.clone() };
        align(expected, got, &gone, &unpaired).map_err(|what| format!("{sender}: {what}"))?;
    }
    Ok(())
}

/// Walks both lists together; what the removed frame carried may be there or not.
fn align(expected: &[&Told], got: &[&Told], gone: &Gone, unpaired: &BTreeSet<&str>) -> Result<(), String> {
    let same = |one: &Told, two: &Told| {
        one.core == two.core
            && (one.fields == two.fields && one.recalled == two.recalled || unpaired.contains(&*one.exchange))
            && two.remarks.is_subset(&one.remarks)
    };
    let (Some(first), rest) = (expected.first(), expected.get(1..).unwrap_or_default()) else {
        let invented = got.iter().find(|told| !gone.excuses(told));
        return invented.map_or(Ok(()), |told| Err(format!("invented {}", brief(told))));
    };
    let may_be_missing = first.carried_by(gone.number) || first.is_fault() && gone.is_out_of_step(first);
    let skipped = may_be_missing.then(|| align(rest, got, gone, unpaired));
    if let Some(Ok(())) = skipped {
        return Ok(());
    }
    match got.first() {
        Some(next) if same(first, next) => align(rest, &got[1..], gone, unpaired),
        Some(next) if gone.excuses(next) => align(expected, &got[1..], gone, unpaired),
        next => skipped.unwrap_or_else(|| {
            Err(format!("expected {}, got {:?}", brief(first), next.map(|told| brief(told))))
        }),
    }
}

/// Enough of a message to find it.
fn brief(told: &Told) -> String {
    let fields: String = told.fields.chars().skip(told.core.len()).take(160).collect();
    format!("{} .. {fields} ..{} {:?} in frames {:?}", told.core, told.recalled, told.remarks, told.frames)
}

/// Whether a message came in octets that were sent again for those removed: where they differ, another message counts.
fn sent_again(told: &Told, gone: &Gone) -> bool {
    told.frames.iter().any(|frame| gone.again.contains(frame))
}
