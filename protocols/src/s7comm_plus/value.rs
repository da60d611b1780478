//! Values: flags, type, content.

use fieldwarden_model::{Values, operation::Encoding};

use super::number;
use crate::{cursor::Cursor, message::FieldValue};

/// How deep structures lie in each other at most.
const MAX_DEPTH: u8 = 8;
/// Flags: an array, an array of addresses, an array of which only some elements are sent.
const ARRAY: u8 = 0x10;
const ADDRESS_ARRAY: u8 = 0x20;
const SPARSE: u8 = 0x40;

const BOOL: u8 = 0x01;
const USINT: u8 = 0x02;
const UINT: u8 = 0x03;
const UDINT: u8 = 0x04;
const ULINT: u8 = 0x05;
const SINT: u8 = 0x06;
const INT: u8 = 0x07;
const DINT: u8 = 0x08;
const LINT: u8 = 0x09;
const BYTE: u8 = 0x0a;
const WORD: u8 = 0x0b;
const DWORD: u8 = 0x0c;
const LWORD: u8 = 0x0d;
const REAL: u8 = 0x0e;
const LREAL: u8 = 0x0f;
const TIMESTAMP: u8 = 0x10;
const TIMESPAN: u8 = 0x11;
const RID: u8 = 0x12;
const AID: u8 = 0x13;
const BLOB: u8 = 0x14;
const WSTRING: u8 = 0x15;
const STRUCT: u8 = 0x17;

/// A value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// Its type.
    pub(super) kind: u8,
    /// Whether it is an array of some sort.
    pub(super) array: bool,
    /// Its content: of a text or a blob without the length, of an array all elements.
    pub(super) content: &'a [u8],
}

impl<'a> Value<'a> {
    /// Reads one; `None` where it is not there whole or its type is not known.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        nested(cursor, 0)
    }

    /// What it is, as a field tells it.
    pub(super) fn field(&self) -> FieldValue<'a> {
        let mut cursor = Cursor::new(self.content);
        let raw = FieldValue::Bytes(self.content);
        if self.array {
            return raw;
        }
        let told = match self.kind {
            UDINT | ULINT | AID => number::unsigned(&mut cursor).map(FieldValue::Unsigned),
            DINT | LINT | TIMESPAN => number::signed(&mut cursor).map(FieldValue::Signed),
            WSTRING => core::str::from_utf8(self.content).ok().map(FieldValue::Text),
            _ => self.plain().and_then(|values| values.nth(0)).map(|value| match value {
                fieldwarden_model::operation::Value::Integer(number) => FieldValue::Signed(number),
                fieldwarden_model::operation::Value::Float(number) => FieldValue::Float(number),
            }),
        };
        told.unwrap_or(raw)
    }

    /// A simple value, as operations carry it.
    pub(super) fn plain(&self) -> Option<Values<'a>> {
        if self.array {
            return None;
        }
        let (encoding, width) = match self.kind {
            BOOL | USINT | BYTE => (Encoding::Unsigned8, 1),
            SINT => (Encoding::Signed8, 1),
            UINT | WORD => (Encoding::Unsigned16, 2),
            INT => (Encoding::Signed16, 2),
            DWORD | RID => (Encoding::Unsigned32, 4),
            LWORD | TIMESTAMP => (Encoding::Unsigned64, 8),
            REAL => (Encoding::Float32, 4),
            LREAL => (Encoding::Float64, 8),
            // Numbers of variable length, where they fit their first octet.
            UDINT | ULINT | DINT | LINT if matches!(self.content, [0..0x40]) => (Encoding::Unsigned8, 1),
            _ => return None,
        };
        Some(Values { bytes: self.content.get(..width)?, encoding, count: 1, stride: 1 })
    }
}

fn nested<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Option<Value<'a>> {
    let (flags, kind) = (cursor.u8()?, cursor.u8()?);
    let array = flags & (ARRAY | ADDRESS_ARRAY | SPARSE) != 0;
    let front = cursor.rest();
    let begin = cursor.offset();
    let content = |cursor: &Cursor<'a>| front.get(..cursor.offset() - begin);
    if flags & SPARSE != 0 {
        loop {
            if number::short(cursor)? == 0 {
                return Some(Value { kind, array, content: content(cursor)? });
            }
            element(cursor, kind, depth)?;
        }
    }
    if array {
        for _ in 0..number::short(cursor)? {
            element(cursor, kind, depth)?;
        }
        return Some(Value { kind, array, content: content(cursor)? });
    }
    let inner = element(cursor, kind, depth)?;
    Some(Value { kind, array, content: inner.map_or_else(|| content(cursor), Some)? })
}

/// Passes over one element; the inner content of a text or a blob.
fn element<'a>(cursor: &mut Cursor<'a>, kind: u8, depth: u8) -> Option<Option<&'a [u8]>> {
    let width = match kind {
        0 => 0,
        BOOL | USINT | SINT | BYTE => 1,
        UINT | INT | WORD => 2,
        DWORD | REAL | RID => 4,
        LWORD | LREAL | TIMESTAMP => 8,
        UDINT | DINT | ULINT | LINT | TIMESPAN | AID => {
            number::unsigned(cursor)?;
            return Some(None);
        }
        WSTRING => {
            let length = number::short(cursor)?;
            return cursor.take(usize::try_from(length).ok()?).map(Some);
        }
        BLOB => {
            // An id, 0 for plain octets; blobs with structure are not read.
            if number::short(cursor)? != 0 {
                return None;
            }
            let length = number::short(cursor)?;
            return cursor.take(usize::try_from(length).ok()?).map(Some);
        }
        STRUCT if depth < MAX_DEPTH => {
            cursor.u32()?;
            while number::short(cursor)? != 0 {
                nested(cursor, depth + 1)?;
            }
            return Some(None);
        }
        _ => return None,
    };
    cursor.skip(width)?;
    Some(None)
}
