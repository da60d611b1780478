//! The object library (IEEE 1815 clause 11 and annex A): how long an object is, and where its flags, value and time stand.

use fieldwarden_model::operation::Encoding;

/// How the objects of a group and variation lie in a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// No octets: class data.
    Empty,
    /// So many bits each, packed, least significant first.
    Bits(u8),
    /// A fixed number of octets with values in known places.
    Record(Record),
    /// As many octets as this, not looked into.
    Octets(u16),
    /// A device attribute: type, length, value.
    Attribute,
    /// As long as its size prefix says.
    Sized,
    /// Not in the library.
    Unknown,
}

/// What an object of fixed length holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Octets.
    pub(super) size: u8,
    /// Whether the first octet, or the one that [`Record::status_last`] says, holds flags.
    pub(super) flags: bool,
    /// The value.
    pub(super) value: Held,
    /// Where a time stands and how long it is: 6 (ms since 1970) or 2 octets (ms since the common time of occurrence).
    pub(super) time: Option<(u8, u8)>,
    /// Whether the last octet is a control status.
    pub(super) status_last: bool,
}

/// Where the value of an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It has none.
    Nothing,
    /// Bit 7 of the flags.
    State,
    /// Bits 6 and 7 of the flags: 0 intermediate, 1 off, 2 on, 3 indeterminate.
    DoubleState,
    /// A number at this octet.
    Number(u8, Encoding),
}

use Encoding::{
    Float32Little as F32, Float64Little as F64, Signed16Little as I16, Signed32Little as I32,
    Unsigned8 as U8, Unsigned16Little as U16, Unsigned32Little as U32,
};

/// Flags, then a number, then perhaps a time.
const fn flagged(encoding: Encoding, width: u8, time: u8) -> Layout {
    let timed = if time == 0 { None } else { Some((1 + width, time)) };
    let value = Held::Number(1, encoding);
    Layout::Record(Record { size: 1 + width + time, flags: true, value, time: timed, status_last: false })
}

/// A number without flags.
const fn bare(encoding: Encoding, width: u8) -> Layout {
    let value = Held::Number(0, encoding);
    Layout::Record(Record { size: width, flags: false, value, time: None, status_last: false })
}

/// A state within the flags, then perhaps a time.
const fn state(value: Held, time: u8) -> Layout {
    let timed = if time == 0 { None } else { Some((1, time)) };
    Layout::Record(Record { size: 1 + time, flags: true, value, time: timed, status_last: false })
}

/// A number and the status of its command.
const fn commanded(encoding: Encoding, width: u8) -> Layout {
    let value = Held::Number(0, encoding);
    Layout::Record(Record { size: width + 1, flags: false, value, time: None, status_last: true })
}

/// A time, then octets that are not looked into.
const fn timed(length: u8, rest: u8) -> Layout {
    let time = Some((0, length));
    Layout::Record(Record {
        size: length + rest,
        flags: false,
        value: Held::Nothing,
        time,
        status_last: false,
    })
}

/// The layout of a group and variation.
pub(super) const fn layout(group: u8, variation: u8) -> Layout {
    match (group, variation) {
        (0, _) => Layout::Attribute,
        (1 | 10, 1) | (12, 3) | (80, 1) => Layout::Bits(1),
        (3, 1) => Layout::Bits(2),
        (1 | 10, 2) | (2 | 11 | 13, 1) => state(Held::State, 0),
        (2 | 11 | 13, 2) => state(Held::State, 6),
        (2, 3) => state(Held::State, 2),
        (3, 2) | (4, 1) => state(Held::DoubleState, 0),
        (4, 2) => state(Held::DoubleState, 6),
        (4, 3) => state(Held::DoubleState, 2),
        (12, 1 | 2) => commanded_relay(),
        (20..=23, _) => counter(group, variation),
        (30..=34, _) => analog_input(group, variation),
        (40..=43, _) => analog_output(group, variation),
        (50, 1 | 3) | (51, 1 | 2) => timed(6, 0),
        (50, 2) => timed(6, 4),
        (50, 4) => timed(6, 5),
        (52, 1 | 2) | (101, 1) => bare(U16, 2),
        (60, 1..=4) => Layout::Empty,
        (70 | 82 | 83 | 85 | 87 | 88 | 90 | 91 | 120, _) => authentication_or_sized(group, variation),
        (81, 1) => Layout::Octets(3),
        (86, 2) => Layout::Octets(1),
        (86, _) => Layout::Sized,
        (101, 2) => bare(U32, 4),
        (101, 3) => Layout::Octets(8),
        (102, 1) => bare(U8, 1),
        (110..=113, _) => Layout::Octets(variation as u16),
        (121, 1) | (122, 1) => statistic(0),
        (122, 2) => statistic(6),
        _ => Layout::Unknown,
    }
}

