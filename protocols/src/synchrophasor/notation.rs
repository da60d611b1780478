//! How points are written: `PMU 61-64`, by the id codes of the stations.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The notation of stations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Station;

/// The only space: id codes.
pub(super) const SPACE: Space = Space { area: 0, block: 0 };

impl Notation for Station {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str("PMU ")?;
        match (range.first, range.last) {
            (first, last) if first == last => write!(out, "{first}"),
            (first, last) => write!(out, "{first}-{last}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let span = text.strip_prefix("PMU ")?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(PointRange { space: SPACE, first, last })
    }
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
