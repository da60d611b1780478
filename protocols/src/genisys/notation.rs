//! How points are written: `byte 7`, octets of indications and controls.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The notation of genisys.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataByte;

/// The only space.
pub(super) const SPACE: Space = Space { area: 0, block: 0 };

impl Notation for DataByte {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str("byte ")?;
        match (range.first, range.last) {
            (first, last) if first == last => write!(out, "{first}"),
            (first, last) => write!(out, "{first}-{last}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let span = text.strip_prefix("byte ")?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(PointRange { space: SPACE, first, last })
    }
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
