//! Tags and the values behind them (clause 20.2).

use crate::Cursor;

/// What stands at one place of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// The tag number; of application tags the data type (20.2.1.4).
    pub(super) number: u8,
    /// Whether the tag is one of the context.
    pub(super) context: bool,
    /// What follows.
    pub(super) content: Content<'a>,
}

/// What follows a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Octets of a primitive value; of an application boolean the tag itself, whose lowest bit is the value (20.2.3).
    Octets(&'a [u8]),
    /// A constructed value begins.
    Open,
    /// It ends.
    Close,
}

/// Why no element could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Octets that the tag promises.
    pub(super) promised: usize,
    /// Octets that are there.
    pub(super) present: usize,
}

/// Application tag of a boolean.
pub(super) const BOOLEAN: u8 = 1;
/// Application tag of an object identifier.
pub(super) const OBJECT_ID: u8 = 12;

impl<'a> Element<'a> {
    /// Reads the next one.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Cut> {
        let whole = cursor.rest();
        let cut = Cut { promised: 1, present: 0 };
        let head = cursor.u8().ok_or(cut)?;
        let mut number = head >> 4;
        if number == 15 {
            number = cursor.u8().ok_or(cut)?;
        }
        let context = head & 8 != 0;
        let content = match (context, head & 7) {
            (true, 6) => Content::Open,
            (true, 7) => Content::Close,
            (false, _) if number == BOOLEAN => Content::Octets(whole.get(..1).unwrap_or_default()),
            (_, short) => {
                let length = length(cursor, short).ok_or(cut)?;
                let present = cursor.remaining();
                Content::Octets(cursor.take(length).ok_or(Cut { promised: length, present })?)
            }
        };
        Ok(Self { number, context, content })
    }
}

/// The length of a value (20.2.1.3).
fn length(cursor: &mut Cursor<'_>, short: u8) -> Option<usize> {
    match short {
        0..=4 => Some(usize::from(short)),
        _ => match cursor.u8()? {
            254 => cursor.u16().map(usize::from),
            255 => usize::try_from(cursor.u32()?).ok(),
            length => Some(usize::from(length)),
        },
    }
}

/// An unsigned number of up to eight octets (20.2.4), enumerations too (20.2.11).
pub(super) fn unsigned(octets: &[u8]) -> Option<u64> {
    if octets.is_empty() || octets.len() > 8 {
        return None;
    }
    Some(octets.iter().fold(0, |sum, &octet| sum << 8 | u64::from(octet)))
}

/// A signed number of up to eight octets (20.2.5).
pub(super) fn signed(octets: &[u8]) -> Option<i64> {
    let first = octets.first()?;
    let fill = if *first >= 0x80 { 0xff } else { 0 };
    let mut whole = [fill; 8];
    whole.get_mut(8_usize.checked_sub(octets.len())?..)?.copy_from_slice(octets);
    Some(i64::from_be_bytes(whole))
}

/// An object identifier: ten bits of type, twenty-two of instance (20.2.14).
pub(super) fn object_id(octets: &[u8]) -> Option<(u16, u32)> {
    let whole = u32::from_be_bytes(octets.try_into().ok()?);
    Some((u16::try_from(whole >> 22).ok()?, whole & 0x003f_ffff))
}

/// A single or double precision number (20.2.6, 20.2.7).
pub(super) fn real(octets: &[u8]) -> Option<f64> {
    match octets.len() {
        4 => octets.try_into().ok().map(f32::from_be_bytes).map(f64::from),
        _ => octets.try_into().ok().map(f64::from_be_bytes),
    }
}
