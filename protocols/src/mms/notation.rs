//! How points are written: `named 1a2b3c4d.0123456789abcdef`, hashes of domain and item.
//!
//! MMS names its variables by text, and a point is a number; the fields of a message carry the text. The same name always has
//! the same hash, so a baseline knows a name again.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

use super::object::AREA_NAMED;

/// Writes and reads hashes of names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names;

impl Notation for Names {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        if area == AREA_NAMED {
            write!(out, "named {block:08x}.{first:016x}")?;
        } else {
            write!(out, "area {area} {block:08x}.{first:016x}")?;
        }
        if first == last { Ok(()) } else { write!(out, "-{last:016x}") }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, rest) = match text.strip_prefix("named ") {
            Some(rest) => (AREA_NAMED, rest),
            None => {
                let (area, rest) = text.strip_prefix("area ")?.split_once(' ')?;
                (area.parse().ok()?, rest)
            }
        };
        let (block, span) = rest.split_once('.')?;
        let block = u32::try_from(number(block, 8)?).ok()?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first, 16)?, number(last, 16)?);
        (first <= last).then_some(PointRange { space: Space { area, block }, first, last })
    }
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}
