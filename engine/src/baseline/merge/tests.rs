use fieldwarden_model::{Point, Value};
use proptest::prelude::*;

use super::*;
use crate::{
    baseline::{
        Allowed, Bits, Counter, Envelope, Few, Function,
        arbitrary::{self, POINTS, REGISTERS},
        compiled::CompiledEntry,
        diff::diff,
        text::value_text,
    },
    bench::{baseline, points},
};

fn whats(merged: &Merged) -> Vec<&str> {
    merged.conflicts.iter().map(|conflict| conflict.what.as_str()).collect()
}

#[test]
fn edits_of_different_parts_are_both_there() {
    let (base, mut mine, mut theirs) = (baseline(), baseline(), baseline());
    mine.conversations[0].writes[0].allowed = Allowed::between(0, 120);
    theirs.conversations[0].writes[0].allowed = Allowed::between(10, 100);
    theirs.conversations[0].functions.push(Function { code: 16, name: "".into() });
    mine.talkers.remove(0);
    let merged = merge(&base, &mine, &theirs);
    assert_eq!(merged.conflicts, []);
    let entry = &merged.baseline.conversations[0];
    assert_eq!(entry.writes[0].bounds_text(), "10 to 120");
    assert_eq!((entry.functions.len(), merged.baseline.talkers.len()), (3, 1));
}

#[test]
fn one_bound_moved_twice_is_a_conflict_with_both_versions() {
    let (base, mut mine, mut theirs) = (baseline(), baseline(), baseline());
    mine.conversations[0].writes[0].allowed = Allowed::between(0, 120);
    theirs.conversations[0].writes[0].allowed = Allowed::between(0, 110);
    let merged = merge(&base, &mine, &theirs);
    assert_eq!(whats(&merged), ["maximum of 40101"]);
    let Conflict { base, mine, theirs, .. } = &merged.conflicts[0];
    assert_eq!([base, mine, theirs].map(|side| side.as_deref()), [Some("100"), Some("120"), Some("110")]);
}

#[test]
fn what_one_took_out_and_the_other_changed_is_a_conflict() {
    let (base, mut mine, mut theirs) = (baseline(), baseline(), baseline());
    mine.conversations.clear();
    assert_eq!(merge(&base, &mine, &theirs).baseline.conversations, [], "the other side left it alone");
    theirs.conversations[0].period_ms = Some(500);
    assert_eq!(
        whats(&merge(&base, &mine, &theirs)),
        ["conversation: one side took it out, the other changed it"]
    );
}

#[test]
fn what_two_people_made_quiet_is_all_there_or_a_conflict() {
    use crate::baseline::{Quiet, quiet::Scope};
    let quiet = |client: &str, reason: &str| Quiet {
        scope: Scope { client: Some(crate::bench::talker(client)), ..Scope::default() },
        until: None,
        reason: reason.into(),
        accepted_by: None,
    };
    let (mut base, mut mine, mut theirs) = (baseline(), baseline(), baseline());
    mine.quiet.push(quiet("10.0.0.7", "a scanner"));
    theirs.quiet.push(quiet("10.0.0.8", "a test"));
    let merged = merge(&base, &mine, &theirs);
    assert_eq!((merged.conflicts.len(), merged.baseline.quiet.len()), (0, 2));
    theirs.quiet.push(quiet("10.0.0.7", "another scanner"));
    assert_eq!(whats(&merge(&base, &mine, &theirs)), ["quiet"], "new on both sides, for other reasons");
    base.quiet.push(quiet("10.0.0.7", "a scanner"));
    assert_eq!(merge(&base, &mine, &theirs).conflicts, [], "one side gave another reason");
    mine.quiet.clear();
    assert_eq!(whats(&merge(&base, &mine, &theirs)), ["quiet"], "one took out what the other changed");
}

#[test]
fn bounds_that_would_cross_are_a_conflict() {
    let (base, mut mine, mut theirs) = (baseline(), baseline(), baseline());
    mine.conversations[0].writes[0].allowed = Allowed::between(0, 20);
    theirs.conversations[0].writes[0].allowed = Allowed::between(60, 100);
    assert_eq!(whats(&merge(&base, &mine, &theirs)), ["bounds of 40101 would cross"]);
}

