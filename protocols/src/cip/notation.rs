//! How points are written.
//!
//! | written | means |
//! |---|---|
//! | `class 1 instance 1 attribute 3-5` | attributes of an object |
//! | `class 1 instance 1` | the object itself |
//! | `tag#0123456789ab[0-3]` | elements of a tag; the number is the hash of its name, lower case, FNV-1a in 47 bits |
//! | `symbol 21[0-3]` | elements of the tag that is an instance of class 0x6b |
//! | `N7:0-3`, `T4:0.1-0.2` | elements of a data file; words of timers, counters and controls |
//! | `file 9:0.0`, `file 9 type 32:0.0` | of a file whose type is not said, or has no letter |

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::{
    path::{HASH_MASK, Target, name_hash},
    pccc::words_per_element,
};
use crate::dissector::Notation;

/// Area of tags by instance of the symbol class.
pub(super) const SYMBOLS: u16 = 0x7e00;
/// Areas of data files: this and the file type.
pub(super) const PCCC_FILES: u16 = 0x7f00;
/// Area of data files whose type is not said.
pub(super) const PCCC_UNKNOWN: u16 = 0x7e01;
/// Areas of tags by name: this and the upper 15 bits of the hash.
const NAMES: u16 = 0x8000;
/// Classes below this are areas by their own number.
const CLASSES: u32 = 0x7e00;

const LETTERS: [(u16, &str); 17] = [
    (0x7f82, "O"),
    (0x7f83, "I"),
    (0x7f84, "S"),
    (0x7f85, "B"),
    (0x7f86, "T"),
    (0x7f87, "C"),
    (0x7f88, "R"),
    (0x7f89, "N"),
    (0x7f8a, "F"),
    (0x7f8b, "OS"),
    (0x7f8c, "IS"),
    (0x7f8d, "ST"),
    (0x7f8e, "A"),
    (0x7f8f, "D"),
    (0x7f91, "L"),
    (0x7f92, "MG"),
    (0x7f93, "PD"),
];

/// The notation of CIP points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objects;

/// The attribute of an object, or the object itself.
pub(super) fn object(target: &Target, attributes: Option<(u64, u64)>) -> Option<PointRange> {
    let class = target.class.filter(|class| *class < CLASSES)?;
    let area = u16::try_from(class).ok()?;
    let (first, last) = attributes.unwrap_or((0, 0));
    Some(PointRange { space: Space { area, block: target.instance.unwrap_or(0) }, first, last })
}

/// Elements of a tag, by name or by instance of the symbol class.
pub(super) fn tag(target: &Target, first: u64, count: u64) -> Option<PointRange> {
    let space = match (target.symbol, target.instance) {
        (Some(hash), _) => Space {
            area: NAMES | u16::try_from(hash >> 32).ok()?,
            block: u32::try_from(hash & 0xffff_ffff).ok()?,
        },
        (None, Some(instance)) => Space { area: SYMBOLS, block: instance },
        (None, None) => return None,
    };
    let first = first.saturating_add(u64::from(target.member.unwrap_or(0)));
    Some(PointRange { space, first, last: first.saturating_add(count.max(1) - 1) })
}

/// The first element of a tag, by the name that engineers gave it: `Setpoint`, `Program:Main.Level`.
#[must_use]
pub fn points_of_tag(name: &str) -> PointRange {
    let hash = name_hash(name);
    // 47 bits: 15 and 32 of them.
    let area = NAMES | u16::try_from(hash >> 32).unwrap_or(0);
    let block = u32::try_from(hash & 0xffff_ffff).unwrap_or(0);
    PointRange { space: Space { area, block }, first: 0, last: 0 }
}

impl Notation for Objects {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        if area >= NAMES {
            write!(out, "tag#{:012x}[", u64::from(area & !NAMES) << 32 | u64::from(block))?;
            span(first, last, out)?;
            return out.write_str("]");
        }
        if area == SYMBOLS {
            write!(out, "symbol {block}[")?;
            span(first, last, out)?;
            return out.write_str("]");
        }
        if u32::from(area) < CLASSES {
            write!(out, "class {area} instance {block}")?;
            if (first, last) == (0, 0) {
                return Ok(());
            }
            out.write_str(" attribute ")?;
            return span(first, last, out);
        }
        match LETTERS.iter().find(|(known, _)| *known == area) {
            Some((_, letters)) => write!(out, "{letters}{block}:")?,
            None if area == PCCC_UNKNOWN => write!(out, "file {block}:")?,
            None => write!(out, "file {block} type {area}:")?,
        }
        words(area, first, last, out)
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        if let Some(rest) = text.strip_prefix("tag#") {
            let (hash, rest) = rest.split_once('[')?;
            let hash = u64::from_str_radix(hash, 16).ok().filter(|hash| *hash <= HASH_MASK)?;
            let target = Target { symbol: Some(hash), ..Target::default() };
            return elements(&target, rest);
        }
        if let Some(rest) = text.strip_prefix("symbol ") {
            let (instance, rest) = rest.split_once('[')?;
            let target = Target { instance: Some(number(instance)?), ..Target::default() };
            return elements(&target, rest);
        }
        if let Some(rest) = text.strip_prefix("class ") {
            let (class, rest) = rest.split_once(" instance ")?;
            let (instance, attributes) = match rest.split_once(" attribute ") {
                Some((instance, attributes)) => (instance, Some(bounds(attributes, number)?)),
                None => (rest, None),
            };
            let target = Target {
                class: Some(number(class)?),
                instance: Some(number(instance)?),
                ..Target::default()
            };
            return object(&target, attributes);
        }
        file(text)
    }
}

fn elements(target: &Target, rest: &str) -> Option<PointRange> {
    let (first, last) = bounds(rest.strip_suffix(']')?, number)?;
    tag(target, first, last.checked_sub(first)?.checked_add(1)?)
}

/// A data file.
fn file(text: &str) -> Option<PointRange> {
    let (name, rest) = text.split_once(':')?;
    let (area, block) = match name.strip_prefix("file ") {
        Some(name) => match name.split_once(" type ") {
            Some((block, area)) => (number(area)?, number(block)?),
            None => (PCCC_UNKNOWN, number(name)?),
        },
        None => {
            let digits = name.find(|c: char| c.is_ascii_digit())?;
            let (letters, block) = name.split_at_checked(digits)?;
            let (area, _) = LETTERS.iter().find(|(_, known)| *known == letters)?;
            (*area, number(block)?)
        }
    };
    let each = words_per_element(area);
    let (first, last) = bounds(rest, |part: &str| {
        if each == 1 {
            return number(part);
        }
        let (element, word) = part.split_once('.')?;
        number::<u64>(element)?.checked_mul(each)?.checked_add(number(word)?)
    })?;
    (area >= PCCC_FILES || area == PCCC_UNKNOWN).then_some(PointRange {
        space: Space { area, block },
        first,
        last,
    })
}

/// Elements, or words of elements that have several.
fn words(area: u16, first: u64, last: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    let each = words_per_element(area);
    if each == 1 {
        return span(first, last, out);
    }
    write!(out, "{}.{}", first / each, first % each)?;
    if first == last { Ok(()) } else { write!(out, "-{}.{}", last / each, last % each) }
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
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
