//! Three versions of the values of one point, joined: bound by bound, value by value, bit by bit.

use fieldwarden_model::Value;

use super::{
    super::{Allowed, Bits, Counter, Few, allowed::same_bound, order, text::value_text},
    Judge, Three,
};

/// A bound, compared by its spelling.
#[derive(Clone, Copy, Debug)]
struct Spelled(Option<Value>);

impl PartialEq for Spelled {
    fn eq(&self, other: &Self) -> bool {
        same_bound(self.0, other.0)
    }
}

/// Values as a whole, compared by their spelling.
#[derive(Clone, Debug)]
struct Whole(Allowed);

impl PartialEq for Whole {
    fn eq(&self, other: &Self) -> bool {
        self.0.same(&other.0)
    }
}

/// What both sides added: one side's values are no leave to drop the other's.
pub(super) fn added(judge: &mut Judge, place: &str, sides: Three<Allowed>) -> Allowed {
    let Three { mine, theirs, .. } = sides;
    match (&mine, &theirs) {
        (Allowed::Range { .. }, Allowed::Range { .. }) => {
            let bounds = |allowed: &Allowed| allowed.bounds().unwrap_or_default();
            let ((low, high), (other_low, other_high)) = (bounds(&mine), bounds(&theirs));
            let mut tell = |name: &str, mine: Option<Value>, theirs: Option<Value>| {
                if !same_bound(mine, theirs) {
                    let texts = Three { base: None, mine: bound_text(mine), theirs: bound_text(theirs) };
                    judge.conflict(format!("{name} of {place}"), texts);
                }
            };
            tell("minimum", low, other_low);
            tell("maximum", high, other_high);
        }
        _ if mine.same(&theirs) => {}
        _ => {
            let texts = Three { base: None, mine: Some(mine.text()), theirs: Some(theirs.text()) };
            judge.conflict(format!("values of {place}"), texts);
        }
    }
    mine
}

/// What both sides made of values that were there.
pub(super) fn join(judge: &mut Judge, place: &str, sides: Three<Allowed>) -> Allowed {
    match (&sides.base, &sides.mine, &sides.theirs) {
        (Allowed::Range { .. }, Allowed::Range { .. }, Allowed::Range { .. }) => {
            let (minimum, maximum) = bounds(judge, place, &sides);
            Allowed::Range { minimum, maximum }
        }
        (Allowed::Values(base), Allowed::Values(mine), Allowed::Values(theirs)) => {
            listed(judge, place, Three { base, mine, theirs })
        }
        (Allowed::Bits(base), Allowed::Bits(mine), Allowed::Bits(theirs)) => {
            bits(judge, place, Three { base, mine, theirs }.map(|bits| *bits))
        }
        (Allowed::Counter(base), Allowed::Counter(mine), Allowed::Counter(theirs)) => {
            let steps = Three { base, mine, theirs }.map(|counter| counter.step);
            let step = judge.settle(&format!("count of {place}"), steps, |step| Some(step.to_string()));
            let (minimum, maximum) = bounds(judge, place, &sides);
            Allowed::Counter(Box::new(Counter { step, minimum, maximum }))
        }
        _ => judge.settle(&format!("values of {place}"), sides.map(Whole), |whole| Some(whole.0.text())).0,
    }
}

fn bounds(judge: &mut Judge, place: &str, sides: &Three<Allowed>) -> (Option<Value>, Option<Value>) {
    let all = Three { base: &sides.base, mine: &sides.mine, theirs: &sides.theirs };
    let ends = all.map(|allowed| allowed.bounds().unwrap_or_default());
    let text = |bound: &Spelled| bound_text(bound.0);
    let minimum = judge.settle(&format!("minimum of {place}"), ends.map(|(low, _)| Spelled(low)), text).0;
    let maximum = judge.settle(&format!("maximum of {place}"), ends.map(|(_, high)| Spelled(high)), text).0;
    if minimum.zip(maximum).is_some_and(|(low, high)| order(low, high).is_gt()) {
        judge.conflict(format!("bounds of {place} would cross"), all.map(|allowed| Some(allowed.text())));
    }
    (minimum, maximum)
}

/// A value stays or goes as the side wants that changed it.
fn listed(judge: &mut Judge, place: &str, sides: Three<&Few>) -> Allowed {
    let all = [sides.base, sides.mine, sides.theirs].into_iter().flat_map(Few::iter);
    // Of three answers yes or no two are always alike.
    let stays = |value: &Value| sides.map(|few| few.spells(*value)).agreed() == Some(true);
    let few = Few::new(all.filter(stays).collect());
    if few.is_empty() || few.len() > super::super::MAX_LISTED {
        let what = format!("values of {place}: {} would be left", few.len());
        judge.conflict(what, sides.map(|few| Some(few.text())));
    }
    Allowed::Values(few)
}

/// A bit changes, or is always set, as the side wants that changed it.
fn bits(judge: &mut Judge, place: &str, sides: Three<Bits>) -> Allowed {
    let settle = |of: fn(Bits) -> u64| {
        let Three { base, mine, theirs } = sides.map(of);
        base ^ ((mine ^ base) | (theirs ^ base))
    };
    let (changing, set) = (settle(Bits::changing), settle(Bits::set));
    let joined = Bits::new(changing, set);
    if joined.is_none() {
        let what = format!("bits of {place}: one side lets change what the other holds to be always set");
        judge.conflict(what, sides.map(|bits| Some(bits.text())));
    }
    Allowed::Bits(joined.unwrap_or(sides.mine))
}

#[expect(clippy::unnecessary_wraps, reason = "what a conflict shows of a side is optional")]
fn bound_text(bound: Option<Value>) -> Option<String> {
    Some(bound.map_or_else(|| "none".into(), value_text))
}
