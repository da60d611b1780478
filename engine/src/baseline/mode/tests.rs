use fieldwarden_model::{PointRange, Timestamp, Value, WeeklyHours};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    baseline::{Allowed, arbitrary, compiled::Compiled, diff::diff, merge::merge as join},
    bench::{PLC, ROGUE, baseline, points, talker},
};

fn name(text: &str) -> ModeName {
    text.parse().unwrap()
}

fn shift(days: &str, from: u16, to: u16, offset: i16) -> Shift {
    let days = core::array::from_fn(|day| days.as_bytes().get(day) == Some(&b'x'));
    Shift { mode: name("maintenance"), hours: WeeklyHours { days, from: from * 60, to: to * 60, offset } }
}

/// A moment by day of the week (0 is Monday), hour and minute, in UTC.
fn at(day: i64, hour: i64, minute: i64) -> Timestamp {
    // 5 January 2026 was a Monday.
    Timestamp::from_seconds(1_767_571_200 + ((day * 24 + hour) * 60 + minute) * 60)
}

#[test]
fn a_schedule_holds_in_the_plants_own_time() {
    let night = [shift("....x..", 22, 6, 60)];
    let held = [(4, 20, 59), (4, 21, 0), (5, 4, 59), (5, 5, 0)]
        .map(|(d, h, m)| mode_at(&night, at(d, h, m)).is_some());
    assert_eq!(held, [false, true, true, false], "Friday 22:00 +01:00 to Saturday 06:00");
    assert_eq!(next_change(&night, at(4, 20, 59)), at(4, 21, 0));
    assert_eq!(next_change(&night, at(4, 21, 0)), at(5, 5, 0));
    assert_eq!(next_change(&night, at(5, 5, 0)), at(11, 21, 0));
    assert_eq!(night[0].to_string(), "maintenance on fri from 22:00 to 06:00 +01:00");
    let sunday = [shift("......x", 23, 1, 0)];
    assert!(mode_at(&sunday, at(7, 0, 30)).is_some(), "into the next week");
    assert!(
        sunday[0].hours.overlaps(&shift("x......", 0, 2, 0).hours)
            && !sunday[0].hours.overlaps(&shift("x......", 1, 2, 0).hours)
    );
}

fn in_maintenance() -> Baseline {
    let mut all = baseline();
    let mut more = all.conversations[0].clone();
    more.functions.retain(|function| function.code == 3);
    more.functions[0].code = 16;
    let minimum = more.writes[0].allowed.bounds().unwrap_or_default().0;
    more.writes[0].allowed = Allowed::Range { minimum, maximum: Some(Value::Integer(500)) };
    let mut other = more.clone();
    (other.client, other.id) = (talker(ROGUE), "laptop".into());
    let known = KnownTalker { talker: talker(ROGUE), ..all.talkers[0] };
    all.put_mode(InMode {
        name: name("maintenance"),
        talkers: vec![known],
        conversations: vec![more, other],
    });
    all.sort();
    all
}

#[test]
fn what_holds_in_a_mode_adds_to_what_holds_always() {
    let all = in_maintenance();
    assert_eq!(all.in_mode(None), all.in_mode(all.usual_mode()));
    assert_eq!(Baseline { modes: Vec::new(), ..all.clone() }, all.in_mode(None));
    let then = all.in_mode(Some(name("maintenance")));
    let usual = then.conversations.iter().find(|entry| entry.id == "station to dosing").unwrap();
    assert_eq!(usual.functions.iter().map(|f| f.code).collect::<Vec<_>>(), [3, 6, 16]);
    assert_eq!(usual.writes.iter().map(Envelope::bounds_text).collect::<Vec<_>>(), ["0 to 500"]);
    let compiled = Compiled::new(then);
    assert!(compiled.knows_talker(all.talkers[0].space, talker(ROGUE)));
    assert_eq!(compiled.master_of(all.talkers[0].space, talker(PLC)), Some(all.talkers[0].talker));
}

