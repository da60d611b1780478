//! Hostile NATS servers and MQTT brokers: whatever they say is read alike in one piece and in many, or told as what it is.
#![no_main]

use std::fmt::{Debug, Display};

use fieldwarden_response::forward::{
    mqtt::packet,
    nats::protocol::{self, Said},
};
use libfuzzer_sys::fuzz_target;

/// Octets that may wait to be understood: a line of NATS is the longest.
const LONGEST: usize = 70_000;

/// All that is said, and how it ended; `pieces` octets at a time.
fn all<T, E: Display>(
    octets: &[u8],
    pieces: usize,
    read: impl Fn(&[u8]) -> Result<Option<(T, usize)>, E>,
) -> (Vec<T>, Option<String>) {
    let (mut held, mut said) = (Vec::new(), Vec::new());
    for piece in octets.chunks(pieces) {
        held.extend_from_slice(piece);
        loop {
            match read(&held) {
                Ok(Some((one, length))) => {
                    assert!(0 < length && length <= held.len());
                    held.drain(..length);
                    said.push(one);
                }
                Ok(None) => break,
                Err(error) => return (said, Some(error.to_string())),
            }
        }
        assert!(held.len() < LONGEST + pieces);
    }
    (said, None)
}

fn alike<T: PartialEq + Debug, E: Display>(
    octets: &[u8],
    read: fn(&[u8]) -> Result<Option<(T, usize)>, E>,
) -> Vec<T> {
    let (whole, end) = all(octets, octets.len().max(1), read);
    let (pieces, end_of_pieces) = all(octets, 7, read);
    assert_eq!((&whole, &end), (&pieces, &end_of_pieces));
    whole
}

fuzz_target!(|octets: &[u8]| {
    for said in alike(octets, protocol::read) {
        if let Said::Err(text) = said {
            assert!(!text.chars().any(char::is_control), "it is shown to people");
        }
    }
    for said in alike(octets, packet::read) {
        if let packet::Packet::Disconnect(answer) = said {
            assert!(!answer.words.unwrap_or_default().chars().any(char::is_control));
            let _ = packet::reason(answer.reason);
        }
    }
});
