//! How points are written: `api 0 slot 1 subslot 0x8001 index 0xe040`, a record of a submodule.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The area of records.
pub(super) const AREA_RECORD: u16 = 1;

/// Writes and reads records. The block is slot and subslot, the index counts records behind the API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records;

impl Notation for Records {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        if area != AREA_RECORD {
            write!(out, "area {area} ")?;
        }
        let (api, index) = (first >> 16, first & 0xffff);
        write!(out, "api {api} slot {} subslot {:#06x} index {index:#06x}", block >> 16, block & 0xffff)?;
        if first == last { Ok(()) } else { write!(out, "-{:#x}", last) }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, text) = match text.strip_prefix("area ") {
            Some(rest) => {
                let (area, rest) = rest.split_once(' ')?;
                (area.parse().ok()?, rest)
            }
            None => (AREA_RECORD, text),
        };
        let (api, rest) = text.strip_prefix("api ")?.split_once(" slot ")?;
        let (slot, rest) = rest.split_once(" subslot ")?;
        let (subslot, rest) = rest.split_once(" index ")?;
        let (index, last) = rest.split_once('-').map_or((rest, None), |(index, last)| (index, Some(last)));
        let (api, slot): (u64, u32) = (api.parse().ok()?, slot.parse().ok()?);
        let (subslot, index) = (hexadecimal(subslot)?, hexadecimal(index)?);
        if slot > 0xffff || subslot > 0xffff || index > 0xffff || api >> 48 != 0 {
            return None;
        }
        let first = api << 16 | index;
        let last = match last {
            Some(last) => hexadecimal(last)?,
            None => first,
        };
        let block = slot << 16 | u32::try_from(subslot).ok()?;
        (first <= last).then_some(PointRange { space: Space { area, block }, first, last })
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
