//! How points are written: `DB 5 bit 16-31`, `M bit 12`, `DB 5 symbol 10`, `timer 3`, `object 52 attribute 2167`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::address::{ATTRIBUTE, COUNTER, DATA_BLOCK, FLAG, INPUT, OUTPUT, SYMBOLIC, TIMER};
use crate::dissector::Notation;

/// Writes and reads what is addressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses;

/// The words for an area; those with a block have its number between the two.
const WORDS: [(u16, &str, &str); 13] = [
    (INPUT, "I", "bit"),
    (OUTPUT, "Q", "bit"),
    (FLAG, "M", "bit"),
    (DATA_BLOCK, "DB", "bit"),
    (COUNTER, "counter", "bit"),
    (TIMER, "timer", "bit"),
    (INPUT + SYMBOLIC, "I", "symbol"),
    (OUTPUT + SYMBOLIC, "Q", "symbol"),
    (FLAG + SYMBOLIC, "M", "symbol"),
    (DATA_BLOCK + SYMBOLIC, "DB", "symbol"),
    (COUNTER + SYMBOLIC, "counter", "symbol"),
    (TIMER + SYMBOLIC, "timer", "symbol"),
    (ATTRIBUTE, "object", "attribute"),
];

impl Notation for Addresses {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        match WORDS.iter().find(|(known, ..)| *known == area) {
            Some((_, name, kind)) if block == 0 => write!(out, "{name} {kind} {first}")?,
            Some((_, name, kind)) => write!(out, "{name} {block} {kind} {first}")?,
            None => write!(out, "area {area} {block} point {first}")?,
        }
        if first == last { Ok(()) } else { write!(out, "-{last}") }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (front, span) = text.rsplit_once(' ')?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first)?, number(last)?);
        let space = if let Some(rest) = front.strip_prefix("area ") {
            let (area, block) = rest.strip_suffix(" point")?.split_once(' ')?;
            Space { area: number(area)?, block: number(block)? }
        } else {
            let (front, kind) = front.rsplit_once(' ')?;
            let (name, block) = match front.split_once(' ') {
                Some((name, block)) => (name, number(block).filter(|block| *block != 0)?),
                None => (front, 0),
            };
            let area = WORDS.iter().find(|(_, known, of)| *known == name && *of == kind)?.0;
            Space { area, block }
        };
        (first <= last).then_some(PointRange { space, first, last })
    }
}

/// Digits alone: `+1` is no number here.
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
