//! Classic references: one digit for the table, then the entry counted from 1 (AP 4.4 describes the model, IG 4.4.2.1.2
//! counts addresses from 0).
//!
//! | written | means |
//! |---|---|
//! | `40101` | holding register at address 100 |
//! | `40101-40102` | two of them |
//! | `400001-465536` | all of them: six digits where an entry lies beyond 9999 |
//! | `00001`, `10001`, `30001` | first coil, discrete input, input register |
//! | `file 4 record 7-9` | three records of a file |
//! | `fifo 41247` | the queue whose pointer is holding register 41247 |
//! | `area 9 block 2 point 3-5` | anything that Modbus does not have |

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

use super::object::{LAST_ADDRESS, area};

/// The last entry that five digits can write.
const LAST_OF_FIVE_DIGITS: u64 = 9_999;

/// Writes and reads classic references.
#[derive(Clone, Copy, Debug)]
pub(super) struct References;

impl Notation for References {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        match (digit(area), block) {
            (Some(digit), 0) if last <= u64::from(LAST_ADDRESS) => references(digit, first, last, out),
            _ if area == area::FILE_RECORD => {
                write!(out, "file {block} record ")?;
                span(first, last, out)
            }
            (_, 0) if area == area::FIFO && last <= u64::from(LAST_ADDRESS) => {
                out.write_str("fifo ")?;
                references('4', first, last, out)
            }
            _ => {
                write!(out, "area {area} block {block} point ")?;
                span(first, last, out)
            }
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        if let Some(rest) = text.strip_prefix("file ") {
            let (block, span) = rest.split_once(" record ")?;
            return range(area::FILE_RECORD, number(block)?, bounds(span, number)?);
        }
        if let Some(rest) = text.strip_prefix("area ") {
            let (area, rest) = rest.split_once(" block ")?;
            let (block, span) = rest.split_once(" point ")?;
            return range(number(area)?, number(block)?, bounds(span, number)?);
        }
        if let Some(rest) = text.strip_prefix("fifo ") {
            return range(area::FIFO, 0, bounds(rest, |part| entry(part, '4'))?);
        }
        let digit = text.chars().next()?;
        range(area_of(digit)?, 0, bounds(text, |part| entry(part, digit))?)
    }
}

fn digit(area: u16) -> Option<char> {
    match area {
        area::COIL => Some('0'),
        area::DISCRETE_INPUT => Some('1'),
        area::INPUT_REGISTER => Some('3'),
        area::HOLDING_REGISTER => Some('4'),
        _ => None,
    }
}

fn area_of(digit: char) -> Option<u16> {
    match digit {
        '0' => Some(area::COIL),
        '1' => Some(area::DISCRETE_INPUT),
        '3' => Some(area::INPUT_REGISTER),
        '4' => Some(area::HOLDING_REGISTER),
        _ => None,
    }
}

fn references(digit: char, first: u64, last: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    let width = if last < LAST_OF_FIVE_DIGITS { 4 } else { 5 };
    write!(out, "{digit}{:0width$}", first + 1)?;
    if first == last { Ok(()) } else { write!(out, "-{digit}{:0width$}", last + 1) }
}

fn span(first: u64, last: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") }
}

fn range(area: u16, block: u32, (first, last): (u64, u64)) -> Option<PointRange> {
    (first <= last).then_some(PointRange { space: Space { area, block }, first, last })
}

fn bounds(text: &str, part: impl Fn(&str) -> Option<u64>) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((part(first)?, part(last)?))
}

/// The address that a reference of the table `digit` names.
fn entry(reference: &str, digit: char) -> Option<u64> {
    let entry = reference.strip_prefix(digit).filter(|digits| (4..=5).contains(&digits.len()))?;
    let entry: u64 = number(entry)?;
    (1..=u64::from(LAST_ADDRESS) + 1).contains(&entry).then(|| entry - 1)
}

/// Digits alone: `+1` is no number here.
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
