//! The message header and its trailer (FF-588, message format).

use crate::Cursor;

/// Octets of the header.
pub(super) const HEADER: usize = 12;

/// A message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) version: u8,
    pub(super) options: u8,
    /// 1 session, 2 system management, 3 field message, 4 redundancy of the LAN.
    pub(super) protocol: u8,
    /// 0 question, 1 answer, 2 error.
    pub(super) kind: u8,
    /// With the bit that says confirmed.
    pub(super) service: u8,
    pub(super) address: u32,
    /// Octets in all, as the message says.
    pub(super) length: u32,
    pub(super) body: &'a [u8],
    pub(super) invoke_id: Option<u32>,
}

impl<'a> Message<'a> {
    /// Reads one; `None` where none begins or the header is not whole.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (version, options, protocol) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let mut message = Self {
            version,
            options,
            protocol: protocol >> 2,
            kind: protocol & 3,
            service: cursor.u8()?,
            address: cursor.u32()?,
            length: cursor.u32()?,
            ..Self::default()
        };
        let length = usize::try_from(message.length).ok()?;
        if length < HEADER + message.trailer() || length > super::MAX_MESSAGE {
            return None;
        }
        let content = cursor.take_up_to(length - HEADER);
        let end = content.len().saturating_sub(message.trailer());
        let (body, trailer) = content.split_at_checked(end)?;
        message.body = body;
        let mut trailer = Cursor::new(trailer);
        if options & 0x80 != 0 {
            trailer.u32();
        }
        message.invoke_id = if options & 0x40 != 0 { trailer.u32() } else { None };
        Some(message)
    }

    /// Octets behind the parameters: message number, invocation, time stamp, extended control.
    const fn trailer(&self) -> usize {
        let options = self.options;
        (if options & 0x80 != 0 { 4 } else { 0 })
            + (if options & 0x40 != 0 { 4 } else { 0 })
            + (if options & 0x20 != 0 { 8 } else { 0 })
            + (if options & 0x08 != 0 { 4 } else { 0 })
    }

    /// Whether the header can be right, with the length that is there.
    pub(super) fn is_sound(&self, present: usize) -> bool {
        self.version <= 2
            && (1..=4).contains(&self.protocol)
            && self.kind <= 2
            && usize::try_from(self.length) == Ok(present)
    }
}

/// Whether octets may become the front of a message.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let protocol = bytes.get(2).is_none_or(|octet| (1..=4).contains(&(octet >> 2)));
    bytes.len() < HEADER && bytes.first().is_some_and(|version| *version <= 2) && protocol
}
