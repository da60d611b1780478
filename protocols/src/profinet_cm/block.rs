//! Blocks (IEC 61158-6-10 §5.2): type, length, version, content; some hold others.

use crate::cursor::Cursor;

/// How deep blocks lie in each other at most.
const MAX_DEPTH: u8 = 5;

/// Header of a write, answered by 0x8008; of a read, answered by 0x8009.
pub(super) const WRITE: u16 = 0x0008;
pub(super) const READ: u16 = 0x0009;
pub(super) const WRITE_ANSWER: u16 = 0x8008;
pub(super) const READ_ANSWER: u16 = 0x8009;
/// An application relation is asked for, or granted.
pub(super) const RELATION: u16 = 0x0101;
pub(super) const RELATION_ANSWER: u16 = 0x8101;
/// A communication relation for cyclic data.
pub(super) const CYCLIC: u16 = 0x0102;
pub(super) const CYCLIC_ANSWER: u16 = 0x8102;

/// Whether a record is one of the standard, and so made of blocks: those below 0x8000 belong to the maker, those from
/// 0xb000 to profiles (IEC 61158-6-10, coding of Index). 0xe040 is a list of writes.
const fn is_made_of_blocks(index: u16) -> bool {
    matches!(index, 0x8000..=0xafff | 0xc000..=0xffff)
}

/// One block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    /// Its type.
    pub(super) kind: u16,
    /// Its lower version.
    version: u8,
    /// What follows its version.
    pub(super) content: &'a [u8],
    /// The record behind a header of a read or a write, as far as it is there.
    pub(super) record: &'a [u8],
}

/// What a header of a read or a write names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    /// Which of several requests.
    pub(super) sequence: u16,
    /// The application process.
    pub(super) api: u32,
    /// The slot.
    pub(super) slot: u16,
    /// The subslot.
    pub(super) subslot: u16,
    /// The record.
    pub(super) index: u16,
    /// Its length.
    pub(super) length: u32,
    /// Status of the answer to a write.
    pub(super) status: Option<u32>,
}

impl<'a> Block<'a> {
    /// What a header of a read or a write names.
    pub(super) fn record(&self) -> Option<Record> {
        if !matches!(self.kind, WRITE | READ | WRITE_ANSWER | READ_ANSWER) {
            return None;
        }
        let mut cursor = Cursor::new(self.content);
        let sequence = cursor.u16()?;
        cursor.skip(16)?;
        let (api, slot, subslot) = (cursor.u32()?, cursor.u16()?, cursor.u16()?);
        cursor.skip(2)?;
        let (index, length) = (cursor.u16()?, cursor.u32()?);
        cursor.skip(4).filter(|()| self.kind == WRITE_ANSWER);
        let status = (self.kind == WRITE_ANSWER).then(|| cursor.u32()).flatten();
        Some(Record { sequence, api, slot, subslot, index, length, status })
    }

    /// Octets of the content before the blocks that lie in it.
    const fn nested_at(&self) -> Option<usize> {
        match self.kind {
            // Padding, slot and subslot, then blocks: PDPortDataCheck, PDPortDataAdjust, PDIRData.
            0x0200 | 0x0202 | 0x0205 => Some(6),
            // Padding, API, slot and subslot: MultipleBlockHeader.
            0x0400 => Some(10),
            // Padding, API, slot, subslot, padding and index: a part of a combined object container.
            0x0401 => Some(14),
            // A count: PDIRSubframeData. Padding: fast start-up of a relation and of an interface.
            0x022a | 0x010b | 0x0608 | 0x0609 => Some(2),
            // Padding and a count: rings of an interface, from version 1.1 on.
            0x0211 | 0x0213 if self.version != 0 => Some(2),
            _ => None,
        }
    }
}

/// Walks all blocks; whether they fill `octets`.
pub(super) fn walk<'a>(octets: &'a [u8], each: &mut dyn FnMut(&Block<'a>)) -> bool {
    blocks(octets, 0, each)
}

fn blocks<'a>(octets: &'a [u8], depth: u8, each: &mut dyn FnMut(&Block<'a>)) -> bool {
    let mut cursor = Cursor::new(octets);
    while !cursor.is_empty() {
        // Fill octets bring the next block to a boundary of four.
        let aligned = cursor.offset().wrapping_neg() % 4;
        if depth > 0 && aligned != 0 && cursor.rest().first() == Some(&0) && cursor.rest().get(1) == Some(&0)
        {
            let _ = cursor.skip(aligned);
        }
        if cursor.is_empty() {
            break;
        }
        let Some((kind, length)) = cursor.u16().zip(cursor.u16()) else { return false };
        let Some(inside) = cursor.take(length.into()) else { return false };
        if kind == 0 {
            return depth > 0;
        }
        let mut block = Block {
            kind,
            version: inside.get(1).copied().unwrap_or(0),
            content: inside.get(2..).unwrap_or_default(),
            record: &[],
        };
        let record = block.record();
        if let Some(record) = record.filter(|_| matches!(kind, WRITE | READ_ANSWER)) {
            let length = usize::try_from(record.length).unwrap_or(usize::MAX);
            block.record = cursor.take_up_to(length);
        }
        each(&block);
        if depth == MAX_DEPTH {
            continue;
        }
        if let Some(at) = block.nested_at() {
            blocks(block.content.get(at..).unwrap_or_default(), depth + 1, each);
        }
        if record.is_some_and(|record| is_made_of_blocks(record.index)) {
            blocks(block.record, depth + 1, each);
        }
    }
    true
}
