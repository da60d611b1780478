//! What is addressed: variables by access area and ids, attributes of objects.

use fieldwarden_model::{PointRange, Space};

use super::number;
use crate::cursor::Cursor;

/// Bits of inputs, outputs, flags and data blocks, addressed absolutely.
pub(super) const INPUT: u16 = 1;
pub(super) const OUTPUT: u16 = 2;
pub(super) const FLAG: u16 = 3;
pub(super) const DATA_BLOCK: u16 = 4;
/// Counters and timers by number.
pub(super) const COUNTER: u16 = 5;
pub(super) const TIMER: u16 = 6;
/// Added where variables are addressed by symbol: the id of the symbol, or a hash of several.
pub(super) const SYMBOLIC: u16 = 10;
/// Attributes of objects; the block is the object.
pub(super) const ATTRIBUTE: u16 = 20;

/// The id that begins an absolute address: area as octets, then offset, octets and, for bits, the bit.
const CLASSIC: u32 = 3;
/// Access areas are ids of objects: inputs to timers, and data blocks by number.
const AREAS: [(u32, u16); 5] = [(80, INPUT), (81, OUTPUT), (82, FLAG), (83, COUNTER), (84, TIMER)];
const BLOCKS: u32 = 0x8a0e_0000;

/// One variable of a read or a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    /// Checksum of the symbol, 0 for absolute addresses.
    pub(super) checksum: u32,
    /// The object it lies in.
    pub(super) area: u32,
    /// The id that names which content of the area is meant: of an object, which attribute.
    content: u32,
    /// Ids behind the area, the first four, and how many there are without the one that names the content.
    ids: [u32; 4],
    count: u32,
    /// A hash of all of them.
    hash: u64,
}

impl Address {
    /// Reads one.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let (checksum, area) = (number::short(cursor)?, number::short(cursor)?);
        let count = number::short(cursor)?;
        if count == 0 {
            return None;
        }
        let content = number::short(cursor)?;
        let mut ids = [0; 4];
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for n in 1..count {
            let id = number::short(cursor)?;
            hash = (hash ^ u64::from(id)).wrapping_mul(0x0000_0100_0000_01b3);
            if let Some(place) = usize::try_from(n - 1).ok().and_then(|n| ids.get_mut(n)) {
                *place = id;
            }
        }
        Some(Self { checksum, area, content, ids, count: count - 1, hash })
    }

    /// The points it stands for.
    pub(super) fn points(&self) -> PointRange {
        let known = AREAS.iter().find(|(id, _)| *id == self.area).map(|(_, area)| (*area, 0));
        let block = (self.area & 0xffff_0000 == BLOCKS).then_some((DATA_BLOCK, self.area & 0xffff));
        let Some((area, block)) = known.or(block) else {
            return attribute(self.area, self.content);
        };
        let [kind, offset, octets, bit] = self.ids.map(u64::from);
        if kind == u64::from(CLASSIC) && self.count >= 3 && !matches!(area, COUNTER | TIMER) {
            let space = Space { area, block };
            let (first, last) = match self.count {
                3 => (offset * 8, offset * 8 + octets.max(1) * 8 - 1),
                _ => (offset * 8 + bit, offset * 8 + bit),
            };
            return PointRange { space, first, last };
        }
        let space = Space { area: area + SYMBOLIC, block };
        PointRange { space, first: self.index(), last: self.index() }
    }

    /// The only id, or a hash of several.
    fn index(&self) -> u64 {
        let [only, ..] = self.ids;
        if self.count == 1 { only.into() } else { self.hash }
    }
}

/// An attribute of an object.
pub(super) fn attribute(object: u32, attribute: u32) -> PointRange {
    let index = attribute.into();
    PointRange { space: Space { area: ATTRIBUTE, block: object }, first: index, last: index }
}
