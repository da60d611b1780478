//! Service request codes and segment selectors (D, tables 3 and 4).

use fieldwarden_model::{Verb, operation::Encoding};

/// Reads system memory.
pub(super) const READ: u8 = 0x04;
/// Writes system memory.
pub(super) const WRITE: u8 = 0x07;
/// Forces a point of system memory.
pub(super) const FORCE: u8 = 0x44;

/// Verb and name of a service request code.
pub(super) const fn describe(service: u8) -> (Verb, &'static str) {
    match service {
        0x00 => (Verb::Diagnose, "PLC short status"),
        0x03 => (Verb::Discover, "return control program names"),
        READ => (Verb::Read, "read system memory"),
        0x05 => (Verb::Read, "read task memory"),
        0x06 => (Verb::Program, "read program block memory"),
        WRITE => (Verb::Write, "write system memory"),
        0x08 => (Verb::Write, "write task memory"),
        0x09 => (Verb::Program, "write program block memory"),
        0x20 => (Verb::Associate, "programmer logon"),
        0x21 => (Verb::Configure, "change PLC CPU privilege level"),
        0x22 => (Verb::Configure, "set control ID"),
        0x23 => (Verb::Mode, "set PLC (run or stop)"),
        0x24 => (Verb::Time, "set PLC time and date"),
        0x25 => (Verb::Time, "return PLC time and date"),
        0x38 => (Verb::Diagnose, "return fault table"),
        0x39 => (Verb::Operate, "clear fault table"),
        0x3f => (Verb::Program, "program store (upload from PLC)"),
        0x40 => (Verb::Program, "program load (download to PLC)"),
        0x43 => (Verb::Discover, "return controller type and ID"),
        FORCE => (Verb::Operate, "toggle force system memory"),
        _ => (Verb::Unknown, "unknown service request"),
    }
}

/// Whether a service names system memory by a segment selector.
pub(super) const fn names_memory(service: u8) -> bool {
    matches!(service, READ | WRITE | FORCE)
}

/// The table that a segment selector names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Its letters, as engineers write them behind `%`.
    pub(super) letters: &'static str,
    /// The selector of its bits; of words the only one.
    pub(super) area: u8,
    /// Whether the selector counts bits, octets or words.
    pub(super) unit: Unit,
}

/// What a selector counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Bits.
    Bit,
    /// Octets: eight references each.
    Octet,
    /// Words.
    Word,
}

impl Unit {
    /// References that one element covers.
    pub(super) const fn references(self) -> u64 {
        match self {
            Self::Bit | Self::Word => 1,
            Self::Octet => 8,
        }
    }

    /// How values are cut.
    pub(super) const fn encoding(self) -> Encoding {
        match self {
            Self::Bit => Encoding::BitsLeastFirst,
            Self::Octet => Encoding::Unsigned8,
            Self::Word => Encoding::Unsigned16Little,
        }
    }
}

/// Letters, selector of bits, selector of octets.
const DISCRETE: [(&str, u8, u8); 9] = [
    ("I", 0x46, 0x10),
    ("Q", 0x48, 0x12),
    ("T", 0x4a, 0x14),
    ("M", 0x4c, 0x16),
    ("SA", 0x4e, 0x18),
    ("SB", 0x50, 0x1a),
    ("SC", 0x52, 0x1c),
    ("S", 0x54, 0x1e),
    ("G", 0x56, 0x38),
];
/// Letters and selector of words.
const WORDS: [(&str, u8); 4] = [("R", 0x08), ("AI", 0x0a), ("AQ", 0x0c), ("W", 0xc4)];

/// The table of a selector.
pub(super) fn table(selector: u8) -> Option<Table> {
    let discrete = DISCRETE.iter().find_map(|&(letters, bits, octets)| match selector {
        _ if selector == bits => Some(Table { letters, area: bits, unit: Unit::Bit }),
        _ if selector == octets => Some(Table { letters, area: bits, unit: Unit::Octet }),
        _ => None,
    });
    discrete.or_else(|| {
        let (letters, area) = WORDS.iter().find(|(_, area)| *area == selector)?;
        Some(Table { letters, area: *area, unit: Unit::Word })
    })
}

/// The selector of bits or words by its letters.
pub(super) fn area_of(letters: &str) -> Option<u8> {
    let discrete = DISCRETE.iter().find(|(known, ..)| *known == letters).map(|(_, bits, _)| *bits);
    discrete.or_else(|| WORDS.iter().find(|(known, _)| *known == letters).map(|(_, area)| *area))
}
