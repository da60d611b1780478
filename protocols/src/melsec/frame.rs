//! The header, in its five forms (MC, chapter 4).

use super::command;
use crate::cursor::Cursor;

/// How a frame is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Binary, without serial number.
    Binary3E,
    /// Binary, with serial number.
    Binary4E,
    /// ASCII, without serial number.
    Ascii3E,
    /// ASCII, with serial number.
    Ascii4E,
    /// What GX Works speaks.
    Melsoft,
}

impl Form {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Binary3E => "3E",
            Self::Binary4E => "4E",
            Self::Ascii3E => "3E ASCII",
            Self::Ascii4E => "4E ASCII",
            Self::Melsoft => "MELSOFT",
        }
    }

    /// Whether its octets are hexadecimal digits.
    pub(super) const fn is_ascii(self) -> bool {
        matches!(self, Self::Ascii3E | Self::Ascii4E)
    }

    /// Octets up to the end of the length field.
    const fn header(self) -> usize {
        match self {
            Self::Binary3E => 9,
            Self::Binary4E => 13,
            Self::Ascii3E => 18,
            Self::Ascii4E => 26,
            Self::Melsoft => 21,
        }
    }
}

/// Reads numbers of a frame, whichever way it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    cursor: Cursor<'a>,
    ascii: bool,
}

impl<'a> Reader<'a> {
    /// Over these octets.
    pub(super) const fn new(bytes: &'a [u8], ascii: bool) -> Self {
        Self { cursor: Cursor::new(bytes), ascii }
    }

    /// One octet.
    pub(super) fn u8(&mut self) -> Option<u8> {
        if self.ascii { u8::try_from(self.digits(2, 16)?).ok() } else { self.cursor.u8() }
    }

    /// Two octets.
    pub(super) fn u16(&mut self) -> Option<u16> {
        if self.ascii { u16::try_from(self.digits(4, 16)?).ok() } else { self.cursor.u16_le() }
    }

    /// So many digits of a number.
    pub(super) fn digits(&mut self, count: usize, radix: u32) -> Option<u32> {
        let digits = self.cursor.take(count)?;
        digits.iter().try_fold(0_u32, |number, digit| {
            number.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
        })
    }

    /// The octets as they are.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        self.cursor.take(count)
    }

    /// What is left.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.cursor.rest()
    }

    /// The octets behind the cursor, as a plain cursor.
    pub(super) fn plain(&mut self) -> &mut Cursor<'a> {
        &mut self.cursor
    }
}

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// How the frame is written.
    pub(super) form: Form,
    /// Whether it answers.
    pub(super) response: bool,
    /// Serial number of a 4E frame.
    pub(super) serial: Option<u16>,
    /// Network of the receiver.
    pub(super) network: u8,
    /// Station (PC number) of the receiver.
    pub(super) station: u8,
    /// I/O number of the module.
    pub(super) module: u16,
    /// Station behind it.
    pub(super) multidrop: u8,
    /// Octets behind the length field.
    pub(super) length: usize,
    /// Where they begin.
    pub(super) body: usize,
}

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A header.
    Whole(Head),
    /// Perhaps one; so many octets are needed.
    Need(usize),
    /// None.
    No,
}

impl Head {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Found {
        let (form, response) = match *bytes {
            [0x50, 0x00, ..] => (Form::Binary3E, false),
            [0xd0, 0x00, ..] => (Form::Binary3E, true),
            [0x54, 0x00, ..] => (Form::Binary4E, false),
            [0xd4, 0x00, ..] => (Form::Binary4E, true),
            [0x57, 0x00, ..] => (Form::Melsoft, false),
            [0xd7, 0x00, ..] => (Form::Melsoft, true),
            [b'5', b'0', b'0', b'0', ..] => (Form::Ascii3E, false),
            [b'D', b'0', b'0', b'0', ..] => (Form::Ascii3E, true),
            [b'5', b'4', b'0', b'0', ..] => (Form::Ascii4E, false),
            [b'D', b'4', b'0', b'0', ..] => (Form::Ascii4E, true),
            [b'5' | b'D'] | [b'5' | b'D', b'0' | b'4'] | [b'5' | b'D', b'0' | b'4', b'0'] => {
                return Found::Need(4);
            }
            [0x50 | 0xd0 | 0x54 | 0xd4 | 0x57 | 0xd7] => return Found::Need(2),
            _ => return Found::No,
        };
        if bytes.len() < form.header() {
            return Found::Need(form.header());
        }
        Self::of(form, response, bytes).map_or(Found::No, Found::Whole)
    }

    fn of(form: Form, response: bool, bytes: &[u8]) -> Option<Self> {
        if form == Form::Melsoft {
            return Self::melsoft(response, bytes);
        }
        let mut reader = Reader::new(bytes, form.is_ascii());
        reader.u16()?;
        let mut serial = None;
        if matches!(form, Form::Binary4E | Form::Ascii4E) {
            serial = Some(reader.u16()?);
            // A reserved field, 0.
            reader.u16().filter(|reserved| *reserved == 0)?;
        }
        Some(Self {
            form,
            response,
            serial,
            network: reader.u8()?,
            station: reader.u8()?,
            module: reader.u16()?,
            multidrop: reader.u8()?,
            length: usize::from(reader.u16()?),
            body: form.header(),
        })
    }

    /// The header of MELSOFT, of which only what captures tell is known: 11 11 at octet 5 and the length at octet 19.
    fn melsoft(response: bool, bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip(5)?;
        cursor.u16().filter(|mark| *mark == 0x1111)?;
        cursor.skip(12)?;
        Some(Self {
            form: Form::Melsoft,
            response,
            serial: None,
            network: 0,
            station: 0,
            module: 0,
            multidrop: 0,
            length: usize::from(cursor.u16_le()?),
            body: Form::Melsoft.header(),
        })
    }

    /// Octets of the whole frame.
    pub(super) const fn total(&self) -> usize {
        self.body + self.length
    }

    /// What follows the header, as far as it is there.
    pub(super) fn data<'a>(&self, bytes: &'a [u8]) -> Reader<'a> {
        let data = bytes.get(self.body..self.total().min(bytes.len())).unwrap_or_default();
        Reader::new(data, self.form.is_ascii())
    }
}

/// How much octets look like a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Not at all.
    No,
    /// They could be.
    Possible,
    /// They are.
    Certain,
}

/// Whether a frame is one: a module that exists, and a command of the manual in a request.
pub(super) fn likeness(head: &Head, bytes: &[u8]) -> Likeness {
    let smallest = match (head.form, head.response) {
        (Form::Melsoft, _) => 8,
        (form, false) => 6 * (1 + usize::from(form.is_ascii())),
        (form, true) => 2 * (1 + usize::from(form.is_ascii())),
    };
    if head.length < smallest {
        return Likeness::No;
    }
    if head.form == Form::Melsoft {
        return Likeness::Certain;
    }
    let exists = matches!(head.module, 0..=0x1ff | 0x3d0..=0x3d3 | 0x3e0..=0x3e3 | 0x3ff);
    let mut data = head.data(bytes);
    let known = if head.response {
        head.module == 0x3ff && (head.station == 0xff || head.network > 0)
    } else {
        data.u16();
        data.u16().is_some_and(command::is_known)
    };
    match (exists, known) {
        (true, true) => Likeness::Certain,
        (true, false) => Likeness::Possible,
        (false, _) => Likeness::No,
    }
}
