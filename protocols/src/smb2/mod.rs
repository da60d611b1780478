//! SMB 2 and 3, \[MS-SMB2\], over the framing of [`smb1`](crate::smb1).
//!
//! Guarantees: each message of a compound is told, at most [`MAX_COMPOUND`]; of an encrypted or compressed one only that it is.
//!
//! Non-goals: the content of files, what control codes carry, RDMA.

#[cfg(test)]
mod tests;

use fieldwarden_model::{Transport, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    message::{Direction, FieldValue, FieldVisitor, Kind, Protocol, Sink},
    plain::{self, Head, Plain, Text, number},
    smb1,
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("smb2");

/// Messages told of one compound.
pub const MAX_COMPOUND: usize = 32;

/// Octets of a header, \[MS-SMB2\] clause 2.2.1.
const HEADER: usize = 64;

/// More processing required: no refusal.
const MORE: u32 = 0xc000_0016;

/// SMB 2 and 3.
pub static SMB2: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[445],
    max_message: smb1::MAX_FRONT,
    probe: |_, bytes, ports| smb1::probe(bytes, ports, |found| found != smb1::Kind::First),
    session: |_| smb1::session(),
};

/// What a header says.
#[derive(Clone, Copy)]
struct Header {
    status: u32,
    command: u16,
    is_response: bool,
    /// Octets to the next message, 0 at the last.
    next: usize,
    message_id: u64,
}

fn header(message: &[u8]) -> Option<Header> {
    let mut cursor = Cursor::new(message);
    cursor.skip(8)?;
    let status = cursor.u32_le()?;
    let command = cursor.u16_le()?;
    cursor.skip(2)?;
    let flags = cursor.u32_le()?;
    let next = usize::try_from(cursor.u32_le()?).ok()?;
    let message_id = cursor.u64_le()?;
    (message.len() >= HEADER).then_some(Header {
        status,
        command,
        is_response: flags & 1 != 0,
        next,
        message_id,
    })
}

/// Names and verbs of commands, \[MS-SMB2\] clause 2.2.1.
const fn name(command: u16) -> (&'static str, Verb) {
    match command {
        0 => ("negotiate", Verb::Associate),
        1 => ("session setup", Verb::Associate),
        2 => ("logoff", Verb::Associate),
        3 => ("tree connect", Verb::Associate),
        4 => ("tree disconnect", Verb::Associate),
        5 => ("create", Verb::Transfer),
        6 => ("close", Verb::Transfer),
        7 => ("flush", Verb::Transfer),
        8 => ("read", Verb::Transfer),
        9 => ("write", Verb::Transfer),
        10 => ("lock", Verb::Transfer),
        11 => ("control", Verb::Transfer),
        12 => ("cancel", Verb::Associate),
        13 => ("echo", Verb::Associate),
        14 => ("query directory", Verb::Discover),
        15 => ("change notify", Verb::Discover),
        16 => ("query information", Verb::Discover),
        17 => ("set information", Verb::Transfer),
        18 => ("break of lock", Verb::Associate),
        _ => ("unknown", Verb::Unknown),
    }
}

/// Tells the messages of a compound.
pub(crate) fn tell(direction: Direction, compound: &[u8], sink: &mut dyn Sink) {
    let mut rest = compound;
    for _ in 0..MAX_COMPOUND {
        let own = Head::new(PROTOCOL, direction);
        let Some(header) = header(rest) else {
            let cut = Anomaly::malformed("header-cut", 0, plain::count(rest.len()), plain::count(HEADER));
            return plain::tell(sink, own.of_kind(Kind::Anomaly), &[cut], None, |_| {});
        };
        let whole = if header.next == 0 { rest } else { rest.get(..header.next).unwrap_or(rest) };
        let own = own.answering(header.is_response);
        let (name, verb) = name(header.command);
        let operation = plain::operation(verb, header.command.into(), name, own.kind);
        let fails = header.is_response && header.status >> 30 == 3 && header.status != MORE;
        let operation = if fails { plain::refused(operation, header.status) } else { operation };
        plain::tell(sink, own, &[], operation, |visitor| fields(header, whole, visitor));
        match rest.get(header.next..) {
            Some(after) if header.next >= HEADER && !after.is_empty() => rest = after,
            _ => return,
        }
    }
}

/// Tells that a message is encrypted or compressed, \[MS-SMB2\] clauses 2.2.41 and 2.2.42.
pub(crate) fn tell_covered(direction: Direction, sink: &mut dyn Sink) {
    let head = Head::new(PROTOCOL, direction);
    let operation = plain::operation(Verb::Unknown, u32::MAX, "encrypted", head.kind);
    plain::tell(sink, head, &[], operation, |visitor| visitor.field("encrypted", number(1_u8)));
}

fn fields(header: Header, message: &[u8], visitor: &mut dyn FieldVisitor) {
    visitor.field("command", number(header.command));
    visitor.field("is_response", number(u8::from(header.is_response)));
    visitor.field("message_id", number(header.message_id));
    if header.is_response {
        visitor.field("status", number(header.status));
        // The dialect chosen, clause 2.2.4.
        if header.command == 0
            && let Some([low, high]) = message.get(HEADER + 4..HEADER + 6)
        {
            visitor.field("dialect", number(u16::from_le_bytes([*low, *high])));
        }
        return;
    }
    match header.command {
        1 => {
            if let Some(user) = smb1::user(message) {
                visitor.field("user", FieldValue::Text(user.as_str()));
            }
        }
        // Clauses 2.2.9 and 2.2.13: offset from the header and length of the name.
        3 => named("tree", message, 4, visitor),
        5 => named("file", message, 44, visitor),
        _ => {}
    }
}

/// Tells the name whose offset and length stand `at` so many octets behind the header.
fn named(key: &'static str, message: &[u8], at: usize, visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(message.get(HEADER + at..).unwrap_or_default());
    let (Some(offset), Some(length)) = (cursor.u16_le(), cursor.u16_le()) else { return };
    let begin = usize::from(offset);
    if let Some(octets) = message.get(begin..begin + usize::from(length)) {
        let mut text = Text::<520>::new();
        text.push_utf16(octets);
        visitor.field(key, FieldValue::Text(text.as_str()));
    }
}
