//! The numbered statements of `docs/security.md` about containment: each is held by a test that
//! `docs/containment.md` names, and those that no other test holds are held here.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{collections::BTreeSet, fs, path::Path};

use common::{Memory, PLC, ROGUE, interlocks, modbus_of, order, real_now};
use fieldwarden_enforcer::{
    drivers::dry_run::DryRun,
    journal::Entry,
    moment::{Boot, Moment},
    settings::{DEFAULT_JOURNAL, DEFAULT_SOCKET},
    warden::{Mode, Warden},
};
use fieldwarden_model::{
    Order, OrderState, Timestamp,
    order::{Answer, Ask, PlanHash},
};

fn warden(mode: Mode, record: &Memory, now: Moment) -> Warden {
    let held = record.entries.borrow().clone();
    let boot = Boot("this".into());
    Warden::start(mode, interlocks(), Box::new(DryRun::default()), Box::new(record.clone()), held, boot, now)
}

fn plan(warden: &mut Warden, order: &Order, now: Moment) -> PlanHash {
    let answer = warden.handle(Ask::Rehearse { order: order.clone() }, now);
    let Answer::Planned { plan } = answer else { panic!("{answer:?}") };
    plan.hash
}

fn apply(warden: &mut Warden, order: &Order, plan: PlanHash, now: Moment) -> Answer {
    warden.handle(Ask::Apply { order: order.clone(), plan, approved_by: vec!["jo".into()] }, now)
}

fn state(warden: &Warden) -> OrderState {
    warden.list().first().unwrap().1.state
}

/// Statement 9.
#[test]
fn an_order_is_applied_once_even_across_restarts() {
    let (record, now) = (Memory::default(), real_now());
    let mut first = warden(Mode::Enforce, &record, now);
    let order = order(modbus_of(ROGUE, PLC), 30, 600, now.wall);
    let hash = plan(&mut first, &order, now);
    assert!(matches!(apply(&mut first, &order, hash.clone(), now), Answer::Reported { .. }));
    let (by, reason) = ("jo".into(), "done".into());
    first.handle(Ask::Release { order: order.id.clone(), by, reason, degraded: false }, now);
    assert_eq!(state(&first), OrderState::Released);
    for _ in 0..2 {
        let mut next = warden(Mode::Enforce, &record, now);
        let answer = apply(&mut next, &order, hash.clone(), now);
        let Answer::Refused { reason, .. } = answer else { panic!("{answer:?}") };
        assert!(reason.contains("applied once"), "{reason}");
    }
}

/// Statement 11: while the machine is up, deadlines count time since it started.
#[test]
fn a_step_of_the_wall_clock_changes_no_deadline() {
    for step_secs in [-86_400_i64, 86_400] {
        let (record, begun) = (Memory::default(), real_now());
        let at = |seconds: u64| Moment {
            wall: Timestamp::from_nanos(begun.wall.nanos() + step_secs * 1_000_000_000),
            uptime_ms: begun.uptime_ms + seconds * 1_000,
        };
        let mut warden = warden(Mode::Enforce, &record, begun);
        let order = order(modbus_of(ROGUE, PLC), 30, 60, begun.wall);
        let hash = plan(&mut warden, &order, begun);
        apply(&mut warden, &order, hash.clone(), begun);
        warden.handle(
            Ask::Keep { order: order.id.clone(), plan: hash, verdict: String::new(), degraded: false },
            at(10),
        );
        warden.tick(at(59));
        assert_eq!(state(&warden), OrderState::Kept, "stepped by {step_secs} s");
        warden.tick(at(61));
        assert_eq!(state(&warden), OrderState::Lapsed, "stepped by {step_secs} s");
    }
}

/// Statement 4: an order that stood before its target was protected is undone.
#[test]
fn what_is_protected_by_now_is_given_back_at_the_next_start() {
    let (record, now) = (Memory::default(), real_now());
    let mut first = warden(Mode::Enforce, &record, now);
    let standing = order(modbus_of(ROGUE, PLC), 30, 600, now.wall);
    let other = order(modbus_of("10.2.0.21", PLC), 30, 600, now.wall);
    for order in [&standing, &other] {
        let hash = plan(&mut first, order, now);
        apply(&mut first, order, hash.clone(), now);
        let (id, verdict) = (order.id.clone(), String::new());
        first.handle(Ask::Keep { order: id, plan: hash, verdict, degraded: false }, now);
    }
    let held = record.entries.borrow().clone();
    let mut longer = interlocks();
    longer.protected.push(fieldwarden_model::Protected {
        name: "the laptop of the vendor".into(),
        talker: ROGUE.parse().unwrap(),
        peer: None,
        server_port: None,
        transport: None,
    });
    let (driver, boot) = (Box::new(DryRun::default()), Boot("this".into()));
    let next = Warden::start(Mode::Enforce, longer, driver, Box::new(record), held, boot, now);
    let state = |id| next.list().into_iter().find(|(order, _)| order.id == id).unwrap().1;
    let report = state(standing.id);
    assert_eq!(report.state, OrderState::Reverted, "{report:?}");
    assert!(report.cause.contains("`the laptop of the vendor`"), "{report:?}");
    assert_eq!(state(other.id).state, OrderState::Kept);
}

