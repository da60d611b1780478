//! Hostile lines on the enforcer's socket and in its journal.
#![no_main]

use fieldwarden_enforcer::{journal, wire};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = wire::parse_ask(bytes);
    let _ = journal::parse_line(bytes);
    let mut lines = wire::LineBuffer::default();
    for piece in bytes.chunks(7) {
        let _ = lines.push(piece);
    }
});
