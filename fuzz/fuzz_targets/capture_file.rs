//! Hostile capture files.
#![no_main]

use std::io::Cursor;

use fieldwarden_sensor::{CaptureFile, FrameSource, Next};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = CaptureFile::from_reader("fuzz", Cursor::new(bytes.to_vec()), 0) else { return };
    // Every call takes octets away or ends; a file cannot hold more frames than octets.
    for _ in 0..=bytes.len() * 2 {
        if matches!(file.next_frame(), Ok(Next::End)) {
            return;
        }
    }
    panic!("no end after {} calls", bytes.len() * 2);
});
