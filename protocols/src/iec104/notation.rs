//! How points are written: `IOA 1300-1301`, information object addresses of the station that is the operation's unit.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The notation of information object addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectAddress;

/// The only space: a station's addresses name objects of every type.
pub(super) const SPACE: Space = Space { area: 0, block: 0 };

impl Notation for ObjectAddress {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str("IOA ")?;
        match (range.first, range.last) {
            (first, last) if first == last => write!(out, "{first}"),
            (first, last) => write!(out, "{first}-{last}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let span = text.strip_prefix("IOA ")?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(PointRange { space: SPACE, first, last })
    }
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
