//! Function 90: what Schneider's programming station and Modicon controllers (M340, M580, Momentum, Quantum with Unity) say to
//! each other, commonly called UMAS. Nothing is published; the page of the protocol says what this was checked against.
//!
//! ```text
//!  5a | key of the reservation | code | data ...        question
//!  5a | key of the reservation | fe or fd | data ...    answer: done or refused
//! ```

use fieldwarden_model::Verb;

use crate::cursor::Cursor;

/// An answer that refuses.
const REFUSED: u8 = 0xfd;
/// An answer that does not.
const DONE: u8 = 0xfe;
/// A station asks to be the only one that may change things.
const RESERVE: u8 = 0x10;
/// Reads and writes of memory by block and offset.
const READ_MEMORY: u8 = 0x20;
const WRITE_MEMORY: u8 = 0x21;
/// One piece of a program on its way.
const UPLOAD: u8 = 0x31;
const DOWNLOAD: u8 = 0x34;

/// What stands behind the function code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unity<'a> {
    /// The key that the controller gave with the reservation, 0 without one.
    pub(super) key: u8,
    /// The code of a question, `fe` or `fd` of an answer.
    pub(super) code: u8,
    /// What follows.
    pub(super) data: &'a [u8],
}

impl<'a> Unity<'a> {
    /// Reads it off the octets behind the function code.
    pub(super) fn read(octets: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        Some(Self { key: cursor.u8()?, code: cursor.u8()?, data: cursor.rest() })
    }

    /// The code of a refusal: its first octet of data.
    pub(super) fn refusal(&self) -> Option<u8> {
        (self.code == REFUSED).then(|| self.data.first().copied().unwrap_or(0))
    }

    /// The code of a question; none of an answer.
    pub(super) const fn question(&self) -> u16 {
        match self.code {
            DONE | REFUSED => 0,
            code => code as u16,
        }
    }

    /// Who reserves the controller, by the name of his station.
    pub(super) fn station(&self) -> Option<&'a str> {
        let mut cursor = Cursor::new(self.data);
        if self.code != RESERVE {
            return None;
        }
        cursor.skip(4)?;
        let length = cursor.u8()?;
        core::str::from_utf8(cursor.take(length.into())?).ok()
    }

    /// Block, offset and octets of a read or a write of memory.
    pub(super) fn memory(&self) -> Option<(u16, u32, u16)> {
        let mut cursor = Cursor::new(self.data);
        if !matches!(self.code, READ_MEMORY | WRITE_MEMORY) {
            return None;
        }
        cursor.skip(1)?;
        Some((cursor.u16_le()?, cursor.u32_le()?, cursor.u16_le()?))
    }

    /// Which piece of a program goes up or down.
    pub(super) fn piece(&self) -> Option<u16> {
        let mut cursor = Cursor::new(self.data);
        if !matches!(self.code, UPLOAD | DOWNLOAD) {
            return None;
        }
        cursor.skip(1)?;
        cursor.u16_le()
    }
}

/// What a code does and what it is called.
pub(super) const fn describe(code: u16) -> (Verb, &'static str) {
    match code {
        0x01 => (Verb::Associate, "Unity: begin communication"),
        0x02 => (Verb::Discover, "Unity: read identity"),
        0x03 => (Verb::Discover, "Unity: read project information"),
        0x04 => (Verb::Diagnose, "Unity: read controller status"),
        0x05 => (Verb::Discover, "Unity: read loader information"),
        0x06 => (Verb::Discover, "Unity: read memory card information"),
        0x07 => (Verb::Discover, "Unity: read block information"),
        0x0a => (Verb::Diagnose, "Unity: repeat data"),
        0x10 => (Verb::Associate, "Unity: take reservation"),
        0x11 => (Verb::Associate, "Unity: release reservation"),
        0x12 => (Verb::Associate, "Unity: keep reservation"),
        0x20 => (Verb::Read, "Unity: read memory block"),
        0x21 => (Verb::Write, "Unity: write memory block"),
        0x22 => (Verb::Read, "Unity: read variables"),
        0x23 => (Verb::Write, "Unity: write variables"),
        0x24 => (Verb::Read, "Unity: read coils and registers"),
        0x25 => (Verb::Write, "Unity: write coils and registers"),
        0x26 => (Verb::Discover, "Unity: read data dictionary"),
        0x30 => (Verb::Program, "Unity: begin upload"),
        0x31 => (Verb::Program, "Unity: upload block"),
        0x32 => (Verb::Program, "Unity: end upload"),
        0x33 => (Verb::Program, "Unity: begin download"),
        0x34 => (Verb::Program, "Unity: download block"),
        0x35 => (Verb::Program, "Unity: end download"),
        0x36 => (Verb::Program, "Unity: backup"),
        0x38 => (Verb::Associate, "Unity: exchange of nonces"),
        0x39 => (Verb::Discover, "Unity: read Ethernet master data"),
        0x40 => (Verb::Mode, "Unity: start controller"),
        0x41 => (Verb::Mode, "Unity: stop controller"),
        0x42 => (Verb::Mode, "Unity: initialise controller"),
        0x50 => (Verb::Read, "Unity: monitor controller"),
        0x58 => (Verb::Diagnose, "Unity: check controller"),
        0x6d => (Verb::Associate, "Unity: authenticated message"),
        0x70 => (Verb::Read, "Unity: read object of an input or output module"),
        0x71 => (Verb::Write, "Unity: write object of an input or output module"),
        0x73 => (Verb::Diagnose, "Unity: read module status"),
        _ => (Verb::Unknown, "Unity programming"),
    }
}
