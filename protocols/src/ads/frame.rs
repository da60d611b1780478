//! The headers of AMS over TCP.

use crate::Cursor;

/// Octets of the AMS/TCP header.
pub(super) const TCP_HEADER: usize = 6;
/// Octets of both headers.
pub(super) const HEADERS: usize = 38;

/// The longest message that is read; larger ones are passed over.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The flag that says answer.
const RESPONSE: u16 = 1;

/// A message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ams<'a> {
    /// Octets behind the AMS/TCP header.
    pub(super) length: usize,
    pub(super) target: &'a [u8],
    pub(super) target_port: u16,
    pub(super) source: &'a [u8],
    pub(super) source_port: u16,
    pub(super) command: u16,
    pub(super) flags: u16,
    pub(super) data_length: u32,
    pub(super) error: u32,
    pub(super) invoke_id: u32,
    pub(super) data: &'a [u8],
}

/// Why none was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// None begins here.
    No,
    /// So many octets are needed first.
    Need(usize),
}

impl<'a> Ams<'a> {
    /// Reads the headers and as much data as there is.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Stop> {
        let mut cursor = Cursor::new(bytes);
        if bytes.iter().take(2).any(|&octet| octet != 0) {
            return Err(Stop::No);
        }
        let length = cursor.u16().and_then(|_| cursor.u32_le()).ok_or(Stop::Need(TCP_HEADER))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(HEADERS - TCP_HEADER..=MAX_MESSAGE - TCP_HEADER).contains(&length) {
            return Err(Stop::No);
        }
        let mut ams = Self { length, ..Self::default() };
        ams.header(&mut cursor).ok_or(Stop::Need(HEADERS))?;
        ams.data = cursor.take_up_to(length - (HEADERS - TCP_HEADER));
        Ok(ams)
    }

    fn header(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        (self.target, self.target_port) = (cursor.take(6)?, cursor.u16_le()?);
        (self.source, self.source_port) = (cursor.take(6)?, cursor.u16_le()?);
        (self.command, self.flags) = (cursor.u16_le()?, cursor.u16_le()?);
        (self.data_length, self.error) = (cursor.u32_le()?, cursor.u32_le()?);
        self.invoke_id = cursor.u32_le()?;
        Some(())
    }

    /// Whether the headers agree with each other and name a command of ADS.
    pub(super) fn is_sound(&self) -> bool {
        let length = usize::try_from(self.data_length).unwrap_or(usize::MAX);
        length == self.length - (HEADERS - TCP_HEADER)
            && (1..=9).contains(&self.command)
            && self.flags & 4 != 0
            && self.flags < 0x200
    }

    /// Whether it answers.
    pub(super) const fn answers(&self) -> bool {
        self.flags & RESPONSE != 0
    }

    /// The port of the device asked, whoever speaks.
    pub(super) const fn served_port(&self) -> u16 {
        if self.answers() { self.source_port } else { self.target_port }
    }
}
