//! How points are written: by the kind of point and its index, `BI 5`, `AO 0-3`, `class 1`.
//!
//! A static object, its events and its commands are the same point, so the area is the group of the static object:
//! [`AREAS`]. `attribute 252:0` is a device attribute (variation 252 of set 0), `IIN 7` a bit of the internal indications, and
//! what has no name is written by its group: `g87:3-5`. `all` stands for every index.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The notation of DNP3 points.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupAndIndex;

/// Areas with a name: binary inputs, double-bit inputs, binary outputs, counters, frozen counters, analog inputs,
/// frozen analog inputs, dead bands of analog inputs, analog outputs, octet strings, virtual terminals, internal indications.
const AREAS: [(u16, &str); 12] = [
    (1, "BI"),
    (3, "DBI"),
    (10, "BO"),
    (20, "CT"),
    (21, "FC"),
    (30, "AI"),
    (31, "FAI"),
    (34, "AIDB"),
    (40, "AO"),
    (110, "OS"),
    (112, "VT"),
    (80, "IIN"),
];

/// The last index a header can name.
pub(super) const LAST: u64 = 0xffff_ffff;

/// Class data: the index is the class, 0 to 3.
pub(super) const CLASSES: u16 = 60;

/// The space of a group and variation; `None` where its objects are no points.
pub(super) fn space(group: u8, variation: u8) -> Option<Space> {
    let area = match group {
        0 => return Some(Space { area: 0, block: variation.into() }),
        1 | 2 => 1,
        3 | 4 => 3,
        10..=13 => 10,
        20 | 22 => 20,
        21 | 23 => 21,
        30 | 32 => 30,
        31 | 33 => 31,
        40..=43 => 40,
        110 | 111 => 110,
        112 | 113 => 112,
        50..=52 | 70 | 90 | 91 | 120 => return None,
        other => u16::from(other),
    };
    Some(Space { area, block: 0 })
}

impl Notation for GroupAndIndex {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let Space { area, block } = range.space;
        match AREAS.iter().find(|(known, _)| *known == area && block == 0) {
            Some((_, name)) => write!(out, "{name} ")?,
            None if area == CLASSES && block == 0 => out.write_str("class ")?,
            None if area == 0 => write!(out, "attribute {block}:")?,
            None if block == 0 => write!(out, "g{area}:")?,
            None => write!(out, "g{area}.{block}:")?,
        }
        match (range.first, range.last) {
            (0, LAST) => out.write_str("all"),
            (first, last) if first == last => write!(out, "{first}"),
            (first, last) => write!(out, "{first}-{last}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (space, span) = read_space(text)?;
        let (first, last) = match span {
            "all" => (0, LAST),
            _ => {
                let (first, last) = span.split_once('-').unwrap_or((span, span));
                (number(first)?, number(last)?)
            }
        };
        (first <= last).then_some(PointRange { space, first, last })
    }
}

fn read_space(text: &str) -> Option<(Space, &str)> {
    if let Some(rest) = text.strip_prefix("attribute ") {
        let (block, span) = rest.split_once(':')?;
        return Some((Space { area: 0, block: number(block)? }, span));
    }
    if let Some(rest) = text.strip_prefix('g') {
        let (numbers, span) = rest.split_once(':')?;
        let (area, block) = numbers.split_once('.').unwrap_or((numbers, "0"));
        return Some((Space { area: number(area)?, block: number(block)? }, span));
    }
    let (name, span) = text.split_once(' ')?;
    let area = match name {
        "class" => CLASSES,
        _ => AREAS.iter().find(|(_, known)| *known == name).map(|(area, _)| *area)?,
    };
    Some((Space { area, block: 0 }, span))
}

/// Digits only: `parse` alone would take a leading plus sign.
fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
