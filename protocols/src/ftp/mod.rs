//! The control connection of the file transfer protocol, RFC 959 with the commands of RFC 2228, 2389, 2428 and 3659.
//!
//! Guarantees: a command is told by its line, a reply once its last line is there (RFC 959 clause 4.2); neither may have more
//! than [`MAX_REPLY`] octets.
//!
//! Non-goals: the data connections, what a connection says after AUTH TLS.

mod command;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Ports, Probe},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Protocol, Sink},
    plain::{self, Head, Line, Plain, line, number, words},
};

use command::Command;

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("ftp");

/// The registered port.
pub const PORT: u16 = 21;

/// The longest command or reply in octets.
pub const MAX_REPLY: usize = 8_192;

/// The longest line that is found again behind a gap.
const MAX_SOUGHT: usize = 128;

/// FTP's control connection.
pub static FTP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[PORT],
    max_message: MAX_REPLY,
    probe,
    session: |_| Box::new(FramedSession(Control::default())),
};

/// On its own port a reply or a command; elsewhere only a greeting that names the protocol, since mail greets alike.
fn probe(direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
    let Line::Whole(text, _) = line(bytes, MAX_REPLY) else {
        let may = ports.server == PORT
            && bytes.len() < MAX_REPLY
            && bytes.iter().all(|octet| octet.is_ascii_graphic() || *octet == b' ' || *octet == b'\r');
        return if may { Probe::Need(bytes.len() + 1) } else { Probe::No };
    };
    match direction {
        Direction::ToClient => match status(text) {
            Some((220, _)) if text.windows(3).any(|word| word.eq_ignore_ascii_case(b"ftp")) => Probe::Certain,
            Some(_) => Probe::Possible,
            None => Probe::No,
        },
        Direction::ToServer => {
            if Command::read(text).is_known() {
                Probe::Possible
            } else {
                Probe::No
            }
        }
    }
}

/// The status of a reply's line, and whether it is not the last.
fn status(text: &[u8]) -> Option<(u16, bool)> {
    let digits = text.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number =
        core::str::from_utf8(digits).ok()?.parse().ok().filter(|number| (100..700).contains(number))?;
    match text.get(3) {
        None | Some(b' ') => Some((number, false)),
        Some(b'-') => Some((number, true)),
        Some(_) => None,
    }
}

/// A control connection; remembers what was asked last.
#[derive(Default)]
struct Control {
    asked: Option<usize>,
    /// Whether what follows is TLS.
    secured: bool,
}

impl Control {
    /// A reply: to the end of the line that has its status and a blank.
    fn reply(bytes: &[u8]) -> Extent {
        let Line::Whole(text, mut at) = line(bytes, MAX_REPLY) else { return open(bytes) };
        let Some((number, more)) = status(text) else { return Extent::Whole(at) };
        if !more {
            return Extent::Whole(at);
        }
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Line::Whole(text, length) = line(rest, MAX_REPLY) else { return open(bytes) };
            at += length;
            if status(text) == Some((number, false)) {
                return Extent::Whole(at);
            }
        }
    }
}

fn open(bytes: &[u8]) -> Extent {
    if bytes.len() < MAX_REPLY { Extent::Need(bytes.len() + 1) } else { Extent::No }
}

impl Framed for Control {
    fn extent(&self, direction: Direction, bytes: &[u8]) -> Extent {
        if self.secured {
            return Extent::Whole(bytes.len());
        }
        match (direction, line(bytes, MAX_REPLY)) {
            (Direction::ToClient, _) => Self::reply(bytes),
            (_, Line::Whole(_, length)) => Extent::Whole(length),
            _ => open(bytes),
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Line::Whole(text, _) = line(message, MAX_REPLY) else { return };
        if self.secured || text.is_empty() {
            return;
        }
        let head = Head::new(PROTOCOL, direction);
        match direction {
            Direction::ToServer => {
                let command = Command::read(text);
                self.asked = command.known;
                plain::tell(sink, head, &[], command.operation(head.kind), |visitor| {
                    visitor.field("command", words(command.word));
                    if !command.argument.is_empty() {
                        visitor.field("argument", words(command.argument));
                    }
                });
            }
            Direction::ToClient => {
                let Some((number_told, _)) = status(text) else { return };
                // RFC 2228 clause 3: 234 accepts AUTH, and the security exchange begins.
                self.secured = number_told == 234;
                let operation = Command { known: self.asked, word: b"", argument: b"" }.operation(head.kind);
                let operation = if number_told >= 400 {
                    plain::refused(operation, number_told.into())
                } else {
                    operation
                };
                plain::tell(sink, head, &[], operation, |visitor| {
                    visitor.field("status", number(number_told));
                    visitor.field("text", words(text.get(4..).unwrap_or_default()));
                });
            }
        }
    }

    fn gap(&mut self, _: Direction) {
        self.asked = None;
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        // Asked at every offset: a line is looked through only where its front is that of a command or a reply.
        let front = match direction {
            Direction::ToServer => {
                let letters = bytes.iter().take_while(|octet| octet.is_ascii_alphabetic()).take(5).count();
                matches!(letters, 3 | 4) && matches!(bytes.get(letters), Some(b' ' | b'\r' | b'\n'))
            }
            Direction::ToClient => matches!(bytes, [b'1'..=b'6', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..]),
        };
        if !front {
            return false;
        }
        match (direction, line(bytes, MAX_SOUGHT)) {
            (Direction::ToClient, Line::Whole(text, _)) => status(text).is_some(),
            (Direction::ToServer, Line::Whole(text, _)) => Command::read(text).is_known(),
            _ => false,
        }
    }
}
