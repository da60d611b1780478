//! How points are written: as STEP 7 writes addresses, with both ends where a range has two.
//!
//! `DB1.DBX4.3` is a bit, `DB1.DBB0-3` are octets, `DB1.DBX4.3-5.0` bits that fill no octets; `M10.3`, `MB10`, `IB0-1`,
//! `QB0` without blocks; `C5` and `T3-4` by number. Areas without a letter, and letters with a block number they do
//! not have, are written by their numbers: `A3.0:B4-5` is area 3, block 0.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The notation of S7 points.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepSeven;

const LETTERS: [(u16, &str); 8] =
    [(0x80, "P"), (0x81, "I"), (0x82, "Q"), (0x83, "M"), (0x86, "L"), (0x87, "V"), (0x1c, "C"), (0x1d, "T")];
const BLOCKS: [(u16, &str); 2] = [(0x84, "DB"), (0x85, "DI")];

impl Notation for StepSeven {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let Space { area, block } = range.space;
        let mut bit_letter = "X";
        if let Some(letters) = name_of(&BLOCKS, area) {
            write!(out, "{letters}{block}.{letters}")?;
        } else if let Some(letter) = name_of(&LETTERS, area).filter(|_| block == 0) {
            bit_letter = "";
            out.write_str(letter)?;
        } else {
            write!(out, "A{area}.{block}:")?;
        }
        let (first, last) = (range.first, range.last);
        if by_number(area) {
            write_span(out, first, last)
        } else if first % 8 == 0 && last % 8 == 7 {
            out.write_str("B")?;
            write_span(out, first / 8, last / 8)
        } else if first == last {
            write!(out, "{bit_letter}{}.{}", first / 8, first % 8)
        } else {
            write!(out, "{bit_letter}{}.{}-{}.{}", first / 8, first % 8, last / 8, last % 8)
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (space, rest) = read_space(text)?;
        let (first, last) = if by_number(space.area) {
            read_span(rest)?
        } else if let Some(octets) = rest.strip_prefix('B') {
            let (first, last) = read_span(octets)?;
            (first.checked_mul(8)?, last.checked_mul(8)?.checked_add(7)?)
        } else {
            let bits = rest.strip_prefix('X').unwrap_or(rest);
            let (first, last) = bits.split_once('-').unwrap_or((bits, bits));
            (read_bit(first)?, read_bit(last)?)
        };
        (first <= last).then_some(PointRange { space, first, last })
    }
}

const fn by_number(area: u16) -> bool {
    matches!(area, 0x1c | 0x1d)
}

fn name_of(names: &[(u16, &'static str)], area: u16) -> Option<&'static str> {
    names.iter().find(|(number, _)| *number == area).map(|(_, name)| *name)
}

fn write_span(out: &mut dyn fmt::Write, first: u64, last: u64) -> fmt::Result {
    if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") }
}

fn read_space(text: &str) -> Option<(Space, &str)> {
    if let Some(numbers) = text.strip_prefix('A') {
        let (space, rest) = numbers.split_once(':')?;
        let (area, block) = space.split_once('.')?;
        return Some((Space { area: number(area)?, block: number(block)? }, rest));
    }
    for (area, letters) in BLOCKS {
        if let Some(after) = text.strip_prefix(letters) {
            let (block, rest) = after.split_once('.')?;
            return Some((Space { area, block: number(block)? }, rest.strip_prefix(letters)?));
        }
    }
    LETTERS.iter().find_map(|(area, letter)| {
        text.strip_prefix(letter).map(|rest| (Space { area: *area, block: 0 }, rest))
    })
}

fn read_span(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number(first)?, number(last)?))
}

fn read_bit(text: &str) -> Option<u64> {
    let (octet, bit) = text.split_once('.')?;
    let bit = number::<u64>(bit).filter(|bit| *bit < 8)?;
    number::<u64>(octet)?.checked_mul(8)?.checked_add(bit)
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
