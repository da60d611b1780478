//! What a variable service carries: one record per item.
//!
//! ```text
//!  | return code | transport size | length (2), in bits or octets | octets ... | [fill octet] |
//! ```

use fieldwarden_model::{Values, operation::Encoding};

use super::item::Address;
use crate::cursor::Cursor;

/// The item was carried out.
pub(super) const RETURN_DONE: u8 = 0xff;
/// A record of a write job, which has no answer yet.
pub(super) const RETURN_RESERVED: u8 = 0x00;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// What became of the item.
    pub(super) return_code: u8,
    /// How the octets are typed and the length is counted.
    pub(super) transport: u8,
    /// The octets, without the fill octet.
    pub(super) octets: &'a [u8],
    /// Octets that the length asks for.
    pub(super) told: usize,
}

impl<'a> Record<'a> {
    /// Whether the record says that its item is done, or asks to do it.
    pub(super) const fn carries(&self) -> bool {
        matches!(self.return_code, RETURN_DONE | RETURN_RESERVED)
    }

    /// Its octets as the values of the item they belong to.
    pub(super) fn values(&self, address: &Address) -> Option<Values<'a>> {
        let encoding = match address.transport {
            1 => Encoding::OctetBit,
            5 => Encoding::Signed16,
            7 | 11 => Encoding::Signed32,
            8 => Encoding::Float32,
            4 | 9 | 12 | 28 | 29 => Encoding::Unsigned16,
            6 | 10 => Encoding::Unsigned32,
            _ if address.by_number() => Encoding::Unsigned16,
            _ => Encoding::Unsigned8,
        };
        let width = encoding.width().filter(|_| self.carries())?;
        let stride = match encoding {
            Encoding::Unsigned8 => 8,
            _ => address.stride(),
        };
        // A date and time is eight octets per element; all else counts as the item does.
        let elements = if address.transport == 15 { self.octets.len() } else { address.count.into() };
        let count = u32::try_from(elements.min(self.octets.len() / width)).ok()?;
        Some(Values { bytes: self.octets, encoding, count, stride })
    }
}

/// Walks the records of a data part.
#[derive(Clone, Debug)]
pub(super) struct Records<'a> {
    cursor: Cursor<'a>,
    left: u16,
}

impl<'a> Records<'a> {
    /// Begins at the first of `count` records.
    pub(super) const fn new(octets: &'a [u8], count: u16) -> Self {
        Self { cursor: Cursor::new(octets), left: count }
    }

    /// Octets not walked yet.
    pub(super) const fn remaining(&self) -> usize {
        self.cursor.remaining()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut cursor = self.cursor;
        let return_code = cursor.u8()?;
        let transport = cursor.u8()?;
        let told = octets_of(transport, cursor.u16()?);
        let mut record = Record { return_code, transport, octets: &[], told };
        // A refused item has no octets, whatever length it tells (some servers tell their own four octets).
        if record.carries() {
            record.octets = cursor.take_up_to(told);
            // Every record but the last begins at an even octet.
            if told % 2 == 1 && self.left > 0 {
                cursor.take_up_to(1);
            }
        }
        self.cursor = cursor;
        Some(record)
    }
}

/// A record's length in octets: bits, octets/words and integers count bits, all else counts octets.
fn octets_of(transport: u8, length: u16) -> usize {
    match transport {
        3..=5 => usize::from(length).div_ceil(8),
        _ => length.into(),
    }
}
