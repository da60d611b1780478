//! One packet: the header of 56 octets and the text behind it (D, table 1).

use crate::cursor::Cursor;

/// Octets of the header.
pub(super) const HEADER: usize = 56;

/// Opens a conversation.
pub(super) const INIT: u8 = 0;
/// Answers it.
pub(super) const INIT_ANSWER: u8 = 1;
/// A request.
pub(super) const REQUEST: u8 = 2;
/// An answer.
pub(super) const ANSWER: u8 = 3;

/// A request within the header.
pub(super) const SHORT: u8 = 0xc0;
/// A request with text.
pub(super) const LONG: u8 = 0x80;
/// An answer within the header.
pub(super) const SHORT_ANSWER: u8 = 0xd4;
/// An answer with text.
pub(super) const LONG_ANSWER: u8 = 0x94;
/// A refusal.
pub(super) const REFUSAL: u8 = 0xd1;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// What sort it is.
    pub(super) kind: u8,
    /// Number of the packet; an answer repeats it.
    pub(super) index: u16,
    /// Octets of text.
    pub(super) text_length: u16,
    /// Second, minute, hour, in BCD.
    time: [u8; 3],
    /// Number of the message.
    pub(super) sequence: u8,
    /// What sort of message it is.
    pub(super) message: u8,
    /// Mailbox of the sender.
    pub(super) source: u32,
    /// Mailbox of the receiver.
    pub(super) destination: u32,
    /// Which part this is, and of how many.
    pub(super) part: (u8, u8),
    /// The last 14 octets of the header: request or answer.
    pub(super) body: &'a [u8],
    /// The text, as far as it is there.
    pub(super) text: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads it; `None` while the header is not whole.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let kind = cursor.u8()?;
        cursor.skip(1)?;
        let (index, text_length) = (cursor.u16_le()?, cursor.u16_le()?);
        cursor.skip(20)?;
        let time = cursor.take(3)?.try_into().ok()?;
        cursor.skip(1)?;
        let (sequence, message) = (cursor.u8()?, cursor.u8()?);
        let (source, destination) = (cursor.u32_le()?, cursor.u32_le()?);
        let part = (cursor.u8()?, cursor.u8()?);
        let body = cursor.take(14)?;
        let text = cursor.take_up_to(usize::from(text_length));
        Some(Self {
            kind,
            index,
            text_length,
            time,
            sequence,
            message,
            source,
            destination,
            part,
            body,
            text,
        })
    }

    /// Octets of the whole packet.
    pub(super) fn total(&self) -> usize {
        HEADER + usize::from(self.text_length)
    }

    /// Whether it asks something, or answers.
    pub(super) const fn carries_message(&self) -> bool {
        matches!(self.kind, REQUEST | ANSWER)
    }

    /// Whether type and message go together.
    pub(super) const fn is_plausible(&self) -> bool {
        match self.kind {
            INIT => self.message == 0 && self.text_length == 0,
            INIT_ANSWER | 8 => true,
            REQUEST => matches!(self.message, SHORT | LONG),
            ANSWER => matches!(self.message, SHORT_ANSWER | LONG_ANSWER | REFUSAL),
            _ => false,
        }
    }

    /// Whether nothing else is like it: type and message go together, and the parts are counted.
    pub(super) const fn is_certain(&self) -> bool {
        let (part, of) = self.part;
        self.carries_message()
            && self.is_plausible()
            && part >= 1
            && part <= of
            && (self.source == 0 || self.destination & 0xff == 0x10 || self.source & 0xff == 0x10)
    }

    /// Hour, minute and second of the controller, as an answer tells them, decimal digits in half octets.
    pub(super) fn clock(&self) -> (u8, u8, u8) {
        let [second, minute, hour] = self.time.map(|digits| (digits >> 4) * 10 + (digits & 0x0f));
        (hour, minute, second)
    }

    /// What a request asks for.
    pub(super) fn asked(&self) -> Option<Asked<'a>> {
        if self.kind != REQUEST {
            return None;
        }
        let long = self.message == LONG;
        let mut cursor = Cursor::new(if long { self.body.get(8..)? } else { self.body });
        let (service, selector) = (cursor.u8()?, cursor.u8()?);
        let (offset, count) = (cursor.u16_le()?, cursor.u16_le()?);
        // Six octets behind a short request can be data; the last two are not.
        let data = if long { self.text } else { cursor.take_up_to(6) };
        Some(Asked { service, selector, offset, count, data, index: self.index })
    }

    /// Status and refinement of it, of an answer.
    pub(super) fn status(&self) -> Option<(u8, u8)> {
        match (self.kind, self.message, self.body) {
            (ANSWER, SHORT_ANSWER | REFUSAL, [status, minor, ..]) => Some((*status, *minor)),
            _ => None,
        }
    }

    /// What an answer carries.
    pub(super) fn answered(&self) -> &'a [u8] {
        match (self.kind, self.message) {
            (ANSWER, LONG_ANSWER) => self.text,
            (ANSWER, SHORT_ANSWER) => self.body.get(2..8).unwrap_or_default(),
            _ => &[],
        }
    }

    /// What the controller says of itself at the end of every answer: program number, privilege level, length of the last
    /// sweep in tenths of a millisecond, status word (D, table 2).
    pub(super) fn piggyback(&self) -> Option<(u8, u8, u16, u16)> {
        if self.kind != ANSWER {
            return None;
        }
        let mut cursor = Cursor::new(self.body.get(8..)?);
        Some((cursor.u8()?, cursor.u8()?, cursor.u16_le()?, cursor.u16_le()?))
    }
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    /// Service request code.
    pub(super) service: u8,
    /// Segment selector.
    pub(super) selector: u8,
    /// First element, from 0.
    pub(super) offset: u16,
    /// Elements.
    pub(super) count: u16,
    /// What is written.
    pub(super) data: &'a [u8],
    /// Number of its packet.
    pub(super) index: u16,
}
