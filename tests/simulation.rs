//! A plant that is simulated for days: its ordinary life raises no incident, and subtle attacks within it are found.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "measurements of the simulated process"
)]
#![expect(dead_code, reason = "the helpers are shared with other tests")]

#[path = "common/mod.rs"]
mod common;
#[path = "../lab/generate/traffic/random.rs"]
mod random;
#[path = "../lab/simulate/mod.rs"]
mod simulate;
#[path = "../lab/generate/traffic/wire.rs"]
mod wire;

use std::sync::OnceLock;

use common::scale_is_full;
use fieldwarden_engine::{Baseline, Engine, Input, Learner, Output, Seed, Settings, baseline::learn};
use fieldwarden_model::{Alert, FrameRef, LinkType, RawFrame, Timestamp};
use simulate::{BEGIN, DAY, Deed, HOUR, Message, Plant, SECOND, recipe};

fn frame(time: u64, octets: &[u8]) -> RawFrame<'_> {
    RawFrame {
        time: Timestamp::from_nanos(i64::try_from(time).unwrap()),
        link_type: LinkType::ETHERNET,
        interface: 0,
        wire_length: u32::try_from(octets.len()).unwrap(),
        tag: None,
        bytes: octets,
    }
}

/// Learned from a day of the plant.
fn baseline() -> &'static Baseline {
    static LEARNED: OnceLock<Baseline> = OnceLock::new();
    LEARNED.get_or_init(|| learned(1, BEGIN, BEGIN + DAY, Vec::new()))
}

fn learned(seed: u64, from: u64, until: u64, deeds: Vec<Deed>) -> Baseline {
    let mut learner = Learner::new(learn::Settings::default());
    let mut number = 0;
    Plant::new(seed, from, until, deeds).live(&mut |time, octets| {
        number += 1;
        learner.frame(frame(time, octets), FrameRef { capture: 0, number });
    });
    learner.finish()
}

/// What is told of a plant that lives from one moment to another.
fn alerts(seed: u64, from: u64, until: u64, deeds: Vec<Deed>) -> Vec<Alert> {
    judged(baseline(), seed, from, until, deeds)
}

fn judged(baseline: &Baseline, seed: u64, from: u64, until: u64, deeds: Vec<Deed>) -> Vec<Alert> {
    let settings = Settings { baseline: Some(baseline.clone()), seed: Seed(seed), ..Settings::default() };
    let mut engine = Engine::new(settings);
    let mut alerts = Vec::new();
    let mut take = |output| {
        if let Output::Alert(alert) = output {
            alerts.push(alert);
        }
    };
    let mut number = 0;
    Plant::new(seed, from, until, deeds).live(&mut |time, octets| {
        number += 1;
        let reference = FrameRef { capture: 0, number };
        engine.step(Input::Frame { frame: frame(time, octets), reference }, &mut take);
    });
    engine.finish(&mut take);
    alerts
}

/// A day, learned from the day before; where the counts are full two of them, and two weeks learned from their first tenth, which sees the
/// once a day of the engineer come round.
#[test]
fn an_ordinary_plant_raises_no_incident_in_days_and_weeks() {
    let days = if scale_is_full() { 2 } else { 1 };
    let mut told = alerts(2, BEGIN + DAY, BEGIN + (1 + days) * DAY, Vec::new());
    if scale_is_full() {
        let tenth = BEGIN + 14 * DAY / 10;
        let baseline = learned(4, BEGIN, tenth, Vec::new());
        told.extend(judged(&baseline, 4, tenth, BEGIN + 14 * DAY, Vec::new()));
    }
    let told: Vec<String> = told.iter().map(|alert| format!("{} {}", alert.time, alert.summary)).collect();
    assert!(told.is_empty(), "{} false alerts:\n{}", told.len(), told.join("\n"));
}

/// How many of the runs with a deed are found: somebody is told of the station or the controller, and not before the deed.
fn found(what: &str, deed: impl Fn(u64) -> Vec<Deed>) {
    let runs = if scale_is_full() { 200 } else { 8 };
    let from = BEGIN + DAY + 12 * HOUR;
    let named = |run: &u64| {
        let since = Timestamp::from_nanos(i64::try_from(begin(*run)).unwrap());
        let told = alerts(1_000 + run, from, from + HOUR / 2, deed(*run));
        told.iter().any(|alert| alert.time >= since && alert.client.to_string() == STATION)
    };
    let found = (0..runs).filter(named).count() as u64;
    println!("{what}: {found} of {runs} found");
    assert!(found * 100 >= runs * 95, "{what}: {found} of {runs}");
}

