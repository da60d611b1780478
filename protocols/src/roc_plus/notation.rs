//! How points are written: `type 17 logical 0 parameter 3-5`, `table 1 location 0`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::points::TABLES;
use crate::dissector::Notation;

/// The notation of ROC Plus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter;

impl Notation for Parameter {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        match range.space {
            Space { area: TABLES, block } => write!(out, "table {block} location ")?,
            Space { area, block } => write!(out, "type {area} logical {block} parameter ")?,
        }
        match (range.first, range.last) {
            (first, last) if first == last => write!(out, "{first}"),
            (first, last) => write!(out, "{first}-{last}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (space, span) = if let Some(rest) = text.strip_prefix("table ") {
            let (table, span) = rest.split_once(" location ")?;
            (Space { area: TABLES, block: octet(table)?.into() }, span)
        } else {
            let (kind, rest) = text.strip_prefix("type ")?.split_once(" logical ")?;
            let (logical, span) = rest.split_once(" parameter ")?;
            (Space { area: octet(kind)?.into(), block: octet(logical)?.into() }, span)
        };
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first)?, number(last)?);
        (first <= last).then_some(PointRange { space, first, last })
    }
}

fn octet(text: &str) -> Option<u8> {
    number(text).and_then(|number| u8::try_from(number).ok())
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
