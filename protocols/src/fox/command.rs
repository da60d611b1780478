//! What a command does, told by its channel and its first word: Fox has names where other protocols have numbers.

use fieldwarden_model::Verb;

/// Words that a command begins with, in this order, and what such a command does.
const WORDS: [(&str, Verb, &str); 30] = [
    ("restart", Verb::Mode, "restart"),
    ("reboot", Verb::Mode, "restart"),
    ("kill", Verb::Mode, "stop"),
    ("stop", Verb::Mode, "stop"),
    ("start", Verb::Mode, "start"),
    ("install", Verb::Program, "install"),
    ("upgrade", Verb::Program, "install"),
    ("commission", Verb::Program, "install"),
    ("invoke", Verb::Operate, "invoke action"),
    ("settime", Verb::Time, "set time"),
    ("set", Verb::Write, "set"),
    ("write", Verb::Write, "write"),
    ("put", Verb::Transfer, "put file"),
    ("upload", Verb::Transfer, "upload"),
    ("download", Verb::Transfer, "download"),
    ("add", Verb::Configure, "change station"),
    ("remove", Verb::Configure, "change station"),
    ("delete", Verb::Configure, "change station"),
    ("rename", Verb::Configure, "change station"),
    ("reorder", Verb::Configure, "change station"),
    ("sync", Verb::Configure, "change station"),
    ("get", Verb::Read, "read"),
    ("load", Verb::Read, "read"),
    ("read", Verb::Read, "read"),
    ("list", Verb::Read, "read"),
    ("resolve", Verb::Read, "read"),
    ("query", Verb::Read, "read"),
    ("sub", Verb::Read, "subscribe"),
    ("unsub", Verb::Read, "unsubscribe"),
    ("event", Verb::Read, "event"),
];

/// The verb and the name of a command.
pub(super) fn of(channel: &str, command: &str) -> (Verb, &'static str) {
    match (channel, command) {
        ("fox", "hello") => return (Verb::Associate, "hello"),
        ("fox", "rejected") => return (Verb::Associate, "reject session"),
        ("fox", _) => return (Verb::Associate, "session"),
        ("file", _) => return (Verb::Transfer, "file"),
        ("backup", _) => return (Verb::Transfer, "backup"),
        ("user" | "crypto", _) if begins(command, "get") => return (Verb::Read, "read security"),
        ("user" | "crypto", _) => return (Verb::Configure, "change security"),
        _ => {}
    }
    // A command may be qualified by an object: `keystore.getCertificates`.
    let word = command.rsplit('.').next().unwrap_or_default();
    let known = WORDS.iter().find(|(start, ..)| begins(word, start));
    known.map_or((Verb::Unknown, "unknown command"), |(_, verb, name)| (*verb, name))
}

fn begins(word: &str, start: &str) -> bool {
    word.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start))
}

/// A number for a command: CRC-16 (polynomial 0x1021 reflected, from 0) of `channel command`, above 65,535.
pub(super) fn number(channel: &str, command: &str) -> u32 {
    let octets = channel.bytes().chain([b' ']).chain(command.bytes());
    let crc = octets.fold(0_u16, |crc, octet| {
        (0..8).fold(crc ^ u16::from(octet), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x8408 })
    });
    0x1_0000 | u32::from(crc)
}