#[test]
fn a_difference_in_one_mode_says_so() {
    let (old, new) = (baseline(), in_maintenance());
    let changes = diff(&old, &new);
    assert!(changes.iter().all(|change| change.name.starts_with("in maintenance: ")), "{changes:?}");
    assert!(changes.iter().any(|change| change.effect.word() == "widens"));
    let mut scheduled = new.clone();
    scheduled.schedule.push(shift("x......", 6, 14, 0));
    let changes = diff(&new, &scheduled);
    assert_eq!((changes.len(), changes[0].effect.word()), (1, "widens"));
    assert_eq!(diff(&scheduled, &new)[0].effect.word(), "narrows");
}

#[test]
fn schedules_of_two_people_that_overlap_are_a_conflict() {
    let (base, mut mine, mut theirs) = (in_maintenance(), in_maintenance(), in_maintenance());
    mine.schedule.push(shift("x......", 6, 14, 0));
    theirs.schedule.push(Shift { mode: name("startup"), ..shift("x......", 20, 22, 0) });
    assert_eq!(join(&base, &mine, &theirs).baseline.schedule.len(), 2);
    theirs.schedule[0].hours.from = 8 * 60;
    assert_eq!(join(&base, &mine, &theirs).conflicts[0].what, "schedules overlap");
}

#[test]
fn a_learned_mode_adds_what_is_new_and_keeps_what_held() {
    let mut learned = baseline();
    learned.conversations[0].writes[0].points = points("40101-40103");
    learned.conversations[0].writes[0].allowed = Allowed::between(50, 300);
    let all = baseline().with_mode(name("maintenance"), &learned);
    let own = &all.modes[0];
    assert!(own.talkers.is_empty() && own.conversations[0].functions.is_empty());
    let told: Vec<String> = own.conversations[0]
        .writes
        .iter()
        .map(|line| format!("{} {}", own.conversations[0].points_text(&line.points), line.bounds_text()))
        .collect();
    assert_eq!(told, ["40101 0 to 300", "40102-40103 50 to 300"]);
    assert_eq!(baseline().with_mode(name("maintenance"), &baseline()), baseline(), "nothing is new");
    assert_eq!(all.with_mode(name("maintenance"), &learned), all, "learned twice");
}

proptest! {
    /// Whatever holds always, and whatever was learned in a mode, holds in it.
    #[test]
    fn in_a_mode_everything_holds_that_was_learned_in_it(
        always in arbitrary::tidy_baseline(),
        learned in arbitrary::tidy_baseline(),
        probes in vec((0_u64..16, -3_i64..10), 20),
    ) {
        let plain = |baseline: &Baseline| Baseline { modes: Vec::new(), schedule: Vec::new(), quiet: Vec::new(), ..baseline.clone() };
        let (always, learned) = (plain(&always), plain(&learned));
        let then = Compiled::new(always.with_mode(name("maintenance"), &learned).in_mode(Some(name("maintenance"))));
        for baseline in [&always, &learned] {
            let alone = Compiled::new(baseline.clone());
            for entry in &baseline.conversations {
                let find = |compiled: &Compiled| compiled.position(&entry.key().unwrap());
                let before = alone.entry(find(&alone).unwrap()).unwrap();
                let after = then.entry(find(&then).unwrap()).unwrap();
                for function in &entry.functions {
                    prop_assert!(after.knows_function(function.code));
                }
                for (index, value) in &probes {
                    let range = PointRange { space: arbitrary::REGISTERS, first: *index, last: *index };
                    prop_assert!(!before.covers_write(&range) || after.covers_write(&range));
                    let point = fieldwarden_model::Point { space: arbitrary::REGISTERS, index: *index };
                    for step in 1..=2 {
                        let allows = |envelope: Option<&Envelope>| envelope.is_some_and(|e| e.allows(Value::Integer(*value)));
                        let (was, is) = (before.envelope(point, step), after.envelope(point, step));
                        prop_assert!(!allows(was) || allows(is), "{was:?} {is:?}");
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn what_lets_through_both_covers_both(one in arbitrary::allowed(), other in arbitrary::allowed()) {
        let both = one.with(&other);
        for value in -3_i64..40 {
            let value = Value::Integer(value);
            if one.allows(value) || other.allows(value) {
                prop_assert!(both.allows(value), "{both:?} lacks {value:?} of {one:?} and {other:?}");
            }
        }
    }
}
