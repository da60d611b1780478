//! Secure shell, RFC 4253: what is said before encryption begins.
//!
//! Guarantees: the identification of both sides and their key exchange are told, up to the message that takes new keys into
//! use; what follows is passed over.
//!
//! Non-goals: what is encrypted, and guesses at it by lengths; the packets of version 1.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    cursor::Cursor,
    dissector::{Probe, Session, Step},
    message::{Direction, Protocol, Sink},
    plain::{self, Head, Line, Plain, line, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("ssh");

/// The registered port.
pub const PORT: u16 = 22;

/// The longest line before the key exchange: RFC 4253 clause 4.2 allows 255, some send more.
const MAX_LINE: usize = 1_024;

/// The longest packet (RFC 4253 clause 6.1).
const MAX_PACKET: usize = 35_004;

/// Lines a server may send before its identification.
const MAX_LINES: u8 = 64;

/// SSH.
pub static SSH: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[PORT],
    max_message: MAX_PACKET,
    probe: |_, bytes, _| match bytes.get(..4) {
        Some(b"SSH-") => Probe::Certain,
        None if b"SSH-".starts_with(bytes) => Probe::Need(4),
        _ => Probe::No,
    },
    session: |_| Box::new(Shell::default()),
};

/// Messages in clear, RFC 4253 clause 12, RFC 4419, RFC 5656.
const fn name(code: u8) -> &'static str {
    match code {
        1 => "disconnect",
        2 => "ignore",
        4 => "debug",
        20 => "key exchange init",
        21 => "new keys",
        30..=49 => "key exchange",
        _ => "unknown",
    }
}

/// Segments behind a gap in which a packet in clear is looked for: the exchange of keys has no more.
const MAX_TORN: u8 = 8;

/// What a direction says next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Lines, so many yet, until the identification.
    Lines(u8),
    /// Packets in clear.
    Packets,
    /// Behind a gap: so many segments yet that may begin with a packet in clear.
    Torn(u8),
    /// What is not read.
    Encrypted,
}

/// Whether octets are the beginning of a packet in clear (RFC 4253 clause 6), which behind a gap encrypted ones are not: a length
/// that fills blocks of eight octets, a padding within it and a message that comes before encryption.
fn begins(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    let Some((length, padding, code)) =
        cursor.u32().and_then(|length| Some((length, cursor.u8()?, cursor.u8()?)))
    else {
        return false;
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let fits = (12..=MAX_PACKET - 4).contains(&length) && (length + 4).is_multiple_of(8);
    fits && (4..length - 1).contains(&usize::from(padding)) && matches!(code, 20 | 21 | 30..=49)
}

/// A connection.
struct Shell {
    next: [Next; 2],
}

impl Default for Shell {
    fn default() -> Self {
        Self { next: [Next::Lines(MAX_LINES); 2] }
    }
}

impl Shell {
    const fn next(&mut self, direction: Direction) -> &mut Next {
        let [to_server, to_client] = &mut self.next;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn identification(&mut self, direction: Direction, bytes: &[u8], left: u8, sink: &mut dyn Sink) -> Step {
        let (text, length) = match line(bytes, MAX_LINE) {
            Line::Whole(text, length) => (text, length),
            Line::Open => return Step::Need(bytes.len() + 1),
            Line::TooLong => return Step::GiveUp,
        };
        if !text.starts_with(b"SSH-") {
            *self.next(direction) = if left == 0 { Next::Encrypted } else { Next::Lines(left - 1) };
            return Step::Consumed(length);
        }
        let modern = text.starts_with(b"SSH-2.") || text.starts_with(b"SSH-1.99");
        *self.next(direction) = if modern { Next::Packets } else { Next::Encrypted };
        // Some pad the line with zero octets.
        let text = text.split(|octet| *octet == 0).next().unwrap_or_default();
        let head = Head::new(PROTOCOL, direction);
        let operation = plain::operation(Verb::Associate, 0, "identification", head.kind);
        plain::tell(sink, head, &[], operation, |visitor| visitor.field("banner", words(text)));
        Step::Consumed(length)
    }

    fn packet(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let mut cursor = Cursor::new(bytes);
        let Some(length) = cursor.u32().and_then(|length| usize::try_from(length).ok()) else {
            return Step::Need(4);
        };
        if !(2..=MAX_PACKET - 4).contains(&length) {
            *self.next(direction) = Next::Encrypted;
            return Step::Consumed(bytes.len());
        }
        let Some(packet) = cursor.take(length) else { return Step::Need(length + 4) };
        let [padding, code, ..] = *packet else { return Step::Lost };
        if !matches!(code, 1..=4 | 20 | 21 | 30..=49) {
            *self.next(direction) = Next::Encrypted;
            return Step::Consumed(length + 4);
        }
        if code == 21 {
            *self.next(direction) = Next::Encrypted;
        }
        let payload = packet.get(2..packet.len().saturating_sub(padding.into())).unwrap_or_default();
        let head = Head::new(PROTOCOL, direction);
        let operation = plain::operation(Verb::Associate, code.into(), name(code), head.kind);
        plain::tell(sink, head, &[], operation, |visitor| {
            visitor.field("message_code", number(code));
            if code == 20 {
                // RFC 4253 clause 7.1: a cookie, then ten lists of names.
                let mut lists = Cursor::new(payload.get(16..).unwrap_or_default());
                for key in [
                    "key_exchange",
                    "host_key",
                    "cipher_to_server",
                    "cipher_to_client",
                    "mac_to_server",
                    "mac_to_client",
                ] {
                    let length = lists.u32().and_then(|length| usize::try_from(length).ok());
                    let Some(list) = length.and_then(|length| lists.take(length)) else { return };
                    visitor.field(key, words(list));
                }
            }
        });
        Step::Consumed(length + 4)
    }
}

impl Session for Shell {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        match *self.next(direction) {
            Next::Packets => self.packet(direction, bytes, sink),
            // No line begins with a zero: the identification was lost, or sent before anybody listened.
            Next::Lines(_) | Next::Torn(_) if bytes.first() == Some(&0) && bytes.len() < 6 => Step::Need(6),
            Next::Lines(_) | Next::Torn(_) if begins(bytes) => {
                *self.next(direction) = Next::Packets;
                self.packet(direction, bytes, sink)
            }
            Next::Lines(left) => self.identification(direction, bytes, left, sink),
            Next::Torn(left) => {
                *self.next(direction) = left.checked_sub(1).map_or(Next::Encrypted, Next::Torn);
                Step::Consumed(bytes.len())
            }
            Next::Encrypted => Step::Consumed(bytes.len()),
        }
    }

    fn gap(&mut self, direction: Direction) {
        if *self.next(direction) != Next::Encrypted {
            *self.next(direction) = Next::Torn(MAX_TORN);
        }
    }

    fn resynchronise(&self, _: Direction, _: &[u8]) -> Option<usize> {
        Some(0)
    }
}
