//! HART commands: universal (HCF_SPEC-127), common practice (HCF_SPEC-151), and which numbers they carry.

use fieldwarden_model::Verb;

use crate::Cursor;

/// The areas of points, as [`Space::area`](fieldwarden_model::Space::area) numbers them.
pub mod area {
    /// Dynamic variables: 0 loop current, 1 to 4 primary to quaternary variable, 5 percent of range.
    pub const DYNAMIC: u16 = 1;
    /// Device variables by their code.
    pub const DEVICE: u16 = 2;
    /// What a command configures, by the number of the command.
    pub const PARAMETER: u16 = 3;
}

/// What a command does and what the specification calls it.
pub(super) const fn describe(command: u8) -> (Verb, &'static str) {
    match command {
        0 => (Verb::Discover, "Read unique identifier"),
        1 => (Verb::Read, "Read primary variable"),
        2 => (Verb::Read, "Read loop current and percent of range"),
        3 => (Verb::Read, "Read dynamic variables and loop current"),
        6 => (Verb::Configure, "Write polling address"),
        7 => (Verb::Read, "Read loop configuration"),
        8 => (Verb::Read, "Read dynamic variable classifications"),
        9 => (Verb::Read, "Read device variables with status"),
        11 => (Verb::Discover, "Read unique identifier associated with tag"),
        12 => (Verb::Read, "Read message"),
        13 => (Verb::Discover, "Read tag, descriptor, date"),
        14 => (Verb::Read, "Read primary variable transducer information"),
        15 => (Verb::Read, "Read device information"),
        16 => (Verb::Read, "Read final assembly number"),
        17 => (Verb::Configure, "Write message"),
        18 => (Verb::Configure, "Write tag, descriptor, date"),
        19 => (Verb::Configure, "Write final assembly number"),
        20 => (Verb::Discover, "Read long tag"),
        21 => (Verb::Discover, "Read unique identifier associated with long tag"),
        22 => (Verb::Configure, "Write long tag"),
        31 => (Verb::Unknown, "Extended command"),
        33 => (Verb::Read, "Read device variables"),
        34 => (Verb::Configure, "Write primary variable damping value"),
        35 => (Verb::Configure, "Write primary variable range values"),
        36 => (Verb::Configure, "Set primary variable upper range value"),
        37 => (Verb::Configure, "Set primary variable lower range value"),
        38 => (Verb::Configure, "Reset configuration changed flag"),
        39 => (Verb::Program, "EEPROM control"),
        40 => (Verb::Operate, "Enter or exit fixed current mode"),
        41 => (Verb::Diagnose, "Perform self test"),
        42 => (Verb::Mode, "Perform device reset"),
        43 => (Verb::Configure, "Set primary variable zero"),
        44 => (Verb::Configure, "Write primary variable units"),
        45 => (Verb::Configure, "Trim loop current zero"),
        46 => (Verb::Configure, "Trim loop current gain"),
        47 => (Verb::Configure, "Write primary variable transfer function"),
        48 => (Verb::Diagnose, "Read additional device status"),
        49 => (Verb::Configure, "Write primary variable transducer serial number"),
        50 => (Verb::Read, "Read dynamic variable assignments"),
        51 => (Verb::Configure, "Write dynamic variable assignments"),
        52 => (Verb::Configure, "Set device variable zero"),
        53 => (Verb::Configure, "Write device variable units"),
        54 => (Verb::Read, "Read device variable information"),
        55 => (Verb::Configure, "Write device variable damping value"),
        59 => (Verb::Configure, "Write number of response preambles"),
        60 => (Verb::Read, "Read analog channel and percent of range"),
        61 | 62 => (Verb::Read, "Read dynamic variables and analog channels"),
        66 => (Verb::Operate, "Enter or exit fixed analog channel mode"),
        71 => (Verb::Configure, "Lock device"),
        72 => (Verb::Diagnose, "Squawk"),
        73 => (Verb::Discover, "Find device"),
        74 => (Verb::Discover, "Read input and output system capabilities"),
        75 => (Verb::Discover, "Poll sub-device"),
        76 => (Verb::Read, "Read lock device state"),
        77 => (Verb::Transfer, "Send command to sub-device"),
        78 => (Verb::Read, "Read aggregated commands"),
        79 => (Verb::Write, "Write device variable"),
        82 => (Verb::Configure, "Write device variable trim point"),
        83 => (Verb::Configure, "Reset device variable trim"),
        84..=86 => (Verb::Discover, "Read sub-device"),
        87 | 88 => (Verb::Configure, "Write input and output system configuration"),
        89 => (Verb::Time, "Set real-time clock"),
        90 => (Verb::Time, "Read real-time clock"),
        96..=99 => (Verb::Configure, "Synchronous action"),
        103 => (Verb::Configure, "Write burst period"),
        104 => (Verb::Configure, "Write burst trigger"),
        105 => (Verb::Read, "Read burst mode configuration"),
        106 => (Verb::Configure, "Flush delayed responses"),
        107 => (Verb::Configure, "Write burst device variables"),
        108 => (Verb::Configure, "Write burst mode command number"),
        109 => (Verb::Configure, "Burst mode control"),
        110 => (Verb::Read, "Read all dynamic variables"),
        111 => (Verb::Transfer, "Transfer service control"),
        112 => (Verb::Transfer, "Transfer service"),
        113..=120 => (Verb::Configure, "Event notification control"),
        122..=126 => (Verb::Unknown, "Non-public command"),
        128..=253 => (Verb::Unknown, "Device-specific command"),
        _ => (Verb::Unknown, "Unknown command"),
    }
}

