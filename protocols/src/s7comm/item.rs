//! What a variable service addresses: items with an address specification each.
//!
//! ```text
//!  | 12 | length | syntax | specification ... | [fill octet, where the item is odd and not the last] |
//!  syntax 10 (S7ANY): | transport size | count (2) | DB (2) | area | bit address (3) |
//!  syntax b0 (DB read): | areas | { octets | DB (2) | first octet (2) } ... |
//! ```

use fieldwarden_model::{PointRange, Space};

use crate::cursor::Cursor;

/// What every item begins with.
const SPECIFICATION: u8 = 0x12;
/// Syntax of an item that addresses by area, block and bit.
pub(super) const SYNTAX_ANY: u8 = 0x10;
/// Syntax of an item that addresses octets of several data blocks (S7-400).
pub(super) const SYNTAX_DB_READ: u8 = 0xb0;

/// Area of counters, addressed by number.
pub(super) const AREA_COUNTER: u8 = 0x1c;
/// Area of timers, addressed by number.
pub(super) const AREA_TIMER: u8 = 0x1d;
/// Area of data blocks.
pub(super) const AREA_DB: u8 = 0x84;
/// Area of instance data blocks.
pub(super) const AREA_DI: u8 = 0x85;

/// One address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// Area, block and bit address.
    Any(Address),
    /// Octets of data blocks: the entries, five octets each.
    DbRead(&'a [u8]),
    /// A syntax kept raw: NCK, drives, symbols.
    Raw {
        /// The syntax.
        syntax: u8,
        /// The specification behind it.
        octets: &'a [u8],
    },
}

/// An S7ANY address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Type of one element.
    pub(super) transport: u8,
    /// How many elements.
    pub(super) count: u16,
    /// Data block number.
    pub(super) db: u16,
    /// Memory area.
    pub(super) area: u8,
    /// Bit address, or the number of a counter or timer.
    pub(super) start: u32,
}

impl Address {
    /// Whether the area is addressed by number.
    pub(super) const fn by_number(&self) -> bool {
        matches!(self.area, AREA_COUNTER | AREA_TIMER)
    }

    /// Point indexes that one element spans.
    pub(super) const fn stride(&self) -> u16 {
        if self.by_number() {
            return 1;
        }
        match self.transport {
            1 => 1,
            // WORD, INT, DATE, S5TIME, counter, timer.
            4 | 5 | 9 | 12 | 28 | 29 => 16,
            // DWORD, DINT, REAL, time of day, TIME.
            6 | 7 | 8 | 10 | 11 => 32,
            // DATE_AND_TIME.
            15 => 64,
            _ => 8,
        }
    }

    /// The points it names.
    pub(super) fn points(&self) -> Option<PointRange> {
        let span = u64::from(self.count) * u64::from(self.stride());
        let last = u64::from(self.start) + span.checked_sub(1)?;
        let block = if matches!(self.area, AREA_DB | AREA_DI) { u32::from(self.db) } else { 0 };
        let space = Space { area: self.area.into(), block };
        Some(PointRange { space, first: self.start.into(), last })
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let mut address = Self {
            transport: cursor.u8()?,
            count: cursor.u16()?,
            db: cursor.u16()?,
            area: cursor.u8()?,
            start: cursor.u24()?,
        };
        // As in a STEP 7 pointer: 16 bits of octet and 3 of bit; what stands above does not address.
        address.start &= if address.by_number() { 0xffff } else { 0x7_ffff };
        cursor.is_empty().then_some(address)
    }
}

/// The entries of a DB read item, as addresses of octets.
pub(super) fn db_read_entries(octets: &[u8]) -> impl Iterator<Item = Address> + '_ {
    octets.chunks_exact(5).map_while(|entry| {
        let mut cursor = Cursor::new(entry);
        let count = u16::from(cursor.u8()?);
        let db = cursor.u16()?;
        let first_octet = u32::from(cursor.u16()?);
        Some(Address { transport: 2, count, db, area: AREA_DB, start: first_octet * 8 })
    })
}

/// Walks the items of a parameter part.
#[derive(Clone, Debug)]
pub(super) struct Items<'a> {
    cursor: Cursor<'a>,
    left: u8,
}

impl<'a> Items<'a> {
    /// Begins at the first of `count` items.
    pub(super) const fn new(octets: &'a [u8], count: u8) -> Self {
        Self { cursor: Cursor::new(octets), left: count }
    }

    /// Octets not walked yet.
    pub(super) const fn remaining(&self) -> usize {
        self.cursor.remaining()
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut cursor = self.cursor;
        let specification = cursor.u8()?;
        let length = cursor.u8()?;
        let mut octets = Cursor::new(cursor.take(length.into())?);
        let syntax = octets.u8()?;
        if length % 2 == 1 && self.left > 0 {
            cursor.take_up_to(1);
        }
        self.cursor = cursor;
        let octets = octets.rest();
        Some(match syntax {
            _ if specification != SPECIFICATION => Item::Raw { syntax, octets },
            SYNTAX_ANY => Address::read(octets).map_or(Item::Raw { syntax, octets }, Item::Any),
            SYNTAX_DB_READ => match octets.split_first() {
                Some((areas, entries)) if entries.len() == usize::from(*areas) * 5 => Item::DbRead(entries),
                _ => Item::Raw { syntax, octets },
            },
            _ => Item::Raw { syntax, octets },
        })
    }
}
