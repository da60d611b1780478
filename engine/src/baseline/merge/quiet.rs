//! Three versions of what is told quietly, joined.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::Quiet, Baseline, Judge, Three};

pub(super) fn join(judge: &mut Judge, sides: Three<&Baseline>) -> Vec<Quiet> {
    let known =
        sides.map(|side| side.quiet.iter().map(|quiet| (quiet.scope, quiet)).collect::<BTreeMap<_, _>>());
    let scopes: BTreeSet<_> =
        [&known.base, &known.mine, &known.theirs].into_iter().flat_map(|side| side.keys().copied()).collect();
    let mut kept = Vec::new();
    for scope in scopes {
        let here = Three { base: &known.base, mine: &known.mine, theirs: &known.theirs }
            .map(|side| side.get(&scope).copied());
        judge.subject = super::Subject::Quiet(scope);
        match here {
            Three { base: Some(base), mine: Some(mine), theirs: Some(theirs) } => {
                kept.push(parts(judge, Three { base, mine, theirs }));
            }
            // New on both sides, or gone on one: as a whole, or not.
            sides => {
                let text = |quiet: &Option<&Quiet>| {
                    quiet.map(|quiet| format!("{}, for {}", quiet.until_text(), quiet.reason))
                };
                kept.extend(judge.settle("quiet", sides, text).cloned());
            }
        }
    }
    kept
}

fn parts(judge: &mut Judge, sides: Three<&Quiet>) -> Quiet {
    let until = sides.map(|side| side.until);
    let text = |until: &Option<_>| {
        Some(
            until
                .map_or_else(|| "open-ended".into(), |until: fieldwarden_model::Timestamp| until.to_string()),
        )
    };
    let until = judge.settle("until", until, text);
    let reason = judge.settle("reason", sides.map(|side| side.reason.clone()), |reason| Some(reason.clone()));
    let by = sides.map(|side| side.accepted_by.clone());
    let accepted_by = judge.settle("accepted_by", by, Clone::clone);
    Quiet { scope: sides.mine.scope, until, reason, accepted_by }
}
