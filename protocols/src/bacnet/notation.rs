//! How points are written: `analog-output 3 present-value`, `device 8 object-list[2]`, `file 1 all`.
//!
//! | written | means |
//! |---|---|
//! | `analog-output 3 present-value` | the present value of the third analog output |
//! | `analog-output 3 priority-array[8]` | an element of a property; element 0 is how many there are |
//! | `device 8 object-list[2-5]` | neighbouring elements |
//! | `file 1 all` | the object as a whole |
//! | `type-200 1 property-900` | numbers where the standard has no name |
//!
//! [`Space::area`] is the object type, [`Space::block`] the property, an index is the instance and, in the lower 32
//! bits, the element.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::names;
use crate::dissector::Notation;

/// The property that stands for the whole object (clause 21, `all`).
pub(super) const ALL: u32 = 8;

const LAST_ELEMENT: u64 = 0xffff_ffff;

/// A property of an object, or one element of it.
pub(super) fn point(object: (u16, u32), property: u32, element: Option<u32>) -> PointRange {
    let (area, instance) = object;
    let first = u64::from(instance) << 32;
    let (first, last) = match element {
        Some(element) => (first | u64::from(element), first | u64::from(element)),
        None => (first, first | LAST_ELEMENT),
    };
    PointRange { space: Space { area, block: property }, first, last }
}

/// Writes and reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objects;

impl Notation for Objects {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let Space { area, block } = range.space;
        match names::object_type(area) {
            Some(name) => out.write_str(name)?,
            None => write!(out, "type-{area}")?,
        }
        let (first, last) = (range.first >> 32, range.last >> 32);
        if first == last {
            write!(out, " {first} ")?
        } else {
            write!(out, " {first}-{last} ")?
        }
        match names::property(block) {
            Some(name) => out.write_str(name)?,
            None => write!(out, "property-{block}")?,
        }
        let (first, last) = (range.first & LAST_ELEMENT, range.last & LAST_ELEMENT);
        match (first, last) {
            (0, LAST_ELEMENT) => Ok(()),
            _ if first == last => write!(out, "[{first}]"),
            _ => write!(out, "[{first}-{last}]"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let mut words = text.split(' ');
        let area = named(words.next()?, "type-", names::object_type_number)?;
        let (first, last) = bounds(words.next()?)?;
        let property = words.next()?;
        let (property, elements) = match property.split_once('[') {
            Some((property, elements)) => (property, bounds(elements.strip_suffix(']')?)?),
            None => (property, (0, LAST_ELEMENT)),
        };
        let block = named(property, "property-", names::property_number)?;
        let whole = |instance: u64, element: u64| {
            (instance <= LAST_ELEMENT && element <= LAST_ELEMENT).then_some(instance << 32 | element)
        };
        let (first, last) = (whole(first, elements.0)?, whole(last, elements.1)?);
        (words.next().is_none() && first <= last).then_some(PointRange {
            space: Space { area, block },
            first,
            last,
        })
    }
}

/// A name, or a number behind `prefix`.
fn named<N: core::str::FromStr>(text: &str, prefix: &str, by_name: fn(&str) -> Option<N>) -> Option<N> {
    by_name(text).or_else(|| number(text.strip_prefix(prefix)?))
}

fn bounds(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number(first)?, number(last)?))
}

fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
