use fieldwarden_model::{Operation, Outcome, PointRange, Value, Values, Verb, operation::Encoding};
use fieldwarden_protocols::Anomaly;
use proptest::prelude::*;

use super::*;
use crate::{
    baseline::{
        Allowed, Bits, Counter, Envelope, Few,
        arbitrary::{self, POINTS, REGISTERS},
        diff::Part,
    },
    bench::{Bench, HMI, PLC, ROGUE, baseline, operation, points, read, write},
};

/// What accepting the last alert changes, a line each.
fn told(accepted: &Accepted) -> Vec<String> {
    let line = |c: &Change| format!("{} {}", c.what, c.new.clone().unwrap_or_default());
    accepted.changes.iter().map(line).collect()
}

fn last(bench: &Bench, before: &Baseline) -> Accepted {
    accept(before, bench.last()).unwrap()
}

#[test]
fn a_stranger_is_one_table() {
    let mut bench = Bench::new();
    bench.heard(ROGUE);
    let accepted = last(&bench, &baseline());
    assert_eq!(told(&accepted), ["talker 10.0.0.66"]);
    assert!(Bench::with(Some(accepted.baseline)).heard(ROGUE).alerts.is_empty());
}

#[test]
fn a_conversation_comes_with_nothing_but_itself() {
    let mut bench = Bench::new();
    bench.connects(ROGUE, PLC, 502);
    let accepted = last(&bench, &baseline());
    assert_eq!(told(&accepted), ["conversation 10.0.0.66 to 10.0.0.20 port 502 modbus"]);
    assert!(Bench::with(Some(accepted.baseline)).connects(ROGUE, PLC, 502).alerts.is_empty());
}

#[test]
fn a_point_that_stood_still_may_do_so_and_no_other() {
    let mut before = baseline();
    let line = crate::baseline::ReadMotion {
        points: points("40001-40010"),
        step: 1,
        still_ms: Some(4_000),
        wobble_per_minute: Some(20.0),
        random: false,
        seen: 900,
    };
    before.conversations[0].motion = vec![line];
    let mut bench = Bench::with(Some(before.clone()));
    let polls = |bench: &mut Bench| {
        for n in 0..120_u8 {
            let bytes: Vec<u8> = (0..10_u8).flat_map(|of| [0, if of == 3 { 7 } else { n / 2 }]).collect();
            let values = Values { bytes: &bytes, encoding: Encoding::Unsigned16, count: 10, stride: 1 };
            let asked = read("40001-40010");
            let answer = Operation { values: Some(values), outcome: Outcome::Done, ..asked };
            bench.asks(HMI, PLC, &asked).answers(HMI, PLC, &answer).lives(1);
        }
    };
    polls(&mut bench);
    assert_eq!(bench.detectors(), ["frozen-report"]);
    let accepted = last(&bench, &before);
    assert_eq!(told(&accepted), ["motion of 40004 wobbles by at most 20 a minute"]);
    let again = accept(&accepted.baseline, bench.last());
    assert!(matches!(again, Err(Refusal::Covered { .. })), "{again:?}");
    let mut quiet = Bench::with(Some(accepted.baseline));
    polls(&mut quiet);
    assert!(quiet.alerts.is_empty(), "{:?}", quiet.detectors());
}

#[test]
fn a_value_wider_than_a_point_is_accepted_as_wide_as_it_is() {
    let mut before = baseline();
    let line = crate::baseline::ReadMotion {
        points: points("40001-40004"),
        step: 2,
        still_ms: Some(4_000),
        wobble_per_minute: None,
        random: false,
        seen: 900,
    };
    before.conversations[0].motion = vec![line];
    let mut bench = Bench::with(Some(before.clone()));
    for n in 0..120_u8 {
        let bytes = [0, 0, 0, n, 0, 0, 9, 9];
        let values = Values { bytes: &bytes, encoding: Encoding::Unsigned32, count: 2, stride: 2 };
        let asked = read("40001-40004");
        let answer = Operation { values: Some(values), outcome: Outcome::Done, ..asked };
        bench.asks(HMI, PLC, &asked).answers(HMI, PLC, &answer).lives(1);
    }
    assert_eq!(bench.detectors(), ["frozen-report"]);
    let accepted = last(&bench, &before);
    assert_eq!(told(&accepted), ["motion of 40003-40004 (each value 2 points wide) moves in any way"]);
}

