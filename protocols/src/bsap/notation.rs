//! How points are written: `signal 7`, signals by their address.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The notation of bsap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal;

/// The only space.
pub(super) const SPACE: Space = Space { area: 0, block: 0 };

impl Notation for Signal {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str("signal ")?;
        match (range.first, range.last) {
            (first, last) if first == last => write!(out, "{first}"),
            (first, last) => write!(out, "{first}-{last}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let span = text.strip_prefix("signal ")?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(PointRange { space: SPACE, first, last })
    }
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
