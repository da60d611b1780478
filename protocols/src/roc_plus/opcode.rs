//! Opcodes (RP chapter 2): verb, name, octets that a request has at least.

use fieldwarden_model::Verb;

pub(super) const READ_TABLE: u8 = 10;
pub(super) const WRITE_TABLE: u8 = 11;
pub(super) const LOGIN: u8 = 17;
pub(super) const FORWARD: u8 = 24;
pub(super) const WRITE_POINT: u8 = 166;
pub(super) const READ_POINT: u8 = 167;
pub(super) const READ_PARAMETERS: u8 = 180;
pub(super) const WRITE_PARAMETERS: u8 = 181;
pub(super) const FILE: u8 = 203;
pub(super) const SIGNAL: u8 = 224;
pub(super) const ERROR: u8 = 255;

/// The name of an opcode of RP.
pub(super) const fn name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        6 => "read system configuration",
        7 => "read clock",
        8 => "set clock",
        READ_TABLE => "read configurable opcode table",
        WRITE_TABLE => "write configurable opcode table",
        LOGIN => "login",
        FORWARD => "store and forward",
        50 => "read i/o positions",
        100 => "access user defined information",
        105 => "read history minimum and maximum",
        108 => "read history tags",
        118 => "read alarms",
        119 => "read events",
        135 => "read one history point",
        136 => "read several history points",
        137 => "read history index",
        138 => "read daily and periodic history",
        139 => "read history information",
        WRITE_POINT => "write point parameters",
        READ_POINT => "read point parameters",
        READ_PARAMETERS => "read parameters",
        WRITE_PARAMETERS => "write parameters",
        FILE => "transfer file",
        205 => "peer message",
        206 => "read transaction history",
        SIGNAL => "report by exception",
        225 => "acknowledge report by exception",
        ERROR => "error",
        _ => return None,
    })
}

/// The verb of an opcode.
pub(super) const fn verb(opcode: u8) -> Verb {
    match opcode {
        6 => Verb::Discover,
        7 | 8 => Verb::Time,
        // The tables say which parameters a block has; what is written to them goes through to the parameters.
        WRITE_TABLE | WRITE_POINT | WRITE_PARAMETERS => Verb::Write,
        LOGIN | 225 => Verb::Associate,
        FORWARD | FILE | 205 => Verb::Transfer,
        READ_TABLE | READ_POINT | READ_PARAMETERS | SIGNAL => Verb::Read,
        50 | 100 | 105 | 108 | 118 | 119 | 135..=139 | 206 => Verb::Read,
        _ => Verb::Unknown,
    }
}

/// Octets of data that a request has at least.
pub(super) const fn least(opcode: u8) -> usize {
    match opcode {
        LOGIN | WRITE_TABLE | READ_PARAMETERS => 4,
        READ_TABLE | WRITE_POINT | WRITE_PARAMETERS => 4,
        READ_POINT => 4,
        8 => 7,
        FORWARD => 12,
        FILE => 1,
        _ => 0,
    }
}

/// What a file transfer does, by its first octet.
pub(super) const fn file_step(step: u8) -> &'static str {
    match step {
        1 => "open file",
        2 => "read file",
        3 => "write file",
        4 => "close file",
        5 => "close all files",
        6 | 0x40 => "read directory",
        _ => "transfer file",
    }
}

/// The name of an error (RP 2, opcode 255).
pub(super) const fn error(code: u8) -> &'static str {
    match code {
        1 => "invalid opcode request",
        2 => "invalid parameter number",
        3 => "invalid logical number",
        4 => "invalid point type",
        5 => "received too many data bytes",
        6 => "received too few data bytes",
        13 => "outside valid address range",
        20 => "security error",
        25 => "invalid parameter range",
        50 => "general error",
        _ => "unknown error",
    }
}