#[test]
fn values_that_are_chance_by_nature_may_be_so() {
    let mut bench = Bench::new();
    let mut mixed = 7_u64;
    let mut polls = |bench: &mut Bench| {
        for _ in 0..260 {
            let bytes: Vec<u8> = (0..10)
                .flat_map(|_| {
                    mixed =
                        mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    u16::try_from(mixed >> 48).unwrap().to_be_bytes()
                })
                .collect();
            let values = Values { bytes: &bytes, encoding: Encoding::Unsigned16, count: 10, stride: 1 };
            let asked = read("40001-40010");
            let answer = Operation { values: Some(values), outcome: Outcome::Done, ..asked };
            bench.asks(HMI, PLC, &asked).answers(HMI, PLC, &answer).lives(1);
        }
    };
    polls(&mut bench);
    assert_eq!(bench.detectors(), ["covert-channel"]);
    let accepted = last(&bench, &baseline());
    assert_eq!(told(&accepted), ["motion of 40001-40010 looks like chance by nature"]);
    let mut quiet = Bench::with(Some(accepted.baseline));
    polls(&mut quiet);
    assert!(quiet.alerts.is_empty(), "{:?}", quiet.detectors());
}

#[test]
fn a_function_is_added_by_its_code_and_name() {
    let mut bench = Bench::new();
    let identify = operation(fieldwarden_model::Verb::Discover, 43, None);
    bench.asks(HMI, PLC, &identify);
    let accepted = last(&bench, &baseline());
    assert_eq!(told(&accepted), ["function 43 43 a function"]);
    assert!(Bench::with(Some(accepted.baseline)).asks(HMI, PLC, &identify).alerts.is_empty());
}

#[test]
fn an_envelope_is_widened_for_the_written_point_alone() {
    let mut before = baseline();
    before.conversations[0].writes[0].points = points("40101-40110");
    let mut bench = Bench::with(Some(before.clone()));
    bench.asks(HMI, PLC, &write("40103", &[0, 105]));
    let accepted = last(&bench, &before);
    let lines: Vec<String> = accepted.baseline.conversations[0]
        .writes
        .iter()
        .map(|line| {
            format!("{}-{}: {}, {} seen", line.points.first, line.points.last, line.bounds_text(), line.seen)
        })
        .collect();
    assert_eq!(
        lines,
        ["100-101: 0 to 100, 2 seen", "102-102: 0 to 105, 2 seen", "103-109: 0 to 100, 8 seen"]
    );
    let widening: Vec<&Change> =
        accepted.changes.iter().filter(|change| change.effect == Effect::Widens).collect();
    assert_eq!(widening.len(), 1);
    assert_eq!(widening[0].meaning, "values above 100 up to 105 may be written");
    assert!(
        Bench::with(Some(accepted.baseline)).asks(HMI, PLC, &write("40103", &[0, 105])).alerts.is_empty()
    );
}

#[test]
fn a_new_point_takes_the_value_that_was_written() {
    let mut bench = Bench::new();
    bench.asks(HMI, PLC, &write("40105", &[0, 50]));
    let accepted = last(&bench, &baseline());
    assert_eq!(told(&accepted), ["values of 40105 50 to 50", "written points 40105"]);
    let mut after = Bench::with(Some(accepted.baseline));
    assert!(after.asks(HMI, PLC, &write("40105", &[0, 50])).alerts.is_empty());
    assert_eq!(after.asks(HMI, PLC, &write("40105", &[0, 51])).detectors(), ["value-out-of-range"]);
}

/// What accepting a write beyond a line of some kind comes to; the words of its changes, or of the refusal.
fn widened(allowed: Allowed, before: u8, value: u8) -> Result<Vec<String>, String> {
    let mut baseline = baseline();
    baseline.conversations[0].writes[0].allowed = allowed;
    let mut bench = Bench::with(Some(baseline.clone()));
    // What is written is what the controller then has.
    let octets = [0, before];
    bench.does(HMI, PLC, &write("40101", &[0, before]));
    let read = Operation { outcome: Outcome::Done, values: write("40101", &octets).values, ..read("40101") };
    bench.asks(HMI, PLC, &crate::bench::read("40101")).answers(HMI, PLC, &read);
    bench.asks(HMI, PLC, &write("40101", &[0, value]));
    assert_eq!(bench.detectors().last(), Some(&"value-out-of-range"), "{:?}", bench.alerts);
    let accepted = accept(&baseline, bench.last()).map_err(|refusal| refusal.to_string())?;
    let lines: Vec<&Change> = accepted.changes.iter().filter(|c| c.effect == Effect::Widens).collect();
    Ok(lines.iter().map(|c| format!("{}: {}", c.what, c.new.clone().unwrap_or_default())).collect())
}

