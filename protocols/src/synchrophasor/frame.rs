//! What every frame has: sync word, size, id code, time, CRC (IEEE C37.118.2 clause 6.2).

use crate::cursor::Cursor;

/// The first octet of a frame.
pub(super) const SYNC: u8 = 0xaa;
/// Octets of a frame without content: 14 before, the CRC behind.
pub(super) const SHORTEST: usize = 16;
/// Octets of the longest frame its size field can tell.
pub(super) const LONGEST: usize = 65_535;

pub(super) const DATA: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const CONFIGURATION_1: u8 = 2;
pub(super) const CONFIGURATION_2: u8 = 3;
pub(super) const COMMAND: u8 = 4;
pub(super) const CONFIGURATION_3: u8 = 5;

/// A frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// Frame type, 0 to 5.
    pub(super) kind: u8,
    /// Version: 1 is 2005, 2 is 2011.
    pub(super) version: u8,
    /// Whom the stream is of.
    pub(super) id: u16,
    /// Seconds since 1970.
    pub(super) seconds: u32,
    /// Time quality in the upper octet, then the fraction of the second.
    pub(super) fraction: u32,
    /// What stands between header and CRC.
    pub(super) content: &'a [u8],
    /// Whether the CRC is right.
    pub(super) sound: bool,
}

/// Whether the second octet of a frame is one: reserved bit 0, a type that exists, a version that exists.
pub(super) const fn is_kind(octet: u8) -> bool {
    matches!(octet >> 4, DATA..=CONFIGURATION_3) && matches!(octet & 0x0f, 1..=3)
}

/// The size a frame says of itself.
pub(super) fn size(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    cursor.skip(2)?;
    cursor.u16().map(usize::from)
}

/// The CRC of clause 6.2: x^16 + x^12 + x^5 + 1, most significant bit first, from ffff on.
pub(super) fn crc(octets: &[u8]) -> u16 {
    octets.iter().fold(0xffff, |sum, octet| {
        (0..8).fold(sum ^ u16::from(*octet) << 8, |sum: u16, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 }
        })
    })
}

/// Whether a whole frame has a right CRC.
pub(super) fn is_sound(frame: &[u8]) -> bool {
    frame.split_last_chunk::<2>().is_some_and(|(octets, sum)| crc(octets) == u16::from_be_bytes(*sum))
}

impl<'a> Frame<'a> {
    /// Reads a whole frame.
    pub(super) fn read(octets: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        cursor.skip(1)?;
        let kind = cursor.u8()?;
        cursor.skip(2)?;
        let (id, seconds, fraction) = (cursor.u16()?, cursor.u32()?, cursor.u32()?);
        let (content, _) = cursor.rest().split_last_chunk::<2>()?;
        let sound = is_sound(octets);
        Some(Self { kind: kind >> 4, version: kind & 0x0f, id, seconds, fraction, content, sound })
    }

    /// The name of its type.
    pub(super) const fn name(&self) -> &'static str {
        match self.kind {
            DATA => "data",
            TEXT => "header",
            CONFIGURATION_1 => "configuration 1",
            CONFIGURATION_2 => "configuration 2",
            COMMAND => "command",
            CONFIGURATION_3 => "configuration 3",
            _ => "unknown frame",
        }
    }

    /// Whether it tells the stations of the stream.
    pub(super) const fn is_configuration(&self) -> bool {
        matches!(self.kind, CONFIGURATION_1 | CONFIGURATION_2 | CONFIGURATION_3)
    }

    /// The command word of a command frame.
    pub(super) fn command(&self) -> Option<u16> {
        if self.kind == COMMAND { Cursor::new(self.content).u16() } else { None }
    }
}
