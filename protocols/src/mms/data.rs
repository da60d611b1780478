//! Values (ISO 9506-2 §14.4.2, `Data`).

use fieldwarden_model::{Values, operation::Encoding};

use crate::{
    ber::{self, Class, Element},
    message::FieldValue,
};

/// How deep structures are followed.
const MAX_DEPTH: u8 = 10;

const ARRAY: u32 = 1;
const STRUCTURE: u32 = 2;
const BOOLEAN: u32 = 3;
const INTEGER: u32 = 5;
const UNSIGNED: u32 = 6;
const FLOATING_POINT: u32 = 7;
const VISIBLE_STRING: u32 = 10;
const MMS_STRING: u32 = 16;

/// Every simple value in one `Data`, in the order of the wire.
pub(super) fn each_leaf(data: &Element<'_>, each: &mut dyn FnMut(FieldValue<'_>)) {
    leaves(data, 0, each);
}

fn leaves(data: &Element<'_>, depth: u8, each: &mut dyn FnMut(FieldValue<'_>)) {
    if data.tag.class != Class::Context {
        return;
    }
    match data.tag.number {
        ARRAY | STRUCTURE if depth < MAX_DEPTH => {
            data.inside().for_each(|inner| leaves(&inner, depth + 1, each));
        }
        BOOLEAN => each(FieldValue::Unsigned(u64::from(data.content.iter().any(|octet| *octet != 0)))),
        INTEGER => each(data.integer().map_or(FieldValue::Bytes(data.content), FieldValue::Signed)),
        UNSIGNED => each(data.unsigned().map_or(FieldValue::Bytes(data.content), FieldValue::Unsigned)),
        FLOATING_POINT => each(float(data.content)),
        VISIBLE_STRING | MMS_STRING => {
            each(data.text().map_or(FieldValue::Bytes(data.content), FieldValue::Text))
        }
        _ => each(FieldValue::Bytes(data.content)),
    }
}

/// An octet that tells the width of the exponent, then an IEEE 754 number.
fn float(octets: &[u8]) -> FieldValue<'_> {
    match *octets {
        [8, a, b, c, d] => FieldValue::Float(f32::from_be_bytes([a, b, c, d]).into()),
        [11, ref rest @ ..] => match <[u8; 8]>::try_from(rest) {
            Ok(octets) => FieldValue::Float(f64::from_be_bytes(octets)),
            Err(_) => FieldValue::Bytes(octets),
        },
        _ => FieldValue::Bytes(octets),
    }
}

/// The first simple value in one `Data`, as operations carry it. Of a structure it is the one that matters: the first
/// member of `Oper` is the value commanded, that of a status its state (IEC 61850-8-1 annex E).
pub(super) fn value<'a>(data: &Element<'a>) -> Option<Values<'a>> {
    let mut data = *data;
    for _ in 0..MAX_DEPTH {
        if data.tag.class != Class::Context || !matches!(data.tag.number, ARRAY | STRUCTURE) {
            break;
        }
        data = ber::elements(data.content).next()?;
    }
    let content = data.content;
    let (bytes, encoding) = match (data.tag.number, content.len()) {
        (BOOLEAN, 1) => (content, Encoding::Unsigned8),
        (INTEGER, 1) => (content, Encoding::Signed8),
        (INTEGER, 2) => (content, Encoding::Signed16),
        (INTEGER, 4) => (content, Encoding::Signed32),
        (INTEGER, 8) => (content, Encoding::Signed64),
        (UNSIGNED, _) => unsigned(content)?,
        (FLOATING_POINT, 5) if content.first() == Some(&8) => (content.get(1..)?, Encoding::Float32),
        (FLOATING_POINT, 9) if content.first() == Some(&11) => (content.get(1..)?, Encoding::Float64),
        _ => return None,
    };
    Some(Values { bytes, encoding, count: 1, stride: 1 })
}

/// A number without sign has a leading zero octet where its highest bit is set.
fn unsigned(content: &[u8]) -> Option<(&[u8], Encoding)> {
    let bare = match content {
        [0, rest @ ..] if matches!(rest.len(), 1 | 2 | 4 | 8) => rest,
        _ => content,
    };
    let encoding = match bare.len() {
        1 => Encoding::Unsigned8,
        2 => Encoding::Unsigned16,
        4 => Encoding::Unsigned32,
        8 => Encoding::Unsigned64,
        _ => return None,
    };
    Some((bare, encoding))
}