#[test]
fn each_kind_is_widened_by_no_more_than_what_was_told() {
    let few = Allowed::Values(Few::new([0, 1, 3].map(Value::Integer).to_vec()));
    assert_eq!(widened(few, 1, 7), Ok(vec!["values of 40101: 7".into()]));
    let bits = Allowed::Bits(Bits::new(0x3, 0x8).unwrap());
    assert_eq!(
        widened(bits, 9, 0x1b),
        Ok(vec!["values of 40101: bits 0x0013 with 0x0008 always set".into()])
    );
    let counter = Allowed::Counter(Box::new(Counter { step: 1, minimum: None, maximum: None }));
    assert_eq!(widened(counter.clone(), 5, 9), Ok(vec!["count of 40101: 4".into()]));
    assert!(widened(counter, 9, 5).unwrap_err().contains("is no count"));
}

#[test]
fn what_no_baseline_may_quiet_is_refused() {
    let mut bench = Bench::new();
    bench.breaks(HMI, PLC, Anomaly::malformed("pdu-too-short", 8, 4, 7));
    let Err(Refusal::Never { detector, why }) = accept(&baseline(), bench.last()) else { panic!() };
    assert_eq!(detector, "malformed");
    assert!(why.contains("`oddities`"));
    for detector in ["function-scan", "exception-burst", "sensor-blind"] {
        let alert = Alert { detector: detector.into(), ..bench.last().clone() };
        assert!(matches!(accept(&baseline(), &alert), Err(Refusal::Never { .. })), "{detector}");
    }
    let alert = Alert { detector: "later".into(), ..bench.last().clone() };
    assert!(matches!(accept(&baseline(), &alert), Err(Refusal::Unknown { .. })));
}

#[test]
fn what_an_alert_does_not_carry_is_asked_for() {
    let mut bench = Bench::new();
    bench.asks(HMI, PLC, &write("40105", &[0, 50]));
    let alert = Alert { function: None, ..bench.last().clone() };
    assert!(accept(&baseline(), &alert).is_ok(), "the conversation is there; its functions stay as they are");
    let alert = Alert { client: crate::bench::talker(ROGUE), ..alert };
    assert!(matches!(accept(&baseline(), &alert), Err(Refusal::Lacks { .. })));
    let alert = Alert { points: Some("40105-40300".into()), ..bench.last().clone() };
    assert!(matches!(accept(&baseline(), &alert), Err(Refusal::Lacks { .. })), "fewer values than points");
    let told_before = Alert { transport: None, ..bench.last().clone() };
    assert!(accept(&baseline(), &told_before).is_ok(), "the community id tells the transport");
}

#[test]
fn what_is_covered_already_is_said() {
    let mut bench = Bench::new();
    bench.asks(HMI, PLC, &write("40105", &[0, 50]));
    let accepted = last(&bench, &baseline());
    let again = accept(&accepted.baseline, bench.last());
    assert_eq!(again, Err(Refusal::Covered { entry: "station to dosing".into() }));
}

/// A write that may be told, of a small value of either width.
fn any_write() -> impl Strategy<Value = (u64, u16, Vec<u8>)> {
    (0..POINTS, 1_u16..=2, proptest::collection::vec(0_u8..9, 1..4))
}

fn written<'a>(first: u64, step: u16, octets: &'a [u8]) -> Operation<'a> {
    let count = u32::try_from(octets.len()).unwrap();
    let values = Values { bytes: octets, encoding: Encoding::Signed8, count, stride: step };
    let last = first + u64::from(step) * u64::from(count) - 1;
    let points = PointRange { space: REGISTERS, first, last };
    Operation {
        verb: Verb::Write,
        function: 16,
        name: "write",
        unit: Some(1),
        points: Some(points),
        values: Some(values),
        outcome: Outcome::Asked,
    }
}

