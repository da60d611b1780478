//! Messages of SMB 1, \[MS-CIFS\] clause 2.2.3.

use fieldwarden_model::Verb;

use super::{PROTOCOL, user};
use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    message::{Direction, FieldValue, FieldVisitor, Kind, Sink},
    plain::{self, Head, Text, number},
};

/// Octets of the header.
const HEADER: usize = 32;

/// Commands that carry others behind them; told of one message at most.
const MAX_CHAINED: usize = 8;

/// More processing required: no refusal.
const MORE: u32 = 0xc000_0016;

mod command {
    pub(super) const SESSION_SETUP: u8 = 0x73;
    pub(super) const TREE_CONNECT: u8 = 0x75;
    pub(super) const CREATE: u8 = 0xa2;
    pub(super) const OPEN: u8 = 0x2d;
    pub(super) const TRANSACTION: u8 = 0x25;
}

/// What the header says.
#[derive(Clone, Copy)]
struct Header {
    command: u8,
    status: u32,
    is_response: bool,
    /// Whether the status is one of NT.
    nt: bool,
    unicode: bool,
}

fn header(message: &[u8]) -> Option<Header> {
    let mut cursor = Cursor::new(message);
    cursor.skip(4)?;
    let command = cursor.u8()?;
    let status = cursor.u32_le()?;
    let flags = cursor.u8()?;
    let more = cursor.u16_le()?;
    let header = Header {
        command,
        status,
        is_response: flags & 0x80 != 0,
        nt: more & 0x4000 != 0,
        unicode: more & 0x8000 != 0,
    };
    (message.len() >= HEADER).then_some(header)
}

const fn chains(command: u8) -> bool {
    matches!(command, 0x24 | 0x2d | 0x2e | 0x2f | 0x73 | 0x74 | 0x75 | 0xa2)
}

/// Names and verbs of commands, \[MS-CIFS\] clause 2.2.2.1.
const fn name(command: u8) -> (&'static str, Verb) {
    match command {
        0x00 => ("create directory", Verb::Transfer),
        0x01 => ("delete directory", Verb::Transfer),
        0x04 => ("close", Verb::Transfer),
        0x06 => ("delete", Verb::Transfer),
        0x07 => ("rename", Verb::Transfer),
        0x08 => ("query information", Verb::Discover),
        0x24 => ("lock", Verb::Transfer),
        0x25 => ("transaction", Verb::Transfer),
        0x2b => ("echo", Verb::Associate),
        0x2d => ("open", Verb::Transfer),
        0x2e => ("read", Verb::Transfer),
        0x2f | 0x0b => ("write", Verb::Transfer),
        0x32 => ("transaction 2", Verb::Transfer),
        0x34 => ("find close", Verb::Discover),
        0x71 => ("tree disconnect", Verb::Associate),
        0x72 => ("negotiate", Verb::Associate),
        0x73 => ("session setup", Verb::Associate),
        0x74 => ("logoff", Verb::Associate),
        0x75 => ("tree connect", Verb::Associate),
        0xa0 => ("NT transaction", Verb::Transfer),
        0xa2 => ("create", Verb::Transfer),
        0xa4 => ("cancel", Verb::Associate),
        _ => ("unknown", Verb::Unknown),
    }
}

/// Tells one message, which begins with its mark.
pub(super) fn tell(direction: Direction, message: &[u8], sink: &mut dyn Sink) {
    let own = Head::new(PROTOCOL, direction);
    let Some(header) = header(message) else {
        let cut = Anomaly::malformed("header-cut", 0, plain::count(message.len()), plain::count(HEADER));
        plain::tell(sink, own.of_kind(Kind::Anomaly), &[cut], None, |_| {});
        return;
    };
    let own = own.answering(header.is_response);
    let (name, verb) = name(header.command);
    let operation = plain::operation(verb, header.command.into(), name, own.kind);
    let fails = header.is_response && header.status >> 30 == 3 && header.status != MORE;
    let operation = if fails && header.nt { plain::refused(operation, header.status) } else { operation };
    plain::tell(sink, own, &[], operation, |visitor| fields(header, message, visitor));
}

fn fields(header: Header, message: &[u8], visitor: &mut dyn FieldVisitor) {
    visitor.item("command", number(header.command));
    let (mut command, mut at) = (header.command, HEADER);
    for _ in 0..MAX_CHAINED {
        let Some(block) = Block::read(message, at) else { break };
        if !header.is_response {
            block.names(header, command, message, visitor);
        }
        let (true, [next, _, low, high, ..]) = (chains(command), block.words) else { break };
        visitor.item("command", number(*next));
        let offset = usize::from(u16::from_le_bytes([*low, *high]));
        if *next == 0xff || offset <= at {
            break;
        }
        (command, at) = (*next, offset);
    }
    visitor.field("is_response", number(u8::from(header.is_response)));
    if header.nt {
        visitor.field("status", number(header.status));
    }
}

/// Words and octets of one command, \[MS-CIFS\] clauses 2.2.3.2 and 2.2.3.3.
#[derive(Clone, Copy)]
struct Block<'a> {
    words: &'a [u8],
    octets: &'a [u8],
    /// Where the octets begin in the message.
    at: usize,
}

impl<'a> Block<'a> {
    fn read(message: &'a [u8], at: usize) -> Option<Self> {
        let mut cursor = Cursor::new(message.get(at..)?);
        let count = cursor.u8()?;
        let words = cursor.take(usize::from(count) * 2)?;
        let length = cursor.u16_le().unwrap_or(0);
        Some(Self { words, at: at + cursor.offset(), octets: cursor.take_up_to(length.into()) })
    }

    /// Names that a request carries.
    fn names(&self, header: Header, command: u8, message: &[u8], visitor: &mut dyn FieldVisitor) {
        let key = match command {
            command::SESSION_SETUP => {
                if let Some(user) = user(message) {
                    visitor.item("user", FieldValue::Text(user.as_str()));
                }
                return;
            }
            command::TREE_CONNECT => "tree",
            command::CREATE | command::OPEN => "file",
            command::TRANSACTION => "pipe",
            _ => return,
        };
        let skipped = match (command, self.words) {
            // A password of this length stands before the path.
            (command::TREE_CONNECT, [_, _, _, _, _, _, low, high, ..]) => {
                u16::from_le_bytes([*low, *high]).into()
            }
            (command::TREE_CONNECT, _) => return,
            _ => 0,
        };
        let padding = usize::from(header.unicode && (self.at + skipped) % 2 == 1);
        let Some(octets) = self.octets.get(skipped + padding..) else { return };
        let mut text = Text::<260>::new();
        if header.unicode {
            let end = octets.as_chunks::<2>().0.iter().position(|pair| *pair == [0; 2]);
            text.push_utf16(octets.get(..end.map_or(octets.len(), |end| end * 2)).unwrap_or_default());
        } else {
            text.push_ascii(octets.split(|octet| *octet == 0).next().unwrap_or_default());
        }
        visitor.item(key, FieldValue::Text(text.as_str()));
    }
}
