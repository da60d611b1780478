//! Hostile frames through the whole engine: nothing panics, and two hash seeds say the same.
#![no_main]

use fieldwarden_engine::{Engine, Input, Output, Seed, Settings, json};
use fieldwarden_model::{FrameRef, LinkType, RawFrame, Timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(said(bytes, 1), said(bytes, 2));
});

/// Frames are cut out of the input: a length octet, a pause octet, then the frame.
fn said(bytes: &[u8], seed: u64) -> Vec<String> {
    let mut engine = Engine::new(Settings { seed: Seed(seed), ..Settings::default() });
    let mut said = Vec::new();
    let mut take = |output| {
        if let Output::Alert(alert) = output {
            said.push(json::alert(&alert, json::Captures::One));
        }
    };
    let (mut rest, mut number, mut nanos) = (bytes, 0, 0);
    while let [length, pause, more @ ..] = rest {
        let (frame, after) = more.split_at(usize::from(*length).min(more.len()));
        rest = after;
        number += 1;
        nanos += i64::from(*pause) * 50_000_000;
        let wire_length = u32::from(*length);
        let time = Timestamp::from_nanos(nanos);
        let frame = RawFrame { time, link_type: LinkType::ETHERNET, interface: 0, wire_length, tag: None, bytes: frame };
        engine.step(Input::Frame { frame, reference: FrameRef { capture: 0, number } }, &mut take);
    }
    engine.finish(&mut take);
    let mut other = Engine::new(Settings::default());
    assert!(other.restore(&engine.checkpoint(), Timestamp::from_nanos(nanos)).is_ok());
    said
}