/// Control relay output block: code, count, on and off time, status (annex A.8.1).
const fn commanded_relay() -> Layout {
    let value = Held::Number(0, U8);
    Layout::Record(Record { size: 11, flags: false, value, time: None, status_last: true })
}

/// Security statistics: flags, association, count (annex A.45.2).
const fn statistic(time: u8) -> Layout {
    let timed = if time == 0 { None } else { Some((7, time)) };
    let value = Held::Number(3, U32);
    Layout::Record(Record { size: 7 + time, flags: true, value, time: timed, status_last: false })
}

const fn authentication_or_sized(group: u8, variation: u8) -> Layout {
    match (group, variation) {
        // Aggressive mode: challenge sequence and user; key status request: user (annex A.45.1).
        (120, 3) => Layout::Octets(6),
        (120, 4) => Layout::Octets(2),
        _ => Layout::Sized,
    }
}

/// Groups 20 to 23: counters, frozen counters and their events.
const fn counter(group: u8, variation: u8) -> Layout {
    match (group, variation) {
        (20, 1 | 3) | (21..=23, 1 | 3) => flagged(U32, 4, 0),
        (20, 2 | 4) | (21..=23, 2 | 4) => flagged(U16, 2, 0),
        (20, 5 | 7) | (21, 9 | 11) => bare(U32, 4),
        (20, 6 | 8) | (21, 10 | 12) => bare(U16, 2),
        (21..=23, 5 | 7) => flagged(U32, 4, 6),
        (21..=23, 6 | 8) => flagged(U16, 2, 6),
        _ => Layout::Unknown,
    }
}

/// Groups 30 to 34: analog inputs, frozen ones, their events, dead bands.
const fn analog_input(group: u8, variation: u8) -> Layout {
    match (group, variation) {
        (30..=33, 1) => flagged(I32, 4, 0),
        (30..=33, 2) => flagged(I16, 2, 0),
        (30, 3) | (31, 5) => bare(I32, 4),
        (30, 4) | (31, 6) => bare(I16, 2),
        (31..=33, 3) => flagged(I32, 4, 6),
        (31..=33, 4) => flagged(I16, 2, 6),
        (30 | 32 | 33, 5) | (31, 7) => flagged(F32, 4, 0),
        (30 | 32 | 33, 6) | (31, 8) => flagged(F64, 8, 0),
        (32 | 33, 7) => flagged(F32, 4, 6),
        (32 | 33, 8) => flagged(F64, 8, 6),
        (34, 1) => bare(U16, 2),
        (34, 2) => bare(U32, 4),
        (34, 3) => bare(F32, 4),
        _ => Layout::Unknown,
    }
}

/// Groups 40 to 43: analog output status, commands, and the events of both.
const fn analog_output(group: u8, variation: u8) -> Layout {
    match (group, variation) {
        (40 | 42 | 43, 1) => flagged(I32, 4, 0),
        (40 | 42 | 43, 2) => flagged(I16, 2, 0),
        (40, 3) | (42 | 43, 5) => flagged(F32, 4, 0),
        (40, 4) | (42 | 43, 6) => flagged(F64, 8, 0),
        (42 | 43, 3) => flagged(I32, 4, 6),
        (42 | 43, 4) => flagged(I16, 2, 6),
        (42 | 43, 7) => flagged(F32, 4, 6),
        (42 | 43, 8) => flagged(F64, 8, 6),
        (41, 1) => commanded(I32, 4),
        (41, 2) => commanded(I16, 2),
        (41, 3) => commanded(F32, 4),
        (41, 4) => commanded(F64, 8),
        _ => Layout::Unknown,
    }
}

impl Layout {
    /// Octets of one object, where they are always as many.
    pub(super) fn fixed(self) -> Option<usize> {
        match self {
            Self::Empty => Some(0),
            Self::Bits(_) => Some(1),
            Self::Record(record) => Some(record.size.into()),
            Self::Octets(octets) => Some(octets.into()),
            Self::Attribute | Self::Sized | Self::Unknown => None,
        }
    }
}
