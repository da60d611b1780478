use fieldwarden_model::{Point, Value};
use proptest::prelude::*;

use super::*;
use crate::{
    baseline::{
        Allowed, Bits, Counter, Envelope, Few, Function,
        arbitrary::{self, POINTS, REGISTERS},
        compiled::Compiled,
    },
    bench::{baseline, points},
};

/// Effect, part and both versions, a line each.
fn told(old: &Baseline, new: &Baseline) -> Vec<String> {
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let line = |c: &Change| format!("{} {}: {} -> {}", c.effect.word(), c.what, side(&c.old), side(&c.new));
    diff(old, new).iter().map(line).collect()
}

#[test]
fn a_wider_bound_says_what_it_lets_through() {
    let (old, mut new) = (baseline(), baseline());
    new.conversations[0].writes[0].allowed = Allowed::between(0, 120);
    assert_eq!(told(&old, &new), ["widens maximum of 40101: 100 -> 120"]);
    assert_eq!(diff(&old, &new)[0].meaning, "values above 100 up to 120 may be written");
    assert_eq!(told(&new, &old), ["narrows maximum of 40101: 120 -> 100"]);
    assert_eq!(diff(&new, &old)[0].meaning, "values above 100 up to 120 are told when written");
}

#[test]
fn what_a_conversation_may_do_is_told_with_it() {
    let (old, mut new) = (baseline(), baseline());
    new.conversations[0].functions.remove(0);
    let mut other = new.conversations[0].clone();
    (other.unit, other.id) = (Some(2), "second unit".into());
    new.conversations.push(other);
    assert_eq!(
        told(&old, &new),
        [
            "narrows function 3: 3 Read holding registers -> -",
            "widens conversation: - -> second unit",
            "widens function 6: - -> 6 Write single register",
            "same reads: - -> 40001-40010",
            "widens values of 40101: - -> 0 to 100",
            "widens written points: - -> 40101",
            "same polls every: - -> 1000 ms",
        ]
    );
}

#[test]
fn only_the_points_that_differ_are_told() {
    let (mut old, mut new) = (baseline(), baseline());
    old.conversations[0].writes[0].points = points("40101-40110");
    let line = old.conversations[0].writes[0].clone();
    let part = |text: &str| Envelope { points: points(text), ..line.clone() };
    let middle = Envelope { allowed: Allowed::between(0, 105), ..part("40103") };
    new.conversations[0].writes = vec![part("40101-40102"), middle, part("40104-40110")];
    assert_eq!(told(&old, &new), ["widens maximum of 40103: 100 -> 105"]);
}

#[test]
fn lines_that_say_the_same_differ_as_lines() {
    let (mut old, mut new) = (baseline(), baseline());
    old.conversations[0].writes[0].points = points("40101-40102");
    let line = old.conversations[0].writes[0].clone();
    new.conversations[0].writes = vec![
        Envelope { points: points("40101"), ..line.clone() },
        Envelope { points: points("40102"), ..line },
    ];
    let changes = diff(&old, &new);
    assert_eq!(changes.len(), 1);
    assert_eq!((&changes[0].part, changes[0].effect), (&Part::Lines, Effect::Same));
}

#[test]
fn bounds_that_share_no_value_are_two_changes() {
    let (old, mut new) = (baseline(), baseline());
    new.conversations[0].writes[0].allowed = Allowed::between(200, 300);
    assert_eq!(
        told(&old, &new),
        ["narrows values of 40101: 0 to 100 -> -", "widens values of 40101: - -> 200 to 300"]
    );
}

