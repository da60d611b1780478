//! Datagrams and the messages in them.

use crate::cursor::Cursor;

/// Octets of the longest datagram.
pub(super) const LONGEST: usize = 65_507;
/// Most messages told of one datagram.
pub(super) const MOST: usize = 16;

pub(super) const POLL: u16 = 0;
pub(super) const CONTINUED: u16 = 1;
pub(super) const RESPONSE: u16 = 5;
pub(super) const REQUEST: u16 = 6;

/// The application of remote data base access.
pub(super) const DATA_BASE: u8 = 0xa0;

/// A datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Messages that it says it has.
    pub(super) announced: u16,
    /// Poll, response or request.
    pub(super) function: u16,
    /// Number of the datagram.
    pub(super) sequence: u32,
    /// Number of the last one that came the other way.
    pub(super) answered: u32,
    /// Its messages.
    content: &'a [u8],
}

/// A message of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Octets, its length field included.
    pub(super) length: u32,
    /// Its number; an answer has that of its question.
    pub(super) sequence: u32,
    /// In requests the application.
    pub(super) application: u8,
    /// Everything behind the application.
    pub(super) rest: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram; `None` where it is none of BSAP.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let fits = cursor.u16_le()? == 0x000e;
        let (announced, function) = (cursor.u16_le()?, cursor.u16_le()?);
        let (sequence, answered) = (cursor.u32_le()?, cursor.u32_le()?);
        let known =
            matches!(function, POLL | CONTINUED | RESPONSE | REQUEST) && usize::from(announced) <= MOST;
        let content = cursor.rest();
        (fits && known).then_some(Self { announced, function, sequence, answered, content })
    }

    /// Its messages, as many as are there whole.
    pub(super) fn messages(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.content);
        (0..self.announced).map_while(move |_| {
            let length = cursor.u32_le()?;
            let octets = cursor.take(usize::try_from(length).ok()?.checked_sub(4)?)?;
            let mut inside = Cursor::new(octets);
            inside.skip(1)?;
            let (sequence, application) = (inside.u32_le()?, inside.u8()?);
            Some(Part { length, sequence, application, rest: inside.rest() })
        })
    }

    /// Whether its messages fill it, and are as many as it says.
    pub(super) fn is_filled(&self) -> bool {
        let (mut messages, mut octets) = (0, 0);
        for message in self.messages() {
            messages += 1;
            octets += usize::try_from(message.length).unwrap_or(usize::MAX);
        }
        messages == self.announced && octets == self.content.len()
    }

    /// Whether it asks.
    pub(super) const fn asks(&self) -> bool {
        self.function == REQUEST
    }
}

impl<'a> Part<'a> {
    /// The data base function of a request.
    pub(super) fn function(&self, packet: &Packet<'_>) -> Option<u8> {
        if !packet.asks() {
            return None;
        }
        // Node status stands before.
        if self.application == DATA_BASE { self.rest.get(1).copied() } else { None }
    }

    /// The names of signals that a request by name has.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        // Status, function, three octets of selection, security level; then how many.
        let (count, names) = match self.rest {
            [_, 0x04, _, _, _, _, count, names @ ..] | [_, 0x84, _, _, _, count, names @ ..] => {
                (*count, names)
            }
            _ => (0, &[] as &[u8]),
        };
        names.split(|octet| *octet == 0).take(count.into()).filter(|name| !name.is_empty())
    }

    /// The first address that a write by address has, and the octets of its value.
    pub(super) fn written(&self) -> Option<(u16, &'a [u8])> {
        match *self.rest {
            [_, 0x80, _, _, _, _, low, high, ..] => {
                Some((u16::from_le_bytes([low, high]), self.rest.get(8..).unwrap_or_default()))
            }
            _ => None,
        }
    }
}
