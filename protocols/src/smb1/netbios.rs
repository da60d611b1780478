//! What carries SMB: packets with their length, and datagrams between names.

use alloc::boxed::Box;

use super::{MAX_FRONT, message};
use crate::{
    cursor::Cursor,
    dissector::{Ports, Probe, Session},
    message::{Direction, Sink},
    plain::{self, Front, Fronted, Fronts, Text},
    smb2,
};

/// Which SMB a message is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SMB 1.
    First,
    /// SMB 2 and 3.
    Second,
    /// SMB 3, encrypted or compressed.
    Covered,
}

/// What the first four octets say.
pub(crate) fn kind(message: &[u8]) -> Option<Kind> {
    match message {
        [0xff, b'S', b'M', b'B', ..] => Some(Kind::First),
        [0xfe, b'S', b'M', b'B', ..] => Some(Kind::Second),
        [0xfc | 0xfd, b'S', b'M', b'B', ..] => Some(Kind::Covered),
        _ => None,
    }
}

/// Octets before each packet: type and length.
const PREFIX: usize = 4;

/// Types of packet beside messages, RFC 1002 clause 4.3.1.
const fn is_session_service(kind: u8) -> bool {
    matches!(kind, 0x81..=0x85)
}

/// Whether octets begin with a packet that holds what is `wanted`.
pub(crate) fn probe(bytes: &[u8], ports: Ports, wanted: fn(Kind) -> bool) -> Probe {
    match bytes {
        [0, _, _, _, message @ ..] if message.len() >= 4 => {
            if kind(message).is_some_and(wanted) {
                Probe::Certain
            } else {
                Probe::No
            }
        }
        [0, ..] if bytes.len() < 8 => Probe::Need(8),
        [0x81, 0, 0, 1..=0x80, ..] | [0x82, 0, 0, 0, ..] if ports.server == 139 => Probe::Possible,
        _ => Probe::No,
    }
}

/// A session over TCP, of either SMB.
pub(crate) fn session() -> Box<dyn Session> {
    Box::new(Fronts::new(Packets))
}

struct Packets;

impl Fronted for Packets {
    fn front(&mut self, _: Direction, bytes: &[u8]) -> Front {
        let mut cursor = Cursor::new(bytes);
        let (Some(kind), Some(length)) = (cursor.u8(), cursor.u24()) else { return Front::Need(PREFIX) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if kind == 0 {
            let foreign = cursor.remaining() >= 4 && super::kind(cursor.rest()).is_none();
            return if foreign || length < 4 {
                Front::No
            } else {
                Front::Of { front: (length + PREFIX).min(MAX_FRONT), whole: plain::count(length + PREFIX) }
            };
        }
        if is_session_service(kind) && length < 0x100 {
            return Front::Of { front: length + PREFIX, whole: plain::count(length + PREFIX) };
        }
        Front::No
    }

    fn tell(&mut self, direction: Direction, front: &[u8], sink: &mut dyn Sink) {
        if front.first() == Some(&0) {
            tell(direction, front.get(PREFIX..).unwrap_or_default(), sink);
        }
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(bytes, [0, _, _, _, message @ ..] if kind(message).is_some())
    }
}

fn tell(direction: Direction, message: &[u8], sink: &mut dyn Sink) {
    match kind(message) {
        Some(Kind::First) => message::tell(direction, message, sink),
        Some(Kind::Second) => smb2::tell(direction, message, sink),
        Some(Kind::Covered) => smb2::tell_covered(direction, sink),
        None => {}
    }
}

/// What a datagram carries behind its header and two names, RFC 1002 clause 4.4.2.
pub(super) fn datagram_content(bytes: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(bytes);
    cursor.u8().filter(|kind| matches!(kind, 0x10..=0x12))?;
    cursor.skip(11)?;
    cursor.u16().filter(|offset| *offset == 0)?;
    for _ in 0..2 {
        loop {
            match cursor.u8()? {
                0 => break,
                label @ 1..=63 => cursor.skip(label.into())?,
                _ => return None,
            }
        }
    }
    Some(cursor.rest())
}

/// A datagram between names.
pub(super) fn datagram(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let content = datagram_content(bytes).filter(|content| kind(content) == Some(Kind::First))?;
    tell(direction, content, sink);
    Some(())
}

/// The user of an NTLM authentication within a session setup (\[MS-NLMP\] clause 2.2.1.3).
pub(crate) fn user(octets: &[u8]) -> Option<Text<96>> {
    let at = octets.windows(12).position(|window| window == b"NTLMSSP\0\x03\0\0\0")?;
    let message = octets.get(at..)?;
    let part = |at: usize| {
        let mut cursor = Cursor::new(message.get(at..)?);
        let length = cursor.u16_le()?;
        cursor.skip(2)?;
        let offset = usize::try_from(cursor.u32_le()?).ok()?;
        message.get(offset..offset.checked_add(length.into())?)
    };
    // Domain at 28, user at 36, whether they are UTF-16 in the flags at 60.
    let unicode = message.get(60).is_none_or(|flags| flags & 1 != 0);
    let mut text = Text::new();
    for (octets, before) in [(part(28)?, ""), (part(36)?, "\\")] {
        if !text.is_empty() {
            text.push_ascii(before.as_bytes());
        }
        if unicode {
            text.push_utf16(octets);
        } else {
            text.push_ascii(octets);
        }
    }
    Some(text)
}