/// A number that a command carries, and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried<'a> {
    pub(super) area: u16,
    pub(super) index: u64,
    /// Four octets, single precision.
    pub(super) value: &'a [u8],
}

/// Walks the numbers of what a device says (`answer`) or is asked.
pub(super) fn carried<'a>(command: u8, answer: bool, data: &'a [u8], each: &mut dyn FnMut(Carried<'a>)) {
    let mut cursor = Cursor::new(data);
    let _ = match (command, answer) {
        (1, true) => dynamic(&mut cursor, 1, each),
        (2, true) => float(&mut cursor, area::DYNAMIC, 0, each)
            .and_then(|()| float(&mut cursor, area::DYNAMIC, 5, each)),
        (3, true) => float(&mut cursor, area::DYNAMIC, 0, each)
            .and_then(|()| (1..=4).try_for_each(|index| dynamic(&mut cursor, index, each))),
        (9, true) => cursor.skip(1).and_then(|()| slots(&mut cursor, 2, 1, each)),
        (33, true) => slots(&mut cursor, 1, 0, each),
        (34 | 45 | 46, _) => float(&mut cursor, area::PARAMETER, command.into(), each),
        (35, _) => cursor.skip(1).and_then(|()| float(&mut cursor, area::PARAMETER, 35, each)),
        (40, _) => float(&mut cursor, area::DYNAMIC, 0, each),
        (79, _) => written(&mut cursor, each),
        _ => None,
    };
}

fn float<'a>(
    cursor: &mut Cursor<'a>,
    area: u16,
    index: u64,
    each: &mut dyn FnMut(Carried<'a>),
) -> Option<()> {
    each(Carried { area, index, value: cursor.take(4)? });
    Some(())
}

/// A unit, then a dynamic variable.
fn dynamic<'a>(cursor: &mut Cursor<'a>, index: u64, each: &mut dyn FnMut(Carried<'a>)) -> Option<()> {
    cursor.skip(1)?;
    float(cursor, area::DYNAMIC, index, each)
}

/// Device variables: code, so many octets, value, so many octets.
fn slots<'a>(
    cursor: &mut Cursor<'a>,
    before: usize,
    behind: usize,
    each: &mut dyn FnMut(Carried<'a>),
) -> Option<()> {
    while !cursor.is_empty() {
        let code = cursor.u8()?;
        cursor.skip(before)?;
        float(cursor, area::DEVICE, code.into(), each)?;
        cursor.skip(behind)?;
    }
    Some(())
}

/// Command 79: code, write command, units, value.
fn written<'a>(cursor: &mut Cursor<'a>, each: &mut dyn FnMut(Carried<'a>)) -> Option<()> {
    let code = cursor.u8()?;
    cursor.skip(2)?;
    float(cursor, area::DEVICE, code.into(), each)
}
