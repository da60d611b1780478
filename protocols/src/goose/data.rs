//! The values of a data set: the type Data of MMS (ISO 9506-2 clause 8.4), as 8-1 annex A uses it.

use fieldwarden_model::{Values, operation::Encoding};

use crate::{
    ber::{self, Element},
    message::FieldValue,
};

/// How deep structures may lie in each other before their inside is left alone.
const MAX_DEPTH: u8 = 8;

/// Walks the values that are no structures, in order.
pub(super) fn leaves<'a>(octets: &'a [u8], each: &mut dyn FnMut(&Element<'a>)) {
    nested(octets, 0, each);
}

fn nested<'a>(octets: &'a [u8], depth: u8, each: &mut dyn FnMut(&Element<'a>)) {
    for element in ber::elements(octets) {
        if element.tag.constructed && depth < MAX_DEPTH {
            nested(element.content, depth + 1, each);
        } else {
            each(&element);
        }
    }
}

/// A value as it is printed.
pub(super) fn shown<'a>(leaf: &Element<'a>) -> FieldValue<'a> {
    let content = leaf.content;
    match (leaf.tag.number, content) {
        (3, [octet]) => FieldValue::Unsigned(u64::from(*octet != 0)),
        (4, [_padding, bits @ ..]) => FieldValue::Bytes(bits),
        (5, _) => leaf.integer().map_or(FieldValue::Bytes(content), FieldValue::Signed),
        (6, _) => leaf.unsigned().map_or(FieldValue::Bytes(content), FieldValue::Unsigned),
        // The width of the exponent, then IEEE 754 (ISO 9506-2 clause 14.4.2).
        (7, &[8, a, b, c, d]) => FieldValue::Float(f64::from(f32::from_be_bytes([a, b, c, d]))),
        (7, &[11, a, b, c, d, e, f, g, h]) => FieldValue::Float(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
        (10 | 16, _) => leaf.text().map_or(FieldValue::Bytes(content), FieldValue::Text),
        _ => FieldValue::Bytes(content),
    }
}

/// A value as an operation carries it, where it is a number of a width that there is a word for.
pub(super) fn value<'a>(leaf: &Element<'a>) -> Option<Values<'a>> {
    let content = leaf.content;
    let (bytes, encoding) = match (leaf.tag.number, content) {
        (3, [_]) => (content, Encoding::OctetBit),
        (4, [_padding, bits @ ..]) => (bits, unsigned(bits.len())?),
        (5, _) => (content, signed(content.len())?),
        // A zero octet before what would otherwise look negative (X.690 clause 8.3).
        (6, [0, rest @ ..]) if matches!(rest.len(), 1 | 2 | 4 | 8) => (rest, unsigned(rest.len())?),
        (6, _) => (content, unsigned(content.len())?),
        (7, [8, single @ ..]) if single.len() == 4 => (single, Encoding::Float32),
        (7, [11, double @ ..]) if double.len() == 8 => (double, Encoding::Float64),
        _ => return None,
    };
    Some(Values { bytes, encoding, count: 1, stride: 1 })
}

const fn unsigned(octets: usize) -> Option<Encoding> {
    match octets {
        1 => Some(Encoding::Unsigned8),
        2 => Some(Encoding::Unsigned16),
        4 => Some(Encoding::Unsigned32),
        8 => Some(Encoding::Unsigned64),
        _ => None,
    }
}

const fn signed(octets: usize) -> Option<Encoding> {
    match octets {
        1 => Some(Encoding::Signed8),
        2 => Some(Encoding::Signed16),
        4 => Some(Encoding::Signed32),
        8 => Some(Encoding::Signed64),
        _ => None,
    }
}
