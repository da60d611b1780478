//! The binary encoding of built-in types (Part 6, 5.2): little-endian, strings counted in 32 bits, null as -1.

use fieldwarden_model::{Values, operation::Encoding};

use crate::Cursor;

/// How deep variants, data values and diagnoses may nest (Part 6, 5.2.2.16 asks decoders for at least 100 of arrays; deeper
/// ones are not read further).
const MAX_DEPTH: u8 = 16;

/// The identifier of a node (Part 3, 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId<'a> {
    pub(super) namespace: u16,
    pub(super) id: Identifier<'a>,
}

/// What identifies it within its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identifier<'a> {
    Numeric(u32),
    Text(&'a [u8]),
    Guid(&'a [u8]),
    Opaque(&'a [u8]),
}

/// A value of any type (Part 6, 5.2.2.16), as far as it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Nothing.
    Null,
    /// Numbers, of a scalar or an array.
    Numbers(Values<'a>),
    /// A text.
    Text(&'a [u8]),
    /// Octets without a meaning.
    Octets(&'a [u8]),
    /// A node, or a GUID, which is written as the node of one is.
    Node(NodeId<'a>),
    /// Anything else: its built-in type.
    Other(u8),
}

/// Reads a string or byte string; null is empty.
pub(super) fn string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    match cursor.u32_le()? {
        u32::MAX => Some(&[]),
        length => cursor.take(usize::try_from(length).ok()?),
    }
}

/// Reads a length of an array and calls `each` so often; null is empty.
pub(super) fn array<'a>(
    cursor: &mut Cursor<'a>,
    each: &mut dyn FnMut(&mut Cursor<'a>) -> Option<()>,
) -> Option<u32> {
    let length = match cursor.u32_le()? {
        u32::MAX => 0,
        length => length,
    };
    for _ in 0..length {
        let before = cursor.remaining();
        each(cursor)?;
        // Elements of no octets would let a length of four octets keep us busy.
        if cursor.remaining() == before {
            return None;
        }
    }
    Some(length)
}

/// Reads a node identifier.
pub(super) fn node_id<'a>(cursor: &mut Cursor<'a>) -> Option<NodeId<'a>> {
    let encoding = cursor.u8()?;
    node_id_of(encoding, cursor)
}

fn node_id_of<'a>(encoding: u8, cursor: &mut Cursor<'a>) -> Option<NodeId<'a>> {
    let (namespace, id) = match encoding & 0x3f {
        0 => (0, Identifier::Numeric(u32::from(cursor.u8()?))),
        1 => (u16::from(cursor.u8()?), Identifier::Numeric(u32::from(cursor.u16_le()?))),
        2 => (cursor.u16_le()?, Identifier::Numeric(cursor.u32_le()?)),
        3 => (cursor.u16_le()?, Identifier::Text(string(cursor)?)),
        4 => (cursor.u16_le()?, Identifier::Guid(cursor.take(16)?)),
        5 => (cursor.u16_le()?, Identifier::Opaque(string(cursor)?)),
        _ => return None,
    };
    Some(NodeId { namespace, id })
}

/// Reads an expanded node identifier: namespace by name, and a server, where flagged.
pub(super) fn expanded_node_id<'a>(cursor: &mut Cursor<'a>) -> Option<NodeId<'a>> {
    let encoding = cursor.u8()?;
    let node = node_id_of(encoding, cursor)?;
    if encoding & 0x80 != 0 {
        string(cursor)?;
    }
    if encoding & 0x40 != 0 {
        cursor.u32_le()?;
    }
    Some(node)
}

/// Reads an extension object: the number of its type, and its body.
pub(super) fn extension<'a>(cursor: &mut Cursor<'a>) -> Option<(u32, &'a [u8])> {
    let node = node_id(cursor)?;
    let body = match cursor.u8()? {
        0 => &[],
        _ => string(cursor)?,
    };
    let kind = match node.id {
        Identifier::Numeric(kind) => kind,
        _ => u32::MAX,
    };
    Some((kind, body))
}

/// Reads a text with its language; the text.
pub(super) fn localized<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mask = cursor.u8()?;
    if mask & 1 != 0 {
        string(cursor)?;
    }
    if mask & 2 != 0 { string(cursor) } else { Some(&[]) }
}

/// Reads a name with its namespace; the name.
pub(super) fn qualified<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    cursor.u16_le()?;
    string(cursor)
}

