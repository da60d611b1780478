//! Object headers (IEEE 1815 clause 4.2.2.7): group, variation, qualifier, range, and the objects behind.

use super::library::{self, Layout};
use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    findings::{count, place},
};

/// Which objects a header speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// All of the group (range code 6).
    All,
    /// Those from the first to the last (0 to 5).
    Span(u32, u32),
    /// So many (7 to 9, and 11).
    Count(u32),
}

/// What stands before each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// Nothing.
    Nothing,
    /// An index of so many octets.
    Index(u8),
    /// The object's size, of so many octets.
    Size(u8),
}

/// One object header with its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    pub(super) group: u8,
    pub(super) variation: u8,
    pub(super) qualifier: u8,
    pub(super) range: Range,
    pub(super) prefix: Prefix,
    pub(super) layout: Layout,
    /// The octets of all its objects with their prefixes.
    pub(super) data: &'a [u8],
    /// Whether the function has values here, rather than naming points alone.
    pub(super) carries: bool,
}

/// One object of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// Its index.
    pub(super) index: Option<u32>,
    /// Its octets.
    pub(super) octets: &'a [u8],
}

/// What comes next in a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// An object header; its objects may be fewer than it says when a fault follows.
    Object(Object<'a>),
    /// What follows cannot be read; nothing comes after.
    Broken(Anomaly),
}

/// Walks the object headers of a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objects<'a> {
    cursor: Cursor<'a>,
    function: u8,
    broken: Option<Anomaly>,
}

impl<'a> Objects<'a> {
    pub(super) const fn new(octets: &'a [u8], function: u8) -> Self {
        Self { cursor: Cursor::new(octets), function, broken: None }
    }

    /// Ends the walk here.
    fn end(&mut self, anomaly: Anomaly) {
        self.cursor = Cursor::new(&[]);
        self.broken = Some(anomaly);
    }

    fn header(&mut self) -> Option<Object<'a>> {
        let at = place(self.cursor.offset());
        let left = count(self.cursor.remaining());
        let group = self.cursor.u8()?;
        let variation = self.cursor.u8();
        let qualifier = self.cursor.u8();
        let (Some(variation), Some(qualifier)) = (variation, qualifier) else {
            self.end(Anomaly::malformed("object-header-short", at, left, 3));
            return None;
        };
        let layout = library::layout(group, variation);
        let carries = carries(self.function, group);
        let mut object = Object {
            group,
            variation,
            qualifier,
            range: Range::Count(0),
            prefix: Prefix::Nothing,
            layout,
            data: &[],
            carries,
        };
        let known = prefix(qualifier >> 4 & 7).filter(|_| qualifier & 0x80 == 0);
        let Some(prefix) = known.filter(|_| matches!(qualifier & 0x0f, 0..=9 | 11)) else {
            self.end(Anomaly::malformed("qualifier-unknown", at.saturating_add(2), qualifier.into(), 0));
            return Some(object);
        };
        object.prefix = prefix;
        let Some(range) = range(qualifier & 0x0f, &mut self.cursor) else {
            self.end(Anomaly::malformed("range-short", at.saturating_add(3), left, 3));
            return Some(object);
        };
        object.range = range;
        if let Range::Span(first, last) = range
            && first > last
        {
            self.end(Anomaly::malformed("range-reversed", at.saturating_add(3), first.into(), last.into()));
            return Some(object);
        }
        self.data(&mut object, at);
        Some(object)
    }

    /// Takes the octets of the objects.
    fn data(&mut self, object: &mut Object<'a>, at: u32) {
        let whole = self.cursor.rest();
        match object.octets(whole) {
            Some(length) => match self.cursor.take(length) {
                Some(data) => object.data = data,
                None => {
                    object.data = whole;
                    let (got, expected) = (count(whole.len()), count(length));
                    self.end(Anomaly::malformed("objects-beyond-fragment", at, got, expected));
                }
            },
            None => {
                let number = u64::from(object.number());
                self.end(Anomaly::unsupported("object-unknown", at, number));
            }
        }
    }
}

impl<'a> Iterator for Objects<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if let Some(anomaly) = self.broken.take() {
            return Some(Step::Broken(anomaly));
        }
        self.header().map(Step::Object).or_else(|| self.broken.take().map(Step::Broken))
    }
}

/// Whether the objects of a request come with values; those of answers always do.
const fn carries(function: u8, group: u8) -> bool {
    match function {
        // Confirm, read, freeze, restart, initialize, save, unsolicited on and off, classes, delay, record time.
        0 | 1 | 7..=10 | 13..=15 | 19..=24 => group == 120,
        // Freeze at a time names the time, then the points.
        11 | 12 => matches!(group, 50 | 120),
        _ => true,
    }
}

