//! Services (clauses 13 to 17, 21): the verb of each and its name.

use fieldwarden_model::Verb;

use super::apdu::kind;

/// Write property; the priority of a command stands beside it.
pub(super) const WRITE_PROPERTY: u8 = 15;
/// Write property multiple.
pub(super) const WRITE_PROPERTY_MULTIPLE: u8 = 16;
/// Reinitialize device.
const REINITIALIZE_DEVICE: u8 = 20;
/// Device communication control.
const DEVICE_COMMUNICATION_CONTROL: u8 = 17;

/// A service: confirmed or not, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) confirmed: bool,
    pub(super) number: u8,
}

impl Service {
    /// The service that an APDU names.
    pub(super) fn of(kind: u8, number: Option<u8>) -> Option<Self> {
        number.map(|number| Self { confirmed: kind != kind::UNCONFIRMED, number })
    }

    /// What it does. `state` is what reinitialize device and device communication control ask for.
    pub(super) const fn describe(self, state: Option<u64>) -> (Verb, &'static str) {
        if self.confirmed { confirmed(self.number, state) } else { unconfirmed(self.number) }
    }

    /// Whether it writes values.
    pub(super) const fn writes(self) -> bool {
        self.confirmed && matches!(self.number, 8 | 9 | 10 | WRITE_PROPERTY | WRITE_PROPERTY_MULTIPLE)
            || !self.confirmed && self.number == 10
    }

    /// Whether it changes one thing, whose number says what: reinitialize device, device communication control.
    pub(super) const fn has_state(self) -> bool {
        self.confirmed && matches!(self.number, REINITIALIZE_DEVICE | DEVICE_COMMUNICATION_CONTROL)
    }
}

const fn confirmed(number: u8, state: Option<u64>) -> (Verb, &'static str) {
    match number {
        0 => (Verb::Operate, "Acknowledge alarm"),
        1 => (Verb::Read, "Confirmed COV notification"),
        2 => (Verb::Read, "Confirmed event notification"),
        3 => (Verb::Diagnose, "Get alarm summary"),
        4 => (Verb::Diagnose, "Get enrollment summary"),
        5 => (Verb::Read, "Subscribe COV"),
        6 => (Verb::Transfer, "Atomic read file"),
        7 => (Verb::Transfer, "Atomic write file"),
        8 => (Verb::Configure, "Add list element"),
        9 => (Verb::Configure, "Remove list element"),
        10 => (Verb::Configure, "Create object"),
        11 => (Verb::Configure, "Delete object"),
        12 => (Verb::Read, "Read property"),
        13 => (Verb::Read, "Read property conditional"),
        14 => (Verb::Read, "Read property multiple"),
        WRITE_PROPERTY => (Verb::Write, "Write property"),
        WRITE_PROPERTY_MULTIPLE => (Verb::Write, "Write property multiple"),
        DEVICE_COMMUNICATION_CONTROL => match state {
            Some(0) => (Verb::Mode, "Enable communication"),
            Some(1) => (Verb::Mode, "Disable communication"),
            Some(2) => (Verb::Mode, "Disable initiation"),
            _ => (Verb::Mode, "Device communication control"),
        },
        18 => (Verb::Unknown, "Confirmed private transfer"),
        19 => (Verb::Diagnose, "Confirmed text message"),
        REINITIALIZE_DEVICE => reinitialize(state),
        21 => (Verb::Associate, "VT open"),
        22 => (Verb::Associate, "VT close"),
        23 => (Verb::Transfer, "VT data"),
        24 => (Verb::Associate, "Authenticate"),
        25 => (Verb::Associate, "Request key"),
        26 => (Verb::Read, "Read range"),
        27 => (Verb::Operate, "Life safety operation"),
        28 => (Verb::Read, "Subscribe COV property"),
        29 => (Verb::Diagnose, "Get event information"),
        30 => (Verb::Read, "Subscribe COV property multiple"),
        31 => (Verb::Read, "Confirmed COV notification multiple"),
        32 => (Verb::Diagnose, "Confirmed audit notification"),
        33 => (Verb::Diagnose, "Audit log query"),
        _ => (Verb::Unknown, "Unknown confirmed service"),
    }
}

/// The states of 16.4: starts, and the stations of a backup (19.1), which moves the program in files.
const fn reinitialize(state: Option<u64>) -> (Verb, &'static str) {
    match state {
        Some(0) => (Verb::Mode, "Cold start"),
        Some(1) => (Verb::Mode, "Warm start"),
        Some(2) => (Verb::Program, "Start backup"),
        Some(3) => (Verb::Program, "End backup"),
        Some(4) => (Verb::Program, "Start restore"),
        Some(5) => (Verb::Program, "End restore"),
        Some(6) => (Verb::Program, "Abort restore"),
        Some(7) => (Verb::Configure, "Activate changes"),
        _ => (Verb::Mode, "Reinitialize device"),
    }
}

const fn unconfirmed(number: u8) -> (Verb, &'static str) {
    match number {
        0 => (Verb::Discover, "I am"),
        1 => (Verb::Discover, "I have"),
        2 => (Verb::Read, "Unconfirmed COV notification"),
        3 => (Verb::Read, "Unconfirmed event notification"),
        4 => (Verb::Unknown, "Unconfirmed private transfer"),
        5 => (Verb::Diagnose, "Unconfirmed text message"),
        6 => (Verb::Time, "Time synchronization"),
        7 => (Verb::Discover, "Who has"),
        8 => (Verb::Discover, "Who is"),
        9 => (Verb::Time, "UTC time synchronization"),
        10 => (Verb::Write, "Write group"),
        11 => (Verb::Read, "Unconfirmed COV notification multiple"),
        12 => (Verb::Diagnose, "Unconfirmed audit notification"),
        13 => (Verb::Discover, "Who am I"),
        14 => (Verb::Configure, "You are"),
        _ => (Verb::Unknown, "Unknown unconfirmed service"),
    }
}
