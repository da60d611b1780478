//! Points with names: the tag lists of a site, as engineering tools export them, and what values mean by them.
//!
//! Pure: texts come in, tags and faults come out. A tag gives a point its name, type, word order, scale and unit; two registers that
//! are one number are told as one value.

mod address;
mod formats;
mod lines;
mod value;

use std::collections::BTreeMap;

use fieldwarden_model::{PointRange, Talker};
use fieldwarden_protocols::Protocol;

pub use formats::{MAX_TAGS, TagFault, read};
pub(crate) use value::octets_of;

use crate::history::Shape;

/// Tags told of one write; more are counted.
const MAX_TOLD: usize = 4;

/// What a list says of one point, or of several that are one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// What engineers call it.
    pub name: String,
    /// The protocol in which it has this address.
    pub protocol: Protocol,
    /// The points it covers.
    pub points: PointRange,
    /// What its octets are.
    pub kind: Type,
    /// Whether the word with the lower address is the lower half.
    pub low_word_first: bool,
    /// Factor from the number on the wire to the unit.
    pub scale: f64,
    /// The unit, such as `mg/l`; empty where there is none.
    pub unit: String,
}

/// What the octets of a point are, most significant first once words and octets are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// One bit.
    Bool,
    /// A whole number without sign of so many octets: 1, 2, 4 or 8.
    Unsigned(u8),
    /// A whole number with sign of so many octets: 1, 2, 4 or 8.
    Signed(u8),
    /// IEEE 754 of so many octets: 4 or 8.
    Float(u8),
}

impl Type {
    /// Octets it takes; a bit takes one.
    #[must_use]
    pub const fn octets(self) -> u8 {
        match self {
            Self::Bool => 1,
            Self::Unsigned(octets) | Self::Signed(octets) | Self::Float(octets) => octets,
        }
    }
}

/// The tags of all assets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    lists: BTreeMap<Talker, Vec<Tag>>,
}

impl Tags {
    /// Adds the list of a device, which has these addresses.
    pub fn add(&mut self, addresses: &[Talker], tags: &[Tag]) {
        for talker in addresses {
            let list = self.lists.entry(*talker).or_default();
            list.extend_from_slice(tags);
            list.sort_by_key(key);
        }
    }

    /// The tags of a device that lie wholly within these points, in their order.
    fn within(&self, server: Talker, protocol: Protocol, points: PointRange) -> impl Iterator<Item = &Tag> {
        let list = self.lists.get(&server).map(Vec::as_slice).unwrap_or_default();
        let from = list.partition_point(|tag| key(tag) < (protocol, points.space, points.first));
        let rest = list.get(from..).unwrap_or_default().iter();
        rest.take_while(move |tag| key(tag) <= (protocol, points.space, points.last))
            .filter(move |tag| tag.points.last <= points.last)
    }

    /// A change as people read it: `Chlorine.Setpoint 0.8 -> 4 mg/l`. `None` where no tag lies within the points.
    pub(crate) fn change(
        &self,
        server: Talker,
        protocol: Protocol,
        points: PointRange,
        (shape, octets): (Shape, &[u8]),
        old: &[u8],
    ) -> Option<String> {
        let end = points.first + (u64::from(shape.count) * u64::from(shape.stride)).saturating_sub(1);
        let points = PointRange { last: points.last.max(end), ..points };
        let mut told: Vec<String> = Vec::new();
        let mut more = 0;
        for tag in self.within(server, protocol, points) {
            let Some(new) = value::told(tag, points, shape, octets) else { continue };
            if told.len() >= MAX_TOLD {
                more += 1;
                continue;
            }
            let from =
                value::told(tag, points, shape, old).map(|old| format!("{old} -> ")).unwrap_or_default();
            let unit = if tag.unit.is_empty() { String::new() } else { format!(" {}", tag.unit) };
            told.push(format!("{} {from}{new}{unit}", tag.name));
        }
        if more > 0 {
            told.push(format!("{more} more"));
        }
        (!told.is_empty()).then(|| told.join(", "))
    }
}

fn key(tag: &Tag) -> (Protocol, fieldwarden_model::Space, u64) {
    (tag.protocol, tag.points.space, tag.points.first)
}

#[cfg(test)]
mod tests;
