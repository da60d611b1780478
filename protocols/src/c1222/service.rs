//! Services of an EPSEM (ANSI C12.22 clause 5.3.2 and annex): reads and writes of tables, log on, and answers.

use fieldwarden_model::Verb;

use crate::cursor::Cursor;

/// The table whose writing starts a procedure.
const PROCEDURE_INITIATE: u16 = 7;
/// Codes below are answers.
pub(super) const FIRST_COMMAND: u8 = 0x20;

/// A service or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service<'a> {
    /// Its code.
    pub(super) code: u8,
    /// Everything behind the code.
    pub(super) rest: &'a [u8],
    /// Octets with the length before.
    pub(super) length: usize,
}

/// What a read or write names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Access<'a> {
    /// The table; those of the manufacturer from 2048 on.
    pub(super) table: u16,
    /// Octets from the front of the table.
    pub(super) offset: Option<u32>,
    /// Octets or elements asked for.
    pub(super) count: Option<u16>,
    /// What is written.
    pub(super) data: &'a [u8],
}

/// What the answer to a read carries: a count, so many octets, a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table<'a> {
    pub(super) count: u16,
    pub(super) data: &'a [u8],
    pub(super) check: u8,
}

impl Table<'_> {
    /// The complement of the sum of the octets.
    pub(super) fn right_check(&self) -> u8 {
        self.data.iter().fold(0, |sum: u8, octet| sum.wrapping_sub(*octet))
    }
}

/// The services that follow each other in `content`; ends where one is not whole.
pub(super) fn services(content: &[u8]) -> impl Iterator<Item = Service<'_>> {
    let mut cursor = Cursor::new(content);
    core::iter::from_fn(move || {
        let begin = cursor.offset();
        let size = length(&mut cursor)?;
        let octets = cursor.take(size)?;
        let (code, rest) = octets.split_first()?;
        Some(Service { code: *code, rest, length: cursor.offset() - begin })
    })
}

/// A length as BER writes it, without a tag.
fn length(cursor: &mut Cursor<'_>) -> Option<usize> {
    let first = cursor.u8()?;
    match first {
        0..=0x7f => Some(first.into()),
        0x81 => cursor.u8().map(usize::from),
        0x82 => cursor.u16().map(usize::from),
        _ => None,
    }
}

impl<'a> Service<'a> {
    /// Whether it answers.
    pub(super) const fn is_answer(&self) -> bool {
        self.code < FIRST_COMMAND
    }

    /// Whether the standard has it.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self.verb_and_name().0, Verb::Unknown)
    }

    /// The table it reads or writes.
    pub(super) fn access(&self) -> Option<Access<'a>> {
        let mut cursor = Cursor::new(self.rest);
        let mut access = Access { table: 0, ..Access::default() };
        match self.code {
            0x30..=0x3f => {
                access.table = cursor.u16()?;
                if self.code == 0x3f {
                    access.offset = Some(cursor.u24()?);
                    access.count = cursor.u16();
                }
            }
            0x40..=0x4f => {
                access.table = cursor.u16()?;
                if self.code == 0x4f {
                    access.offset = Some(cursor.u24()?);
                } else if self.code != 0x40 {
                    // Up to nine indexes of two octets.
                    cursor.skip(2 * usize::from(self.code & 0x0f))?;
                }
                let count = cursor.u16()?;
                access.count = Some(count);
                access.data = cursor.take_up_to(count.into());
            }
            _ => return None,
        }
        Some(access)
    }

    /// The table that it carries as the answer to a read.
    pub(super) fn table(&self) -> Option<Table<'a>> {
        let mut cursor = Cursor::new(self.rest);
        let count = cursor.u16()?;
        let data = cursor.take(count.into())?;
        Some(Table { count, data, check: cursor.u8()? })
    }

    /// The procedure it starts: bit 11 says manufacturer, the lower bits its number.
    pub(super) fn procedure(&self) -> Option<u16> {
        let access =
            self.access().filter(|access| self.code == 0x40 && access.table == PROCEDURE_INITIATE)?;
        Cursor::new(access.data).u16_le().map(|number| number & 0x0fff)
    }

    /// The verb and the name of what it does.
    pub(super) const fn verb_and_name(&self) -> (Verb, &'static str) {
        match self.code {
            0..0x20 if self.rest.is_empty() => (Verb::Associate, "answer"),
            0..0x20 => (Verb::Read, "answer with data"),
            0x20 => (Verb::Discover, "identify"),
            0x21 => (Verb::Associate, "terminate"),
            0x22 => (Verb::Associate, "disconnect"),
            0x24 => (Verb::Associate, "deregister"),
            0x25 => (Verb::Discover, "resolve"),
            0x26 => (Verb::Discover, "trace"),
            0x27 => (Verb::Associate, "register"),
            0x30 => (Verb::Read, "full read"),
            0x31..=0x39 => (Verb::Read, "partial read by index"),
            0x3e => (Verb::Read, "default read"),
            0x3f => (Verb::Read, "partial read by offset"),
            0x40 => (Verb::Write, "full write"),
            0x41..=0x49 => (Verb::Write, "partial write by index"),
            0x4f => (Verb::Write, "partial write by offset"),
            0x50 => (Verb::Associate, "logon"),
            0x51 => (Verb::Associate, "security"),
            0x52 => (Verb::Associate, "logoff"),
            0x53 => (Verb::Associate, "authenticate"),
            0x60..=0x6f => (Verb::Associate, "negotiate"),
            0x70 => (Verb::Associate, "wait"),
            0x71 => (Verb::Associate, "timing setup"),
            _ => (Verb::Unknown, "unknown service"),
        }
    }
}
