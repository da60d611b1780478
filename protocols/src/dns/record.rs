//! Resource records, RFC 1035 clause 4.1.3.

use core::{
    fmt::Write,
    net::{Ipv4Addr, Ipv6Addr},
};

use super::name::{name, skip};
use crate::{
    FieldValue, FieldVisitor,
    cursor::Cursor,
    plain::{Text, number},
};

/// Records told of one message.
const MAX_TOLD: u16 = 64;

/// Type, class and time to live before the length of the content.
const FIXED: usize = 8;

/// Records that follow each other.
pub(super) struct Section<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) records: u16,
}

/// Where so many records end, if all can be read.
pub(super) fn end(bytes: &[u8], mut at: usize, records: u32) -> Option<usize> {
    for _ in 0..records {
        at = content(bytes, skip(bytes, at)?)?.1;
    }
    Some(at)
}

/// The type of the record whose name ends at `at`, and where its content begins and ends.
fn content(bytes: &[u8], at: usize) -> Option<((u16, usize), usize)> {
    let mut cursor = Cursor::new(bytes.get(at..)?);
    let kind = cursor.u16()?;
    cursor.skip(FIXED - 2)?;
    let length = cursor.u16()?;
    let begin = at + FIXED + 2;
    let end = begin + usize::from(length);
    (end <= bytes.len()).then_some(((kind, begin), end))
}

impl Section<'_> {
    /// Tells names and addresses of the records.
    pub(super) fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut at = self.at;
        for _ in 0..self.records.min(MAX_TOLD) {
            let Some((owner, after)) = name(self.bytes, at) else { return };
            let Some(((kind, begin), end)) = content(self.bytes, after) else { return };
            visitor.item("answer_name", FieldValue::Text(owner.as_str()));
            visitor.item("answer_type", number(kind));
            let octets = self.bytes.get(begin..end).unwrap_or_default();
            self.data(kind, begin, octets, visitor);
            at = end;
        }
    }

    fn data(&self, kind: u16, begin: usize, octets: &[u8], visitor: &mut dyn FieldVisitor) {
        let mut text = Text::<64>::new();
        match kind {
            1 => {
                let Ok(octets) = <[u8; 4]>::try_from(octets) else { return };
                // Into a room that is always large enough.
                let _ = write!(text, "{}", Ipv4Addr::from(octets));
            }
            28 => {
                let Ok(octets) = <[u8; 16]>::try_from(octets) else { return };
                let _ = write!(text, "{}", Ipv6Addr::from(octets));
            }
            2 | 5 | 12 => {
                let Some((other, _)) = name(self.bytes, begin) else { return };
                visitor.item("answer_target", FieldValue::Text(other.as_str()));
                return;
            }
            _ => return,
        }
        visitor.item("answer_address", FieldValue::Text(text.as_str()));
    }
}
