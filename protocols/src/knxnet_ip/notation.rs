//! How points are written.
//!
//! | written | means |
//! |---|---|
//! | `1/2/3` | a group address; `1/2/3-10` neighbours |
//! | `1.1.5 memory 256-271` | octets of a device's memory |
//! | `1.1.5 object 0 property 54` | a property of an interface object of a device |
//! | `local object 11 property 52` | of the gateway itself, by type of object |

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::dissector::Notation;

/// The areas, as [`Space::area`] numbers them.
pub mod area {
    /// Group addresses.
    pub const GROUP: u16 = 1;
    /// Memory; [`Space::block`](fieldwarden_model::Space::block) is the individual address.
    pub const MEMORY: u16 = 2;
    /// Properties, `object << 16 | property`; the block is the individual address.
    pub const PROPERTY: u16 = 3;
    /// Properties of the gateway, `type << 16 | property`.
    pub const LOCAL: u16 = 4;
}

/// Writes and reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses;

impl Notation for Addresses {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        match area {
            area::GROUP if block == 0 && first <= 0xffff => {
                write!(out, "{}/{}/{}", first >> 11, first >> 8 & 7, first & 0xff)?;
                if last == first { Ok(()) } else { write!(out, "-{}", (first & 0xff) + (last - first)) }
            }
            area::MEMORY if block <= 0xffff => {
                device(block, out)?;
                out.write_str(" memory ")?;
                span(first, last, out)
            }
            area::PROPERTY if block <= 0xffff && first == last => {
                device(block, out)?;
                write!(out, " object {} property {}", first >> 16, first & 0xffff)
            }
            area::LOCAL if block == 0 && first == last => {
                write!(out, "local object {} property {}", first >> 16, first & 0xffff)
            }
            _ => {
                write!(out, "area {area} block {block} point ")?;
                span(first, last, out)
            }
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let of = |area, block, (first, last): (u64, u64)| {
            (first <= last).then_some(PointRange { space: Space { area, block }, first, last })
        };
        if let Some(rest) = text.strip_prefix("area ") {
            let (area, rest) = rest.split_once(" block ")?;
            let (block, points) = rest.split_once(" point ")?;
            return of(number(area)?, number(block)?, bounds(points)?);
        }
        if let Some(rest) = text.strip_prefix("local ") {
            return of(area::LOCAL, 0, property(rest)?);
        }
        if let Some((main, rest)) = text.split_once('/') {
            let (middle, sub) = rest.split_once('/')?;
            let (first, last) = bounds(sub)?;
            let base = number::<u64>(main)? << 11 | number::<u64>(middle)? << 8;
            return of(area::GROUP, 0, (base | first, base.checked_add(last)?));
        }
        let (device, rest) = text.split_once(' ')?;
        let device = individual(device)?;
        match rest.strip_prefix("memory ") {
            Some(rest) => of(area::MEMORY, device, bounds(rest)?),
            None => of(area::PROPERTY, device, property(rest)?),
        }
    }
}

fn device(address: u32, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{}.{}.{}", address >> 12, address >> 8 & 15, address & 0xff)
}

fn individual(text: &str) -> Option<u32> {
    let mut parts = text.split('.');
    let (area, line, device) = (parts.next()?, parts.next()?, parts.next()?);
    Some(number::<u32>(area)? << 12 | number::<u32>(line)? << 8 | number::<u32>(device)?)
}

fn property(text: &str) -> Option<(u64, u64)> {
    let (object, property) = text.strip_prefix("object ")?.split_once(" property ")?;
    let whole = number::<u64>(object)?.checked_mul(1 << 16)?.checked_add(number(property)?)?;
    Some((whole, whole))
}

fn span(first: u64, last: u64, out: &mut dyn fmt::Write) -> fmt::Result {
    if first == last { write!(out, "{first}") } else { write!(out, "{first}-{last}") }
}

fn bounds(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((number(first)?, number(last)?))
}

fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
