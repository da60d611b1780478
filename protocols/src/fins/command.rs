//! Command codes (W342, section 5-1).

use fieldwarden_model::Verb;

/// Memory area read.
pub(super) const READ: u16 = 0x0101;
/// Memory area write.
pub(super) const WRITE: u16 = 0x0102;
/// Memory area fill.
pub(super) const FILL: u16 = 0x0103;
/// Multiple memory area read.
pub(super) const READ_SEVERAL: u16 = 0x0104;
/// Memory area transfer.
pub(super) const COPY: u16 = 0x0105;
/// Run.
pub(super) const RUN: u16 = 0x0401;
/// Controller data read.
pub(super) const CONTROLLER: u16 = 0x0501;
/// Clock read.
pub(super) const CLOCK_READ: u16 = 0x0701;
/// Clock write.
pub(super) const CLOCK_WRITE: u16 = 0x0702;
/// Forced set or reset.
pub(super) const FORCE: u16 = 0x2301;

/// Whether a command is one of the manual.
pub(super) fn is_known(command: u16) -> bool {
    describe(command).0 != Verb::Unknown
}

/// Verb and name of a command.
pub(super) const fn describe(command: u16) -> (Verb, &'static str) {
    match command {
        READ => (Verb::Read, "memory area read"),
        WRITE => (Verb::Write, "memory area write"),
        FILL => (Verb::Write, "memory area fill"),
        READ_SEVERAL => (Verb::Read, "multiple memory area read"),
        COPY => (Verb::Write, "memory area transfer"),
        0x0201 => (Verb::Read, "parameter area read"),
        0x0202 => (Verb::Configure, "parameter area write"),
        0x0203 => (Verb::Configure, "parameter area clear"),
        0x0220 => (Verb::Read, "data link table read"),
        0x0221 => (Verb::Configure, "data link table write"),
        0x0304 => (Verb::Program, "program area protect"),
        0x0305 => (Verb::Program, "program area protect clear"),
        0x0306 => (Verb::Program, "program area read"),
        0x0307 => (Verb::Program, "program area write"),
        0x0308 => (Verb::Program, "program area clear"),
        RUN => (Verb::Mode, "run"),
        0x0402 => (Verb::Mode, "stop"),
        0x0403 => (Verb::Mode, "reset"),
        CONTROLLER => (Verb::Discover, "controller data read"),
        0x0502 => (Verb::Discover, "connection data read"),
        0x0601 => (Verb::Diagnose, "controller status read"),
        0x0602 => (Verb::Diagnose, "network status read"),
        0x0603 => (Verb::Diagnose, "data link status read"),
        0x0620 => (Verb::Diagnose, "cycle time read"),
        CLOCK_READ => (Verb::Time, "clock read"),
        CLOCK_WRITE => (Verb::Time, "clock write"),
        0x0801 => (Verb::Diagnose, "loop-back test"),
        0x0802 => (Verb::Diagnose, "broadcast test results read"),
        0x0803 => (Verb::Diagnose, "broadcast test data send"),
        0x0920 => (Verb::Diagnose, "message read or clear"),
        0x0c01 => (Verb::Associate, "access right acquire"),
        0x0c02 => (Verb::Associate, "access right forced acquire"),
        0x0c03 => (Verb::Associate, "access right release"),
        0x2101 => (Verb::Operate, "error clear"),
        0x2102 => (Verb::Diagnose, "error log read"),
        0x2103 => (Verb::Configure, "error log clear"),
        0x2140 => (Verb::Diagnose, "FINS write access log read"),
        0x2141 => (Verb::Configure, "FINS write access log clear"),
        0x220c => (Verb::Program, "program area file transfer"),
        0x2201..=0x2220 => (Verb::Transfer, file(command)),
        FORCE => (Verb::Operate, "forced set or reset"),
        0x2302 => (Verb::Operate, "forced set or reset cancel"),
        0x230a => (Verb::Read, "multiple forced status read"),
        0x2601 => (Verb::Configure, "name set"),
        0x2602 => (Verb::Configure, "name delete"),
        0x2603 => (Verb::Discover, "name read"),
        _ => (Verb::Unknown, "unknown command"),
    }
}

const fn file(command: u16) -> &'static str {
    match command {
        0x2201 => "file name read",
        0x2202 => "single file read",
        0x2203 => "single file write",
        0x2204 => "file memory format",
        0x2205 => "file delete",
        0x2206 => "volume label create or delete",
        0x2207 => "file copy",
        0x2208 => "file name change",
        0x2209 => "file data check",
        0x220a => "memory area file transfer",
        0x220b => "parameter area file transfer",
        0x220f => "file memory index read",
        0x2215 => "directory create or delete",
        0x2220 => "memory cassette transfer",
        _ => "file command",
    }
}
