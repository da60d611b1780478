//! The blocks of a frame (6-10 clause 4.3.1.4).

use super::{
    MAX_BLOCKS,
    body::{GET, HELLO, Header, IDENTIFY, SET},
};
use crate::cursor::Cursor;

/// One block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    pub(super) option: u8,
    pub(super) sub: u8,
    /// Its value, without qualifier or information before it.
    pub(super) value: &'a [u8],
}

/// Walks blocks until one is cut.
#[derive(Clone, Debug)]
pub(super) struct Blocks<'a> {
    cursor: Cursor<'a>,
    header: Header,
    count: usize,
    cut: bool,
}

impl<'a> Blocks<'a> {
    pub(super) const fn new(header: Header, octets: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(octets), header, count: 0, cut: false }
    }

    /// Whether the last block is not whole.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Octets before the value: a qualifier where something is set, information where something is answered; control blocks of
    /// an answer have neither.
    const fn before(&self, option: u8, sub: u8) -> usize {
        match (self.header.service, self.header.answers()) {
            (SET, false) => 2,
            (GET | IDENTIFY, true) if !matches!((option, sub), (5, 4)) => 2,
            (HELLO, _) => 2,
            _ => 0,
        }
    }

    fn read(&mut self) -> Option<Block<'a>> {
        let (option, sub) = (self.cursor.u8()?, self.cursor.u8()?);
        if (self.header.service, self.header.answers()) == (GET, false) {
            // What is asked for has a name alone.
            return Some(Block { option, sub, value: &[] });
        }
        let length = usize::from(self.cursor.u16()?);
        let whole = self.cursor.take(length);
        self.cut = whole.is_none();
        let whole = whole.unwrap_or_else(|| self.cursor.take_up_to(length));
        if !length.is_multiple_of(2) {
            // Padded to an even number of octets, but at the very end.
            self.cursor.take_up_to(1);
        }
        Some(Block { option, sub, value: whole.get(self.before(option, sub)..).unwrap_or_default() })
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        if self.cut || self.cursor.is_empty() || self.count == MAX_BLOCKS {
            return None;
        }
        self.count += 1;
        let block = self.read();
        self.cut |= block.is_none();
        block
    }
}
