//! Telnet, RFC 854: options, and the dialogue of a login as far as its words tell it.
//!
//! Guarantees: what is typed to a question for a password is never told. A session keeps the last [`MAX_PROMPT`] octets of the
//! server's line and [`MAX_TYPED`] of the client's.
//!
//! Non-goals: screens, what the server prints beside questions and refusals, encryption.

mod dialogue;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    dissector::{Ports, Probe, Session, Step},
    message::{Direction, FieldValue, Joined, Protocol, Sink},
    plain::{self, Head, Plain, number},
};

use dialogue::{Dialogue, Said};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("telnet");

/// The registered port.
pub const PORT: u16 = 23;

/// Octets kept of the server's line.
pub const MAX_PROMPT: usize = 64;

/// Octets kept of the client's line.
pub const MAX_TYPED: usize = 128;

/// The longest parameters of an option.
const MAX_PARAMETERS: usize = 1_024;

/// Interpret as command, RFC 854.
const COMMAND: u8 = 255;

/// Telnet.
pub static TELNET: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[PORT],
    max_message: MAX_PARAMETERS,
    probe,
    session: |_| Box::new(Terminal::default()),
};

/// Two options in a row anywhere; on its own port an option, or text.
fn probe(_: Direction, bytes: &[u8], _: Ports) -> Probe {
    match bytes {
        [COMMAND, 251..=254, 0..=49, COMMAND, 250..=254, 0..=49, ..] => Probe::Certain,
        [COMMAND, 250..=254, ..] => Probe::Possible,
        _ if bytes.iter().all(|octet| matches!(octet, 7..=13 | 27 | 32..=126 | 0)) => Probe::Possible,
        _ => Probe::No,
    }
}

#[derive(Default)]
struct Terminal(Dialogue);

impl Terminal {
    fn command(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let (verb, option, length) = match *bytes {
            [_, verb @ 251..=254, option, ..] => (verb, Some(option), 3),
            [_, 250, option, ..] => match bytes.windows(2).skip(2).position(|pair| pair == [COMMAND, 240]) {
                Some(at) => (250, Some(option), at + 4),
                None if bytes.len() < MAX_PARAMETERS => return Step::Need(bytes.len() + 1),
                None => return Step::Lost,
            },
            [_, 250..=254] | [_] => return Step::Need(3),
            [_, verb, ..] => (verb, None, 2),
            [] => return Step::Need(1),
        };
        let name = match verb {
            250 => "parameters",
            251 => "will",
            252 => "will not",
            253 => "do",
            254 => "do not",
            _ => "command",
        };
        let head = Head::new(PROTOCOL, direction);
        plain::tell(
            sink,
            head,
            &[],
            plain::operation(Verb::Associate, verb.into(), name, head.kind),
            |visitor| {
                visitor.field("command", number(verb));
                if let Some(option) = option {
                    visitor.field("option", number(option));
                }
            },
        );
        Step::Consumed(length)
    }

    fn tell(direction: Direction, said: Said<'_>, sink: &mut dyn Sink) {
        let head = Head::new(PROTOCOL, direction);
        let operation = |name, function| plain::operation(Verb::Associate, function, name, head.kind);
        match said {
            Said::User(user) => plain::tell(sink, head, &[], operation("login", 1), |visitor| {
                visitor.field("user", FieldValue::Text(user));
            }),
            Said::Password => plain::tell(sink, head, &[], operation("password", 2), |_| {}),
            Said::Refused => {
                let refused = plain::refused(operation("login", 1), 1);
                plain::tell(sink, head, &[], refused, |visitor| visitor.field("auth_failed", number(1_u8)));
            }
            Said::Line(line) => {
                let typed = plain::operation(Verb::Unknown, 3, "line", head.kind);
                plain::tell(sink, head, &[], typed, |visitor| visitor.field("line", FieldValue::Text(line)));
            }
        }
    }
}

impl Session for Terminal {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        if bytes.first() == Some(&COMMAND) {
            return match bytes.get(1) {
                Some(&COMMAND) => Step::Consumed(2),
                _ => Self::command(direction, bytes, sink),
            };
        }
        let text = bytes.split(|octet| *octet == COMMAND).next().unwrap_or_default();
        for octet in text {
            // Its octets may have come one by one.
            self.0.hear(direction, *octet, &mut |said| {
                Self::tell(direction, said, &mut Joined::new(&mut *sink))
            });
        }
        if self.0.is_typing() && direction == Direction::ToServer {
            sink.keep();
        }
        Step::Consumed(text.len())
    }

    fn gap(&mut self, direction: Direction) {
        self.0.gap(direction);
    }

    fn resynchronise(&self, _: Direction, _: &[u8]) -> Option<usize> {
        Some(0)
    }
}
