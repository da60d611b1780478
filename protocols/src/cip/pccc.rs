//! PCCC inside CIP: what PLC-5, SLC 500 and MicroLogix speak (Rockwell 1770-6.5.16, "DF1 Protocol and Command Set").
//!
//! ```text
//!  | length of requester id | vendor | serial | command | status | transaction | [ext. status] | [function] | data |
//! ```

use fieldwarden_model::{PointRange, Space, Values, Verb, operation::Encoding};

use super::notation::{PCCC_FILES, PCCC_UNKNOWN};
use crate::cursor::Cursor;

/// Bit of a command that answers.
const REPLY: u8 = 0x40;

/// A PCCC message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pccc<'a> {
    /// Vendor of the requester.
    pub(super) vendor: Option<u16>,
    /// Its serial number.
    pub(super) serial: Option<u32>,
    /// Command, without the bit of a reply.
    pub(super) command: u8,
    /// Whether it answers.
    pub(super) reply: bool,
    /// Status.
    pub(super) status: u8,
    /// Extended status.
    pub(super) extended: Option<u8>,
    /// Transaction number.
    pub(super) transaction: u16,
    /// Function; answers have none.
    pub(super) function: Option<u8>,
    /// What follows.
    pub(super) data: &'a [u8],
}

impl<'a> Pccc<'a> {
    /// Reads the data of service 0x4b.
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        let length = usize::from(cursor.u8()?);
        let mut requester = Cursor::new(cursor.take(length.checked_sub(1)?)?);
        let (vendor, serial) = (requester.u16_le(), requester.u32_le());
        let command = cursor.u8()?;
        let status = cursor.u8()?;
        let transaction = cursor.u16_le()?;
        let reply = command & REPLY != 0;
        let command = command & !REPLY;
        let extended = if status & 0xf0 == 0xf0 { cursor.u8() } else { None };
        let function = if !reply && matches!(command, 6 | 7 | 0x0f) { Some(cursor.u8()?) } else { None };
        Some(Self {
            vendor,
            serial,
            command,
            reply,
            status,
            extended,
            transaction,
            function,
            data: cursor.rest(),
        })
    }

    /// The file and elements that a request names.
    pub(super) fn address(&self) -> Option<Address<'a>> {
        if self.reply || self.command != 0x0f {
            return None;
        }
        let mut cursor = Cursor::new(self.data);
        match self.function? {
            function @ (0xa1 | 0xa2 | 0xa9 | 0xaa | 0xab) => {
                let octets = u16::from(cursor.u8()?);
                let file = field(&mut cursor)?;
                let file_type = cursor.u8()?;
                let element = field(&mut cursor)?;
                let sub = if matches!(function, 0xa1 | 0xa9) { 0 } else { field(&mut cursor)? };
                let mask = if function == 0xab { cursor.u16_le() } else { None };
                let data = if matches!(function, 0xa1 | 0xa2) { None } else { Some(cursor.rest()) };
                Some(Address { octets, file, file_type: Some(file_type), element, sub, mask, data })
            }
            0x67 | 0x68 => {
                cursor.skip(4)?;
                let (file, element, sub) = system_address(&mut cursor)?;
                Some(Address { octets: 0, file, file_type: None, element, sub, mask: None, data: None })
            }
            0x00 | 0x01 => {
                cursor.skip(4)?;
                let (file, element, sub) = system_address(&mut cursor)?;
                let data = if self.function == Some(0) { Some(cursor.rest()) } else { None };
                Some(Address { octets: 0, file, file_type: None, element, sub, mask: None, data })
            }
            _ => None,
        }
    }

    /// The data of an answer to a typed read.
    pub(super) const fn read_data(&self) -> Option<&'a [u8]> {
        if self.reply && self.status == 0 && !self.data.is_empty() { Some(self.data) } else { None }
    }
}

/// A number of one octet, or of two behind 0xff.
fn field(cursor: &mut Cursor<'_>) -> Option<u16> {
    match cursor.u8()? {
        0xff => cursor.u16_le(),
        short => Some(u16::from(short)),
    }
}

/// A PLC-5 address in binary: a mask of the levels that follow, area, file, element, sub-element.
fn system_address(cursor: &mut Cursor<'_>) -> Option<(u16, u16, u16)> {
    let levels = cursor.u8()?;
    if levels == 0 {
        return None;
    }
    let mut at = [0; 4];
    for (bit, slot) in at.iter_mut().enumerate() {
        if levels >> bit & 1 == 1 {
            *slot = field(cursor)?;
        }
    }
    let [_, file, element, sub] = at;
    Some((file, element, sub))
}

/// What a typed read or write names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// Octets to read or write; 0 where it is not said that way.
    pub(super) octets: u16,
    /// File number.
    pub(super) file: u16,
    /// File type, where it is said.
    pub(super) file_type: Option<u8>,
    /// Element.
    pub(super) element: u16,
    /// Sub-element: a word of a timer.
    pub(super) sub: u16,
    /// Bits that a masked write changes.
    pub(super) mask: Option<u16>,
    /// What is written.
    pub(super) data: Option<&'a [u8]>,
}

