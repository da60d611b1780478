//! What one talker asks of another: the normalised verb, the points it touches, the values it carries.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The neutral verb for what a message does. The protocol's raw function code is kept beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Reads points.
    Read,
    /// Writes points.
    Write,
    /// Commands an actuator directly (select, execute, pulse).
    Operate,
    /// Uploads, downloads, inserts or deletes program parts.
    Program,
    /// Starts, stops, resets or otherwise changes the controller's mode.
    Mode,
    /// Changes the device's configuration, security included.
    Configure,
    /// Diagnoses: counters, status, loop-back.
    Diagnose,
    /// Moves files or other bulk data.
    Transfer,
    /// Asks what is there: identity, block lists, system status.
    Discover,
    /// Reads or sets the clock.
    Time,
    /// Opens, keeps or closes a session.
    Associate,
    /// A function code this decoder does not know.
    Unknown,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Read,
        Self::Write,
        Self::Operate,
        Self::Program,
        Self::Mode,
        Self::Configure,
        Self::Diagnose,
        Self::Transfer,
        Self::Discover,
        Self::Time,
        Self::Associate,
        Self::Unknown,
    ];

    /// The word as configuration, baselines and JSON spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Operate => "operate",
            Self::Program => "program",
            Self::Mode => "mode",
            Self::Configure => "configure",
            Self::Diagnose => "diagnose",
            Self::Transfer => "transfer",
            Self::Discover => "discover",
            Self::Time => "time",
            Self::Associate => "associate",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// An address area of one protocol: which table, and which numbered block of it (a data block, a file).
///
/// The numbers mean what the protocol's own folder says; its `Notation` writes and reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Space {
    /// The table or memory area, numbered by the protocol.
    pub area: u16,
    /// The block within it, 0 where the area has none.
    pub block: u32,
}

/// One addressable thing: a register, a coil, a bit of a data block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// Where.
    pub space: Space,
    /// Which, in the smallest unit the space addresses.
    pub index: u64,
}

/// Neighbouring points, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PointRange {
    /// Where.
    pub space: Space,
    /// First index.
    pub first: u64,
    /// Last index; not below `first`.
    pub last: u64,
}

impl PointRange {
    /// Whether every point of `other` lies within this range.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.space == other.space && self.first <= other.first && other.last <= self.last
    }

    /// Whether the two share a point.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.space == other.space && self.first <= other.last && other.first <= self.last
    }
}

/// How the octets of [`Values`] are cut into values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// One bit per value, least significant bit of the first octet first (Modbus coils).
    BitsLeastFirst,
    /// One octet per value, zero or one (an S7 bit item).
    OctetBit,
    /// Unsigned 8-bit.
    Unsigned8,
    /// Unsigned 16-bit, big-endian.
    Unsigned16,
    /// Unsigned 32-bit, big-endian.
    Unsigned32,
    /// Signed 16-bit, big-endian.
    Signed16,
    /// Signed 32-bit, big-endian.
    Signed32,
    /// IEEE 754 single precision, big-endian.
    Float32,
    /// Signed 8-bit.
    Signed8,
    /// Unsigned 64-bit, big-endian; told as at most 2^63 - 1.
    Unsigned64,
    /// Signed 64-bit, big-endian.
    Signed64,
    /// IEEE 754 double precision, big-endian.
    Float64,
    /// Unsigned 16-bit, little-endian.
    Unsigned16Little,
    /// Unsigned 32-bit, little-endian.
    Unsigned32Little,
    /// Unsigned 64-bit, little-endian; told as at most 2^63 - 1.
    Unsigned64Little,
    /// Signed 16-bit, little-endian.
    Signed16Little,
    /// Signed 32-bit, little-endian.
    Signed32Little,
    /// Signed 64-bit, little-endian.
    Signed64Little,
    /// IEEE 754 single precision, little-endian.
    Float32Little,
    /// IEEE 754 double precision, little-endian.
    Float64Little,
}

impl Encoding {
    /// Octets per value, or `None` where a value is a bit.
    #[must_use]
    pub const fn width(self) -> Option<usize> {
        match self {
            Self::BitsLeastFirst => None,
            Self::OctetBit | Self::Unsigned8 | Self::Signed8 => Some(1),
            Self::Unsigned16 | Self::Signed16 | Self::Unsigned16Little | Self::Signed16Little => Some(2),
            Self::Unsigned32
            | Self::Signed32
            | Self::Float32
            | Self::Unsigned32Little
            | Self::Signed32Little
            | Self::Float32Little => Some(4),
            Self::Unsigned64
            | Self::Signed64
            | Self::Float64
            | Self::Unsigned64Little
            | Self::Signed64Little
            | Self::Float64Little => Some(8),
        }
    }
}

/// A value as the wire carried it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A whole number; bits are 0 and 1.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
        }
    }
}

/// The values an operation carries, borrowed from the message; the n-th belongs to the n-th step of its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Values<'a> {
    /// The octets.
    pub bytes: &'a [u8],
    /// How to cut them.
    pub encoding: Encoding,
    /// How many values there are.
    pub count: u32,
    /// How many point indexes one value spans: 1 for a register, 16 for a word in a bit-addressed area.
    pub stride: u16,
}

