//! Octets of slaves' memories and objects.
//!
//! | written | means |
//! |---|---|
//! | `slave 4098 octet 288-289` | octets 0x0120 and 0x0121 of the slave with configured address 0x1002 |
//! | `position 3 octet 16-17` | of the slave that counts the address up to 0 |
//! | `all octet 304-305` | of every slave |
//! | `logical octet 65536-65599` | of the logical address space |
//! | `slave 4098 object 6144.1` | CoE object 0x1800 sub-index 1 |

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::{
    datagram::{read_span, write_span},
    dissector::Notation,
};

/// The areas of points.
pub(super) mod area {
    /// A slave by its configured address.
    pub(in crate::ethercat) const STATION: u16 = 0;
    /// A slave by its position.
    pub(in crate::ethercat) const POSITION: u16 = 1;
    /// Every slave.
    pub(in crate::ethercat) const ALL: u16 = 2;
    /// The logical address space.
    pub(in crate::ethercat) const LOGICAL: u16 = 3;
    /// Objects of a slave: 256 times the index, plus the sub-index.
    pub(in crate::ethercat) const OBJECT: u16 = 4;
}

const NAMES: [(u16, &str, &str); 5] = [
    (area::STATION, "slave ", "octet"),
    (area::POSITION, "position ", "octet"),
    (area::ALL, "all", "octet"),
    (area::LOGICAL, "logical", "octet"),
    (area::OBJECT, "slave ", "object"),
];

/// Writes and reads octets and objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets;

impl Notation for Octets {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let Space { area, block } = range.space;
        let Some((_, name, what)) = NAMES.iter().find(|(number, ..)| *number == area) else { return Ok(()) };
        out.write_str(name)?;
        if name.ends_with(' ') {
            write!(out, "{block}")?;
        }
        write!(out, " {what} ")?;
        if area == area::OBJECT {
            return write!(out, "{}.{}", range.first >> 8, range.first & 0xff);
        }
        write_span(range, out)
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        NAMES.iter().find_map(|(area, name, what)| {
            let rest = text.strip_prefix(name)?;
            let (block, span) = rest.split_once(what)?;
            let block = if name.ends_with(' ') { block.trim_end().parse().ok()? } else { 0 };
            let space = Space { area: *area, block };
            let span = span.strip_prefix(' ')?;
            let (first, last) = if *area == area::OBJECT {
                let (index, sub) = span.split_once('.')?;
                let (index, sub): (u16, u8) = (index.parse().ok()?, sub.parse().ok()?);
                let point = u64::from(index) << 8 | u64::from(sub);
                (point, point)
            } else {
                read_span(span)?
            };
            Some(PointRange { space, first, last })
        })
    }
}