impl Address<'_> {
    /// The elements; for timers, counters and controls their words.
    pub(super) fn points(&self) -> PointRange {
        let area = self.file_type.map_or(PCCC_UNKNOWN, |code| PCCC_FILES | u16::from(code));
        let space = Space { area, block: u32::from(self.file) };
        let words = words_per_element(area);
        let first = u64::from(self.element) * words + u64::from(self.sub).min(words - 1);
        let width = self.encoding().and_then(Encoding::width).unwrap_or(2);
        let count = u64::try_from(usize::from(self.octets) / width).unwrap_or(0);
        let steps = if self.encoding().is_some() { count.max(1) } else { 1 };
        PointRange { space, first, last: first + steps - 1 }
    }

    /// How the values of the file are cut.
    pub(super) const fn encoding(&self) -> Option<Encoding> {
        match self.file_type {
            Some(0x89) => Some(Encoding::Signed16Little),
            Some(0x8a) => Some(Encoding::Float32Little),
            Some(0x91) => Some(Encoding::Signed32Little),
            Some(0x82..=0x88 | 0x8b | 0x8c | 0x8f) => Some(Encoding::Unsigned16Little),
            _ => None,
        }
    }
}

/// Octets cut into values.
pub(super) fn values(encoding: Encoding, bytes: &[u8]) -> Option<Values<'_>> {
    let count = u32::try_from(bytes.len() / encoding.width()?).ok()?;
    Some(Values { bytes, encoding, count, stride: 1 })
}

/// Words that an element has, where its index counts them.
pub(super) const fn words_per_element(area: u16) -> u64 {
    match area {
        0x7f86..=0x7f88 => 3,
        0x7f84 | 0x7f85 | 0x7f89 | 0x7f8a | 0x7f91 | 0x7f8f => 1,
        _ => 256,
    }
}

/// Verb and name of a command and function (1770-6.5.16, chapter 7).
pub(super) const fn describe(command: u8, function: Option<u8>) -> (Verb, &'static str) {
    match (command, function) {
        (0x00, _) => (Verb::Write, "PCCC protected write"),
        (0x01, _) => (Verb::Read, "PCCC unprotected read"),
        (0x02, _) => (Verb::Write, "PCCC protected bit write"),
        (0x05, _) => (Verb::Write, "PCCC unprotected bit write"),
        (0x08, _) => (Verb::Write, "PCCC unprotected write"),
        (0x06, Some(0x00)) => (Verb::Diagnose, "PCCC echo"),
        (0x06, Some(0x01)) => (Verb::Diagnose, "PCCC read diagnostic counters"),
        (0x06, Some(0x02 | 0x04..=0x06 | 0x0a)) => (Verb::Configure, "PCCC set link parameters"),
        (0x06, Some(0x03)) => (Verb::Discover, "PCCC diagnostic status"),
        (0x06, Some(0x07)) => (Verb::Diagnose, "PCCC reset diagnostic counters"),
        (0x06, _) => (Verb::Diagnose, "PCCC diagnostic function"),
        (0x07, Some(0x00)) => (Verb::Mode, "PCCC disable outputs"),
        (0x07, Some(0x01)) => (Verb::Mode, "PCCC enable outputs"),
        (0x07, Some(0x03)) => (Verb::Mode, "PCCC enable PLC scanning"),
        (0x07, Some(0x04)) => (Verb::Program, "PCCC enter download mode"),
        (0x07, Some(0x05)) => (Verb::Program, "PCCC exit download or upload mode"),
        (0x07, Some(0x06)) => (Verb::Program, "PCCC enter upload mode"),
        (0x07, _) => (Verb::Mode, "PCCC mode function"),
        (0x0f, Some(function)) => extended(function),
        _ => (Verb::Unknown, "unknown PCCC command"),
    }
}

const fn extended(function: u8) -> (Verb, &'static str) {
    match function {
        0x00 => (Verb::Write, "PCCC word range write"),
        0x01 => (Verb::Read, "PCCC word range read"),
        0x02 => (Verb::Write, "PCCC bit write"),
        0x03 | 0x04 => (Verb::Transfer, "PCCC file transfer"),
        0x05 => (Verb::Program, "PCCC download privilege"),
        0x11 => (Verb::Program, "PCCC get edit resource"),
        0x12 => (Verb::Program, "PCCC return edit resource"),
        0x17 => (Verb::Program, "PCCC read bytes physical"),
        0x18 => (Verb::Program, "PCCC write bytes physical"),
        0x26 => (Verb::Write, "PCCC read-modify-write"),
        0x29 => (Verb::Read, "PCCC read section size"),
        0x3a => (Verb::Mode, "PCCC set CPU mode"),
        0x41 => (Verb::Operate, "PCCC disable forces"),
        0x50 => (Verb::Program, "PCCC download all request"),
        0x52 => (Verb::Program, "PCCC download completed"),
        0x53 => (Verb::Program, "PCCC upload all request"),
        0x55 => (Verb::Program, "PCCC upload completed"),
        0x57 => (Verb::Program, "PCCC initialize memory"),
        0x5e => (Verb::Configure, "PCCC modify PLC-2 compatibility file"),
        0x67 => (Verb::Write, "PCCC typed write"),
        0x68 => (Verb::Read, "PCCC typed read"),
        0x79 => (Verb::Write, "PCCC read-modify-write N"),
        0x80 => (Verb::Mode, "PCCC change mode"),
        0x81 => (Verb::Program, "PCCC open file"),
        0x82 => (Verb::Program, "PCCC close file"),
        0x88 => (Verb::Program, "PCCC execute multiple commands"),
        0x8f => (Verb::Configure, "PCCC apply port configuration"),
        0xa1 => (Verb::Read, "PCCC protected typed logical read, two fields"),
        0xa2 => (Verb::Read, "PCCC protected typed logical read, three fields"),
        0xa7 => (Verb::Program, "PCCC protected typed file read"),
        0xa9 => (Verb::Write, "PCCC protected typed logical write, two fields"),
        0xaa => (Verb::Write, "PCCC protected typed logical write, three fields"),
        0xab => (Verb::Write, "PCCC protected typed logical masked write"),
        0xaf => (Verb::Program, "PCCC protected typed file write"),
        _ => (Verb::Unknown, "unknown PCCC function"),
    }
}
