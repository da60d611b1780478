//! Hostile checkpoints: refused or taken, never a panic.
#![no_main]

use fieldwarden_engine::{Engine, Settings};
use fieldwarden_model::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut engine = Engine::new(Settings::default());
    if engine.restore(bytes, Timestamp::from_seconds(1)).is_ok() {
        let _ = engine.checkpoint();
    }
});
