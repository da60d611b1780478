//! What two baselines tell quietly.

use std::collections::BTreeMap;

use super::{super::Quiet, Baseline, Effect, Part, Teller};

pub(super) fn compare(told: &mut Teller, old: &Baseline, new: &Baseline) {
    type Sides<'a> = (Option<&'a Quiet>, Option<&'a Quiet>);
    let mut pairs: BTreeMap<_, Sides<'_>> = BTreeMap::new();
    for quiet in &old.quiet {
        pairs.entry(quiet.scope).or_default().0.get_or_insert(quiet);
    }
    for quiet in &new.quiet {
        pairs.entry(quiet.scope).or_default().1.get_or_insert(quiet);
    }
    for (scope, sides) in pairs {
        let (Some(one), Some(_)) = (sides.0.or(sides.1), sides.1.or(sides.0)) else { continue };
        told.about(one.subject(), one.subject().to_string());
        match sides {
            (Some(old), Some(new)) => changed(told, old, new),
            (old, new) => {
                let (effect, meaning) = match new {
                    Some(new) => (
                        Effect::Widens,
                        format!(
                            "told as information, without an incident: {scope}; any value, {}",
                            new.until_text()
                        ),
                    ),
                    None => (Effect::Narrows, format!("told at full severity again: {scope}")),
                };
                let text = |side: Option<&Quiet>| {
                    side.map(|quiet| format!("{}, for {}", quiet.until_text(), quiet.reason))
                };
                told.tell((Part::Quiet, effect), "quiet", (text(old), text(new)), meaning);
                let by = |side: Option<&Quiet>| side.and_then(|quiet| quiet.accepted_by.clone());
                told.scalar(Part::QuietWords, "accepted by", by(old), by(new), "for people");
            }
        }
    }
}

fn changed(told: &mut Teller, old: &Quiet, new: &Quiet) {
    if old.until != new.until {
        // Open-ended is later than any moment.
        let end = |quiet: &Quiet| (quiet.until.is_none(), quiet.until);
        let (effect, meaning) = if end(new) > end(old) {
            (Effect::Widens, "quiet for longer")
        } else {
            (Effect::Narrows, "told at full severity earlier")
        };
        let text = |quiet: &Quiet| Some(quiet.until_text());
        told.tell((Part::Quiet, effect), "quiet", (text(old), text(new)), meaning);
    }
    let reason = |quiet: &Quiet| Some(quiet.reason.clone());
    told.scalar(Part::QuietWords, "reason", reason(old), reason(new), "stands in each alert that is quiet");
    let by = |quiet: &Quiet| quiet.accepted_by.clone();
    told.scalar(Part::QuietWords, "accepted by", by(old), by(new), "for people");
}
