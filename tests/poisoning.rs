//! The guard against poisoning: an attack that is present while a baseline is learned is not learned, whenever it comes.
//!
//! A shift is learned from that is followed, after a pause of any length, by another one in which somebody attacks. Then the
//! attack is replayed: whatever a baseline of the shift alone tells of the attacker must be told.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]
#![expect(dead_code, reason = "the helpers are shared with other tests")]

#[path = "common/mod.rs"]
mod common;

use std::{collections::BTreeSet, path::Path, time::Duration};

use common::{
    frames::{Frame, read},
    random::Random,
    scale_is_full,
};
use fieldwarden_engine::{
    Baseline, Engine, Input, Learner, Output, Seed, Settings,
    baseline::{
        guard::{Guard, GuardedLearner, Lesson},
        learn,
    },
};
use fieldwarden_model::{Alert, FrameRef, Talker};

/// Attacks that nobody needs a baseline to recognise.
const PLAIN: [&str; 4] = ["function-scan", "plc-stop", "program-download", "shipped-attack"];
/// Attacks that look like an operator's work.
const QUIET: [&str; 2] = ["rogue-write", "s7-write"];

fn pcap(name: &str) -> Vec<Frame> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("pcaps/{name}.pcap")))
}

/// A shift, and after a pause another one.
fn followed(shift: &[Frame], pause: Duration, after: &[Frame]) -> Vec<Frame> {
    let begin = shift.last().unwrap().time.saturating_add(pause);
    let first = after[0].time;
    let moved = after.iter().map(|frame| {
        let since = frame.time.since(first);
        Frame { time: begin.saturating_add(since), ..frame.clone() }
    });
    shift.iter().cloned().chain(moved).collect()
}

fn guarded(frames: &[Frame], guard: Guard) -> Lesson {
    let mut learner = GuardedLearner::new(learn::Settings::default(), guard);
    for (frame, number) in frames.iter().zip(1..) {
        learner.frame(frame.raw(), FrameRef { capture: 0, number });
    }
    learner.finish()
}

fn trusting(frames: &[Frame]) -> Baseline {
    let mut learner = Learner::new(learn::Settings::default());
    for (frame, number) in frames.iter().zip(1..) {
        learner.frame(frame.raw(), FrameRef { capture: 0, number });
    }
    learner.finish()
}

fn alerts(frames: &[Frame], baseline: &Baseline) -> Vec<Alert> {
    let mut engine =
        Engine::new(Settings { baseline: Some(baseline.clone()), seed: Seed(5), ..Settings::default() });
    let mut alerts = Vec::new();
    let mut take = |output| {
        if let Output::Alert(alert) = output {
            alerts.push(alert);
        }
    };
    for (frame, number) in frames.iter().zip(1..) {
        engine
            .step(Input::Frame { frame: frame.raw(), reference: FrameRef { capture: 0, number } }, &mut take);
    }
    engine.finish(&mut take);
    alerts
}

/// What was told of attackers: the detector, who, to whom, about what.
fn told(
    alerts: &[Alert],
    of: &BTreeSet<Talker>,
) -> BTreeSet<(String, Talker, Option<Talker>, Option<String>)> {
    let own = alerts.iter().filter(|alert| of.contains(&alert.client));
    own.map(|alert| (alert.detector.clone(), alert.client, alert.server, alert.points.clone())).collect()
}

/// Who of an attack is no talker of the shift.
fn strangers(attack: &[Alert], shift: &Baseline) -> BTreeSet<Talker> {
    let known: BTreeSet<Talker> = shift.talkers.iter().map(|known| known.talker).collect();
    attack.iter().map(|alert| alert.client).filter(|client| !known.contains(client)).collect()
}

fn pauses(name: &str) -> Vec<Duration> {
    let mut random = Random::seeded(Path::new(name));
    let count = if scale_is_full() { 20 } else { 3 };
    (0..count).map(|_| Duration::from_millis(u64::try_from(random.below(3_000_000)).unwrap())).collect()
}

fn nothing_of_it_is_learned(name: &str, guard: Guard) {
    let (shift, attack) = (pcap("normal-shift"), pcap(name));
    let clean = trusting(&shift);
    let expected = alerts(&attack, &clean);
    let attackers = strangers(&expected, &clean);
    assert!(!attackers.is_empty(), "{name}: nobody attacks");
    for pause in pauses(name) {
        let lesson = guarded(&followed(&shift, pause, &attack), guard);
        let got = alerts(&attack, &lesson.baseline);
        let missing: Vec<_> =
            told(&expected, &attackers).difference(&told(&got, &attackers)).cloned().collect();
        assert!(missing.is_empty(), "{name} after {pause:?}, {guard:?}: learned to be normal: {missing:?}");
        let waits = |talker: &Talker| lesson.quarantine.talkers.iter().any(|own| own.talker == *talker);
        assert!(attackers.iter().all(waits), "{name} after {pause:?}: who was set apart is told");
        assert!(!lesson.reasons.is_empty(), "{name}: and why");
    }
}

#[test]
fn an_attack_that_shows_itself_is_not_learned() {
    for name in PLAIN {
        nothing_of_it_is_learned(name, Guard::Incidents);
    }
}

#[test]
fn a_strict_guard_learns_no_attack_of_whoever_comes_late() {
    for name in PLAIN.into_iter().chain(QUIET) {
        nothing_of_it_is_learned(name, Guard::Strict);
    }
}

#[test]
fn what_is_normal_is_learned_in_spite_of_an_attack() {
    let (shift, next) = (pcap("normal-shift"), pcap("normal-shift-2"));
    let clean = alerts(&next, &trusting(&shift)).len();
    for name in PLAIN {
        let lesson = guarded(&followed(&shift, Duration::from_secs(60), &pcap(name)), Guard::Incidents);
        let told = alerts(&next, &lesson.baseline);
        assert_eq!(
            told.len(),
            clean,
            "{name}: {:?}",
            told.iter().map(|alert| &alert.summary).collect::<Vec<_>>()
        );
    }
}

#[test]
fn an_ordinary_shift_leaves_nothing_to_ask_about() {
    let shift = pcap("normal-shift");
    let lesson = guarded(&shift, Guard::Incidents);
    assert_eq!(lesson.baseline, trusting(&shift));
    assert!(lesson.quarantine.talkers.is_empty() && lesson.quarantine.conversations.is_empty());
    assert!(lesson.reasons.is_empty());
}
