//! The value of a tag, out of the octets of a message.

use fieldwarden_model::{PointRange, Value, operation::Encoding};

use super::{Tag, Type};
use crate::history::Shape;

/// Decimal places of a scaled value; what floating point adds behind them is no value.
const PLACES: f64 = 1e6;

/// The value of a tag as text; `None` where the octets do not hold all of it, or its points are cut otherwise.
pub(super) fn told(tag: &Tag, points: PointRange, shape: Shape, octets: &[u8]) -> Option<String> {
    let stride = u64::from(shape.stride.max(1));
    let offset = tag.points.first.checked_sub(points.first)?;
    let span = tag.points.last.checked_sub(tag.points.first)? + 1;
    let first = usize::try_from(offset / stride).ok()?;
    if shape.encoding.width().is_none() || tag.kind == Type::Bool {
        return bit(tag, offset, stride, shape, octets);
    }
    let aligned = offset.is_multiple_of(stride) && span.is_multiple_of(stride);
    let width = shape.encoding.width().filter(|_| aligned)?;
    let count = usize::try_from(span / stride).ok()?;
    let own = octets.get(first * width..(first + count) * width)?;
    let mut own = own.to_vec();
    if is_little(shape.encoding) {
        own.chunks_mut(width).for_each(<[u8]>::reverse);
    }
    if tag.low_word_first {
        own = own.rchunks(2).flatten().copied().collect();
    }
    let size = usize::from(tag.kind.octets());
    // A small number stands in the lower octets of its word.
    let own = own.get(own.len().checked_sub(size)?..)?;
    number(tag, own)
}

/// A bit, out of bits or out of the octet or word that holds it: the lowest bit of the lowest octet is the first.
fn bit(tag: &Tag, offset: u64, stride: u64, shape: Shape, octets: &[u8]) -> Option<String> {
    if tag.kind != Type::Bool {
        return None;
    }
    let value = shape.values(octets).nth(usize::try_from(offset / stride).ok()?)?;
    let Value::Integer(value) = value else { return None };
    Some((value >> (offset % stride).min(63) & 1).to_string())
}

fn number(tag: &Tag, octets: &[u8]) -> Option<String> {
    let plain = (tag.scale - 1.0).abs() < f64::EPSILON;
    let whole = |value: i128| if plain { value.to_string() } else { scaled(lossy(value), tag.scale) };
    let bits = octets.iter().fold(0_u64, |bits, octet| bits << 8 | u64::from(*octet));
    let unused = 64_u32.checked_sub(u32::try_from(octets.len()).ok()?.checked_mul(8)?)?;
    Some(match tag.kind {
        Type::Bool => (bits & 1).to_string(),
        Type::Unsigned(_) => whole(i128::from(bits)),
        Type::Signed(_) => whole(i128::from(bits.checked_shl(unused)?.cast_signed().checked_shr(unused)?)),
        Type::Float(4) => {
            let value = f32::from_bits(u32::try_from(bits).ok()?);
            if plain { value.to_string() } else { scaled(f64::from(value), tag.scale) }
        }
        Type::Float(_) if plain => f64::from_bits(bits).to_string(),
        Type::Float(_) => scaled(f64::from_bits(bits), tag.scale),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a scaled number is told to six places, not to the last bit")]
const fn lossy(value: i128) -> f64 {
    value as f64
}

fn scaled(value: f64, scale: f64) -> String {
    ((value * scale * PLACES).round() / PLACES).to_string()
}

const fn is_little(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::Unsigned16Little
            | Encoding::Unsigned32Little
            | Encoding::Unsigned64Little
            | Encoding::Signed16Little
            | Encoding::Signed32Little
            | Encoding::Signed64Little
            | Encoding::Float32Little
            | Encoding::Float64Little
    )
}

/// Values seen before, in the octets that would carry them; ends where a value does not fit.
pub(crate) fn octets_of(values: &[Value], encoding: Encoding) -> Vec<u8> {
    let Some(width) = encoding.width() else {
        let bits: Vec<bool> = values.iter().map(|value| matches!(value, Value::Integer(1))).collect();
        let octet = |bits: &[bool]| bits.iter().rev().fold(0_u8, |octet, bit| octet << 1 | u8::from(*bit));
        return bits.chunks(8).map(octet).collect();
    };
    let mut octets = Vec::new();
    for value in values {
        let mut own = match (value, encoding) {
            (Value::Integer(value), _) => value.to_be_bytes().to_vec(),
            (Value::Float(value), Encoding::Float32 | Encoding::Float32Little) => {
                narrow(*value).to_be_bytes().to_vec()
            }
            (Value::Float(value), _) => value.to_be_bytes().to_vec(),
        };
        own = own.split_off(own.len().saturating_sub(width));
        if is_little(encoding) {
            own.reverse();
        }
        octets.extend(own);
    }
    octets
}

#[expect(clippy::cast_possible_truncation, reason = "it was single precision on the wire")]
const fn narrow(value: f64) -> f32 {
    value as f32
}