/// Everything one value may do, as the engine judges: function, points, value of a width.
fn permits(baseline: &Baseline, code: u32, (index, step, value): (u64, u16, i64)) -> [bool; 3] {
    let compiled = Compiled::new(baseline.clone());
    let key = Entry { client: crate::bench::talker(HMI), ..arbitrary::bare_entry() }.key().unwrap();
    let Some(entry) = compiled.position(&key).and_then(|position| compiled.entry(position)) else {
        return [false; 3];
    };
    let points = PointRange { space: REGISTERS, first: index, last: index };
    let envelope = entry.envelope(fieldwarden_model::Point { space: REGISTERS, index }, step);
    let allows = |envelope: &Envelope| envelope.allows(Value::Integer(value));
    [entry.knows_function(code), entry.covers_write(&points), envelope.is_some_and(allows)]
}

/// The same, as the changes say it.
fn printed(changes: &[Change], code: u32, (index, step, value): (u64, u16, i64)) -> [bool; 3] {
    let value = Value::Integer(value);
    let order = crate::baseline::order;
    let holds = |points: &PointRange, width: u16| {
        width == step
            && (points.first..=points.last).contains(&index)
            && (index - points.first).is_multiple_of(u64::from(step))
    };
    let says = |part: &Part| match part {
        Part::Function(added) => [*added == code, false, false],
        Part::Written(points) => [false, (points.first..=points.last).contains(&index), false],
        Part::Values { points, step, allowed } => {
            [false, false, holds(points, *step) && allowed.allows(value)]
        }
        Part::Replaced { points, step, old, new } => {
            [false, false, holds(points, *step) && new.allows(value) && !old.allows(value)]
        }
        Part::Minimum(points, step, moved) => {
            let new = moved.new.is_none_or(|new| order(new, value).is_le());
            let beyond = moved.old.is_some_and(|old| order(value, old).is_lt());
            [false, false, holds(points, *step) && new && beyond]
        }
        Part::Maximum(points, step, moved) => {
            let new = moved.new.is_none_or(|new| order(value, new).is_le());
            let beyond = moved.old.is_some_and(|old| order(value, old).is_gt());
            [false, false, holds(points, *step) && new && beyond]
        }
        _ => [false; 3],
    };
    let all =
        changes.iter().filter(|change| change.effect == Effect::Widens).map(|change| says(&change.part));
    all.fold([false; 3], |[a, b, c], [d, e, f]| [a | d, b | e, c | f])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn accept_lets_through_what_it_printed_and_nothing_else(
        before in arbitrary::tidy_baseline(),
        (first, step, octets) in any_write(),
    ) {
        let mut bench = Bench::with(Some(before.clone()));
        bench.asks(HMI, PLC, &written(first, step, &octets));
        for alert in &bench.alerts {
            let Ok(accepted) = accept(&before, alert) else { continue };
            for code in [3, 6, 16] {
                for (index, step) in (0..POINTS + 8).flat_map(|index| [(index, 1), (index, 2)]) {
                    for value in -4..12 {
                        let at = (index, step, value);
                        let (was, is) = (permits(&before, code, at), permits(&accepted.baseline, code, at));
                        let more = [0, 1, 2].map(|n| is[n] && !was[n]);
                        let less = [0, 1, 2].map(|n| was[n] && !is[n]);
                        prop_assert_eq!(less, [false; 3], "{:?}", at);
                        prop_assert_eq!(more, printed(&accepted.changes, code, at), "{:?} {:#?}", at, accepted.changes);
                    }
                }
            }
        }
    }

    #[test]
    fn an_accepted_alert_is_not_told_again(
        before in arbitrary::tidy_baseline(),
        (first, step, octets) in any_write(),
    ) {
        let mut bench = Bench::with(Some(before.clone()));
        let operation = written(first, step, &octets);
        bench.asks(HMI, PLC, &operation);
        for alert in &bench.alerts {
            let accepted = match accept(&before, alert) {
                Ok(accepted) => accepted,
                Err(refusal) => {
                    // Who is master is told beside the write, and quiet once the write is accepted.
                    let expected = matches!(refusal, Refusal::Covered { .. }) || alert.detector == "rogue-master";
                    prop_assert!(expected, "{}", refusal);
                    continue;
                }
            };
            let mut after = Bench::with(Some(accepted.baseline));
            after.asks(HMI, PLC, &operation);
            prop_assert!(!after.detectors().contains(&alert.detector.as_str()) || alert.detector == "new-conversation", "{:?}", after.detectors());
        }
    }
}

#[test]
fn a_read_alert_needs_no_points() {
    let mut bench = Bench::new();
    bench.asks(ROGUE, PLC, &read("40001"));
    let accepted = last(&bench, &baseline());
    assert_eq!(told(&accepted).len(), 1);
}
