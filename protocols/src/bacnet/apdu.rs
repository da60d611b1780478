//! The header of an application layer PDU (clause 20.1).

use crate::{Cursor, anomaly::Anomaly, message::Kind, telling};

use super::schema::{self, Field};

/// What sort of APDU (20.1.2 to 20.1.9).
pub(super) mod kind {
    pub(in super::super) const CONFIRMED: u8 = 0;
    pub(in super::super) const UNCONFIRMED: u8 = 1;
    pub(in super::super) const SIMPLE_ACK: u8 = 2;
    pub(in super::super) const COMPLEX_ACK: u8 = 3;
    pub(in super::super) const SEGMENT_ACK: u8 = 4;
    pub(in super::super) const ERROR: u8 = 5;
    pub(in super::super) const REJECT: u8 = 6;
    pub(in super::super) const ABORT: u8 = 7;
}

/// A segment of a longer APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Counts modulo 256.
    pub(super) sequence: u8,
    /// Segments proposed to be sent without an acknowledgement.
    pub(super) window: u8,
    /// Whether others follow.
    pub(super) more: bool,
}

/// An APDU, as far as it could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Apdu<'a> {
    /// One of [`kind`].
    pub(super) kind: u8,
    /// The lower half of the first octet.
    pub(super) flags: u8,
    /// Most segments and octets that the asker takes, as coded in 20.1.2.4 and 20.1.2.5.
    pub(super) accepted: Option<u8>,
    pub(super) invoke_id: Option<u8>,
    pub(super) segment: Option<Segment>,
    /// The service, confirmed or not.
    pub(super) service: Option<u8>,
    /// Of a rejection or an abortion.
    pub(super) reason: Option<u8>,
    /// The parameters of the service.
    pub(super) parameters: &'a [u8],
}

impl<'a> Apdu<'a> {
    /// Reads one; false where octets of the header are missing.
    pub(super) fn read(octets: &'a [u8]) -> (Self, bool) {
        let mut cursor = Cursor::new(octets);
        let mut apdu = Self::default();
        let whole = apdu.header(&mut cursor).is_some();
        apdu.parameters = cursor.rest();
        (apdu, whole)
    }

    fn header(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let head = cursor.u8()?;
        (self.kind, self.flags) = (head >> 4, head & 0xf);
        match self.kind {
            kind::CONFIRMED => {
                self.accepted = Some(cursor.u8()?);
                self.segmentable(cursor)?;
            }
            kind::COMPLEX_ACK => self.segmentable(cursor)?,
            kind::UNCONFIRMED => self.service = Some(cursor.u8()?),
            kind::SIMPLE_ACK | kind::ERROR => {
                self.invoke_id = Some(cursor.u8()?);
                self.service = Some(cursor.u8()?);
            }
            kind::SEGMENT_ACK => {
                self.invoke_id = Some(cursor.u8()?);
                let (sequence, window) = (cursor.u8()?, cursor.u8()?);
                self.segment = Some(Segment { sequence, window, more: false });
            }
            kind::REJECT | kind::ABORT => {
                self.invoke_id = Some(cursor.u8()?);
                self.reason = Some(cursor.u8()?);
            }
            _ => {}
        }
        Some(())
    }

    fn segmentable(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        self.invoke_id = Some(cursor.u8()?);
        if self.flags & 8 != 0 {
            let (sequence, window) = (cursor.u8()?, cursor.u8()?);
            self.segment = Some(Segment { sequence, window, more: self.flags & 4 != 0 });
        }
        self.service = Some(cursor.u8()?);
        Some(())
    }

    /// Whether its parameters are a piece of longer ones.
    pub(super) const fn is_piece(&self) -> bool {
        self.segment.is_some() && self.kind != kind::SEGMENT_ACK
    }

    /// What its parameters mean.
    pub(super) fn schema(&self) -> &'static [Field] {
        let service = self.service.unwrap_or(u8::MAX);
        match self.kind {
            kind::CONFIRMED => schema::confirmed(service),
            kind::UNCONFIRMED => schema::unconfirmed(service),
            kind::COMPLEX_ACK => schema::acknowledged(service),
            _ => &[],
        }
    }

    /// Question, answer or report.
    pub(super) const fn message_kind(&self) -> Kind {
        match (self.kind, self.service) {
            (kind::CONFIRMED, _) | (kind::UNCONFIRMED, Some(6..=10 | 14)) => Kind::Request,
            (kind::UNCONFIRMED, _) => Kind::Report,
            _ => Kind::Response,
        }
    }

    /// What is wrong with the header, `at` being where the APDU begins.
    pub(super) fn fault(&self, whole: bool, octets: usize, at: u32) -> Option<Anomaly> {
        if octets == 0 || !whole {
            let got = telling::number(octets);
            return Some(Anomaly::malformed("apdu-too-short", at, got, got + 1));
        }
        match (self.kind, self.service) {
            (8.., _) => Some(Anomaly::malformed("apdu-type", at, u64::from(self.kind), 7)),
            (kind::UNCONFIRMED, Some(service @ 15..)) | (_, Some(service @ 34..)) => {
                Some(Anomaly::unsupported("unknown-service", at, u64::from(service)))
            }
            _ => None,
        }
    }

    /// Class and code of an error (21, `Error`): the first two enumerations, wherever the service nests them.
    pub(super) fn error(&self) -> Option<(u32, u32)> {
        if self.kind != kind::ERROR {
            return None;
        }
        let mut numbers = [None; 2];
        super::walk::walk(self.parameters, &[], &mut |found| {
            if !found.context
                && found.number == 9
                && let Some(place) = numbers.iter_mut().find(|number| number.is_none())
            {
                *place = super::tag::unsigned(found.octets).and_then(|number| u32::try_from(number).ok());
            }
        });
        let [class, code] = numbers;
        Some((class?, code?))
    }
}
