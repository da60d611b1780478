//! TLS 1.0 to 1.3, RFC 8446 and 5246: the handshake, as far as it is in clear.
//!
//! Guarantees: each handshake message in clear is told with the record that holds its front; what a record holds beyond
//! [`MAX_RECORD`] is no record. Alerts in clear are told; other records say nothing.
//!
//! Non-goals: anything encrypted, TLS inside other protocols, DTLS, QUIC, SSL 2.

mod certificate;
mod hello;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    cursor::Cursor,
    dissector::{Probe, Session, Step},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, FieldVisitor, Protocol, Sink},
    plain::{self, Head, Plain, number},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("tls");

/// The longest record with its header: 2^14 octets and what encryption may add (RFC 5246 clause 6.2.3).
pub const MAX_RECORD: usize = 5 + 16_384 + 2_048;

/// Handshake messages told of one record.
const MAX_MESSAGES: usize = 32;

/// TLS.
pub static TLS: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[443],
    max_message: MAX_RECORD,
    probe: |_, bytes, _| match *bytes {
        [22, 3, 0..=4, _, _, 1 | 2, 0, ..] => Probe::Certain,
        [22, 3, 0..=4, ..] if bytes.len() < 7 => Probe::Need(7),
        [22, 3] | [22] => Probe::Need(7),
        [20..=23, 3, 1..=3, high, _, ..] if high <= 0x48 => Probe::Possible,
        _ => Probe::No,
    },
    session: |_| Box::new(Connection::default()),
};

/// A connection: its records, of which those that tell nothing are passed over as they come, and never held.
#[derive(Debug, Default)]
struct Connection {
    records: FramedSession<Records>,
    /// Octets of such a record that are still to come, by direction.
    passing: [usize; 2],
}

impl Session for Connection {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let tells_nothing = self.records.0.tells_nothing(direction, bytes);
        let passing = of(&mut self.passing, direction);
        if *passing == 0 {
            match self.records.0.extent(direction, bytes) {
                Extent::Whole(length) if tells_nothing => *passing = length,
                _ => return self.records.step(direction, bytes, sink),
            }
        }
        let passed = bytes.len().min(*passing);
        *passing -= passed;
        Step::Consumed(passed)
    }

    fn gap(&mut self, direction: Direction) {
        *of(&mut self.passing, direction) = 0;
        self.records.gap(direction);
    }

    fn resynchronise(&self, direction: Direction, bytes: &[u8]) -> Option<usize> {
        self.records.resynchronise(direction, bytes)
    }
}

const fn of<T>([to_server, to_client]: &mut [T; 2], direction: Direction) -> &mut T {
    match direction {
        Direction::ToServer => to_server,
        Direction::ToClient => to_client,
    }
}

/// The state of a direction.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    /// Whether what follows is encrypted.
    encrypted: bool,
    /// Octets of a handshake message that continue in the next record.
    open: usize,
    /// Whether octets were missing, and what follows may be encrypted or not.
    doubtful: bool,
}

/// A connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Records {
    halves: [Half; 2],
}

impl Records {
    const fn half(&mut self, direction: Direction) -> &mut Half {
        of(&mut self.halves, direction)
    }

    /// Whether nothing is told of a record by its header: data, and whatever is encrypted.
    fn tells_nothing(&mut self, direction: Direction, record: &[u8]) -> bool {
        match record.first() {
            Some(23 | 24) => true,
            Some(21 | 22) => self.half(direction).encrypted,
            _ => false,
        }
    }

    fn handshake(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        let half = self.half(direction);
        let mut cursor = Cursor::new(octets);
        half.open -= cursor.take_up_to(half.open).len();
        for _ in 0..MAX_MESSAGES {
            let (Some(kind), Some(length)) = (cursor.u8(), cursor.u24()) else { return };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let content = cursor.take_up_to(length);
            if name(kind).is_none() || length > 1 << 18 {
                return;
            }
            self.half(direction).open = length - content.len();
            tell(direction, kind, content, sink);
            if kind == 2 && hello::is_third(content) {
                // What a server of version 1.3 says after its hello is encrypted, and so is what its client says.
                self.halves = [Half { encrypted: true, ..Half::default() }; 2];
            }
        }
    }
}

/// Handshake messages, RFC 8446 clause 4 and RFC 5246 clause 7.4.
const fn name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "hello request",
        1 => "client hello",
        2 => "server hello",
        4 => "new session ticket",
        11 => "certificate",
        12 => "server key exchange",
        13 => "certificate request",
        14 => "server hello done",
        15 => "certificate verify",
        16 => "client key exchange",
        20 => "finished",
        22 => "certificate status",
        _ => return None,
    })
}

/// Whether the messages of a record are known ones that fill it: what is encrypted does so by chance once in 2^28 records.
fn is_clear(octets: &[u8]) -> bool {
    let mut cursor = Cursor::new(octets);
    while !cursor.is_empty() {
        let (kind, length) = (cursor.u8(), cursor.u24().and_then(|length| usize::try_from(length).ok()));
        let there = length.and_then(|length| cursor.skip(length)).is_some();
        if !there || kind.and_then(name).is_none() {
            return false;
        }
    }
    true
}

impl Framed for Records {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match *bytes {
            [20..=24, 3, 0..=4, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low])) + 5;
                if length <= MAX_RECORD { Extent::Whole(length) } else { Extent::No }
            }
            [20..=24, ..] if bytes.len() < 5 => Extent::Need(5),
            _ => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let octets = message.get(5..).unwrap_or_default();
        match (message.first(), octets) {
            (Some(20), _) => *self.half(direction) = Half { encrypted: true, ..Half::default() },
            (Some(21), [level @ (1 | 2), description]) if !self.half(direction).encrypted => {
                let head = Head::new(PROTOCOL, direction);
                let alert = plain::operation(Verb::Associate, 21, "alert", head.kind);
                plain::tell(sink, head, &[], plain::refused(alert, (*description).into()), |visitor| {
                    visitor.field("alert_level", number(*level));
                    visitor.field("alert", number(*description));
                });
            }
            (Some(22), _) if !self.half(direction).encrypted => {
                let half = self.half(direction);
                if half.doubtful && !is_clear(octets) {
                    half.encrypted = true;
                } else {
                    self.handshake(direction, octets, sink);
                }
            }
            _ => {}
        }
    }

    fn gap(&mut self, direction: Direction) {
        let half = self.half(direction);
        (half.open, half.doubtful) = (0, true);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(*bytes, [20..=23, 3, 1..=3, high, _, ..] if high <= 0x48)
    }
}

fn tell(direction: Direction, kind: u8, content: &[u8], sink: &mut dyn Sink) {
    let head = Head::new(PROTOCOL, direction);
    let operation =
        plain::operation(Verb::Associate, kind.into(), name(kind).unwrap_or("unknown"), head.kind);
    plain::tell(sink, head, &[], operation, |visitor| fields(kind, content, visitor));
}

fn fields(kind: u8, content: &[u8], visitor: &mut dyn FieldVisitor) {
    visitor.field("handshake_type", number(kind));
    match kind {
        1 => hello::client(content, visitor),
        2 => hello::server(content, visitor),
        11 => certificate::fields(content, visitor),
        _ => {}
    }
}
