//! File objects, group 70 (IEEE 1815 clause 5.3 and annex A.26).

use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// Walks the fields of one file object. What does not fit its form is told as octets.
pub(super) fn fields(variation: u8, octets: &[u8], visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(octets);
    let read = match variation {
        2 => authentication(&mut cursor, octets, visitor),
        3 => command(&mut cursor, octets, visitor),
        4 => status(&mut cursor, visitor),
        5 => transport(&mut cursor, visitor),
        6 => transport_status(&mut cursor, visitor),
        7 => descriptor(&mut cursor, octets, visitor),
        8 => name(octets, visitor),
        _ => None,
    };
    if read.is_none() {
        visitor.item("octets", FieldValue::Bytes(octets));
    }
}

fn name(octets: &[u8], visitor: &mut dyn FieldVisitor) -> Option<()> {
    match core::str::from_utf8(octets) {
        Ok(text) => visitor.item("file_name", FieldValue::Text(text)),
        Err(_) => visitor.item("file_name", FieldValue::Bytes(octets)),
    }
    Some(())
}

/// A text whose place within the object and length the object says.
fn named(octets: &[u8], at: u16, length: u16, visitor: &mut dyn FieldVisitor) {
    if let Some(text) = octets.get(usize::from(at)..).and_then(|rest| rest.get(..length.into())) {
        let _ = name(text, visitor);
    }
}

/// Variation 2: who asks for a key. The password is not told.
fn authentication(cursor: &mut Cursor<'_>, octets: &[u8], visitor: &mut dyn FieldVisitor) -> Option<()> {
    let (at, length) = (cursor.u16_le()?, cursor.u16_le()?);
    cursor.skip(4)?;
    let key = cursor.u32_le()?;
    visitor.item("file_key_given", FieldValue::Unsigned(u64::from(key != 0)));
    if let Some(user) = octets.get(usize::from(at)..).and_then(|rest| rest.get(..length.into())) {
        match core::str::from_utf8(user) {
            Ok(text) => visitor.item("user_name", FieldValue::Text(text)),
            Err(_) => visitor.item("user_name", FieldValue::Bytes(user)),
        }
    }
    Some(())
}

/// Variation 3: open or delete.
fn command(cursor: &mut Cursor<'_>, octets: &[u8], visitor: &mut dyn FieldVisitor) -> Option<()> {
    let (at, length) = (cursor.u16_le()?, cursor.u16_le()?);
    cursor.skip(6)?;
    let permissions = cursor.u16_le()?;
    let _key = cursor.u32_le()?;
    let (size, mode) = (cursor.u32_le()?, cursor.u16_le()?);
    let (block, request) = (cursor.u16_le()?, cursor.u16_le()?);
    named(octets, at, length, visitor);
    visitor.item("file_permissions", FieldValue::Unsigned(permissions.into()));
    visitor.item("file_size", FieldValue::Unsigned(size.into()));
    // 0 none (delete), 1 read, 2 write, 3 append.
    visitor.item("file_mode", FieldValue::Unsigned(mode.into()));
    visitor.item("file_block_size", FieldValue::Unsigned(block.into()));
    visitor.item("file_request", FieldValue::Unsigned(request.into()));
    Some(())
}

/// Variation 4: what became of a command.
fn status(cursor: &mut Cursor<'_>, visitor: &mut dyn FieldVisitor) -> Option<()> {
    let (handle, size) = (cursor.u32_le()?, cursor.u32_le()?);
    let (block, request, status) = (cursor.u16_le()?, cursor.u16_le()?, cursor.u8()?);
    visitor.item("file_handle", FieldValue::Unsigned(handle.into()));
    visitor.item("file_size", FieldValue::Unsigned(size.into()));
    visitor.item("file_block_size", FieldValue::Unsigned(block.into()));
    visitor.item("file_request", FieldValue::Unsigned(request.into()));
    visitor.item("file_status", FieldValue::Unsigned(status.into()));
    Some(())
}

/// A block number and whether it is the last (bit 31).
fn block(number: u32, visitor: &mut dyn FieldVisitor) {
    visitor.item("file_block", FieldValue::Unsigned((number & 0x7fff_ffff).into()));
    visitor.item("file_last_block", FieldValue::Unsigned((number >> 31).into()));
}

/// Variation 5: a piece of the file.
fn transport(cursor: &mut Cursor<'_>, visitor: &mut dyn FieldVisitor) -> Option<()> {
    let (handle, number) = (cursor.u32_le()?, cursor.u32_le()?);
    visitor.item("file_handle", FieldValue::Unsigned(handle.into()));
    block(number, visitor);
    visitor.item("file_data", FieldValue::Bytes(cursor.rest()));
    Some(())
}

/// Variation 6: what became of a piece that was written.
fn transport_status(cursor: &mut Cursor<'_>, visitor: &mut dyn FieldVisitor) -> Option<()> {
    let (handle, number, status) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u8()?);
    visitor.item("file_handle", FieldValue::Unsigned(handle.into()));
    block(number, visitor);
    visitor.item("file_status", FieldValue::Unsigned(status.into()));
    Some(())
}

/// Variation 7: what a file is.
fn descriptor(cursor: &mut Cursor<'_>, octets: &[u8], visitor: &mut dyn FieldVisitor) -> Option<()> {
    let (at, length) = (cursor.u16_le()?, cursor.u16_le()?);
    let (kind, size) = (cursor.u16_le()?, cursor.u32_le()?);
    cursor.skip(6)?;
    let (permissions, request) = (cursor.u16_le()?, cursor.u16_le()?);
    named(octets, at, length, visitor);
    visitor.item("file_type", FieldValue::Unsigned(kind.into()));
    visitor.item("file_size", FieldValue::Unsigned(size.into()));
    visitor.item("file_permissions", FieldValue::Unsigned(permissions.into()));
    visitor.item("file_request", FieldValue::Unsigned(request.into()));
    Some(())
}
