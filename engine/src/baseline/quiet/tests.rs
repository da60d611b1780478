use fieldwarden_model::{
    Severity, Verb,
    section::{Content, Key, Node, Section, Span},
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{
    baseline::{Baseline, arbitrary, diff::diff},
    bench::{Bench, HMI, PLC, ROGUE, baseline, operation, points, read, talker, write},
};

fn quiet(scope: Scope, until: Option<Timestamp>) -> Quiet {
    Quiet { scope, until, reason: "pump test".into(), accepted_by: None }
}

/// The bench under the usual baseline with one entry; `until` in seconds from its beginning.
fn bench(scope: Scope, until: Option<u64>) -> Bench {
    let start = Bench::with(None).now();
    let until = until.map(|seconds| start.saturating_add(core::time::Duration::from_secs(seconds)));
    Bench::with(Some(Baseline { quiet: vec![quiet(scope, until)], ..baseline() }))
}

fn one_write() -> Scope {
    let mut loud = Bench::new();
    loud.asks(HMI, PLC, &write("40105", &[0, 50]));
    Scope::of(loud.last()).unwrap()
}

#[test]
fn what_an_entry_names_is_information_without_an_incident() {
    let mut bench = bench(one_write(), None);
    bench.asks(HMI, PLC, &write("40105", &[0, 50]));
    let alert = bench.last().clone();
    assert_eq!((alert.detector.as_str(), alert.severity), ("new-point-write", Severity::Info));
    assert_eq!((alert.incident.0.as_str(), bench.incidents.len()), ("", 0));
    assert_eq!(alert.quieted_by.as_deref(), Some(one_write().to_string().as_str()));
    assert!(alert.summary.ends_with(" (quiet open-ended: pump test)"), "{}", alert.summary);
    bench.asks(HMI, PLC, &write("40105", &[0, 51])).asks(HMI, PLC, &write("40106", &[0, 51]));
    assert!(bench.last().severity > Severity::Info, "a neighbour is no part of it");
    assert_eq!(
        bench.quiets().iter().map(|used| (used.word(), used.within)).collect::<Vec<_>>(),
        [("used", 2)]
    );
}

#[test]
fn behind_its_end_it_is_as_loud_as_ever_and_says_so() {
    let mut bench = bench(one_write(), Some(60));
    bench.asks(HMI, PLC, &write("40105", &[0, 50]));
    assert_eq!(bench.last().severity, Severity::Info);
    bench.wait(61).asks(HMI, PLC, &write("40105", &[0, 50]));
    assert!(bench.last().severity > Severity::Info);
    assert!(bench.last().summary.contains("; it was quiet until "), "{}", bench.last().summary);
    assert_eq!(bench.quiets()[0].word(), "overrun");
}

#[test]
fn what_was_loud_before_takes_no_quiet_from_it_and_the_other_way_round() {
    let mut bench = bench(Scope { points: None, ..one_write() }, Some(600));
    // More of them than one pair of talkers is told about.
    for point in 0..40 {
        bench.asks(HMI, PLC, &write(&(40_200 + point).to_string(), &[0, 50]));
    }
    assert!(bench.alerts.iter().all(|alert| alert.severity == Severity::Info));
    bench.wait(601).asks(HMI, PLC, &write("40200", &[0, 50]));
    assert!(bench.last().severity > Severity::Info, "quiet alerts use up no room of loud ones");
}

#[test]
fn what_is_never_normal_is_never_quiet() {
    let all = Scope { client: Some(talker(HMI)), ..Scope::default() };
    let mut bench = bench(all, None);
    bench.breaks(HMI, PLC, fieldwarden_protocols::Anomaly::malformed("short", 0, 1, 2));
    assert_eq!(bench.last().detector, "malformed");
    assert!(bench.last().severity > Severity::Info && bench.incidents.len() == 1);
}

/// A table out of its lines `key = text`.
fn table(lines: &[(&str, &str)]) -> Section {
    let node = |text: &str| Node { at: Span::default(), value: Content::Text(text.into()) };
    let entry = |(key, text): &(&str, &str)| (Key { name: (*key).into(), at: Span::default() }, node(text));
    Section {
        path: "quiet".into(),
        at: Span { file: 0, start: 5, end: 9 },
        entries: lines.iter().map(entry).collect(),
    }
}

fn faults(lines: &[(&str, &str)]) -> Vec<String> {
    super::read(&table(lines)).unwrap_err().into_iter().map(|fault| fault.message).collect()
}

#[test]
fn an_entry_that_would_quiet_everything_or_says_no_reason_is_a_fault() {
    assert_eq!(
        faults(&[("reason", "why not"), ("detector", "new-talker")]),
        ["a `[[quiet]]` entry without `client` and `server` would quiet everything"]
    );
    assert_eq!(faults(&[("client", HMI)]), ["`reason` is missing from `[quiet]`"]);
    assert_eq!(faults(&[("client", HMI), ("reason", " ")]), ["`reason`: is empty"]);
    assert_eq!(
        faults(&[("client", HMI), ("reason", "a\nb")]),
        ["`reason`: is no plain line of at most 400 letters"]
    );
    let points = [("client", HMI), ("reason", "r"), ("points", "40101")];
    assert_eq!(faults(&points), ["`points`: says nothing without a `protocol`"]);
    let blind = faults(&[("client", HMI), ("reason", "r"), ("detector", "sensor-blind")]);
    assert!(blind[0].starts_with("`detector`: what `sensor-blind` tells is never quieted"), "{blind:?}");
    let day = super::read(&table(&[("client", HMI), ("reason", "r"), ("until", "2026-12-24")])).unwrap();
    assert_eq!(day.until_text(), "until 2026-12-24T00:00:00Z");
    assert_eq!(faults(&[("client", HMI), ("reason", "r"), ("until", "soon")]).len(), 1);
}

#[test]
fn a_difference_says_what_is_quiet_and_for_how_long() {
    let (old, mut new) = (baseline(), baseline());
    new.quiet.push(quiet(one_write(), Some(Timestamp::from_seconds(86_400))));
    let changes = diff(&old, &new);
    assert_eq!((changes.len(), changes[0].effect.word()), (1, "widens"));
    assert!(changes[0].meaning.contains("any value, until 1970-01-02T00:00:00Z"), "{}", changes[0].meaning);
    let mut longer = new.clone();
    longer.quiet[0].until = None;
    let words = |old: &Baseline, new: &Baseline| {
        diff(old, new).iter().map(|c| format!("{} {}", c.effect.word(), c.meaning)).collect::<Vec<_>>()
    };
    assert_eq!(words(&new, &longer), ["widens quiet for longer"]);
    assert_eq!(words(&longer, &new), ["narrows told at full severity earlier"]);
}

/// What happens in a plant, by chance.
fn deeds() -> impl Strategy<Value = Vec<(usize, usize, u8)>> {
    vec((0_usize..3, 0_usize..4, any::<u8>()), 1..40)
}

fn happen(bench: &mut Bench, deeds: &[(usize, usize, u8)]) {
    for (who, what, value) in deeds {
        let client = [HMI, ROGUE, "10.0.0.7"][*who];
        let point = (40_100 + u32::from(value % 7)).to_string();
        match what {
            0 => bench.asks(client, PLC, &write(&point, &[0, *value])),
            1 => bench.asks(client, PLC, &read(&point)),
            2 => bench.asks(client, PLC, &operation(Verb::Program, 90, None)),
            _ => bench.wait(u64::from(*value) / 4),
        };
    }
}

proptest! {
    /// Held against an alert as it is printed, by another hand than the engine's.
    #[test]
    fn nothing_outside_what_is_printed_is_quieted(
        entries in vec(arbitrary::quiet(), 1..4),
        deeds in deeds(),
        whose in select(vec![0_u8, 1, 2]),
    ) {
        let mut entries = entries;
        entries.sort_by_key(|quiet| quiet.scope);
        entries.dedup_by_key(|quiet| quiet.scope);
        let start = Bench::with(None).now();
        for (quiet, n) in entries.iter_mut().zip(0..) {
            quiet.until = quiet.until.map(|_| start.saturating_add(core::time::Duration::from_secs(30 * n)));
            if whose == 1 { quiet.scope.points = quiet.scope.protocol.map(|_| points("40101-40103")); }
        }
        let mut loud = Bench::with(Some(baseline()));
        let mut hushed = Bench::with(Some(Baseline { quiet: entries.clone(), ..baseline() }));
        happen(&mut loud, &deeds);
        happen(&mut hushed, &deeds);
        let lies_in = |alert: &Alert, quiet: &Quiet| {
            let s = &quiet.scope;
            quiet.until.is_none_or(|until| alert.time < until)
                && s.client.is_none_or(|client| client == alert.client)
                && s.server.is_none_or(|server| alert.server == Some(server))
                && s.protocol.is_none_or(|protocol| alert.protocol.as_deref() == Some(protocol.name()))
                && s.operation.is_none_or(|verb| alert.operation == Some(verb))
                && s.function.is_none_or(|code| alert.function == Some(code))
                && s.points.is_none_or(|range| alert.points.as_deref().is_some_and(|text| range.contains(&points(text))))
                && s.detector.is_none_or(|detector| alert.detector == detector)
        };
        for alert in &hushed.alerts {
            let within = entries.iter().any(|quiet| lies_in(alert, quiet));
            prop_assert_eq!(alert.quieted_by.is_some(), within, "{:?}", alert);
            prop_assert_eq!(alert.incident.0.is_empty(), within);
        }
        for alert in loud.alerts.iter().filter(|alert| !entries.iter().any(|quiet| lies_in(alert, quiet))) {
            let same = hushed.alerts.iter().find(|other| other.id == alert.id);
            prop_assert_eq!(same.map(|other| other.severity), Some(alert.severity), "{:?}", alert);
        }
    }

    #[test]
    fn the_smallest_entry_of_an_alert_covers_it(deeds in deeds()) {
        let mut bench = Bench::with(Some(baseline()));
        happen(&mut bench, &deeds);
        for alert in &bench.alerts {
            let scope = Scope::of(alert).unwrap();
            prop_assert_eq!(scope.covers(&scope), accept::never(&alert.detector).is_none());
        }
    }
}
