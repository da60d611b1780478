//! Frames judged by the batch, on one thread or several, say what frames judged one after the other say.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]
#![expect(dead_code, reason = "the helpers are shared with other tests")]

#[path = "common/mod.rs"]
mod common;

use std::time::Duration;

use common::{
    captures,
    frames::{Frame, read},
    random::Random,
    scale_is_full,
};
use fieldwarden_engine::{
    Engine, Input, Learner, Output, Seed, Settings,
    baseline::learn,
    json::{self, Captures},
};
use fieldwarden_model::{FrameRef, RawFrame};

/// Captures larger than this are run at full scale alone.
const SMALL: u64 = 1_500_000;

#[test]
fn batches_and_threads_change_nothing() {
    let mut told = 0;
    for path in captures() {
        if !scale_is_full() && path.metadata().is_ok_and(|data| data.len() > SMALL) {
            continue;
        }
        let frames = read(&path);
        let numbered: Vec<(FrameRef, RawFrame<'_>)> = frames
            .iter()
            .zip(1..)
            .map(|(frame, number)| (FrameRef { capture: 0, number }, frame.raw()))
            .collect();
        let mut random = Random::seeded(&path);
        let expected = one_by_one(&frames, &numbered);
        told += expected.len();
        for threads in [1, 3] {
            let mut cut = Vec::new();
            let mut rest = numbered.as_slice();
            while !rest.is_empty() {
                let count = (1 + random.below(3_000)).min(rest.len());
                cut.push(&rest[..count]);
                rest = &rest[count..];
            }
            let got = by_the_batch(&frames, &cut, threads);
            for (n, (got, expected)) in got.iter().zip(&expected).enumerate() {
                assert_eq!(got, expected, "{}: output {n} on {threads} threads", path.display());
            }
            assert_eq!(got.len(), expected.len(), "{} on {threads} threads", path.display());
        }
    }
    assert!(told > 1_000, "only {told} outputs were compared");
}

#[test]
fn frames_minutes_apart_are_judged_alike_in_bounded_memory() {
    let mut frames = read(&common::root().join("pcaps/rogue-write.pcap"));
    frames.truncate(400);
    let start = frames[0].time;
    for (frame, nth) in frames.iter_mut().zip(0..) {
        frame.time = start.saturating_add(Duration::from_secs(590 * nth));
    }
    let numbered: Vec<(FrameRef, RawFrame<'_>)> = frames
        .iter()
        .zip(1..)
        .map(|(frame, number)| (FrameRef { capture: 0, number }, frame.raw()))
        .collect();
    assert_eq!(by_the_batch(&frames, &[&numbered], 2), one_by_one(&frames, &numbered));
}

fn one_by_one(frames: &[Frame], numbered: &[(FrameRef, RawFrame<'_>)]) -> Vec<String> {
    let mut engine = engine(frames, 1);
    let mut lines = Vec::new();
    for (reference, frame) in numbered {
        let input = Input::Frame { frame: *frame, reference: *reference };
        engine.step(input, &mut |output| lines.push(line(&output)));
    }
    close(engine, lines)
}

fn by_the_batch(frames: &[Frame], batches: &[&[(FrameRef, RawFrame<'_>)]], threads: usize) -> Vec<String> {
    let mut engine = engine(frames, threads);
    let mut lines = Vec::new();
    for batch in batches {
        engine.frames(batch, &mut |output| lines.push(line(&output)));
    }
    close(engine, lines)
}

/// An engine whose baseline is the first third of the capture, so that there is something to tell of the rest.
fn engine(frames: &[Frame], threads: usize) -> Engine {
    let mut learner = Learner::new(learn::Settings { seed: Seed(3), ..learn::Settings::default() });
    for (frame, number) in frames.iter().take(frames.len() / 3).zip(1..) {
        learner.frame(frame.raw(), FrameRef { capture: 0, number });
    }
    Engine::new(Settings { baseline: Some(learner.finish()), seed: Seed(5), threads, ..Settings::default() })
}

fn close(mut engine: Engine, mut lines: Vec<String>) -> Vec<String> {
    engine.finish(&mut |output| lines.push(line(&output)));
    lines.extend(engine.incidents().iter().map(json::incident));
    lines.push(json::summary(&engine.summary()));
    lines.push(String::from_utf8(engine.checkpoint()).unwrap());
    lines
}

fn line(output: &Output) -> String {
    match output {
        Output::Alert(alert) => json::alert(alert, Captures::One),
        Output::Incident(incident) => json::incident(incident),
        other => format!("{other:?}"),
    }
}
