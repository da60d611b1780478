//! The frame, and the envelope that carries it over TCP.

use super::{MAX_PACKET, command};
use crate::cursor::Cursor;

/// Octets of the envelope.
pub(super) const ENVELOPE: usize = 16;
/// Octets of the header and the command code.
pub(super) const HEADER: usize = 12;
/// Octets of the envelope that its length does not count.
const UNCOUNTED: usize = 8;
const MAGIC: &[u8] = b"FINS";
/// The envelope's command that carries a frame.
pub(super) const FRAME_SEND: u32 = 2;
/// Bit of ICF: a response.
const RESPONSE: u8 = 0x40;

/// The envelope of FINS/TCP (W421, 7-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// Octets that follow it.
    pub(super) length: u32,
    /// 0 and 1 exchange node addresses, 2 carries a frame, 3 tells an error, 6 confirms.
    pub(super) command: u32,
    /// 0 for none.
    pub(super) error: u32,
}

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// It is there.
    Whole(T),
    /// It may be; so many octets are needed.
    Need(usize),
    /// It is not.
    No,
}

impl Envelope {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Found<Self> {
        let (front, magic) = (bytes.get(..4).unwrap_or(bytes), MAGIC.get(..bytes.len().min(4)));
        if bytes.is_empty() || Some(front) != magic {
            return Found::No;
        }
        let mut cursor = Cursor::new(bytes);
        let read = cursor.skip(4).and_then(|()| Some((cursor.u32()?, cursor.u32()?, cursor.u32()?)));
        let Some((length, command, error)) = read else { return Found::Need(ENVELOPE) };
        let envelope = Self { length, command, error };
        if (ENVELOPE..=MAX_PACKET).contains(&envelope.total()) { Found::Whole(envelope) } else { Found::No }
    }

    /// Octets of the whole packet.
    pub(super) fn total(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX).saturating_add(UNCOUNTED)
    }
}

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Information control field.
    pub(super) control: u8,
    /// Reserved, 0.
    pub(super) reserved: u8,
    /// Gateways it may pass.
    pub(super) gateways: u8,
    /// Network, node and unit of the receiver.
    pub(super) destination: (u8, u8, u8),
    /// Network, node and unit of the sender.
    pub(super) source: (u8, u8, u8),
    /// Service id: an answer repeats it.
    pub(super) service: u8,
    /// Command code.
    pub(super) command: u16,
    /// Response code of a response.
    pub(super) response: Option<u16>,
    /// What follows.
    pub(super) text: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads it; `None` while the command code is not there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (control, reserved, gateways) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let destination = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let source = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let (service, command) = (cursor.u8()?, cursor.u16()?);
        let response = if control & RESPONSE == 0 { None } else { cursor.u16() };
        let text = cursor.rest();
        Some(Self { control, reserved, gateways, destination, source, service, command, response, text })
    }

    /// Whether it answers.
    pub(super) const fn is_response(&self) -> bool {
        self.control & RESPONSE != 0
    }

    /// Whether the header can be one (W342, 3-2): gateway bit set, unused bits clear, at most seven gateways.
    pub(super) const fn is_plausible(&self) -> bool {
        self.control & 0xbe == 0x80 && self.reserved == 0 && self.gateways <= 7
    }

    /// Whether the command is one of the manual, too, and what follows is long enough for it.
    pub(super) fn is_certain(&self) -> bool {
        self.is_plausible()
            && self.gateways >= 1
            && command::is_known(self.command)
            && (!self.is_response() || self.response.is_some())
    }
}
