//! Control packets, MQTT 3.1.1 clauses 2 and 3.

use fieldwarden_model::Verb;

use crate::{
    FieldVisitor,
    cursor::Cursor,
    plain::{number, words},
};

pub(super) const CONNECT: u8 = 1;
pub(super) const CONNACK: u8 = 2;
pub(super) const PUBLISH: u8 = 3;
pub(super) const SUBSCRIBE: u8 = 8;
pub(super) const UNSUBSCRIBE: u8 = 10;

/// Topics told of one packet.
const MAX_TOPICS: usize = 64;

/// The fixed header, clause 2.2.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Octets behind it.
    pub(super) remaining: u32,
    /// Octets of its own.
    pub(super) length: usize,
}

/// Reads the fixed header, whose flags are fixed for most packets (clause 2.2.2).
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let mut cursor = Cursor::new(bytes);
    let first = cursor.u8()?;
    let (kind, flags) = (first >> 4, first & 0xf);
    let remaining = variable(&mut cursor)?;
    let fits = match kind {
        1 | 9 | 11 => flags == 0 && remaining >= 2,
        2 => flags == 0 && (2..1_024).contains(&remaining),
        3 => flags & 6 != 6 && remaining >= 3,
        4 | 5 | 7 => flags == 0 && (2..1_024).contains(&remaining),
        6 => flags == 2 && (2..1_024).contains(&remaining),
        8 | 10 => flags == 2 && remaining >= 5,
        12 | 13 => flags == 0 && remaining == 0,
        // 0 is reserved (clause 2.2.1): told as what nobody knows.
        0 | 14 | 15 => flags == 0 && remaining < 4_096,
        _ => false,
    };
    fits.then(|| Header { kind, flags, remaining, length: cursor.offset() })
}

/// Whether octets are the front of a header that is not there whole.
pub(super) fn may_be_header(bytes: &[u8]) -> bool {
    let (first, rest) = bytes.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest));
    (0x10..0xff).contains(&first) && rest.iter().all(|octet| octet & 0x80 != 0)
}

/// A length of one to four octets, seven bits each, least significant first (clause 2.2.3).
fn variable(cursor: &mut Cursor<'_>) -> Option<u32> {
    let mut value = 0;
    for place in 0..4 {
        let octet = cursor.u8()?;
        value |= u32::from(octet & 0x7f) << (7 * place);
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Octets behind their length of two octets, clause 1.5.3.
pub(super) fn sized<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u16()?;
    cursor.take(length.into())
}

/// Names, and what is done.
pub(super) const fn name(kind: u8) -> (&'static str, Verb) {
    match kind {
        1 => ("connect", Verb::Associate),
        2 => ("connection acknowledged", Verb::Associate),
        3 => ("publish", Verb::Write),
        4..=7 => ("publication acknowledged", Verb::Associate),
        8 => ("subscribe", Verb::Read),
        9 => ("subscription acknowledged", Verb::Read),
        10 => ("unsubscribe", Verb::Associate),
        11 => ("end of subscription acknowledged", Verb::Associate),
        12 => ("ping", Verb::Associate),
        13 => ("ping answered", Verb::Associate),
        14 => ("disconnect", Verb::Associate),
        15 => ("authenticate", Verb::Associate),
        _ => ("unknown", Verb::Unknown),
    }
}

/// The version that a client asks for.
pub(super) fn version(body: &[u8]) -> Option<u8> {
    let mut cursor = Cursor::new(body);
    sized(&mut cursor)?;
    cursor.u8()
}

/// Who connects, clause 3.1.3.
pub(super) fn connect(cursor: &mut Cursor<'_>, visitor: &mut dyn FieldVisitor) {
    if sized(cursor).is_none() {
        return;
    }
    let (Some(version), Some(flags)) = (cursor.u8(), cursor.u8()) else { return };
    visitor.field("version", number(version));
    if cursor.u16().is_none() || (version >= 5 && properties(cursor).is_none()) {
        return;
    }
    let Some(client) = sized(cursor) else { return };
    visitor.field("client_id", words(client));
    if flags & 4 != 0 {
        if version >= 5 && properties(cursor).is_none() {
            return;
        }
        let Some(topic) = sized(cursor) else { return };
        visitor.field("will_topic", words(topic));
        if sized(cursor).is_none() {
            return;
        }
    }
    if flags & 0x80 != 0
        && let Some(user) = sized(cursor)
    {
        visitor.field("user", words(user));
    }
}

/// Passes over the properties of version 5 (clause 2.2.2 there).
fn properties(cursor: &mut Cursor<'_>) -> Option<()> {
    let length = variable(cursor)?;
    cursor.skip(usize::try_from(length).ok()?)
}

/// What is subscribed to, or no longer (clauses 3.8.3 and 3.10.3).
pub(super) fn topics(kind: u8, version: u8, cursor: &mut Cursor<'_>, visitor: &mut dyn FieldVisitor) {
    if cursor.u16().is_none() || (version >= 5 && properties(cursor).is_none()) {
        return;
    }
    for _ in 0..MAX_TOPICS {
        let Some(topic) = sized(cursor) else { return };
        visitor.item("topic", words(topic));
        if kind == SUBSCRIBE && cursor.u8().is_none() {
            return;
        }
    }
}
