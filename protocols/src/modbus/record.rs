//! The sub-requests and sub-responses of file record access (AP 6.14, 6.15).

use crate::cursor::Cursor;

use super::object::{Object, area};

/// The only reference type there is.
pub(super) const REFERENCE_TYPE: u8 = 6;

/// A record named, and with function 21 carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// Always [`REFERENCE_TYPE`] in a right message.
    pub(super) reference_type: u8,
    /// The file, 1 to 65535.
    pub(super) file: u16,
    /// First register within the file, 0 to 9999.
    pub(super) number: u16,
    /// Registers.
    pub(super) length: u16,
    /// Their octets, where the message carries them.
    pub(super) octets: &'a [u8],
}

impl Record<'_> {
    /// What it names.
    pub(super) const fn object(&self) -> Object {
        Object { area: area::FILE_RECORD, block: self.file, address: self.number, quantity: self.length }
    }
}

/// A record answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    /// Octets that follow the length octet, as it says.
    pub(super) length: u8,
    /// Always [`REFERENCE_TYPE`] in a right message.
    pub(super) reference_type: u8,
    /// The registers.
    pub(super) octets: &'a [u8],
}

/// Whether the octets of the records stand in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// They do (function 21).
    Yes,
    /// They do not (requests of function 20).
    No,
}

/// The records in `octets`, up to the first that is not there whole.
pub(super) fn records(octets: &[u8], carried: Carried) -> impl Iterator<Item = Record<'_>> {
    let mut cursor = Cursor::new(octets);
    core::iter::from_fn(move || {
        let reference_type = cursor.u8()?;
        let (file, number, length) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let octets = match carried {
            Carried::No => &[],
            Carried::Yes => cursor.take(usize::from(length) * 2)?,
        };
        Some(Record { reference_type, file, number, length, octets })
    })
}

/// The answers in `octets`, up to the first that is not there whole.
pub(super) fn answers(octets: &[u8]) -> impl Iterator<Item = Answer<'_>> {
    let mut cursor = Cursor::new(octets);
    core::iter::from_fn(move || {
        let length = cursor.u8()?;
        let mut body = Cursor::new(cursor.take(usize::from(length))?);
        Some(Answer { length, reference_type: body.u8()?, octets: body.rest() })
    })
}
