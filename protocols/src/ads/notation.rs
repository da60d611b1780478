//! How points are written: `851:0x4020:0-3` is the port of the device asked, the index group, and the octets from the index
//! offset on.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// Writes and reads them. [`Space::area`] is the port, [`Space::block`] the index group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Groups;

/// So many octets behind an index offset.
pub(super) fn point(port: u16, group: u32, offset: u32, octets: u32) -> PointRange {
    let first = u64::from(offset);
    let last = first + u64::from(octets.max(1)) - 1;
    PointRange { space: Space { area: port, block: group }, first, last }
}

impl Notation for Groups {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        write!(out, "{area}:{block:#x}:{first}")?;
        if first == last { Ok(()) } else { write!(out, "-{last}") }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, rest) = text.split_once(':')?;
        let (group, points) = rest.split_once(':')?;
        let digits = group.strip_prefix("0x")?;
        let block = digits.bytes().all(|octet| octet.is_ascii_hexdigit()).then_some(digits)?;
        let block = u32::from_str_radix(block, 16).ok()?;
        let (first, last) = points.split_once('-').unwrap_or((points, points));
        let (first, last) = (number(first)?, number(last)?);
        let space = Space { area: number(area)?, block };
        (first <= last).then_some(PointRange { space, first, last })
    }
}

fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
