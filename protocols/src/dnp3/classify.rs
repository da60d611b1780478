//! Function codes (IEEE 1815 clause 4.2.2.5): verbs and names.

use fieldwarden_model::Verb;

/// Whether the standard has the function.
pub(super) const fn is_known(function: u8) -> bool {
    matches!(function, 0..=33 | 129..=131)
}

/// The verb and the name of a function, whatever it is applied to.
pub(super) const fn function(function: u8) -> (Verb, &'static str) {
    match function {
        0 => (Verb::Associate, "confirm"),
        1 => (Verb::Read, "read"),
        2 => (Verb::Write, "write"),
        3 => (Verb::Operate, "select"),
        4 => (Verb::Operate, "operate"),
        5 => (Verb::Operate, "direct operate"),
        6 => (Verb::Operate, "direct operate, no response"),
        7 => (Verb::Operate, "immediate freeze"),
        8 => (Verb::Operate, "immediate freeze, no response"),
        9 => (Verb::Operate, "freeze and clear"),
        10 => (Verb::Operate, "freeze and clear, no response"),
        11 => (Verb::Operate, "freeze at time"),
        12 => (Verb::Operate, "freeze at time, no response"),
        13 => (Verb::Mode, "cold restart"),
        14 => (Verb::Mode, "warm restart"),
        15 => (Verb::Mode, "initialize data"),
        16 => (Verb::Mode, "initialize application"),
        17 => (Verb::Mode, "start application"),
        18 => (Verb::Mode, "stop application"),
        19 => (Verb::Configure, "save configuration"),
        20 => (Verb::Configure, "enable unsolicited responses"),
        21 => (Verb::Configure, "disable unsolicited responses"),
        22 => (Verb::Configure, "assign class"),
        23 => (Verb::Time, "delay measurement"),
        24 => (Verb::Time, "record current time"),
        25 => (Verb::Transfer, "open file"),
        26 => (Verb::Transfer, "close file"),
        27 => (Verb::Transfer, "delete file"),
        28 => (Verb::Transfer, "get file information"),
        29 => (Verb::Transfer, "authenticate file"),
        30 => (Verb::Transfer, "abort file transfer"),
        31 => (Verb::Configure, "activate configuration"),
        32 => (Verb::Associate, "authentication request"),
        33 => (Verb::Associate, "authentication request, no acknowledgement"),
        129 => (Verb::Read, "response"),
        130 => (Verb::Read, "unsolicited response"),
        131 => (Verb::Associate, "authentication response"),
        _ => (Verb::Unknown, "unknown function"),
    }
}

/// The verb and name of a function applied to a group: reading attributes is discovery, writing the time sets it.
pub(super) const fn applied(code: u8, group: u8) -> (Verb, &'static str) {
    match (code, group) {
        (1 | 129 | 130, 0) => (Verb::Discover, "read device attributes"),
        (1, 50..=52) => (Verb::Time, "read time"),
        (1 | 129, 70) => (Verb::Transfer, "read file"),
        (130, 70) => (Verb::Transfer, "file event"),
        (129, 50..=52) => (Verb::Time, "time"),
        (2, 0) => (Verb::Configure, "write device attributes"),
        (2, 34) => (Verb::Configure, "write dead band"),
        (2, 50) => (Verb::Time, "write time"),
        (2, 70) => (Verb::Transfer, "write file"),
        (2, 80) => (Verb::Configure, "write internal indications"),
        (2, 81..=91) => (Verb::Configure, "write data set or profile"),
        (_, 120) => (Verb::Associate, "authenticate"),
        _ => function(code),
    }
}
