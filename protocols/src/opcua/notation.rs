//! How nodes are written: `ns=2;i=1001`, and the attribute behind it where it is not the value.
//!
//! | written | means |
//! |---|---|
//! | `ns=2;i=1001` | the value of a node with a numeric identifier |
//! | `ns=2;i=1001-1005` | several |
//! | `ns=3;h=8c3a51f0b2d4e697` | a node whose identifier is a text, a GUID or opaque: its hash (FNV-1a, 64 bits, highest bit set) |
//! | `ns=0;i=11492 attribute 21` | another attribute (Part 6, A.1): 21 stands for the call of a method |
//!
//! [`Space::area`] is the namespace, [`Space::block`] the attribute.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::binary::{Identifier, NodeId};
use crate::dissector::Notation;

/// The attribute that is the value of a variable.
pub(super) const VALUE: u32 = 13;
/// The attribute that says whether a method may be called.
pub(super) const EXECUTABLE: u32 = 21;

const HASHED: u64 = 1 << 63;

/// An attribute of a node.
pub(super) fn point(node: &NodeId<'_>, attribute: u32) -> PointRange {
    let index = match node.id {
        Identifier::Numeric(number) => u64::from(number),
        Identifier::Text(octets) => hash(3, octets),
        Identifier::Guid(octets) => hash(4, octets),
        Identifier::Opaque(octets) => hash(5, octets),
    };
    PointRange { space: Space { area: node.namespace, block: attribute }, first: index, last: index }
}

/// FNV-1a over the kind of identifier and its octets, so that it never meets a number.
fn hash(kind: u8, octets: &[u8]) -> u64 {
    let one = |hash: u64, &octet: &u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
    octets.iter().fold(one(0xcbf2_9ce4_8422_2325, &kind), one) | HASHED
}

/// Writes and reads nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nodes;

impl Notation for Nodes {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "ns={};", range.space.area)?;
        let (first, last) = (range.first, range.last);
        let hashed = first & HASHED != 0;
        match (hashed, first == last) {
            (true, true) => write!(out, "h={first:x}")?,
            (true, false) => write!(out, "h={first:x}-{last:x}")?,
            (false, true) => write!(out, "i={first}")?,
            (false, false) => write!(out, "i={first}-{last}")?,
        }
        match range.space.block {
            VALUE => Ok(()),
            attribute => write!(out, " attribute {attribute}"),
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (node, block) = match text.split_once(" attribute ") {
            Some((node, attribute)) => (node, number(attribute, 10)?),
            None => (text, u64::from(VALUE)),
        };
        let (namespace, id) = node.strip_prefix("ns=")?.split_once(';')?;
        let area = u16::try_from(number(namespace, 10)?).ok()?;
        let (radix, span) = match id.split_once('=')? {
            ("i", span) => (10, span),
            ("h", span) => (16, span),
            _ => return None,
        };
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let (first, last) = (number(first, radix)?, number(last, radix)?);
        let space = Space { area, block: u32::try_from(block).ok()? };
        (first <= last).then_some(PointRange { space, first, last })
    }
}

/// Digits alone.
fn number(text: &str, radix: u32) -> Option<u64> {
    let digits = text.chars().all(|c| c.is_digit(radix));
    digits.then(|| u64::from_str_radix(text, radix).ok()).flatten()
}