/// Passes over a diagnosis (Part 6, 5.2.2.12).
pub(super) fn diagnostic(cursor: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..MAX_DEPTH {
        let mask = cursor.u8()?;
        let numbers = [1, 2, 4, 8].iter().filter(|&&bit| mask & bit != 0).count();
        cursor.skip(numbers * 4)?;
        if mask & 0x10 != 0 {
            string(cursor)?;
        }
        if mask & 0x20 != 0 {
            cursor.skip(4)?;
        }
        if mask & 0x40 == 0 {
            return Some(());
        }
    }
    None
}

/// Reads a value with its status and times (Part 6, 5.2.2.17): the value, and the status unless it is good.
pub(super) fn data_value<'a>(cursor: &mut Cursor<'a>) -> Option<(Value<'a>, u32)> {
    data_value_at(cursor, 0)
}

fn data_value_at<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Option<(Value<'a>, u32)> {
    let mask = cursor.u8()?;
    let value = if mask & 1 != 0 { variant_at(cursor, depth)? } else { Value::Null };
    let status = if mask & 2 != 0 { cursor.u32_le()? } else { 0 };
    for (bit, octets) in [(4, 8), (16, 2), (8, 8), (32, 2)] {
        if mask & bit != 0 {
            cursor.skip(octets)?;
        }
    }
    Some((value, status))
}

/// Reads a value of any type.
pub(super) fn variant<'a>(cursor: &mut Cursor<'a>) -> Option<Value<'a>> {
    variant_at(cursor, 0)
}

fn variant_at<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Option<Value<'a>> {
    if depth >= MAX_DEPTH {
        return None;
    }
    let mask = cursor.u8()?;
    let kind = mask & 0x3f;
    let length = match (mask & 0x80 != 0).then(|| cursor.u32_le()) {
        None => 1,
        Some(Some(u32::MAX)) => 0,
        Some(length) => length?,
    };
    let value = match encoding(kind) {
        Some(encoding) => {
            let width = encoding.width().unwrap_or(1);
            let octets = usize::try_from(length).ok()?.checked_mul(width)?;
            let bytes = cursor.take(octets)?;
            Value::Numbers(Values { bytes, encoding, count: length, stride: 1 })
        }
        None => {
            let mut first = if kind == 0 { Value::Null } else { Value::Other(kind) };
            for n in 0..length {
                let before = cursor.remaining();
                let value = element(kind, cursor, depth)?;
                if n == 0 {
                    first = value;
                }
                if cursor.remaining() == before {
                    break;
                }
            }
            first
        }
    };
    if mask & 0x40 != 0 {
        array(cursor, &mut |cursor| cursor.skip(4))?;
    }
    Some(value)
}

/// How numbers of a built-in type are cut (Part 6, table 1).
const fn encoding(kind: u8) -> Option<Encoding> {
    Some(match kind {
        1 => Encoding::OctetBit,
        2 => Encoding::Signed8,
        3 => Encoding::Unsigned8,
        4 => Encoding::Signed16Little,
        5 => Encoding::Unsigned16Little,
        6 => Encoding::Signed32Little,
        7 | 19 => Encoding::Unsigned32Little,
        8 | 13 => Encoding::Signed64Little,
        9 => Encoding::Unsigned64Little,
        10 => Encoding::Float32Little,
        11 => Encoding::Float64Little,
        _ => return None,
    })
}

/// An element that is no number.
fn element<'a>(kind: u8, cursor: &mut Cursor<'a>, depth: u8) -> Option<Value<'a>> {
    Some(match kind {
        0 => Value::Null,
        12 | 16 => Value::Text(string(cursor)?),
        14 => Value::Node(NodeId { namespace: 0, id: Identifier::Guid(cursor.take(16)?) }),
        15 => Value::Octets(string(cursor)?),
        17 => Value::Node(node_id(cursor)?),
        18 => Value::Node(expanded_node_id(cursor)?),
        20 => Value::Text(qualified(cursor)?),
        21 => Value::Text(localized(cursor)?),
        22 => {
            extension(cursor)?;
            Value::Other(kind)
        }
        23 => data_value_at(cursor, depth + 1)?.0,
        24 => variant_at(cursor, depth + 1)?,
        25 => {
            diagnostic(cursor)?;
            Value::Other(kind)
        }
        _ => return None,
    })
}
