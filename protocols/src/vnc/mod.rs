//! The remote framebuffer protocol of VNC, RFC 6143: versions, security types, and whether a login failed.
//!
//! Guarantees: the handshake is told to its result; what follows is passed over.
//!
//! Non-goals: screens and keys, security types beyond none and the VNC challenge.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    cursor::Cursor,
    dissector::{Probe, Session, Step},
    message::{Direction, Protocol, Sink},
    plain::{self, Head, Plain, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("vnc");

/// The registered port and the two displays behind it.
const PORTS: &[u16] = &[5_900, 5_901, 5_902];

/// Octets of a version, RFC 6143 clause 7.1.1.
const VERSION: usize = 12;

/// The longest reason of a refusal.
const MAX_REASON: usize = 1_024;

/// No security, and the challenge (RFC 6143 clause 7.2).
const NONE: u8 = 1;
const CHALLENGE: u8 = 2;

/// VNC.
pub static VNC: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: PORTS,
    max_message: MAX_REASON + 8,
    probe: |_, bytes, _| match version(bytes) {
        Some(_) => Probe::Certain,
        None if bytes.len() < VERSION && (b"RFB 00".starts_with(bytes) || bytes.starts_with(b"RFB 00")) => {
            Probe::Need(VERSION)
        }
        None => Probe::No,
    },
    session: |_| Box::new(Desktop::default()),
};

/// The minor number of `RFB 003.008` and the like.
fn version(bytes: &[u8]) -> Option<u16> {
    let text = bytes.get(..VERSION)?.strip_prefix(b"RFB ")?.strip_suffix(b"\n")?;
    (text.get(3) == Some(&b'.')).then(|| core::str::from_utf8(text.get(4..)?).ok()?.parse().ok())?
}

/// What a side says next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Version,
    /// The server its types, the client its choice.
    Security,
    /// Sixteen octets, which are not told.
    Challenge,
    /// The server whether the login succeeded.
    Result,
    /// What is not read.
    Silence,
}

/// A connection.
#[derive(Debug, Default)]
struct Desktop {
    server: Next,
    client: Next,
    /// The lower of the two versions.
    minor: Option<u16>,
}

impl Desktop {
    const fn next(&mut self, direction: Direction) -> &mut Next {
        match direction {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }

    fn version(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        if bytes.len() < VERSION {
            return Step::Need(VERSION);
        }
        let Some(minor) = version(bytes) else { return Step::GiveUp };
        self.minor = Some(self.minor.map_or(minor, |other| other.min(minor)));
        *self.next(direction) = Next::Security;
        if direction == Direction::ToServer && minor < 7 {
            // The server of an old version decides alone, RFC 6143 appendix A.
            self.client = Next::Challenge;
        }
        let text = bytes.get(4..VERSION - 1).unwrap_or_default();
        let head = Head::new(PROTOCOL, direction);
        plain::tell(sink, head, &[], plain::operation(Verb::Associate, 0, "version", head.kind), |visitor| {
            visitor.field("version", words(text));
        });
        Step::Consumed(VERSION)
    }

    /// The types that a server offers, RFC 6143 clause 7.1.2.
    fn offer(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let (types, length) = if self.minor.is_some_and(|minor| minor < 7) {
            let Some([_, _, _, kind]) = bytes.get(..4) else { return Step::Need(4) };
            self.choose(*kind);
            (core::slice::from_ref(kind), 4)
        } else {
            let Some((count, rest)) = bytes.split_first() else { return Step::Need(1) };
            let count = usize::from(*count);
            let Some(types) = rest.get(..count) else { return Step::Need(count + 1) };
            self.server = if count == 0 { Next::Silence } else { Next::Challenge };
            (types, count + 1)
        };
        let head = Head::new(PROTOCOL, Direction::ToClient);
        plain::tell(
            sink,
            head,
            &[],
            plain::operation(Verb::Associate, 1, "security types", head.kind),
            |visitor| {
                for kind in types {
                    visitor.item("security_type", number(*kind));
                }
            },
        );
        Step::Consumed(length)
    }

    fn choose(&mut self, kind: u8) {
        (self.server, self.client) = match kind {
            CHALLENGE => (Next::Challenge, Next::Challenge),
            NONE if self.minor.is_some_and(|minor| minor >= 8) => (Next::Result, Next::Silence),
            _ => (Next::Silence, Next::Silence),
        };
    }

    fn choice(&mut self, kind: u8, sink: &mut dyn Sink) -> Step {
        self.choose(kind);
        let head = Head::new(PROTOCOL, Direction::ToServer);
        plain::tell(
            sink,
            head,
            &[],
            plain::operation(Verb::Associate, 2, "security choice", head.kind),
            |visitor| {
                visitor.field("chosen_type", number(kind));
            },
        );
        Step::Consumed(1)
    }

    /// Whether the login succeeded, RFC 6143 clause 7.1.3.
    fn result(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let mut cursor = Cursor::new(bytes);
        let Some(result) = cursor.u32() else { return Step::Need(4) };
        self.server = Next::Silence;
        let head = Head::new(PROTOCOL, Direction::ToClient);
        let operation = plain::operation(Verb::Associate, 3, "login", head.kind);
        let operation = if result == 0 { operation } else { plain::refused(operation, result) };
        plain::tell(sink, head, &[], operation, |visitor| {
            visitor.field("auth_failed", number(u8::from(result != 0)));
        });
        Step::Consumed(4)
    }
}

impl Session for Desktop {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        match (*self.next(direction), direction) {
            (Next::Version, _) => self.version(direction, bytes, sink),
            (Next::Security, Direction::ToClient) => self.offer(bytes, sink),
            (Next::Security, Direction::ToServer) => match bytes.first() {
                Some(kind) => self.choice(*kind, sink),
                None => Step::Need(1),
            },
            (Next::Challenge, _) if bytes.len() < 16 => Step::Need(16),
            (Next::Challenge, _) => {
                *self.next(direction) =
                    if direction == Direction::ToClient { Next::Result } else { Next::Silence };
                Step::Consumed(16)
            }
            (Next::Result, _) => self.result(bytes, sink),
            (Next::Silence, _) => Step::Consumed(bytes.len()),
        }
    }

    fn gap(&mut self, _: Direction) {
        (self.server, self.client) = (Next::Silence, Next::Silence);
    }

    fn resynchronise(&self, _: Direction, _: &[u8]) -> Option<usize> {
        Some(0)
    }
}
