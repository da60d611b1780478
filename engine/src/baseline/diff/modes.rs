//! What holds in one mode alone on two sides, and when each is due.

use std::collections::BTreeSet;

use super::{super::ModeName, Baseline, Effect, Part, Teller, conversations, talkers, text};

/// The usual mode: its name says which tables hold.
pub(super) fn usual(told: &mut Teller, old: &Baseline, new: &Baseline) {
    if old.mode == new.mode {
        return;
    }
    let holds = |baseline: &Baseline, name: Option<ModeName>| {
        baseline.modes.iter().any(|mode| Some(mode.name) == name)
    };
    let effect = if holds(new, new.usual_mode()) {
        Effect::Widens
    } else if holds(old, old.usual_mode()) {
        Effect::Narrows
    } else {
        Effect::Same
    };
    let meaning = "what holds in this mode alone holds usually";
    told.tell((Part::Mode, effect), "mode", (text(&old.mode), text(&new.mode)), meaning);
}

pub(super) fn compare(told: &mut Teller, old: &Baseline, new: &Baseline) {
    let names = |baseline: &Baseline| baseline.modes.iter().map(|mode| mode.name).collect::<Vec<_>>();
    let all: BTreeSet<ModeName> = names(old).into_iter().chain(names(new)).collect();
    for name in all {
        told.mode = Some(name);
        let (old, new) = (old.part(name), new.part(name));
        talkers(told, &old, &new);
        conversations(told, &old, &new);
    }
    told.mode = None;
    let shifts = |baseline: &Baseline| baseline.schedule.iter().copied().collect::<BTreeSet<_>>();
    let (before, after) = (shifts(old), shifts(new));
    for shift in before.symmetric_difference(&after) {
        let subject = super::Subject::Shift(*shift);
        told.about(subject, subject.to_string());
        let said = Some(shift.to_string());
        let (effect, both, meaning) = if after.contains(shift) {
            (Effect::Widens, (None, said), "what holds in this mode alone holds at these times")
        } else {
            (Effect::Narrows, (said, None), "what holds in this mode alone holds no longer at these times")
        };
        told.tell((Part::Shift, effect), "schedule", both, meaning);
    }
}
