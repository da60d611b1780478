//! Points as GE writes references, counted from 1: `%R1-10`, `%M863`, `%AI5`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::service::{area_of, table};
use crate::dissector::Notation;

/// Writes and reads references.
#[derive(Clone, Copy, Debug)]
pub(super) struct References;

impl Notation for References {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let known = u8::try_from(range.space.area).ok().and_then(table);
        match known {
            Some(table) => write!(out, "%{}", table.letters)?,
            None => write!(out, "%{}:", range.space.area)?,
        }
        write!(out, "{}", range.first + 1)?;
        if range.first == range.last { Ok(()) } else { write!(out, "-{}", range.last + 1) }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let rest = text.strip_prefix('%')?;
        let (area, numbers) = match rest.split_once(':') {
            Some((area, numbers)) => (digits(area)?, numbers),
            None => {
                let (letters, numbers) = rest.split_at_checked(rest.find(|c: char| c.is_ascii_digit())?)?;
                (u16::from(area_of(letters)?), numbers)
            }
        };
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let (first, last) = (digits::<u64>(first)?.checked_sub(1)?, digits::<u64>(last)?.checked_sub(1)?);
        (first <= last).then_some(PointRange { space: Space { area, block: 0 }, first, last })
    }
}

/// Digits alone: `+1` is no number here.
fn digits<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
