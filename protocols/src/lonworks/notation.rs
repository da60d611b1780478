//! Network variables by their selector: `nv 269`, `nv 269-270`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::{Notation, PlainNotation, digits};

use super::area;

/// Writes and reads selectors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selectors;

impl Notation for Selectors {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space, first, last } = *range;
        if space != (Space { area: area::NETWORK_VARIABLE, block: 0 }) {
            return PlainNotation.write(range, out);
        }
        write!(out, "nv {first}")?;
        if first == last { Ok(()) } else { write!(out, "-{last}") }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let Some(span) = text.strip_prefix("nv ") else { return PlainNotation.read(text) };
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (digits(first)?, digits(last)?);
        let space = Space { area: area::NETWORK_VARIABLE, block: 0 };
        (first <= last).then_some(PointRange { space, first, last })
    }
}
