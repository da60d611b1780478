//! Names of objects in an MMSpdu (ISO 9506-2 §7.5.2), and the points they stand for.

use fieldwarden_model::{PointRange, Space};

use crate::ber::{self, Class, Element};

/// How deep elements are searched for names; deeper ones are data.
const MAX_DEPTH: u8 = 12;
/// VisibleString, in which identifiers stand (ISO 9506-2 §7.5.1).
const VISIBLE_STRING: u32 = 26;
/// GraphicString, in which parts of file names stand (ISO 9506-2 §20.1).
const GRAPHIC_STRING: u32 = 25;

/// The area of named variables. The block is a hash of the domain, the index one of the item: names do not fit a number.
pub(super) const AREA_NAMED: u16 = 1;

/// The name of a variable, of a list of them, or of another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// The domain; empty for names of the whole device and of the association.
    pub(super) domain: &'a [u8],
    /// The name in it.
    pub(super) item: &'a [u8],
}

impl<'a> Name<'a> {
    /// Reads an `ObjectName`: vmd-specific, domain-specific or aa-specific.
    pub(super) fn read(element: &Element<'a>) -> Option<Self> {
        if element.tag.class != Class::Context {
            return None;
        }
        match element.tag.number {
            0 | 2 if !element.tag.constructed => Some(Self { domain: &[], item: element.content }),
            1 => domain_specific(element),
            _ => None,
        }
    }

    /// The point it stands for.
    pub(super) fn points(&self) -> PointRange {
        let domain = hash(self.domain);
        let block = u32::try_from((domain >> 32 ^ domain) & 0xffff_ffff).unwrap_or(0);
        let index = hash(self.item);
        PointRange { space: Space { area: AREA_NAMED, block }, first: index, last: index }
    }
}

/// FNV-1a.
fn hash(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A domain and an item, both visible strings.
fn domain_specific<'a>(element: &Element<'a>) -> Option<Name<'a>> {
    let mut inside = element.inside();
    let is_text = |part: &Element<'_>| part.tag.is_universal(VISIBLE_STRING);
    let domain = inside.next().filter(is_text)?;
    let item = inside.next().filter(is_text)?;
    inside.next().is_none().then_some(Name { domain: domain.content, item: item.content })
}

/// Every domain-specific name anywhere in `octets`, in the order of the wire.
pub(super) fn each_name<'a>(octets: &'a [u8], each: &mut dyn FnMut(Name<'a>)) {
    walk(octets, 0, &mut |element| {
        let name = element.tag.is_context(1).then(|| domain_specific(element)).flatten();
        name.into_iter().for_each(&mut *each);
        name.is_some()
    });
}

/// Every graphic string anywhere in `octets`: parts of file names.
pub(super) fn each_file<'a>(octets: &'a [u8], each: &mut dyn FnMut(&'a [u8])) {
    walk(octets, 0, &mut |element| {
        let is_name = element.tag.is_universal(GRAPHIC_STRING);
        if is_name {
            each(element.content);
        }
        is_name
    });
}

/// Walks elements, outer ones first, until `stop` says that what is inside is known.
fn walk<'a>(octets: &'a [u8], depth: u8, stop: &mut dyn FnMut(&Element<'a>) -> bool) {
    for element in ber::elements(octets) {
        if !stop(&element) && element.tag.constructed && depth < MAX_DEPTH {
            walk(element.content, depth + 1, stop);
        }
    }
}

/// What a read, a write or a report names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access<'a> {
    /// Variables, each by itself.
    Variables(&'a [u8]),
    /// A list of variables by its name.
    List(Name<'a>),
}

impl<'a> Access<'a> {
    /// Reads a `VariableAccessSpecification` (ISO 9506-2 §14.5).
    pub(super) fn read(element: &Element<'a>) -> Option<Self> {
        match element.tag.number {
            0 if element.tag.class == Class::Context => Some(Self::Variables(element.content)),
            1 if element.tag.class == Class::Context => {
                element.inside().next().and_then(|name| Name::read(&name)).map(Self::List)
            }
            _ => None,
        }
    }

    /// Its variables, by name where they have one; a list counts as one.
    pub(super) fn each(&self, each: &mut dyn FnMut(Option<Name<'a>>)) {
        match self {
            Self::List(name) => each(Some(*name)),
            Self::Variables(variables) => {
                for variable in ber::elements(variables) {
                    let specification = variable.inside().next();
                    let named = specification.filter(|specification| specification.tag.is_context(0));
                    each(named.and_then(|named| named.inside().next()).and_then(|name| Name::read(&name)));
                }
            }
        }
    }
}
