//! A frame: its fields, and what its datagrams do to the slaves.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use super::{
    datagram::{Datagrams, Unit, command as c},
    mailbox::{self, Mail},
    notation::area,
};
use crate::message::{Body, FieldValue, FieldVisitor};

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    inside: &'a [u8],
}

impl<'a> Frame<'a> {
    pub(super) const fn new(inside: &'a [u8]) -> Self {
        Self { inside }
    }

    fn units(&self) -> Datagrams<'a> {
        Datagrams::new(self.inside)
    }

    /// Whether slaves took part already.
    pub(super) fn returns(&self) -> bool {
        self.units().any(|unit| unit.counter != 0)
    }
}

/// What a register is for, where writing to it is more than a value (ETG.1000.4 clause 6).
fn register(offset: u16) -> Option<(Verb, &'static str)> {
    Some(match offset {
        0x0010..=0x0013 => (Verb::Configure, "station address"),
        0x0040..=0x0041 => (Verb::Mode, "reset of the slave controller"),
        0x0100..=0x0103 => (Verb::Configure, "data link control"),
        0x0120..=0x0121 => (Verb::Mode, "application layer control"),
        0x0300..=0x0313 => (Verb::Diagnose, "error counters"),
        0x0400..=0x0442 => (Verb::Configure, "watchdog"),
        0x0500..=0x050f => (Verb::Configure, "slave information memory"),
        0x0510..=0x051f => (Verb::Configure, "physical interface management"),
        0x0600..=0x06ff => (Verb::Configure, "memory management units"),
        0x0800..=0x08ff => (Verb::Configure, "sync managers"),
        0x0900..=0x09ff => (Verb::Time, "distributed clocks"),
        _ => return None,
    })
}

const fn command_name(command: u8) -> &'static str {
    match command {
        c::APRD | c::FPRD | c::BRD => "read",
        c::APWR | c::FPWR | c::BWR => "write",
        c::APRW | c::FPRW | c::BRW => "read and write",
        c::LRD => "logical read",
        c::LWR => "logical write",
        c::LRW => "logical read and write",
        c::ARMW | c::FRMW => "read, then write to all others",
        _ => "unknown command",
    }
}

/// The octets that a datagram touches.
fn points(unit: &Unit<'_>) -> Option<PointRange> {
    let (space, first) = if unit.is_logical() {
        (Space { area: area::LOGICAL, block: 0 }, u64::from(unit.logical()))
    } else {
        let area = match unit.command {
            c::APRD | c::APWR | c::APRW | c::ARMW => area::POSITION,
            c::BRD | c::BWR | c::BRW => area::ALL,
            _ => area::STATION,
        };
        let block = if area == area::ALL { 0 } else { u32::from(unit.slave) };
        (Space { area, block }, u64::from(unit.offset))
    };
    let last = first.checked_add((unit.data.len() as u64).checked_sub(1)?)?;
    Some(PointRange { space, first, last })
}

/// Octets as the number they are by their length, or as octets.
pub(super) fn values(bytes: &[u8]) -> Option<Values<'_>> {
    let (encoding, count, stride) = match bytes.len() {
        0 => return None,
        2 => (Encoding::Unsigned16Little, 1, 2),
        4 => (Encoding::Unsigned32Little, 1, 4),
        octets => (Encoding::Unsigned8, u32::try_from(octets).unwrap_or(0), 1),
    };
    Some(Values { bytes, encoding, count, stride })
}

/// What a datagram asks, or what a slave read answered.
fn operation<'a>(unit: &Unit<'a>, returns: bool) -> Option<Operation<'a>> {
    let unit_number = match unit.command {
        c::FPRD | c::FPWR | c::FPRW | c::FRMW => Some(unit.slave),
        _ => None,
    };
    let (mut verb, mut name) = (Verb::Read, command_name(unit.command));
    if unit.writes() {
        verb = Verb::Write;
        if let Some((special, what)) = register(unit.offset).filter(|_| !unit.is_logical()) {
            (verb, name) = (special, what);
        }
    } else if !unit.reads() {
        // A datagram without a command is passed on by the slaves.
        verb = if unit.command == 0 { return None } else { Verb::Unknown };
    }
    // What comes back only echoes what was written; what was read is there now.
    if returns && (unit.counter == 0 || !unit.reads()) {
        return None;
    }
    let outcome = if returns { Outcome::Reported } else { Outcome::Asked };
    let verb = if returns { Verb::Read } else { verb };
    let carries = returns || unit.writes();
    Some(Operation {
        verb,
        function: u32::from(unit.command),
        name,
        unit: unit_number,
        points: points(unit),
        values: if carries { values(unit.data) } else { None },
        outcome,
    })
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        for unit in self.units() {
            let mut item = |key, value| visitor.item(key, FieldValue::Unsigned(value));
            item("command", u64::from(unit.command));
            if unit.is_logical() {
                item("logical_address", u64::from(unit.logical()));
            } else {
                item("slave_address", u64::from(unit.slave));
                item("offset", u64::from(unit.offset));
            }
            item("data_length", unit.data.len() as u64);
            item("working_counter", u64::from(unit.counter));
            if let Some(mail) = Mail::of(&unit) {
                mailbox::fields(&mail, visitor);
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let returns = self.returns();
        for unit in self.units() {
            match Mail::of(&unit) {
                Some(mail) if unit.writes() != returns => each(&mailbox::operation(&mail, unit.slave)),
                _ => {
                    if let Some(operation) = operation(&unit, returns) {
                        each(&operation);
                    }
                }
            }
        }
    }
}
