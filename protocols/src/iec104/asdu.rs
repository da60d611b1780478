//! The application service data unit (IEC 60870-5-101 clause 7.1): identifier, then information objects.

use super::types::{self, Type};
use crate::cursor::Cursor;

/// Octets of the data unit identifier with the field lengths of -104 (cause 2, common address 2).
pub(super) const IDENTIFIER: usize = 6;

/// A data unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asdu<'a> {
    /// Type identification.
    pub(super) kind: u8,
    /// Whether one address stands for a sequence of elements (SQ).
    pub(super) sequence: bool,
    /// Number of objects or elements.
    pub(super) number: u8,
    /// Cause of transmission.
    pub(super) cause: u8,
    /// Whether the confirmation is negative (P/N).
    pub(super) negative: bool,
    /// Whether it is a test.
    pub(super) test: bool,
    /// Originator address.
    pub(super) originator: u8,
    /// Common address: the station.
    pub(super) common: u16,
    /// The information objects.
    pub(super) objects: &'a [u8],
}

/// An information object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Object<'a> {
    /// Its address.
    pub(super) address: u32,
    /// Its element.
    pub(super) element: &'a [u8],
}

impl<'a> Asdu<'a> {
    /// Reads the identifier; `None` where it is cut.
    pub(super) fn read(octets: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (kind, structure) = (cursor.u8()?, cursor.u8()?);
        let (cause, originator) = (cursor.u8()?, cursor.u8()?);
        let common = cursor.u16_le()?;
        Some(Self {
            kind,
            sequence: structure & 0x80 != 0,
            number: structure & 0x7f,
            cause: cause & 0x3f,
            negative: cause & 0x40 != 0,
            test: cause & 0x80 != 0,
            originator,
            common,
            objects: cursor.rest(),
        })
    }

    /// Octets of the whole unit if every element has `element` octets.
    pub(super) fn octets(&self, element: usize) -> usize {
        let number = usize::from(self.number);
        let objects = match (self.sequence, number) {
            (_, 0) => 0,
            (true, _) => 3 + number * element,
            (false, _) => number * (3 + element),
        };
        IDENTIFIER + objects
    }

    /// What its type is.
    pub(super) fn known(&self) -> Option<&'static Type> {
        types::find(self.kind)
    }

    /// Its objects; they end early where octets run out. Of an unknown type there is one object with all octets.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let unit = *self;
        let mut cursor = Cursor::new(self.objects);
        let length = self.known().and_then(|kind| kind.length).map(usize::from);
        let (mut left, mut next) = (self.number, None);
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let address = match next.filter(|_| unit.sequence) {
                Some(address) => address,
                None => cursor.u24_le()?,
            };
            next = Some(address.wrapping_add(1) & 0xff_ffff);
            let element = match length {
                Some(length) => cursor.take(length)?,
                None => {
                    left = 0;
                    cursor.take_up_to(usize::MAX)
                }
            };
            Some(Object { address, element })
        })
    }
}