const fn prefix(code: u8) -> Option<Prefix> {
    Some(match code {
        0 => Prefix::Nothing,
        1 => Prefix::Index(1),
        2 => Prefix::Index(2),
        3 => Prefix::Index(4),
        4 => Prefix::Size(1),
        5 => Prefix::Size(2),
        6 => Prefix::Size(4),
        _ => return None,
    })
}

fn range(code: u8, cursor: &mut Cursor<'_>) -> Option<Range> {
    Some(match code {
        0 | 3 => Range::Span(number(cursor, 1)?, number(cursor, 1)?),
        1 | 4 => Range::Span(number(cursor, 2)?, number(cursor, 2)?),
        2 | 5 => Range::Span(number(cursor, 4)?, number(cursor, 4)?),
        6 => Range::All,
        7 | 11 => Range::Count(number(cursor, 1)?),
        8 => Range::Count(number(cursor, 2)?),
        _ => Range::Count(number(cursor, 4)?),
    })
}

/// A number of 1, 2 or 4 octets.
fn number(cursor: &mut Cursor<'_>, octets: u8) -> Option<u32> {
    match octets {
        1 => cursor.u8().map(u32::from),
        2 => cursor.u16_le().map(u32::from),
        _ => cursor.u32_le(),
    }
}

impl<'a> Object<'a> {
    /// Group in the upper half, variation in the lower.
    pub(super) fn number(&self) -> u16 {
        u16::from_be_bytes([self.group, self.variation])
    }

    /// How many objects it speaks of; none where it says "all".
    pub(super) fn count(&self) -> u64 {
        match self.range {
            Range::All => 0,
            Range::Span(first, last) => u64::from(last) - u64::from(first.min(last)) + 1,
            Range::Count(count) => count.into(),
        }
    }

    /// Octets of its objects at the front of `rest`, more than there are where they are cut; `None` where that is not
    /// to be known.
    fn octets(&self, rest: &[u8]) -> Option<usize> {
        let objects = usize::try_from(self.count()).ok()?;
        let fixed = if self.carries { self.layout.fixed() } else { Some(0) };
        match (self.prefix, self.layout, fixed) {
            (Prefix::Nothing | Prefix::Size(_), _, _) if objects == 0 => Some(0),
            (Prefix::Size(width), ..) => Some(walk(rest, objects, |cursor| {
                let size = number(cursor, width)?;
                cursor.skip(usize::try_from(size).ok()?)
            })),
            (Prefix::Nothing, Layout::Bits(width), _) if self.carries => {
                Some(objects.checked_mul(width.into())?.div_ceil(8))
            }
            (Prefix::Nothing, _, Some(size)) => objects.checked_mul(size),
            (Prefix::Index(index), _, Some(size)) => objects.checked_mul(usize::from(index) + size),
            (prefix, Layout::Attribute, None) => Some(walk(rest, objects, |cursor| {
                if let Prefix::Index(index) = prefix {
                    cursor.skip(index.into())?;
                }
                attribute(cursor).map(|_| ())
            })),
            (_, _, None) => None,
        }
    }

    /// Its objects one by one; none where they are packed bits or take no octets.
    pub(super) fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let object = *self;
        let mut cursor = Cursor::new(self.data);
        let packed = matches!((self.layout, self.prefix), (Layout::Bits(_), Prefix::Nothing));
        let mut next = match self.range {
            Range::Span(first, _) => Some(first),
            _ => None,
        };
        core::iter::from_fn(move || {
            if packed || cursor.is_empty() {
                return None;
            }
            let index = next;
            next = next.map(|next| next.saturating_add(1));
            object.item(&mut cursor, index)
        })
    }

    fn item(&self, cursor: &mut Cursor<'a>, mut index: Option<u32>) -> Option<Item<'a>> {
        let mut size = if self.carries { self.layout.fixed() } else { Some(0) };
        match self.prefix {
            Prefix::Nothing => {}
            Prefix::Index(width) => index = Some(number(cursor, width)?),
            Prefix::Size(width) => size = Some(usize::try_from(number(cursor, width)?).ok()?),
        }
        let octets = match size {
            Some(size) => cursor.take(size)?,
            None => attribute(cursor)?,
        };
        Some(Item { index, octets })
    }
}

/// A device attribute: type, length, value; its octets (clause 11.1 and annex A.1).
fn attribute<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let whole = cursor.rest();
    let length = *whole.get(1)?;
    cursor.take(usize::from(length) + 2)
}

/// Octets that `objects` steps take; one more than there are where a step fails.
fn walk(rest: &[u8], objects: usize, mut step: impl FnMut(&mut Cursor<'_>) -> Option<()>) -> usize {
    let mut cursor = Cursor::new(rest);
    for _ in 0..objects {
        if step(&mut cursor).is_none() {
            return rest.len() + 1;
        }
    }
    cursor.offset()
}