#[test]
fn a_line_that_one_cut_and_the_other_widened_is_cut_and_widened() {
    let mut base = baseline();
    base.conversations[0].writes[0].points = points("40101-40104");
    let (mut mine, mut theirs) = (base.clone(), base.clone());
    let line = base.conversations[0].writes[0].clone();
    let part = |text: &str, maximum| Envelope {
        points: points(text),
        allowed: Allowed::between(0, maximum),
        ..line.clone()
    };
    mine.conversations[0].writes = vec![part("40101-40102", 100), part("40103-40104", 130)];
    theirs.conversations[0].writes[0].allowed = Allowed::between(-5, 100);
    let merged = merge(&base, &mine, &theirs);
    assert_eq!(merged.conflicts, []);
    let texts: Vec<String> =
        merged.baseline.conversations[0].writes.iter().map(Envelope::bounds_text).collect();
    assert_eq!(texts, ["-5 to 100", "-5 to 130"]);
}

/// What two edits of one line come to: its values, or the conflicts.
fn joined(base: Allowed, mine: Allowed, theirs: Allowed) -> Result<String, Vec<String>> {
    let of = |allowed| {
        let mut baseline = baseline();
        baseline.conversations[0].writes[0].allowed = allowed;
        baseline
    };
    let merged = merge(&of(base), &of(mine), &of(theirs));
    if merged.conflicts.is_empty() {
        return Ok(merged.baseline.conversations[0].writes[0].bounds_text());
    }
    Err(merged.conflicts.into_iter().map(|conflict| conflict.what).collect())
}

#[test]
fn values_bits_and_counts_are_joined_one_by_one() {
    let few =
        |values: &[i64]| Allowed::Values(Few::new(values.iter().copied().map(Value::Integer).collect()));
    let bits = |changing, set| Allowed::Bits(Bits::new(changing, set).unwrap());
    let counter = |step| Allowed::Counter(Box::new(Counter { step, minimum: None, maximum: None }));
    let ok = |text: &str| Ok(text.to_owned());
    let conflict = |what: &str| Err(vec![what.to_owned()]);
    assert_eq!(joined(few(&[0, 1]), few(&[0, 1, 3]), few(&[1, 7])), ok("1, 3 or 7"));
    assert_eq!(joined(few(&[0, 1]), few(&[0]), few(&[1])), conflict("values of 40101: 0 would be left"));
    assert_eq!(joined(bits(3, 0), bits(7, 0), bits(1, 2)), ok("bits 0x0005 with 0x0002 always set"));
    let both = "bits of 40101: one side lets change what the other holds to be always set";
    assert_eq!(joined(bits(1, 0), bits(3, 0), bits(1, 2)), conflict(both));
    assert_eq!(joined(counter(1), counter(2), counter(1)), ok("any value, counting up by at most 2"));
    assert_eq!(joined(counter(1), counter(2), counter(3)), conflict("count of 40101"));
    let other_kinds = conflict("values of 40101");
    assert_eq!(joined(Allowed::between(0, 4), few(&[0, 4]), Allowed::between(0, 5)), other_kinds);
    assert_eq!(joined(Allowed::between(0, 4), few(&[0, 4]), Allowed::between(0, 4)), ok("0 or 4"));
}

#[test]
fn two_tables_about_one_conversation_are_nobodys_guess() {
    let (base, mut mine) = (baseline(), baseline());
    let mut second = mine.conversations[0].clone();
    second.id = "again".into();
    mine.conversations.push(second);
    assert_eq!(whats(&merge(&base, &mine, &base)), ["stands more than once: leave one table, then merge"]);
}

#[test]
fn one_name_for_two_conversations_is_a_conflict() {
    let (base, mut mine, mut theirs) = (baseline(), baseline(), baseline());
    for (side, unit) in [(&mut mine, 2), (&mut theirs, 3)] {
        let mut entry = side.conversations[0].clone();
        (entry.unit, entry.id) = (Some(unit), "new".into());
        side.conversations.push(entry);
    }
    assert_eq!(whats(&merge(&base, &mine, &theirs)), ["id `new` for two conversations"]);
}

