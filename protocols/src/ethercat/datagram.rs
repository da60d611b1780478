//! The datagrams of a frame, one after the other (IEC 61158-4-12 clause 5.4).

use super::MAX_DATAGRAMS;
use crate::cursor::Cursor;

/// Octets of a datagram without data: header and working counter.
const FRAME: usize = 12;

/// The commands (IEC 61158-4-12 table 14).
pub(super) mod command {
    pub(in crate::ethercat) const APRD: u8 = 1;
    pub(in crate::ethercat) const APWR: u8 = 2;
    pub(in crate::ethercat) const APRW: u8 = 3;
    pub(in crate::ethercat) const FPRD: u8 = 4;
    pub(in crate::ethercat) const FPWR: u8 = 5;
    pub(in crate::ethercat) const FPRW: u8 = 6;
    pub(in crate::ethercat) const BRD: u8 = 7;
    pub(in crate::ethercat) const BWR: u8 = 8;
    pub(in crate::ethercat) const BRW: u8 = 9;
    pub(in crate::ethercat) const LRD: u8 = 10;
    pub(in crate::ethercat) const LWR: u8 = 11;
    pub(in crate::ethercat) const LRW: u8 = 12;
    pub(in crate::ethercat) const ARMW: u8 = 13;
    pub(in crate::ethercat) const FRMW: u8 = 14;
}

/// One datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'a> {
    pub(super) command: u8,
    /// Position or configured address of the slave; the lower half of a logical address.
    pub(super) slave: u16,
    /// Offset in the slave's memory; the upper half of a logical address.
    pub(super) offset: u16,
    pub(super) data: &'a [u8],
    pub(super) counter: u16,
}

impl Unit<'_> {
    pub(super) const fn is_logical(&self) -> bool {
        matches!(self.command, command::LRD | command::LWR | command::LRW)
    }

    pub(super) fn logical(&self) -> u32 {
        u32::from(self.offset) << 16 | u32::from(self.slave)
    }

    /// Whether it writes to the slaves.
    pub(super) const fn writes(&self) -> bool {
        use command as c;
        matches!(
            self.command,
            c::APWR | c::APRW | c::FPWR | c::FPRW | c::BWR | c::BRW | c::LWR | c::LRW | c::ARMW | c::FRMW
        )
    }

    /// Whether it reads from the slaves.
    pub(super) const fn reads(&self) -> bool {
        use command as c;
        !matches!(self.command, c::APWR | c::FPWR | c::BWR | c::LWR)
            && self.command != 0
            && self.command <= c::FRMW
    }
}

/// Walks datagrams until none follows, or one is cut.
#[derive(Clone, Debug)]
pub(super) struct Datagrams<'a> {
    cursor: Cursor<'a>,
    follows: bool,
    count: usize,
}

impl<'a> Datagrams<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(octets), follows: true, count: 0 }
    }

    /// Whether one should have followed where the walk ended.
    pub(super) const fn stopped(&self) -> bool {
        self.follows
    }

    fn read(&mut self) -> Option<Unit<'a>> {
        let cursor = &mut self.cursor;
        if cursor.rest().len() < FRAME {
            return None;
        }
        let (command, _index, slave, offset, length, _interrupt) = (
            cursor.u8()?,
            cursor.u8()?,
            cursor.u16_le()?,
            cursor.u16_le()?,
            cursor.u16_le()?,
            cursor.u16_le()?,
        );
        let data = cursor.take(usize::from(length & 0x07ff))?;
        let counter = cursor.u16_le()?;
        self.follows = length & 0x8000 != 0;
        Some(Unit { command, slave, offset, data, counter })
    }
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        if !self.follows || self.count == MAX_DATAGRAMS {
            return None;
        }
        self.count += 1;
        self.read()
    }
}
