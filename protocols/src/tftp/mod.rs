//! The trivial file transfer protocol, RFC 1350, with the options of RFC 2347.
//!
//! A server answers a request from a port of its own, which makes another flow. Such a flow is recognised where its
//! first datagram can hardly be anything else: a full first block, the acknowledgement of block 0, an acknowledgement of options, an error.
//!
//! Guarantees: each datagram stands by itself; nothing is remembered.
//!
//! Non-goals: the content of files; transfers whose first datagram from the new port was missed.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    cursor::Cursor,
    dissector::{Ports, Probe},
    message::{Direction, FieldVisitor, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("tftp");

/// The registered port.
pub const PORT: u16 = 69;

/// Octets of a full first block, RFC 1350 clause 5.
const FULL: usize = 516;

/// The trivial file transfer protocol.
pub static TFTP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Udp],
    ports: &[PORT],
    max_message: 65_535,
    probe,
    session: |_| Box::new(Datagrams(tell)),
};

/// A packet, RFC 1350 clause 5.
#[derive(Clone, Copy)]
enum Packet<'a> {
    /// Reads or writes a file, in a mode.
    Open {
        file: &'a [u8],
        mode: &'a [u8],
    },
    Data {
        block: u16,
        octets: usize,
    },
    Acknowledge {
        block: u16,
    },
    Error {
        code: u16,
        text: &'a [u8],
    },
    /// Acknowledges options, RFC 2347.
    Options(&'a [u8]),
    /// Of an opcode that nobody defined, and like a request otherwise.
    Unknown,
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8]) -> Option<(u16, Self)> {
        let mut cursor = Cursor::new(bytes);
        let code = cursor.u16()?;
        let packet = match code {
            1 | 2 => opened(cursor.rest())?,
            3 => Self::Data { block: cursor.u16()?, octets: cursor.remaining() },
            4 => Self::Acknowledge { block: cursor.u16()? },
            5 => Self::Error {
                code: cursor.u16()?,
                text: terminated(cursor.rest()).map_or(cursor.rest(), |(text, _)| text),
            },
            6 => Self::Options(cursor.rest()),
            _ => opened(cursor.rest()).map(|_| Self::Unknown)?,
        };
        Some((code, packet))
    }
}

/// A file and the mode of its transfer.
fn opened(bytes: &[u8]) -> Option<Packet<'_>> {
    let (file, rest) = terminated(bytes)?;
    let (mode, _) = terminated(rest)?;
    let known = [&b"netascii"[..], b"octet", b"mail"].iter().any(|word| mode.eq_ignore_ascii_case(word));
    (known && !file.is_empty()).then_some(Packet::Open { file, mode })
}

/// Text up to a zero octet, and what follows.
fn terminated(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|octet| *octet == 0)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

fn probe(_: Direction, bytes: &[u8], ports: Ports) -> Probe {
    let Some((_, packet)) = Packet::read(bytes) else { return Probe::No };
    let foreign = ports.server >= 1_024 && ports.client >= 1_024;
    let sure = match packet {
        Packet::Open { .. } => true,
        Packet::Unknown => ports.server == PORT,
        Packet::Data { block, .. } => foreign && block == 1 && bytes.len() == FULL,
        Packet::Acknowledge { block } => foreign && block == 0 && bytes.len() == 4,
        Packet::Error { code, text } => {
            code <= 8
                && text.len() > 3
                && bytes.len() == text.len() + 5
                && text.iter().all(|octet| matches!(octet, b' '..=b'~'))
        }
        Packet::Options(options) => terminated(options).is_some_and(|(name, _)| {
            [&b"blksize"[..], b"tsize", b"timeout", b"windowsize", b"multicast"]
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word))
        }),
    };
    if sure { Probe::Certain } else { Probe::No }
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let (code, packet) = Packet::read(bytes)?;
    let head =
        Head::new(PROTOCOL, direction).answering(!matches!(packet, Packet::Open { .. } | Packet::Unknown));
    let name = match code {
        1 => "read file",
        2 => "write file",
        3 => "data",
        4 => "acknowledge",
        5 => "error",
        6 => "acknowledge options",
        _ => "unknown opcode",
    };
    let verb = if matches!(packet, Packet::Unknown) { Verb::Unknown } else { Verb::Transfer };
    let operation = plain::operation(verb, code.into(), name, head.kind);
    let operation = match packet {
        Packet::Error { code, .. } => plain::refused(operation, code.into()),
        _ => operation,
    };
    plain::tell(sink, head, &[], operation, |visitor| fields(code, packet, visitor));
    Some(())
}

fn fields(code: u16, packet: Packet<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.field("opcode", number(code));
    match packet {
        Packet::Unknown => {}
        Packet::Open { file, mode } => {
            visitor.field(if code == 1 { "file" } else { "destination_file" }, words(file));
            visitor.field("mode", words(mode));
        }
        Packet::Data { block, octets } => {
            visitor.field("block", number(block));
            visitor.field("data_length", number(plain::count(octets)));
        }
        Packet::Acknowledge { block } => visitor.field("block", number(block)),
        Packet::Error { code, text } => {
            visitor.field("error_code", number(code));
            visitor.field("error_text", words(text));
        }
        Packet::Options(mut rest) => {
            while let Some((name, after)) = terminated(rest) {
                visitor.item("option", words(name));
                let Some((_, after)) = terminated(after) else { return };
                rest = after;
            }
        }
    }
}
