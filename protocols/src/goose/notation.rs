//! Entries of a data set: `0x3001/1a2b3c4d entry 3-5`. Before the slash the APPID, behind it the number that the name of the control
//! block gives (FNV-1a), then the place among all values of the data set, structures opened, from 0.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::{
    datagram::{read_span, write_span},
    dissector::Notation,
};

/// Writes and reads entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries;

impl Notation for Entries {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{:#06x}/{:08x} entry ", range.space.area, range.space.block)?;
        write_span(range, out)
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, rest) = text.strip_prefix("0x")?.split_once('/')?;
        let (block, span) = rest.split_once(" entry ")?;
        let space =
            Space { area: u16::from_str_radix(area, 16).ok()?, block: u32::from_str_radix(block, 16).ok()? };
        let (first, last) = read_span(span)?;
        Some(PointRange { space, first, last })
    }
}