/// Every part of a baseline, by name: whatever a person can edit is one of these.
fn parts(baseline: &Baseline) -> BTreeMap<(Subject, String), String> {
    let mut parts = BTreeMap::new();
    parts.insert((Subject::File, "mode".into()), baseline.mode.clone());
    parts.insert((Subject::File, "learned".into()), format!("{:?}", baseline.learned));
    for known in &baseline.talkers {
        parts.insert((known.subject(), "talker".into()), "there".into());
        // What nobody says is no edit: the other side may say it.
        parts.extend(known.mac.map(|mac| ((known.subject(), "network card".into()), mac.to_string())));
    }
    for entry in &baseline.conversations {
        let mut put = |what: String, text: String| {
            parts.insert((entry.subject(), what), text);
        };
        put("conversation".into(), "there".into());
        put("id".into(), entry.id.clone());
        if let Some(period) = entry.period_ms {
            put("period".into(), period.to_string());
        }
        if entry.refusals_per_minute > 0 {
            put("refusals".into(), entry.refusals_per_minute.to_string());
        }
        for function in &entry.functions {
            put(format!("function {}", function.code), "there".into());
            if !function.name.is_empty() {
                put(format!("name of {}", function.code), function.name.to_string());
            }
        }
        for code in &entry.oddities {
            put(format!("oddity {code}"), "there".into());
        }
        let judged = CompiledEntry::new(entry.clone()).unwrap();
        for index in 0..POINTS + 6 {
            let one = fieldwarden_model::PointRange { space: REGISTERS, first: index, last: index };
            if entry.reads.iter().any(|range| range.contains(&one)) {
                put(format!("reads {index}"), "there".into());
            }
            for step in 1..=2 {
                let Some(envelope) = judged.envelope(Point { space: REGISTERS, index }, step) else {
                    continue;
                };
                let text = |bound: Option<Value>| bound.map_or_else(|| "none".into(), value_text);
                put(format!("values {index}/{step}"), "there".into());
                let place = format!("{index}/{step}");
                if let Some((minimum, maximum)) = envelope.allowed.bounds() {
                    put(format!("minimum {place}"), text(minimum));
                    put(format!("maximum {place}"), text(maximum));
                }
                match &envelope.allowed {
                    Allowed::Range { .. } => {}
                    Allowed::Values(few) => {
                        few.iter().for_each(|value| {
                            put(format!("value {} {place}", value_text(value)), "there".into())
                        });
                    }
                    Allowed::Bits(bits) => {
                        let of = |bits: u64| (0..64).filter(move |bit| bits >> bit & 1 == 1);
                        of(bits.changing()).for_each(|bit| put(format!("bit {bit} {place}"), "there".into()));
                        of(bits.set()).for_each(|bit| put(format!("set {bit} {place}"), "there".into()));
                    }
                    Allowed::Counter(counter) => put(format!("count {place}"), counter.step.to_string()),
                }
            }
        }
    }
    parts
}

fn edits() -> impl Strategy<Value = (Baseline, Baseline, Baseline)> {
    arbitrary::tidy_baseline()
        .prop_flat_map(|base| (Just(base.clone()), arbitrary::edit(base.clone()), arbitrary::edit(base)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_edit_is_in_the_result_or_among_the_conflicts((base, mine, theirs) in edits()) {
        let merged = merge(&base, &mine, &theirs);
        let [was, own, other, is] = [&base, &mine, &theirs, &merged.baseline].map(parts);
        let torn: BTreeSet<Subject> = merged.conflicts.iter().map(|conflict| conflict.subject).collect();
        let names: BTreeSet<&(Subject, String)> = [&was, &own, &other, &is].into_iter().flat_map(BTreeMap::keys).collect();
        for name in names.into_iter().filter(|(subject, _)| !torn.contains(subject)) {
            let [was, own, other, is] = [&was, &own, &other, &is].map(|side| side.get(name));
            prop_assert!(own == was || is == own, "an edit of mine was lost: {:?}", name);
            prop_assert!(other == was || is == other, "an edit of theirs was lost: {:?}", name);
            prop_assert!(own != was || other != was || is == was, "nobody edited {:?}", name);
        }
    }

    #[test]
    fn what_one_side_left_alone_is_never_a_conflict((base, mine, _) in edits()) {
        for merged in [merge(&base, &mine, &base), merge(&base, &base, &mine), merge(&base, &mine, &mine)] {
            prop_assert_eq!(&merged.conflicts, &[]);
            prop_assert!(diff(&mine, &merged.baseline).is_empty(), "{:?}", diff(&mine, &merged.baseline));
        }
    }

    #[test]
    fn a_conflict_is_about_what_both_changed((base, mine, theirs) in edits()) {
        let merged = merge(&base, &mine, &theirs);
        let changed = |side: &Baseline| diff(&base, side).into_iter().map(|change| change.subject).collect::<BTreeSet<_>>();
        let (own, other) = (changed(&mine), changed(&theirs));
        for conflict in &merged.conflicts {
            // A name is one for all conversations: two people may give it to two.
            let both = own.contains(&conflict.subject) && other.contains(&conflict.subject);
            prop_assert!(both || conflict.what.starts_with("id `"), "{:?}", conflict);
        }
    }
}
