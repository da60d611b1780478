//! One message.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use super::notation::is_words;
use crate::{
    cursor::Cursor,
    message::{Body, FieldValue, FieldVisitor},
};

/// Operation codes (FW, structure of the PDUs).
pub(super) mod code {
    pub(in crate::sinec_h1) const WRITE: u8 = 3;
    pub(in crate::sinec_h1) const WRITTEN: u8 = 4;
    pub(in crate::sinec_h1) const READ: u8 = 5;
    pub(in crate::sinec_h1) const HAS_READ: u8 = 6;
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) area: u8,
    pub(super) block: u8,
    pub(super) address: u16,
    pub(super) length: u16,
}

impl Job {
    /// Octets that the points take.
    pub(super) fn octets(self) -> usize {
        usize::from(self.length) * if is_words(self.area) { 2 } else { 1 }
    }

    fn points(self) -> Option<PointRange> {
        let first = u64::from(self.address);
        let last = first + u64::from(self.length.checked_sub(1)?);
        Some(PointRange {
            space: Space { area: u16::from(self.area), block: u32::from(self.block) },
            first,
            last,
        })
    }
}

/// The header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Octets of it.
    pub(super) length: u8,
    pub(super) code: u8,
    /// Of a question.
    pub(super) job: Option<Job>,
    /// Of an answer: 0 is none.
    pub(super) error: Option<u8>,
}

impl Header {
    /// Reads it; `None` where it is not whole or none.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (mark, length, block, size, code) =
            (cursor.u16()?, cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
        if (mark, block, size) != (0x5335, 1, 3) || length < 9 {
            return None;
        }
        let mut header = Self { length, code, job: None, error: None };
        match (cursor.u8()?, cursor.u8()?) {
            (3, 8) => {
                let (area, block) = (cursor.u8()?, cursor.u8()?);
                header.job = Some(Job { area, block, address: cursor.u16()?, length: cursor.u16()? });
            }
            (15, 3) => header.error = Some(cursor.u8()?),
            _ => {}
        }
        Some(header)
    }
}

/// A message as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'a> {
    pub(super) header: Header,
    /// What a question is about, or the question of an answer.
    pub(super) job: Option<Job>,
    pub(super) data: &'a [u8],
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("opcode", u64::from(self.header.code));
        if let Some(job) = self.header.job {
            number("memory_type", u64::from(job.area));
            number("memory_block", u64::from(job.block));
            number("address", u64::from(job.address));
            number("length", u64::from(job.length));
        }
        if let Some(error) = self.header.error {
            number("error_code", u64::from(error));
        }
        if !self.data.is_empty() {
            visitor.field("data", FieldValue::Bytes(self.data));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = match self.header.code {
            code::WRITE | code::WRITTEN => (Verb::Write, "write"),
            code::READ | code::HAS_READ => (Verb::Read, "fetch"),
            _ => (Verb::Unknown, "unknown operation"),
        };
        let outcome = match self.header.error {
            None => Outcome::Asked,
            Some(0) => Outcome::Done,
            Some(error) => Outcome::Refused(u32::from(error)),
        };
        let words = self.job.is_some_and(|job| is_words(job.area));
        let (encoding, width) = if words { (Encoding::Unsigned16, 2) } else { (Encoding::Unsigned8, 1) };
        let count = u32::try_from(self.data.len() / width).unwrap_or(0);
        let values = (count > 0 && self.job.is_some()).then_some(Values {
            bytes: self.data,
            encoding,
            count,
            stride: 1,
        });
        // The answer of a function is that of its question.
        let function = u32::from(match self.header.code {
            code::WRITTEN => code::WRITE,
            code::HAS_READ => code::READ,
            other => other,
        });
        let points = self.job.and_then(Job::points);
        each(&Operation { verb, function, name, unit: None, points, values, outcome });
    }
}
