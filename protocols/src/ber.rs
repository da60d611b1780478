//! Tag, length, value: the Basic Encoding Rules of ITU-T X.690, read where they lie.
//!
//! Takes what MMS, GOOSE, Sampled Values, SNMP, C12.22, LDAP and Kerberos send: tags of any number, definite lengths of up to
//! four octets (X.690 clause 8.1.3), and the indefinite form of constructed values (8.1.3.6), whose end is found by walking them.

use crate::cursor::Cursor;

/// How deep values of indefinite length may lie in each other before they are taken for broken.
const MAX_DEPTH: u8 = 16;

/// The class of a tag, X.690 clause 8.1.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// ASN.1's own types.
    Universal,
    /// Types of one application.
    Application,
    /// What the place gives a meaning to.
    Context,
    /// Private.
    Private,
}

/// A tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its class.
    pub class: Class,
    /// Whether other elements lie within.
    pub constructed: bool,
    /// Its number.
    pub number: u32,
}

/// One element: its tag and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its octets, without tag, length and end mark.
    pub content: &'a [u8],
    /// Octets from the first of its tag to its end.
    pub length: usize,
}

/// Universal tag numbers, X.680 clause 8.4.
pub mod universal {
    /// BOOLEAN.
    pub const BOOLEAN: u32 = 1;
    /// INTEGER.
    pub const INTEGER: u32 = 2;
    /// BIT STRING.
    pub const BIT_STRING: u32 = 3;
    /// OCTET STRING.
    pub const OCTET_STRING: u32 = 4;
    /// NULL.
    pub const NULL: u32 = 5;
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: u32 = 6;
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: u32 = 16;
}

impl Tag {
    /// A context tag of this number, whether or not it is constructed.
    #[must_use]
    pub fn is_context(self, number: u32) -> bool {
        self.class == Class::Context && self.number == number
    }

    /// A universal tag of this number, whether or not it is constructed.
    #[must_use]
    pub fn is_universal(self, number: u32) -> bool {
        self.class == Class::Universal && self.number == number
    }

    /// An application tag of this number, whether or not it is constructed.
    #[must_use]
    pub fn is_application(self, number: u32) -> bool {
        self.class == Class::Application && self.number == number
    }
}

/// How long an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many octets follow.
    Definite(usize),
    /// An end mark ends it.
    Indefinite,
}

/// Reads a tag and a length: what stands at the front of an element, whether or not its content is there.
pub fn header(cursor: &mut Cursor<'_>) -> Option<(Tag, Length)> {
    let tag = tag(cursor)?;
    let first = cursor.u8()?;
    let length = match first {
        0..=0x7f => Length::Definite(usize::from(first)),
        0x80 if tag.constructed => Length::Indefinite,
        0x81..=0x84 => {
            let octets = cursor.take(usize::from(first & 0x7f))?;
            Length::Definite(octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)))
        }
        _ => return None,
    };
    Some((tag, length))
}

fn tag(cursor: &mut Cursor<'_>) -> Option<Tag> {
    let first = cursor.u8()?;
    let class = match first >> 6 {
        0 => Class::Universal,
        1 => Class::Application,
        2 => Class::Context,
        _ => Class::Private,
    };
    let mut number = u32::from(first & 0x1f);
    if number == 0x1f {
        number = 0;
        // Clause 8.1.2.4: seven bits an octet. More than four of them name nothing that anybody uses.
        for place in 0.. {
            let octet = cursor.u8().filter(|_| place < 4)?;
            number = number << 7 | u32::from(octet & 0x7f);
            if octet & 0x80 == 0 {
                break;
            }
        }
    }
    Some(Tag { class, constructed: first & 0x20 != 0, number })
}

/// Reads one element, which must be there whole.
pub fn element<'a>(cursor: &mut Cursor<'a>) -> Option<Element<'a>> {
    nested(cursor, 0)
}

fn nested<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Option<Element<'a>> {
    let begin = cursor.offset();
    let (tag, length) = header(cursor)?;
    let content = match length {
        Length::Definite(octets) => cursor.take(octets)?,
        Length::Indefinite => {
            let whole = cursor.rest();
            let inside = cursor.offset();
            loop {
                if cursor.rest().starts_with(&[0, 0]) {
                    let content = whole.get(..cursor.offset() - inside)?;
                    cursor.skip(2)?;
                    break content;
                }
                if depth == MAX_DEPTH {
                    return None;
                }
                nested(cursor, depth + 1)?;
            }
        }
    };
    Some(Element { tag, content, length: cursor.offset() - begin })
}

/// The elements that follow each other in `octets`; ends early where one is not whole.
pub fn elements(octets: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut cursor = Cursor::new(octets);
    core::iter::from_fn(move || if cursor.is_empty() { None } else { element(&mut cursor) })
}

impl<'a> Element<'a> {
    /// The elements within it.
    pub fn inside(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        elements(self.content)
    }

    /// The first element within it that has this context tag.
    #[must_use]
    pub fn context(&self, number: u32) -> Option<Self> {
        self.inside().find(|element| element.tag.is_context(number))
    }

    /// Its content as INTEGER (X.690 clause 8.3), where it fits 64 bits.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        integer(self.content)
    }

    /// Its content as a whole number without sign, where it fits 64 bits.
    #[must_use]
    pub fn unsigned(&self) -> Option<u64> {
        let (first, rest) = self.content.split_first()?;
        let octets = if *first == 0 { rest } else { self.content };
        (octets.len() <= 8).then(|| octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
    }

    /// Its content as text, where it is UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        core::str::from_utf8(self.content).ok()
    }
}

/// Two's complement, most significant octet first, of one to eight octets.
#[must_use]
pub fn integer(octets: &[u8]) -> Option<i64> {
    let first = *octets.first()?;
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    (octets.len() <= 8).then(|| octets.iter().fold(sign, |sum: i64, octet| sum << 8 | i64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(octets: &[u8]) -> Option<Element<'_>> {
        element(&mut Cursor::new(octets))
    }

    #[test]
    fn definite_and_indefinite_lengths_hold_the_same() {
        let definite = one(&[0xa1, 0x03, 0x02, 0x01, 0xff]).expect("it is whole");
        let indefinite = one(&[0xa1, 0x80, 0x02, 0x01, 0xff, 0, 0, 9]).expect("it is whole");
        assert_eq!(definite.content, indefinite.content);
        assert_eq!((definite.length, indefinite.length), (5, 7));
        assert_eq!(definite.inside().next().and_then(|inner| inner.integer()), Some(-1));
    }

    #[test]
    fn long_tags_and_lengths_are_read() {
        let element = one(&[0xbf, 0x81, 0x02, 0x81, 0x02, 5, 0]).expect("it is whole");
        assert_eq!((element.tag.number, element.tag.class, element.content.len()), (130, Class::Context, 2));
    }

    #[test]
    fn what_is_cut_or_endless_is_none() {
        assert_eq!(one(&[0x30, 0x05, 0, 0]), None);
        assert_eq!(one(&[0x30, 0x85, 0, 0, 0, 0, 1, 0]), None);
        assert_eq!(one(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]), None);
        let deep: alloc::vec::Vec<u8> = [0x30, 0x80].repeat(10_000);
        assert_eq!(one(&deep), None);
    }

    #[test]
    fn numbers_have_the_sign_that_is_meant() {
        assert_eq!(integer(&[0xff, 0x7f]), Some(-129));
        assert_eq!(integer(&[0; 9]), None);
        let element = one(&[0x02, 0x02, 0x00, 0xff]).expect("it is whole");
        assert_eq!((element.integer(), element.unsigned()), (Some(255), Some(255)));
    }
}
