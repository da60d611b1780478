//! The header of HART-IP and the HART frame that is passed through.

use crate::{Cursor, anomaly::Anomaly};

/// Octets of the header.
pub(super) const HEADER: usize = 8;

/// Message identifiers.
pub(super) mod id {
    pub(in super::super) const SESSION_INITIATE: u8 = 0;
    pub(in super::super) const SESSION_CLOSE: u8 = 1;
    pub(in super::super) const KEEP_ALIVE: u8 = 2;
    pub(in super::super) const PASS_THROUGH: u8 = 3;
    pub(in super::super) const DIRECT: u8 = 4;
    pub(in super::super) const AUDIT_LOG: u8 = 5;
}

/// A message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) version: u8,
    /// 0 request, 1 response, 2 publish, 3 error, 15 not acknowledged.
    pub(super) kind: u8,
    pub(super) id: u8,
    pub(super) status: u8,
    pub(super) sequence: u16,
    /// Octets in all, as the message says.
    pub(super) length: u16,
    pub(super) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one; `None` where none begins or the header is not whole.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (version, kind, id, status) = (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let (sequence, length) = (cursor.u16()?, cursor.u16()?);
        let sound = matches!(version, 1 | 2) && is_kind(kind) && usize::from(length) >= HEADER;
        let body = cursor.take_up_to(usize::from(length).saturating_sub(HEADER));
        let fits = usize::from(length) <= super::MAX_MESSAGE;
        (sound && fits).then_some(Self { version, kind, id, status, sequence, length, body })
    }

    /// Whether it can be nothing else: a session begins, or a HART frame with the right check byte is passed.
    pub(super) fn is_certain(&self, present: usize) -> bool {
        if usize::from(self.length) != present {
            return false;
        }
        match self.id {
            id::SESSION_INITIATE => self.body.len() == 5 && matches!(self.body.first(), Some(0 | 1)),
            id::PASS_THROUGH => Frame::read(self.body).is_ok(),
            _ => false,
        }
    }
}

const fn is_kind(kind: u8) -> bool {
    matches!(kind, 0..=3 | 15)
}

/// Whether octets may become the front of a message.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let kind = bytes.get(1).is_none_or(|kind| is_kind(*kind));
    let id = bytes.get(2).is_none_or(|id| *id <= id::AUDIT_LOG);
    bytes.len() < HEADER && matches!(bytes.first(), Some(1 | 2)) && kind && id
}

/// A HART frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) delimiter: u8,
    pub(super) address: &'a [u8],
    pub(super) command: u8,
    /// Response code and device status, of what a device says.
    pub(super) status: Option<(u8, u8)>,
    pub(super) data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads one, or says what is wrong together with what was understood.
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, (Self, Anomaly)> {
        let preambles = octets.iter().take_while(|&&octet| octet == 0xff).count();
        let bare = octets.get(preambles..).unwrap_or_default();
        let mut frame = Self::default();
        let mut cursor = Cursor::new(bare);
        let at = crate::telling::place(HEADER + preambles);
        if frame.parts(&mut cursor).is_none() {
            let got = crate::telling::number(octets.len());
            return Err((frame, Anomaly::malformed("frame-cut-short", at, got, got + 1)));
        }
        let length = cursor.offset();
        let sum = bare.iter().take(length).fold(0, |sum, octet| sum ^ octet);
        match cursor.u8() {
            Some(check) if check == sum => Ok(frame),
            Some(check) => {
                Err((frame, Anomaly::malformed("check-byte", at, u64::from(check), u64::from(sum))))
            }
            None => {
                let got = crate::telling::number(octets.len());
                Err((frame, Anomaly::malformed("frame-cut-short", at, got, got + 1)))
            }
        }
    }

    fn parts(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        self.delimiter = cursor.u8()?;
        self.address = cursor.take(if self.delimiter & 0x80 == 0 { 1 } else { 5 })?;
        cursor.skip(usize::from(self.delimiter >> 5 & 3))?;
        self.command = cursor.u8()?;
        let count = usize::from(cursor.u8()?);
        let mut data = Cursor::new(cursor.take(count)?);
        if self.is_device() {
            self.status = data.u8().zip(data.u8());
        }
        self.data = data.rest();
        Some(())
    }

    /// Whether a device says it: an acknowledgement or a burst.
    pub(super) const fn is_device(&self) -> bool {
        matches!(self.delimiter & 7, 1 | 6)
    }

    /// Whether it is a burst, told unasked.
    pub(super) const fn is_burst(&self) -> bool {
        self.delimiter & 7 == 1
    }
}