#[test]
fn other_kinds_say_what_they_let_through() {
    let few =
        |values: &[i64]| Allowed::Values(Few::new(values.iter().copied().map(Value::Integer).collect()));
    let bits = |changing, set| Allowed::Bits(Bits::new(changing, set).unwrap());
    let counter = |step| Allowed::Counter(Box::new(Counter { step, minimum: None, maximum: None }));
    let between = |one: Allowed, other: Allowed| {
        let (mut old, mut new) = (baseline(), baseline());
        (old.conversations[0].writes[0].allowed, new.conversations[0].writes[0].allowed) = (one, other);
        told(&old, &new)
    };
    assert_eq!(
        between(few(&[0, 1]), few(&[0, 3, 7])),
        ["narrows values of 40101: 1 -> -", "widens values of 40101: - -> 3 or 7"]
    );
    assert_eq!(between(few(&[0, 1]), Allowed::between(0, 1)), ["widens values of 40101: 0 or 1 -> 0 to 1"]);
    assert_eq!(
        between(bits(1, 4), bits(3, 4)),
        ["widens values of 40101: bits 0x0001 with 0x0004 always set -> bits 0x0003 with 0x0004 always set"]
    );
    assert_eq!(between(bits(3, 0), bits(1, 0)), ["narrows values of 40101: bits 0x0003 -> bits 0x0001"]);
    assert_eq!(between(counter(1), counter(4)), ["widens count of 40101: 1 -> 4"]);
    let one = |value| Allowed::Values(Few::new(vec![value, Value::Integer(5)]));
    let spelled = between(one(Value::Integer(1)), one(Value::Float(1.0)));
    assert_eq!(spelled, ["same values of 40101: 1 or 5 -> 1.0 or 5"]);
}

#[test]
fn a_function_that_stops_controllers_is_a_change_like_any_other() {
    let (old, mut new) = (baseline(), baseline());
    new.conversations[0].functions.push(Function { code: 1 << 16 | 8, name: "".into() });
    assert_eq!(told(&old, &new), ["widens function 8/1: - -> 8/1"]);
}

/// Everything one may do by one function, or by writing one value, as the engine judges.
fn permitted(baseline: &Baseline) -> Vec<String> {
    let compiled = Compiled::new(baseline.clone());
    let mut all = Vec::new();
    for entry in &baseline.conversations {
        let judged = compiled.entry(compiled.position(&entry.key().unwrap()).unwrap()).unwrap();
        let key = judged.key;
        all.push(format!("{key}"));
        all.extend((0..300).filter(|code| judged.knows_function(*code)).map(|code| format!("{key} f{code}")));
        for index in 0..POINTS + 6 {
            let points = PointRange { space: REGISTERS, first: index, last: index };
            if judged.covers_write(&points) {
                all.push(format!("{key} w{index}"));
            }
            for step in 1..=2 {
                let envelope = judged.envelope(Point { space: REGISTERS, index }, step);
                let allows = |v: &i64| envelope.is_some_and(|envelope| envelope.allows(Value::Integer(*v)));
                all.extend((-4..12).filter(allows).map(|v| format!("{key} w{index}/{step}={v}")));
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

proptest! {
    #[test]
    fn nothing_differs_where_the_texts_are_equal_and_only_there(
        old in arbitrary::baseline(),
        new in arbitrary::baseline(),
        edited in arbitrary::tidy_baseline().prop_flat_map(|base| (Just(base.clone()), arbitrary::edit(base))),
    ) {
        for (old, new) in [(&old, &new), (&edited.0, &edited.1)] {
            prop_assert!(diff(old, old).is_empty());
            let equal = format!("{:?}", old.document()) == format!("{:?}", new.document());
            prop_assert_eq!(diff(old, new).is_empty(), equal, "{:?}", diff(old, new));
        }
    }

    #[test]
    fn what_widens_and_what_narrows_is_said(old in arbitrary::baseline(), new in arbitrary::baseline()) {
        let (before, after) = (permitted(&old), permitted(&new));
        let changes = diff(&old, &new);
        let more = after.iter().any(|one| !before.contains(one));
        let less = before.iter().any(|one| !after.contains(one));
        let has = |effect: Effect| changes.iter().any(|change| change.effect == effect);
        prop_assert!(!more || has(Effect::Widens), "{:#?}", changes);
        prop_assert!(!less || has(Effect::Narrows), "{:#?}", changes);
    }
}
