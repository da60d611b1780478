//! Function codes (AP 5.1, 6): their numbers, their names, and the verb each stands for.

use fieldwarden_model::Verb;

/// Read Coils (AP 6.1).
pub(super) const READ_COILS: u8 = 1;
/// Read Discrete Inputs (AP 6.2).
pub(super) const READ_DISCRETE_INPUTS: u8 = 2;
/// Read Holding Registers (AP 6.3).
pub(super) const READ_HOLDING_REGISTERS: u8 = 3;
/// Read Input Registers (AP 6.4).
pub(super) const READ_INPUT_REGISTERS: u8 = 4;
/// Write Single Coil (AP 6.5).
pub(super) const WRITE_COIL: u8 = 5;
/// Write Single Register (AP 6.6).
pub(super) const WRITE_REGISTER: u8 = 6;
/// Read Exception Status (AP 6.7).
pub(super) const EXCEPTION_STATUS: u8 = 7;
/// Diagnostics (AP 6.8).
pub(super) const DIAGNOSTICS: u8 = 8;
/// Get Comm Event Counter (AP 6.9).
pub(super) const EVENT_COUNTER: u8 = 11;
/// Get Comm Event Log (AP 6.10).
pub(super) const EVENT_LOG: u8 = 12;
/// Write Multiple Coils (AP 6.11).
pub(super) const WRITE_COILS: u8 = 15;
/// Write Multiple Registers (AP 6.12).
pub(super) const WRITE_REGISTERS: u8 = 16;
/// Report Server ID (AP 6.13).
pub(super) const REPORT_SERVER_ID: u8 = 17;
/// Read File Record (AP 6.14).
pub(super) const READ_FILE: u8 = 20;
/// Write File Record (AP 6.15).
pub(super) const WRITE_FILE: u8 = 21;
/// Mask Write Register (AP 6.16).
pub(super) const MASK_WRITE: u8 = 22;
/// Read/Write Multiple Registers (AP 6.17).
pub(super) const READ_WRITE: u8 = 23;
/// Read FIFO Queue (AP 6.18).
pub(super) const READ_FIFO: u8 = 24;
/// Encapsulated Interface Transport (AP 6.19).
pub(super) const ENCAPSULATED: u8 = 43;
/// Schneider's programming protocol for Unity controllers, commonly called UMAS; not public.
pub(super) const UNITY: u8 = 90;

/// CANopen General Reference within function 43 (AP 6.20).
pub(super) const MEI_CANOPEN: u8 = 13;
/// Read Device Identification within function 43 (AP 6.21).
pub(super) const MEI_IDENTIFICATION: u8 = 14;

/// The bit that marks an exception response (AP 7).
pub(super) const EXCEPTION_BIT: u8 = 0x80;

/// Return Query Data, the loop-back of function 8 (AP 6.8.1).
pub(super) const RETURN_QUERY_DATA: u16 = 0;

/// Whether the standard describes this function.
pub(super) const fn is_public(function: u8) -> bool {
    matches!(function, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43)
}

/// What the function does and what the standard calls it. `sub` is the sub-function of function 8, the MEI type of
/// function 43 and the code of function 90, otherwise 0.
pub(super) const fn describe(function: u8, sub: u16) -> (Verb, &'static str) {
    match function {
        READ_COILS => (Verb::Read, "Read coils"),
        READ_DISCRETE_INPUTS => (Verb::Read, "Read discrete inputs"),
        READ_HOLDING_REGISTERS => (Verb::Read, "Read holding registers"),
        READ_INPUT_REGISTERS => (Verb::Read, "Read input registers"),
        WRITE_COIL => (Verb::Write, "Write single coil"),
        WRITE_REGISTER => (Verb::Write, "Write single register"),
        EXCEPTION_STATUS => (Verb::Diagnose, "Read exception status"),
        DIAGNOSTICS => diagnostic(sub),
        EVENT_COUNTER => (Verb::Diagnose, "Get communication event counter"),
        EVENT_LOG => (Verb::Diagnose, "Get communication event log"),
        WRITE_COILS => (Verb::Write, "Write multiple coils"),
        WRITE_REGISTERS => (Verb::Write, "Write multiple registers"),
        REPORT_SERVER_ID => (Verb::Discover, "Report server identity"),
        READ_FILE => (Verb::Read, "Read file record"),
        WRITE_FILE => (Verb::Write, "Write file record"),
        MASK_WRITE => (Verb::Write, "Mask write register"),
        READ_WRITE => (Verb::Write, "Read/write multiple registers"),
        READ_FIFO => (Verb::Read, "Read FIFO queue"),
        ENCAPSULATED if sub == MEI_IDENTIFICATION as u16 => (Verb::Discover, "Read device identification"),
        ENCAPSULATED if sub == MEI_CANOPEN as u16 => (Verb::Unknown, "CANopen general reference"),
        ENCAPSULATED => (Verb::Unknown, "Encapsulated interface transport"),
        UNITY => super::unity::describe(sub),
        65..=72 | 100..=110 => (Verb::Unknown, "User-defined function"),
        _ => (Verb::Unknown, "Unknown function"),
    }
}

/// The sub-functions of function 8 that the standard describes (AP 6.8.1).
pub(super) const fn is_known_diagnostic(sub: u16) -> bool {
    matches!(sub, 0..=4 | 10..=18 | 20)
}

const fn diagnostic(sub: u16) -> (Verb, &'static str) {
    match sub {
        RETURN_QUERY_DATA => (Verb::Diagnose, "Return query data"),
        1 => (Verb::Mode, "Restart communications option"),
        2 => (Verb::Diagnose, "Return diagnostic register"),
        3 => (Verb::Diagnose, "Change ASCII input delimiter"),
        4 => (Verb::Mode, "Force listen only mode"),
        10 => (Verb::Diagnose, "Clear counters and diagnostic register"),
        11 => (Verb::Diagnose, "Return bus message count"),
        12 => (Verb::Diagnose, "Return bus communication error count"),
        13 => (Verb::Diagnose, "Return bus exception error count"),
        14 => (Verb::Diagnose, "Return server message count"),
        15 => (Verb::Diagnose, "Return server no response count"),
        16 => (Verb::Diagnose, "Return server NAK count"),
        17 => (Verb::Diagnose, "Return server busy count"),
        18 => (Verb::Diagnose, "Return bus character overrun count"),
        20 => (Verb::Diagnose, "Clear overrun counter and flag"),
        _ => (Verb::Diagnose, "Diagnostics"),
    }
}
