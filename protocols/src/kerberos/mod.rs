//! Kerberos 5, RFC 4120: who asks whom for tickets, and what is refused.
//!
//! Guarantees: a message is told when it is whole and of version 5.
//!
//! Non-goals: encrypted parts, pre-authentication, tickets.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    ber::{self, Class, Element},
    cursor::Cursor,
    dissector::Probe,
    framed::{Extent, Framed, FramedSession},
    message::{Direction, FieldValue, FieldVisitor, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, Text, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("kerberos");

/// The registered port.
pub const PORT: u16 = 88;

/// The longest message over TCP, with its length.
pub const MAX_MESSAGE: usize = 65_536;

/// Octets of the length before a message over TCP (RFC 4120 clause 7.2.2).
const PREFIX: usize = 4;

/// Kerberos.
pub static KERBEROS: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[PORT],
    max_message: MAX_MESSAGE,
    probe: |_, bytes, _| probe(bytes),
    session: |transport| match transport {
        Transport::Tcp => Box::new(FramedSession(Stream)),
        _ => Box::new(Datagrams(tell)),
    },
};

fn probe(bytes: &[u8]) -> Probe {
    if Parsed::read(bytes).is_some() || Parsed::read(bytes.get(PREFIX..).unwrap_or_default()).is_some() {
        return Probe::Certain;
    }
    // An application tag behind the length; the rest of the message is yet to come.
    match bytes {
        [0, 0, _, _, 0x6a..=0x6f | 0x7e, 0x82, ..] => Probe::Possible,
        [0, 0, ..] if bytes.len() < 6 => Probe::Need(6),
        _ => Probe::No,
    }
}

/// What is done, by message type (RFC 4120 clause 7.5.7).
const fn name(kind: u8) -> &'static str {
    match kind {
        10 => "request of a login",
        11 => "answer to a login",
        12 => "request of a ticket",
        13 => "ticket",
        14 => "use of a ticket",
        15 => "acceptance of a ticket",
        _ => "error",
    }
}

/// A message: its type and the sequence within.
#[derive(Clone, Copy)]
struct Parsed<'a> {
    kind: u8,
    content: Element<'a>,
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let outer =
            ber::element(&mut Cursor::new(bytes)).filter(|outer| outer.tag.class == Class::Application)?;
        let kind = u8::try_from(outer.tag.number).ok().filter(|kind| matches!(kind, 10..=15 | 30))?;
        let content = outer.inside().next()?;
        // Requests begin their numbering at 1.
        let first = u32::from(matches!(kind, 10 | 12));
        let number = |tag| content.context(tag)?.inside().next()?.integer();
        (number(first) == Some(5) && number(first + 1) == Some(kind.into())).then_some(Self { kind, content })
    }

    fn error(&self) -> Option<u32> {
        u32::try_from(self.content.context(6).filter(|_| self.kind == 30)?.inside().next()?.unsigned()?).ok()
    }

    /// Realm, client and server.
    fn names(&self) -> [Option<Element<'a>>; 3] {
        let content = self.content;
        match self.kind {
            10 | 12 => {
                let body = content.context(4).and_then(|body| body.inside().next());
                let part = |tag| body.and_then(|body| body.context(tag));
                [part(2), part(1), part(3)]
            }
            11 | 13 => [content.context(3), content.context(4), None],
            30 => [content.context(9), content.context(8), content.context(10)],
            _ => [None; 3],
        }
    }
}

struct Stream;

impl Framed for Stream {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Cursor::new(bytes).u32().map(|length| usize::try_from(length).unwrap_or(usize::MAX)) {
            None => Extent::Need(PREFIX),
            Some(length) if (8..=MAX_MESSAGE - PREFIX).contains(&length) => Extent::Whole(length + PREFIX),
            Some(_) => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let _ = tell(direction, message.get(PREFIX..).unwrap_or_default(), sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(bytes, [0, 0, _, _, 0x6a..=0x6f | 0x7e, ..])
    }
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let parsed = Parsed::read(bytes)?;
    let head = Head::new(PROTOCOL, direction).answering(matches!(parsed.kind, 11 | 13 | 15 | 30));
    let operation = plain::operation(Verb::Associate, parsed.kind.into(), name(parsed.kind), head.kind);
    let operation = parsed.error().map_or(operation, |error| plain::refused(operation, error));
    plain::tell(sink, head, &[], operation, |visitor| fields(&parsed, visitor));
    Some(())
}

fn fields(parsed: &Parsed<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.field("message_type", number(parsed.kind));
    if let Some(error) = parsed.error() {
        visitor.field("error_code", number(error));
    }
    let [realm, client, server] = parsed.names();
    if let Some(realm) = realm.and_then(|realm| realm.inside().next()) {
        visitor.field("realm", words(realm.content));
    }
    for (key, name) in [("client", client), ("server", server)] {
        if let Some(name) = name {
            visitor.field(key, FieldValue::Text(principal(name).as_str()));
        }
    }
}

/// The parts of a principal's name with strokes between, RFC 4120 clause 5.2.2.
fn principal(name: Element<'_>) -> Text<128> {
    let mut text = Text::new();
    let parts = name.inside().next().and_then(|name| name.context(1)).and_then(|list| list.inside().next());
    for part in parts.iter().flat_map(Element::inside) {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_ascii(part.content);
    }
    text
}
