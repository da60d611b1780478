//! Hostile replies of a switch: octets to messages, messages to ports, and the table of who was heard.
#![no_main]

use fieldwarden_enforcer::drivers::ovsdb::{
    rows::{Snapshot, heard},
    uplinks,
    wire::{Framer, Message, decode},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut frames = Framer::default();
    for piece in bytes.chunks(7) {
        frames.push(piece);
        while let Ok(Some(message)) = frames.next_message() {
            let Ok(Message::Reply { result, .. }) = decode(&message) else { continue };
            let Ok(snapshot) = Snapshot::read(&result) else { continue };
            for (name, port) in &snapshot.ports {
                let _ = uplinks::refusal(name, port, None, &[].into());
            }
        }
    }
    let _ = heard(&String::from_utf8_lossy(bytes)).count();
});