impl<'a> Values<'a> {
    /// The values in order; ends early where the octets run out.
    pub fn iter(&self) -> impl Iterator<Item = Value> + use<'a> {
        let values = *self;
        (0..self.count as usize).map_while(move |n| values.nth(n))
    }

    /// The n-th value, from 0.
    #[must_use]
    pub fn nth(&self, n: usize) -> Option<Value> {
        let unit = match self.encoding.width() {
            None => return Some(Value::Integer(i64::from(self.bytes.get(n / 8)? >> (n % 8) & 1))),
            Some(width) => self.bytes.get(n.checked_mul(width)?..)?.get(..width)?,
        };
        Some(match self.encoding {
            Encoding::BitsLeastFirst | Encoding::OctetBit => Value::Integer(i64::from(unit.first()? & 1)),
            Encoding::Unsigned8 => Value::Integer(i64::from(*unit.first()?)),
            Encoding::Signed8 => Value::Integer(i64::from(i8::from_be_bytes(unit.try_into().ok()?))),
            Encoding::Unsigned16 => Value::Integer(i64::from(u16::from_be_bytes(unit.try_into().ok()?))),
            Encoding::Unsigned32 => Value::Integer(i64::from(u32::from_be_bytes(unit.try_into().ok()?))),
            Encoding::Unsigned64 => whole(u64::from_be_bytes(unit.try_into().ok()?)),
            Encoding::Signed16 => Value::Integer(i64::from(i16::from_be_bytes(unit.try_into().ok()?))),
            Encoding::Signed32 => Value::Integer(i64::from(i32::from_be_bytes(unit.try_into().ok()?))),
            Encoding::Signed64 => Value::Integer(i64::from_be_bytes(unit.try_into().ok()?)),
            Encoding::Float32 => Value::Float(f64::from(f32::from_be_bytes(unit.try_into().ok()?))),
            Encoding::Float64 => Value::Float(f64::from_be_bytes(unit.try_into().ok()?)),
            Encoding::Unsigned16Little => {
                Value::Integer(i64::from(u16::from_le_bytes(unit.try_into().ok()?)))
            }
            Encoding::Unsigned32Little => {
                Value::Integer(i64::from(u32::from_le_bytes(unit.try_into().ok()?)))
            }
            Encoding::Unsigned64Little => whole(u64::from_le_bytes(unit.try_into().ok()?)),
            Encoding::Signed16Little => Value::Integer(i64::from(i16::from_le_bytes(unit.try_into().ok()?))),
            Encoding::Signed32Little => Value::Integer(i64::from(i32::from_le_bytes(unit.try_into().ok()?))),
            Encoding::Signed64Little => Value::Integer(i64::from_le_bytes(unit.try_into().ok()?)),
            Encoding::Float32Little => Value::Float(f64::from(f32::from_le_bytes(unit.try_into().ok()?))),
            Encoding::Float64Little => Value::Float(f64::from_le_bytes(unit.try_into().ok()?)),
        })
    }
}

/// A whole number that may not fit the sign.
fn whole(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// What became of an operation, as the answer tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Asked; this message is the question.
    Asked,
    /// Answered and done.
    Done,
    /// Answered and refused, with the protocol's own code.
    Refused(u32),
    /// Told without being asked.
    Reported,
}

/// One thing asked or answered, in neutral words. Small and of fixed size; its values are borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation<'a> {
    /// What is done.
    pub verb: Verb,
    /// The protocol's own function code; sub-functions stand in the upper half (`sub << 16 | code`).
    pub function: u32,
    /// The standard's name of that function, in the words a plant engineer uses.
    pub name: &'static str,
    /// The unit or station addressed behind the server's address, where the protocol has one.
    pub unit: Option<u16>,
    /// The points touched.
    pub points: Option<PointRange>,
    /// The values written, or read where the answer carries them.
    pub values: Option<Values<'a>>,
    /// Question, answer, refusal or report.
    pub outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn values_are_cut_as_encoded() {
        let of =
            |bytes, encoding, count| Values { bytes, encoding, count, stride: 1 }.iter().collect::<Vec<_>>();
        assert_eq!(
            of(&[0, 7, 0xff, 0xff], Encoding::Unsigned16, 2),
            [Value::Integer(7), Value::Integer(65_535)]
        );
        assert_eq!(
            of(&[0b101], Encoding::BitsLeastFirst, 3),
            [Value::Integer(1), Value::Integer(0), Value::Integer(1)]
        );
        assert_eq!(of(&[0x3f, 0x80, 0, 0], Encoding::Float32, 1), [Value::Float(1.0)]);
        assert_eq!(of(&[0, 0, 0x80, 0x3f], Encoding::Float32Little, 1), [Value::Float(1.0)]);
        assert_eq!(
            of(&[1, 0, 0xfe, 0xff], Encoding::Signed16Little, 2),
            [Value::Integer(1), Value::Integer(-2)]
        );
        assert_eq!(of(&[0xff; 8], Encoding::Unsigned64Little, 1), [Value::Integer(i64::MAX)]);
        assert_eq!(
            of(&[0, 7, 0], Encoding::Unsigned16, 2),
            [Value::Integer(7)],
            "a missing half is not a value"
        );
    }
}
