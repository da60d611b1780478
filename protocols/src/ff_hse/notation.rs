//! How points are written: `fda 0x012f0001 index 5`, and `index 5.2` with a subindex. [`Space::block`] is the FDA address (link,
//! node and virtual communication relationship), an index is `index << 32 | subindex`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

const SUBINDEX: u64 = 0xffff_ffff;

/// An object, or one part of it.
pub(super) fn point(address: u32, index: u32, subindex: Option<u32>) -> PointRange {
    let first = u64::from(index) << 32;
    let (first, last) = match subindex {
        Some(subindex) => (first | u64::from(subindex), first | u64::from(subindex)),
        None => (first, first | SUBINDEX),
    };
    PointRange { space: Space { area: 0, block: address }, first, last }
}

/// Writes and reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indexes;

impl Notation for Indexes {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        if area != 0 {
            write!(out, "area {area} ")?;
        }
        write!(out, "fda {block:#010x} index {}", first >> 32)?;
        match (first >> 32 == last >> 32, first & SUBINDEX, last & SUBINDEX) {
            (true, 0, SUBINDEX) => Ok(()),
            (true, only, end) if only == end => write!(out, ".{only}"),
            (_, start, end) => write!(out, ".{start}-{}.{end}", last >> 32),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, text) = match text.strip_prefix("area ") {
            Some(rest) => rest.split_once(' ').and_then(|(area, rest)| Some((number(area)?, rest)))?,
            None => (0, text),
        };
        let (address, points) = text.strip_prefix("fda 0x")?.split_once(" index ")?;
        let block = u32::from_str_radix(address, 16).ok()?;
        let whole = |text: &str| {
            let (index, subindex) = text.split_once('.')?;
            Some(number::<u32>(index)?)
                .zip(number::<u32>(subindex))
                .map(|(index, subindex)| u64::from(index) << 32 | u64::from(subindex))
        };
        let (first, last) = match (points.split_once('-'), points.contains('.')) {
            (Some((first, last)), _) => (whole(first)?, whole(last)?),
            (None, true) => (whole(points)?, whole(points)?),
            (None, false) => {
                let first = u64::from(number::<u32>(points)?) << 32;
                (first, first | SUBINDEX)
            }
        };
        (first <= last).then_some(PointRange { space: Space { area, block }, first, last })
    }
}

fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
