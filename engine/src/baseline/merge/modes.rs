//! Three versions of what holds in one mode alone, and of when it is due, joined.

use std::collections::BTreeSet;

use super::{
    super::{InMode, ModeName, Shift},
    Baseline, Judge, Subject, Three, conversations, talkers,
};

pub(super) fn join(judge: &mut Judge, sides: Three<&Baseline>) -> Vec<InMode> {
    let all = [sides.base, sides.mine, sides.theirs].into_iter().flat_map(|side| &side.modes);
    let names: BTreeSet<ModeName> = all.map(|mode| mode.name).collect();
    let mut joined = Vec::new();
    for name in names {
        judge.mode = Some(name);
        let parts = sides.map(|side| side.part(name));
        let parts = Three { base: &parts.base, mine: &parts.mine, theirs: &parts.theirs };
        let (talkers, conversations) = (talkers(judge, parts), conversations(judge, parts));
        if !talkers.is_empty() || !conversations.is_empty() {
            joined.push(InMode { name, talkers, conversations });
        }
    }
    judge.mode = None;
    joined
}

/// Each goes or stays as the side wants that changed it; two of different modes at one time are a conflict.
pub(super) fn schedule(judge: &mut Judge, sides: Three<&Baseline>) -> Vec<Shift> {
    let known = sides.map(|side| side.schedule.iter().copied().collect::<BTreeSet<Shift>>());
    let all: BTreeSet<Shift> =
        [&known.base, &known.mine, &known.theirs].into_iter().flatten().copied().collect();
    // Of three answers yes or no two are always alike.
    let stays = |shift: &Shift| {
        let here = Three { base: &known.base, mine: &known.mine, theirs: &known.theirs };
        here.map(|side| side.contains(shift)).agreed() == Some(true)
    };
    let kept: Vec<Shift> = all.into_iter().filter(stays).collect();
    for (n, shift) in kept.iter().enumerate() {
        let Some(other) = kept.iter().take(n).find(|other| other.hours.overlaps(&shift.hours)) else {
            continue;
        };
        judge.subject = Subject::Shift(*shift);
        let texts = Three { base: None, mine: Some(shift.to_string()), theirs: Some(other.to_string()) };
        judge.conflict("schedules overlap", texts);
    }
    kept
}
