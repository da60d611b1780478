//! Program transfer and program invocation: functions 1a to 1f, 28 and 29.
//!
//! ```text
//!  1a to 1f job   | function | status | error (2) | transfer id (4) | length | file name | length | lengths |
//!  1d answer      | function | status | error (2) | transfer id (4) | length | length text |
//!  28             | function | 7 octets | length (2) | argument | length | service name |
//!  29             | function | 5 octets | length | service name |
//! ```

use crate::cursor::Cursor;

/// What a program transfer tells in its parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Transfer<'a> {
    /// 0 whole, bit 0 more follows, bit 1 an error.
    pub(super) status: Option<u8>,
    /// Error code, 0 when all is well.
    pub(super) error: Option<u16>,
    /// Joins the messages of one upload.
    pub(super) id: Option<u32>,
    /// File name of a block, as [`BlockName`] cuts it.
    pub(super) file: Option<&'a [u8]>,
    /// Lengths in decimal digits, as the function says.
    pub(super) lengths: Option<&'a [u8]>,
}

impl<'a> Transfer<'a> {
    /// Reads the parameters behind the function code of a job, or of the answer to "start upload".
    pub(super) fn read(parameters: &'a [u8]) -> Self {
        let mut cursor = Cursor::new(parameters);
        let status = cursor.u8();
        let error = cursor.u16();
        let id = cursor.u32();
        let file = counted(&mut cursor);
        let lengths = counted(&mut cursor);
        Self { status, error, id, file, lengths }
    }

    /// The answer to "start upload" has the length where a job has the file name.
    pub(super) fn read_started(parameters: &'a [u8]) -> Self {
        let transfer = Self::read(parameters);
        Self { file: None, lengths: transfer.file, ..transfer }
    }
}

/// A block by name, such as `_0A00001P`: file identifier, type, number, file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockName {
    /// Type in an engineer's words, such as `DB`.
    pub(super) kind: &'static str,
    /// Block number.
    pub(super) number: u32,
    /// `P` passive (not linked in yet), `A` active, `B` both.
    pub(super) file_system: u8,
}

impl BlockName {
    /// Cuts a file name of nine octets.
    pub(super) fn read(file: &[u8]) -> Option<Self> {
        let (_, name) = file.split_first()?;
        Self::read_listed(name)
    }

    /// Cuts an entry of the block lists of `_INSE` and `_DELE`: eight octets, no file identifier.
    pub(super) fn read_listed(name: &[u8]) -> Option<Self> {
        let (kind, rest) = name.split_first_chunk::<2>()?;
        let (digits, file_system) = rest.split_first_chunk::<5>()?;
        let &[file_system] = file_system else { return None };
        Some(Self { kind: block_kind(*kind)?, number: decimal(digits)?, file_system })
    }
}

/// A program invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Service<'a> {
    /// Name, such as `P_PROGRAM`.
    pub(super) name: &'a [u8],
    /// Argument block.
    pub(super) argument: &'a [u8],
}

impl<'a> Service<'a> {
    /// Reads the parameters behind function code 28.
    pub(super) fn read(parameters: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(parameters);
        cursor.take(7)?;
        let length = cursor.u16()?;
        let argument = cursor.take(length.into())?;
        Some(Self { name: counted(&mut cursor)?, argument })
    }

    /// Reads the parameters behind function code 29.
    pub(super) fn read_stop(parameters: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(parameters);
        cursor.take(5)?;
        Some(Self { name: counted(&mut cursor)?, argument: &[] })
    }

    /// The blocks that `_INSE`, `_INS2` and `_DELE` name.
    pub(super) fn blocks(&self) -> impl Iterator<Item = BlockName> + 'a {
        let listed = matches!(self.name, b"_INSE" | b"_INS2" | b"_DELE");
        let entries = self.argument.get(2..).filter(|_| listed).unwrap_or_default();
        entries.chunks_exact(8).filter_map(BlockName::read_listed)
    }
}

/// Block types as file names and block lists spell them, in two octets.
pub(super) const fn block_kind(octets: [u8; 2]) -> Option<&'static str> {
    Some(match &octets {
        b"08" => "OB",
        b"0A" => "DB",
        b"0B" => "SDB",
        b"0C" => "FC",
        b"0D" => "SFC",
        b"0E" => "FB",
        b"0F" => "SFB",
        _ => return None,
    })
}

/// A number in decimal digits.
pub(super) fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits
        .iter()
        .try_fold(0u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

/// Octets behind their length.
fn counted<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u8()?;
    cursor.take(length.into())
}
