//! Frames of WebSocket, RFC 6455 clause 5.2.

use alloc::vec::Vec;

use crate::cursor::Cursor;

/// Opcodes (clause 11.8).
pub(super) mod opcode {
    pub(in super::super) const CONTINUATION: u8 = 0;
    pub(in super::super) const TEXT: u8 = 1;
    pub(in super::super) const BINARY: u8 = 2;
    pub(in super::super) const CLOSE: u8 = 8;
    pub(in super::super) const PING: u8 = 9;
    pub(in super::super) const PONG: u8 = 10;
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether the message ends with it.
    pub(super) last: bool,
    pub(super) opcode: u8,
    /// What a client's payload is masked with.
    key: Option<[u8; 4]>,
    /// Octets of the payload.
    pub(super) length: usize,
    /// Octets before it.
    pub(super) size: usize,
}

/// How far reading came.
pub(super) enum Read {
    Whole(Header),
    /// So many octets must be there.
    Need(usize),
    No,
}

impl Header {
    /// Reads it. A reserved bit, an opcode or a length that no frame has make it none.
    pub(super) fn read(bytes: &[u8]) -> Read {
        let (first, second) = match *bytes {
            [first, second, ..] => (first, second),
            [first] if !is_first(first) => return Read::No,
            _ => return Read::Need(2),
        };
        if !is_first(first) {
            return Read::No;
        }
        let extended = match second & 0x7f {
            127 => 8,
            126 => 2,
            _ => 0,
        };
        let size = 2 + extended + if second & 0x80 == 0 { 0 } else { 4 };
        if bytes.len() < size {
            return Read::Need(size);
        }
        let Some((length, key)) = length_and_key(second, bytes) else { return Read::No };
        let (last, opcode) = (first & 0x80 != 0, first & 0x0f);
        // Control frames are short, and whole (5.5).
        if opcode < opcode::CLOSE || (last && length < 126) {
            Read::Whole(Self { last, opcode, key, length, size })
        } else {
            Read::No
        }
    }

    /// The first octets of the payload as they were before masking.
    pub(super) fn front(&self, octets: [u8; 4]) -> [u8; 4] {
        self.key.map_or(octets, |key| masked(octets, key))
    }

    /// Octets of the payload as they were before masking (5.3).
    pub(super) fn unmasked(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let key = self.key?;
        Some(payload.iter().zip(key.iter().cycle()).map(|(octet, mask)| octet ^ mask).collect())
    }
}

/// What a mask leaves of octets at the front of a payload is the same again: exclusive or.
const fn masked([a, b, c, d]: [u8; 4], [k, l, m, n]: [u8; 4]) -> [u8; 4] {
    [a ^ k, b ^ l, c ^ m, d ^ n]
}

/// Whether an octet begins a frame: no reserved bit, an opcode that exists.
const fn is_first(octet: u8) -> bool {
    octet & 0x70 == 0 && matches!(octet & 0x0f, 0..=2 | 8..=10)
}

/// What stands behind the first octet, `second` being the next; none where the length takes more octets than it needs, or is
/// longer than any message.
fn length_and_key(second: u8, bytes: &[u8]) -> Option<(usize, Option<[u8; 4]>)> {
    let mut cursor = Cursor::new(bytes);
    cursor.skip(2)?;
    let length = match second & 0x7f {
        127 => cursor.u64().filter(|length| *length > 0xffff)?,
        126 => u64::from(cursor.u16().filter(|length| *length > 125)?),
        short => u64::from(short),
    };
    let key = if second & 0x80 == 0 { None } else { Some(cursor.take(4)?.try_into().ok()?) };
    let length = usize::try_from(length).ok().filter(|length| *length <= super::MAX_MESSAGE)?;
    Some((length, key))
}