/// Whoever released everything released what an enforcer that had not heard of it yet wrote down next.
#[test]
fn a_release_of_everything_between_two_lines_of_an_order_ends_it_at_the_next_start() {
    let (record, now) = (Memory::default(), real_now());
    let mut first = warden(Mode::Enforce, &record, now);
    let order = order(modbus_of(ROGUE, PLC), 30, 600, now.wall);
    let hash = plan(&mut first, &order, now);
    apply(&mut first, &order, hash.clone(), now);
    first.handle(Ask::Keep { order: order.id, plan: hash, verdict: String::new(), degraded: false }, now);
    let lines = record.entries.borrow().clone();
    for at in 1..=lines.len() {
        let beside = Memory::default();
        let release = Entry::ReleasedAll { by: "jo".into(), time: now.wall };
        beside.entries.borrow_mut().extend(lines.iter().take(at).cloned());
        beside.entries.borrow_mut().push(release);
        beside.entries.borrow_mut().extend(lines.iter().skip(at).cloned());
        let next = warden(Mode::Enforce, &beside, now);
        assert!(!next.watches(), "behind line {at}");
        assert_eq!(state(&next), OrderState::Released, "behind line {at}");
    }
}

/// Statement 13: neither folder is one in which the daemon keeps anything.
#[test]
fn journal_and_socket_lie_in_folders_of_the_enforcer_alone() {
    for (place, folder) in
        [(DEFAULT_SOCKET, "/run/fieldwarden-enforcer"), (DEFAULT_JOURNAL, "/var/lib/fieldwarden-enforcer")]
    {
        assert_eq!(Path::new(place).parent(), Some(Path::new(folder)));
    }
}

/// Statement 14.
#[test]
fn without_the_word_enforce_every_order_is_refused() {
    let (record, now) = (Memory::default(), real_now());
    let mut warden = warden(Mode::ObserveOnly, &record, now);
    let order = order(modbus_of(ROGUE, PLC), 30, 600, now.wall);
    let hash = plan(&mut warden, &order, now);
    let answer = apply(&mut warden, &order, hash, now);
    let Answer::Refused { reason, .. } = answer else { panic!("{answer:?}") };
    assert!(reason.contains("observe-only"), "{reason}");
    assert!(warden.list().is_empty());
}

/// What an earlier version wrote is read as it was meant, its id included.
#[test]
fn orders_written_before_there_was_a_write_quarantine_are_read_as_they_were() {
    let line = r#"{"id":"3756e619f0c87122","target":{"kind":"conversation","client":"10.2.0.20","server":"10.1.0.10",
        "server_port":502,"transport":"tcp"},"scope":"cut_conversation","lapse_secs":600,"keep_within_secs":30,
        "on_degraded":"revert","reason":"unknown laptop","incident":null,"author":"jo",
        "proposed":"2026-01-01T00:00:00.000000000Z"}"#;
    let order: Order = serde_json::from_str(line).unwrap();
    assert_eq!(order.identify(), order.id);
    let told = serde_json::to_value(&order).unwrap();
    assert_eq!(told, serde_json::from_str::<serde_json::Value>(line).unwrap());
}

/// Those that are not about containment: what senses, parses and keeps evidence.
const OTHERS: [u32; 4] = [1, 2, 3, 15];

#[test]
fn every_statement_about_containment_is_held_by_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read =
        |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|_| panic!("{path} is missing"));
    let security = read("docs/security.md");
    let number = |line: &str| line.split_once(". **").and_then(|(number, _)| number.parse::<u32>().ok());
    let stated: BTreeSet<u32> = security.lines().filter_map(number).collect();
    let page = read("docs/containment.md");
    let (prose, table) = page.split_once("## What holds it").unwrap();
    let mut held = BTreeSet::new();
    for row in table.lines().filter(|line| line.contains('`')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, number, cited, _] = cells.as_slice() else { panic!("{row}") };
        let words: Vec<&str> = cited.split('`').collect();
        let [_, file, _, test, _] = words.as_slice() else { panic!("{row}") };
        assert!(read(file).contains(&format!("fn {test}(")), "{file} has no {test}");
        held.insert(number.parse::<u32>().unwrap());
    }
    let expected: BTreeSet<u32> = stated.iter().copied().filter(|number| !OTHERS.contains(number)).collect();
    assert_eq!(held, expected, "statements held, and those that are to be");
    for number in expected {
        let is_cited = prose.split('(').skip(1).any(|rest| {
            let within = rest.split(')').next().unwrap_or_default();
            within.split(", ").any(|word| word.parse() == Ok(number))
        });
        assert!(is_cited, "the page does not say what statement {number} means for the plant");
    }
}
