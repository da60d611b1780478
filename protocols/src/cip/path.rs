//! Paths: the segments by which a request says where it goes (CIP Vol. 1, Appendix C-1.4, "EPATH").
//!
//! ```text
//!  000 x pppp | port, link address                0x34 | electronic key
//!  001 ttt ff | class, instance, member ...       0x91 | length | symbol, padded to whole words
//!  010 nnnnn  | network                           0x80 | words | data
//! ```

use crate::cursor::Cursor;

/// One segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// Class id.
    Class(u32),
    /// Instance id.
    Instance(u32),
    /// Member id: an element of an array.
    Member(u32),
    /// Connection point.
    ConnectionPoint(u32),
    /// Attribute id.
    Attribute(u32),
    /// A name: a tag, or a part of one.
    Symbol(&'a [u8]),
    /// A port of a module, and the address of the next one behind it.
    Port(u16, &'a [u8]),
    /// Electronic key: vendor, device type, product code, revision.
    Key(&'a [u8]),
    /// Any other, with its first octet.
    Other(u8, &'a [u8]),
}

/// Walks the segments of a padded path; ends early where one cannot be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segments<'a>(Cursor<'a>);

impl<'a> Segments<'a> {
    /// Over these octets.
    pub(super) const fn of(path: &'a [u8]) -> Self {
        Self(Cursor::new(path))
    }

    fn read(cursor: &mut Cursor<'a>) -> Option<Segment<'a>> {
        let head = cursor.u8()?;
        match head >> 5 {
            0 => port(head, cursor),
            1 => logical(head, cursor),
            2 if head & 0x10 == 0 => Some(Segment::Other(head, cursor.take(1)?)),
            2 | 4 if head != 0x91 => {
                let words = usize::from(cursor.u8()?);
                Some(Segment::Other(head, cursor.take(words * 2)?))
            }
            3 if head & 0x1f != 0 => padded_symbol(usize::from(head & 0x1f), 1, cursor),
            4 => {
                let length = usize::from(cursor.u8()?);
                padded_symbol(length, 2, cursor)
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        let segment = Self::read(&mut self.0);
        if segment.is_none() {
            self.0 = Cursor::new(&[]);
        }
        segment
    }
}

fn port<'a>(head: u8, cursor: &mut Cursor<'a>) -> Option<Segment<'a>> {
    let size = if head & 0x10 == 0 { None } else { Some(usize::from(cursor.u8()?)) };
    let port = match head & 0x0f {
        15 => cursor.u16_le()?,
        port => u16::from(port),
    };
    let link = cursor.take(size.unwrap_or(1))?;
    // The whole segment has an even number of octets.
    if size.is_some_and(|size| size % 2 == 1) {
        cursor.take_up_to(1);
    }
    Some(Segment::Port(port, link))
}

fn logical<'a>(head: u8, cursor: &mut Cursor<'a>) -> Option<Segment<'a>> {
    let kind = head >> 2 & 7;
    if head == 0x34 {
        let length = usize::from(cursor.u8()?);
        // Key format 4, the only one, has eight octets.
        return Some(Segment::Key(cursor.take(if length == 4 { 8 } else { length * 2 })?));
    }
    let id = match head & 3 {
        0 => u32::from(cursor.u8()?),
        1 => {
            cursor.skip(1)?;
            u32::from(cursor.u16_le()?)
        }
        2 => {
            cursor.skip(1)?;
            cursor.u32_le()?
        }
        _ => return None,
    };
    Some(match kind {
        0 => Segment::Class(id),
        1 => Segment::Instance(id),
        2 => Segment::Member(id),
        3 => Segment::ConnectionPoint(id),
        4 => Segment::Attribute(id),
        _ => Segment::Other(head, &[]),
    })
}

fn padded_symbol<'a>(length: usize, before: usize, cursor: &mut Cursor<'a>) -> Option<Segment<'a>> {
    let symbol = cursor.take(length)?;
    if (length + before) % 2 == 1 {
        cursor.take_up_to(1);
    }
    Some(Segment::Symbol(symbol))
}

