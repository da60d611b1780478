//! Commands of ADS, and index groups of the system service (port 10000) and of controllers that are no plain data.

use fieldwarden_model::Verb;

pub(super) const READ_DEVICE_INFO: u16 = 1;
pub(super) const READ: u16 = 2;
pub(super) const WRITE: u16 = 3;
pub(super) const READ_STATE: u16 = 4;
pub(super) const WRITE_CONTROL: u16 = 5;
pub(super) const ADD_NOTIFICATION: u16 = 6;
pub(super) const DELETE_NOTIFICATION: u16 = 7;
pub(super) const NOTIFICATION: u16 = 8;
pub(super) const READ_WRITE: u16 = 9;

/// The port of the system service.
const SYSTEM_SERVICE: u16 = 10_000;

/// Index group: handle of a symbol by its name.
pub(super) const SYMBOL_HANDLE: u32 = 0xf003;
/// Index group: value of a symbol by its name.
pub(super) const SYMBOL_VALUE: u32 = 0xf004;

/// What a command does and its name. `state` is what write control asks for.
pub(super) const fn describe(
    command: u16,
    port: u16,
    group: Option<u32>,
    state: Option<u16>,
) -> (Verb, &'static str) {
    match command {
        READ_DEVICE_INFO => (Verb::Discover, "Read device information"),
        READ => touched(Verb::Read, "Read", port, group),
        WRITE => touched(Verb::Write, "Write", port, group),
        READ_STATE => (Verb::Diagnose, "Read state"),
        WRITE_CONTROL => (Verb::Mode, control(state)),
        ADD_NOTIFICATION => (Verb::Read, "Add device notification"),
        DELETE_NOTIFICATION => (Verb::Read, "Delete device notification"),
        NOTIFICATION => (Verb::Read, "Device notification"),
        READ_WRITE => touched(Verb::Write, "Read and write", port, group),
        _ => (Verb::Unknown, "Unknown command"),
    }
}

/// The states of ADS that write control asks for.
const fn control(state: Option<u16>) -> &'static str {
    match state {
        Some(1) => "Write control: idle",
        Some(2) => "Write control: reset",
        Some(3) => "Write control: init",
        Some(4) => "Write control: start",
        Some(5) => "Write control: run",
        Some(6) => "Write control: stop",
        Some(7) => "Write control: save configuration",
        Some(8) => "Write control: load configuration",
        Some(12) => "Write control: shutdown",
        Some(15) => "Write control: configuration",
        Some(16) => "Write control: reconfiguration",
        _ => "Write control",
    }
}

/// Index groups that are services rather than data.
const fn touched(verb: Verb, name: &'static str, port: u16, group: Option<u32>) -> (Verb, &'static str) {
    match (port, group) {
        (SYSTEM_SERVICE, Some(120..=134)) => (Verb::Transfer, "File service"),
        (SYSTEM_SERVICE, Some(200..=203)) => match verb {
            Verb::Read => (Verb::Configure, "Read registry"),
            _ => (Verb::Configure, "Registry service"),
        },
        (SYSTEM_SERVICE, Some(400)) => (Verb::Time, "Time service"),
        (SYSTEM_SERVICE, Some(500)) => (Verb::Program, "Start process"),
        (SYSTEM_SERVICE, Some(700)) => (Verb::Discover, "System information"),
        (SYSTEM_SERVICE, Some(801..=804)) => (Verb::Configure, "Route service"),
        (_, Some(SYMBOL_HANDLE)) => (Verb::Discover, "Symbol handle by name"),
        (_, Some(SYMBOL_VALUE | 0xf005)) => match verb {
            Verb::Read => (Verb::Read, "Read symbol"),
            _ => (Verb::Write, "Write symbol"),
        },
        (_, Some(0xf006)) => (Verb::Associate, "Release symbol handle"),
        (_, Some(0xf007..=0xf013)) => (Verb::Discover, "Symbol information"),
        (_, Some(0xf080 | 0xf083 | 0xf084)) => (Verb::Read, "Sum read"),
        (_, Some(0xf081)) => (Verb::Write, "Sum write"),
        (_, Some(0xf082)) => (Verb::Write, "Sum read and write"),
        (_, Some(0xf085 | 0xf086)) => (Verb::Read, "Sum of notifications"),
        _ => (verb, name),
    }
}
