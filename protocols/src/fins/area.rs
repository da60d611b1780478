//! Memory areas (W342, 5-2-2) and how their points are written.
//!
//! | written | means |
//! |---|---|
//! | `D100-105` | data memory words |
//! | `CIO10.03`, `W0.00-0.07` | bits |
//! | `T5`, `TF5` | present value and completion flag of a timer or counter |
//! | `E2_100` | extended memory, bank 2; `EM100` the current bank |
//! | `TK3`, `IR0`, `DR1` | task flag, index register, data register |
//! | `area 66:1600` | an area that has no letters here: word and bit as one number |

use core::fmt;

use fieldwarden_model::{PointRange, Space, operation::Encoding};

use crate::dissector::Notation;

/// What an area code names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// The memory.
    pub(super) memory: u16,
    /// What its elements are.
    pub(super) element: Element,
}

/// What an area code counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// Words of 16 bits.
    Word,
    /// Bits, an octet each.
    Bit,
    /// Numbered things with a word each.
    Value,
    /// Numbered things with an octet each.
    Flag,
    /// Registers with two words each.
    Register,
    /// Nothing that is known.
    Other,
}

const FLAG: u16 = 6;
const PRESENT_VALUE: u16 = 7;
const BANK: u16 = 0x0100;
const OTHER: u16 = 0x1000;
/// Memories whose words have bits.
const WORDS: [(u16, &str); 6] = [(1, "CIO"), (2, "W"), (3, "H"), (4, "A"), (5, "D"), (8, "EM")];
/// Memories that are counted by number.
const NUMBERED: [(u16, &str); 5] = [(FLAG, "TF"), (PRESENT_VALUE, "T"), (9, "TK"), (10, "IR"), (11, "DR")];

impl Area {
    /// What a code names; CS, CJ, CP and CV codes.
    pub(super) const fn of(code: u8) -> Self {
        use Element::{Bit, Flag, Other, Register, Value, Word};
        let (memory, element) = match code {
            0x00 | 0x30 | 0x70 | 0x40 => (1, Bit),
            0x31 | 0x71 => (2, Bit),
            0x32 | 0x72 => (3, Bit),
            0x33 => (4, Bit),
            0x80 | 0xb0 | 0xf0 | 0xc0 => (1, Word),
            0xb1 | 0xf1 => (2, Word),
            0xb2 | 0xf2 => (3, Word),
            0xb3 => (4, Word),
            0x02 => (5, Bit),
            0x82 => (5, Word),
            0x01 | 0x09 | 0x41 | 0x49 => (FLAG, Flag),
            0x81 | 0x89 => (PRESENT_VALUE, Value),
            0x06 | 0x46 => (9, Flag),
            0x0a => (8, Bit),
            0x98 => (8, Word),
            0xdc => (10, Register),
            0x9c | 0xbc => (11, Value),
            0x20..=0x2f => (BANK + (code as u16 - 0x20), Bit),
            0xa0..=0xaf => (BANK + (code as u16 - 0xa0), Word),
            0x90..=0x97 => (BANK + (code as u16 - 0x90), Word),
            _ => (OTHER + code as u16, Other),
        };
        Self { memory, element }
    }

    /// The points from an address on.
    pub(super) fn points(self, word: u16, bit: u8, count: u16) -> PointRange {
        let (word, count) = (u64::from(word), u64::from(count.max(1)));
        let (first, many) = match self.element {
            Element::Word => (word * 16, count * 16),
            Element::Bit => (word * 16 + u64::from(bit & 15), count),
            Element::Other => (word * 16 + u64::from(bit & 15), 1),
            Element::Value | Element::Flag | Element::Register => (word, count),
        };
        PointRange { space: Space { area: self.memory, block: 0 }, first, last: first + many - 1 }
    }

    /// How its values are cut, and how many points one spans.
    pub(super) const fn values(self) -> Option<(Encoding, u16)> {
        match self.element {
            Element::Word => Some((Encoding::Unsigned16, 16)),
            Element::Value => Some((Encoding::Unsigned16, 1)),
            Element::Bit | Element::Flag => Some((Encoding::OctetBit, 1)),
            Element::Register => Some((Encoding::Unsigned32, 1)),
            Element::Other => None,
        }
    }
}

/// Writes and reads addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses;

impl Notation for Addresses {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, .. }, first, last } = *range;
        if let Some((_, letters)) = NUMBERED.iter().find(|(known, _)| *known == area) {
            out.write_str(letters)?;
            return span(first, last, out);
        }
        if let Some((_, letters)) = WORDS.iter().find(|(known, _)| *known == area) {
            out.write_str(letters)?;
        } else if (BANK..OTHER).contains(&area) {
            write!(out, "E{}_", area - BANK)?;
        } else {
            write!(out, "area {area}:")?;
            return span(first, last, out);
        }
        if first % 16 == 0 && last % 16 == 15 {
            return span(first / 16, last / 16, out);
        }
        write!(out, "{}.{:02}", first / 16, first % 16)?;
        if first == last { Ok(()) } else { write!(out, "-{}.{:02}", last / 16, last % 16) }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        if let Some((area, rest)) = text.strip_prefix("area ").and_then(|rest| rest.split_once(':')) {
            return range(digits(area)?, bounds(rest, digits)?);
        }
        if let Some((bank, rest)) = text.strip_prefix('E').and_then(|rest| rest.split_once('_')) {
            return range(BANK.checked_add(digits(bank)?)?, words(rest)?);
        }
        let (letters, rest) = text.split_at_checked(text.find(|c: char| c.is_ascii_digit())?)?;
        if let Some((area, _)) = NUMBERED.iter().find(|(_, known)| *known == letters) {
            return range(*area, bounds(rest, digits)?);
        }
        let (area, _) = WORDS.iter().find(|(_, known)| *known == letters)?;
        range(*area, words(rest)?)
    }
}

/// Words, or bits of words.
fn words(text: &str) -> Option<(u64, u64)> {
    if text.contains('.') {
        return bounds(text, |part| {
            let (word, bit) = part.split_once('.')?;
            let bit: u64 = digits(bit).filter(|bit| *bit < 16)?;
            digits::<u64>(word)?.checked_mul(16)?.checked_add(bit)
        });
    }
    let (first, last) = bounds(text, digits::<u64>)?;
    Some((first.checked_mul(16)?, last.checked_mul(16)?.checked_add(15)?))
}

fn range(area: u16, (first, last): (u64, u64)) -> Option<PointRange> {
    Some(PointRange { space: Space { area, block: 0 }, first, last })
}

fn span(first: u64, last: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") }
}

fn bounds(text: &str, part: impl Fn(&str) -> Option<u64>) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (part(first)?, part(last)?);
    (first <= last).then_some((first, last))
}

/// Digits alone: `+1` is no number here.
fn digits<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