/// What a path names, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The last class.
    pub(super) class: Option<u32>,
    /// The first of several classes.
    pub(super) outer: Option<u32>,
    /// The last instance.
    pub(super) instance: Option<u32>,
    /// The attribute.
    pub(super) attribute: Option<u32>,
    /// The last member.
    pub(super) member: Option<u32>,
    /// Hash of the symbols, when there is one: 47 bits that stand for the name.
    pub(super) symbol: Option<u64>,
}

impl Target {
    /// Reads a path.
    pub(super) fn of(path: &[u8]) -> Self {
        let mut target = Self::default();
        let mut hash = HASH_START;
        for segment in Segments::of(path) {
            match segment {
                Segment::Class(class) => {
                    target.outer = target.outer.or(target.class);
                    target.class = Some(class);
                    target.instance = None;
                }
                Segment::Instance(instance) => {
                    // Behind the name of a program the instance of a symbol is a part of the name.
                    if target.symbol.is_some() {
                        hash = hashed(hash, &instance.to_le_bytes());
                        target.symbol = Some(hash & HASH_MASK);
                    }
                    target.instance = Some(instance);
                }
                Segment::Attribute(attribute) => target.attribute = Some(attribute),
                Segment::Member(member) => {
                    // Of several dimensions the last one is the element, those before it are part of the name.
                    if let (Some(before), Some(_)) = (target.member, target.symbol) {
                        hash = hashed(hash, &before.to_le_bytes());
                        target.symbol = Some(hash & HASH_MASK);
                    }
                    target.member = Some(member);
                }
                Segment::Symbol(name) => {
                    if let Some(before) = target.member.take() {
                        hash = hashed(hash, &before.to_le_bytes());
                    }
                    hash = hashed(hash, name);
                    target.symbol = Some(hash & HASH_MASK);
                }
                _ => {}
            }
        }
        target
    }

    /// Whether the target is of a class, by the last segment that says so.
    pub(super) fn is(&self, class: u32) -> bool {
        self.symbol.is_none() && self.class == Some(class)
    }
}

/// The hash of a name as people write it, its parts with dots between them and without elements.
pub(super) fn name_hash(name: &str) -> u64 {
    name.split('.').fold(HASH_START, |hash, part| hashed(hash, part.as_bytes())) & HASH_MASK
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;
/// Bits of a name's hash that a point can carry.
pub(super) const HASH_MASK: u64 = 0x7fff_ffff_ffff;

/// FNV-1a over a name and the dot behind it. Logix tells no case apart.
fn hashed(start: u64, name: &[u8]) -> u64 {
    name.iter().chain(b".").fold(start, |hash, octet| {
        (hash ^ u64::from(octet.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn segments_of_every_kind_are_told_apart() {
        let path = [
            0x01, 0x00, 0x12, 0x03, b'1', b'.', b'2', 0x00, 0x20, 0x06, 0x25, 0x00, 0x39, 0x05, 0x30, 0x01,
            0x91, 0x03, b'T', b'a', b'g', 0x00, 0x28, 0x07, 0x34, 0x04, 1, 0, 2, 0, 3, 0, 4, 5,
        ];
        let told: Vec<_> = Segments::of(&path).collect();
        assert_eq!(
            told,
            [
                Segment::Port(1, &[0]),
                Segment::Port(2, b"1.2"),
                Segment::Class(6),
                Segment::Instance(0x539),
                Segment::Attribute(1),
                Segment::Symbol(b"Tag"),
                Segment::Member(7),
                Segment::Key(&[1, 0, 2, 0, 3, 0, 4, 5]),
            ]
        );
    }

    #[test]
    fn a_name_is_the_same_in_any_case() {
        let (low, high) = (Target::of(&[0x91, 2, b'a', b'b']), Target::of(&[0x91, 2, b'A', b'B']));
        assert_eq!(low.symbol, high.symbol);
        assert!(low.symbol.is_some_and(|hash| hash <= HASH_MASK));
    }
}