const STATION: &str = "10.11.0.1";

/// When the `run`th attack begins.
fn begin(run: u64) -> u64 {
    BEGIN + DAY + 12 * HOUR + (300 + run * 3) * SECOND
}

/// Out of the operator's own station, or beside a controller. In one test, since all of them learn from the same day.
#[test]
fn subtle_attacks_are_found() {
    let controller = |run: u64| usize::try_from(run % 4).unwrap();
    let set_point = |run: u64| u16::try_from(run % 5).unwrap();
    found("a value one beyond its envelope", |run| {
        let [low, .., high] = recipe(set_point(run));
        let value = if run.is_multiple_of(2) { high + 1 } else { low - 1 };
        vec![Deed::Write(begin(run), controller(run), 100 + set_point(run), value)]
    });
    found("a drift of two every twenty seconds, up or down", |run| {
        let middle = recipe(set_point(run))[2];
        let value = |n: u16| if run.is_multiple_of(2) { middle + 2 * n } else { middle - 2 * n };
        let at = |n: u16| begin(run) + u64::from(n) * 20 * SECOND;
        (0..40).map(|n| Deed::Write(at(n), controller(run), 100 + set_point(run), value(n))).collect()
    });
    found("a set-point written back and forth every two seconds", |run| {
        let [low, _, other, _, high] = recipe(set_point(run));
        let values = if run.is_multiple_of(2) { [low, high] } else { [other, high] };
        let at = |n: usize| begin(run) + u64::try_from(n).unwrap() * 2 * SECOND;
        let values = values.into_iter().cycle().take(30).enumerate();
        values.map(|(n, value)| Deed::Write(at(n), controller(run), 100 + set_point(run), value)).collect()
    });
    found("an answer before the controller's own", |run| {
        (0..5).map(|n| Deed::Spoof(begin(run) + n * 10 * SECOND, controller(run))).collect()
    });
    found(
        "measurements that stand still: all of a controller, one of them, or as the station is shown",
        |run| {
            let at = (begin(run), controller(run));
            vec![match run / 4 % 3 {
                0 => Deed::Freeze(at.0, at.1, None),
                1 => Deed::Freeze(at.0, at.1, Some(u16::try_from(run % 10).unwrap())),
                _ => Deed::Replay(at.0, at.1),
            }]
        },
    );
}

/// How many of the runs with a message in the digits are found by what looks at digits.
fn digits_found(what: &str, runs: u64, run: impl Fn(u64) -> Vec<Alert>) {
    let found = (0..runs).filter(|&n| run(n).iter().any(|alert| alert.detector == "covert-channel")).count();
    println!("{what}: {found} of {runs} found");
    assert!(found as u64 * 100 >= runs * 80, "{what}: {found} of {runs}");
}

/// As in the public captures of `tests/score.rs`: the channel is open all the time, four digits in five registers, and the first tenth of
/// the time is what is learned.
#[test]
fn a_channel_that_was_open_before_is_found() {
    let runs = if scale_is_full() { 100 } else { 10 };
    let from = BEGIN + DAY + 12 * HOUR;
    digits_found("a channel that was open before, learned from the first tenth", runs, |run| {
        let controller = usize::try_from(run % 4).unwrap();
        let message = Message { first: u16::try_from(run % 6).unwrap(), registers: 5, digits: 4 };
        let deeds = vec![Deed::Digits(from, controller, message)];
        let (tenth, until) = (from + 240 * SECOND, from + 2_400 * SECOND);
        let baseline = learned(2_000 + run, from, tenth, deeds.clone());
        judged(&baseline, 2_000 + run, tenth, until, deeds)
    });
}

/// One to four digits of one, five or ten registers, measurements and set-points in turn. One digit of a measurement is noise without a
/// message as well, and stays unseen.
#[test]
fn a_channel_that_opens_in_a_known_plant_is_found() {
    let runs = if scale_is_full() { 100 } else { 8 };
    let from = BEGIN + DAY + 12 * HOUR;
    digits_found("a channel that opens in a known plant", runs, |run| {
        let controller = usize::try_from(run % 4).unwrap();
        let first = if run.is_multiple_of(2) { 0 } else { 100 };
        let registers = [1, 5, 10][usize::try_from(run / 8 % 3).unwrap()];
        let message = Message { first, registers, digits: 1 + u32::try_from(run / 2 % 4).unwrap() };
        alerts(3_000 + run, from, from + HOUR / 2, vec![Deed::Digits(begin(run), controller, message)])
    });
}
