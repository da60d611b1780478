//! The dialogue: which response answers which request, and where bodies end.

use alloc::boxed::Box;

use fieldwarden_model::Verb;
use heapless::Deque;

use super::{
    MAX_HELD, MAX_PENDING, PROTOCOL,
    head::{self, First, Head, METHODS, Read, chunks_end},
};
use crate::{
    bacnet_sc,
    dissector::{Session, Step},
    message::{Direction, FieldValue, Joined, Sink},
    plain::{self, number, words},
};

/// What the next octets of a direction are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// A message.
    #[default]
    Message,
    /// So many octets of a body whose message was told.
    Body(u64),
    /// So many octets of a body, upon which its message is told.
    Rest(u64),
    /// Anything, until a message seems to begin.
    Unknown,
    /// Another protocol, to the end.
    Foreign,
}

/// A head whose body has begun: of the octets of the body nothing is kept.
struct Held {
    head: Box<[u8]>,
    method: Option<usize>,
}

/// A connection.
#[derive(Default)]
pub(super) struct HttpSession {
    next: [Next; 2],
    held: [Option<Box<Held>>; 2],
    /// What reads the connection behind an upgrade.
    upgraded: Option<Box<dyn Session>>,
    /// Methods that wait for their answer.
    asked: Deque<usize, MAX_PENDING>,
}

impl HttpSession {
    const fn next(&mut self, direction: Direction) -> &mut Next {
        let [to_server, to_client] = &mut self.next;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    const fn held(&mut self, direction: Direction) -> &mut Option<Box<Held>> {
        let [to_server, to_client] = &mut self.held;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn message(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let head = match Head::read(bytes) {
            Read::Whole(head) => head,
            Read::Open => return Step::Need(bytes.len() + 1),
            Read::No => return Step::Lost,
        };
        let after = bytes.get(head.length..).unwrap_or_default();
        let (body, next) = match self.body(&head, after) {
            Ok(found) => found,
            Err(need) => return Step::Need(head.length + need),
        };
        let method = match head.first {
            First::Request { method, .. } => {
                if self.asked.is_full() {
                    let _ = self.asked.pop_front();
                }
                let _ = self.asked.push_back(method);
                Some(method)
            }
            First::Response { status: 100..=199 } => self.asked.front().copied(),
            First::Response { .. } => self.asked.pop_front(),
        };
        if next == Next::Foreign {
            self.next = [Next::Foreign; 2];
            self.upgraded = head.field("sec-websocket-protocol").and_then(bacnet_sc::upgraded);
        } else {
            *self.next(direction) = next;
        }
        if let (Next::Rest(_), Some(octets)) = (next, bytes.get(..head.length)) {
            *self.held(direction) = Some(Box::new(Held { head: octets.into(), method }));
            sink.keep();
        } else {
            tell(direction, &head, method, sink);
        }
        Step::Consumed(head.length + body)
    }

    /// Passes over octets of a body of which `left` are to come.
    fn pass(&mut self, direction: Direction, left: u64, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let passed = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - plain::count(passed);
        let waits = self.held(direction).is_some();
        *self.next(direction) = match left {
            0 => Next::Message,
            _ if waits => Next::Rest(left),
            _ => Next::Body(left),
        };
        if waits && left > 0 {
            sink.keep();
        } else if let Some(held) = self.held(direction).take()
            && let Read::Whole(head) = Head::read(&held.head)
        {
            tell(direction, &head, held.method, &mut Joined::new(sink));
        }
        Step::Consumed(passed)
    }

    /// The octets of the body that are waited for, and what comes then; or how many octets must be there (RFC 9112 clause 6.3).
    fn body(&self, head: &Head<'_>, after: &[u8]) -> Result<(usize, Next), usize> {
        let asked = self.asked.front().and_then(|method| METHODS.get(*method)).map(|(name, _)| *name);
        match head.first {
            First::Response { status: 101 } => return Ok((0, Next::Foreign)),
            First::Response { status: 200..=299 } if asked == Some("CONNECT") => {
                return Ok((0, Next::Foreign));
            }
            First::Response { status: 100..=199 | 204 | 304 } => return Ok((0, Next::Message)),
            First::Response { .. } if asked == Some("HEAD") => return Ok((0, Next::Message)),
            _ => {}
        }
        if head.is_chunked() {
            return match chunks_end(after) {
                Some(end) => Ok((end, Next::Message)),
                None if after.len() < MAX_HELD => Err(after.len() + 1),
                None => Ok((0, Next::Unknown)),
            };
        }
        match (head.content_length(), head.first) {
            (Some(length), _) => match usize::try_from(length) {
                Ok(body) if body <= MAX_HELD && body > after.len() => {
                    Ok((after.len(), Next::Rest(length - plain::count(after.len()))))
                }
                Ok(body) if body <= MAX_HELD => Ok((body, Next::Message)),
                _ => Ok((0, Next::Body(length))),
            },
            (None, First::Request { .. }) => Ok((0, Next::Message)),
            (None, First::Response { .. }) => Ok((0, Next::Unknown)),
        }
    }
}

impl Session for HttpSession {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        match *self.next(direction) {
            Next::Body(left) | Next::Rest(left) => self.pass(direction, left, bytes, sink),
            Next::Foreign => match &mut self.upgraded {
                Some(session) => session.step(direction, bytes, sink),
                None => Step::Consumed(bytes.len()),
            },
            Next::Unknown => match self.resynchronise(direction, bytes) {
                Some(0) => self.message(direction, bytes, sink),
                Some(at) => Step::Consumed(at),
                None => Step::Consumed(bytes.len()),
            },
            Next::Message if matches!(bytes, [b'\r' | b'\n', ..]) => Step::Consumed(1),
            Next::Message => self.message(direction, bytes, sink),
        }
    }

    fn gap(&mut self, direction: Direction) {
        if let Some(session) = &mut self.upgraded {
            session.gap(direction);
        }
        if *self.next(direction) != Next::Foreign {
            *self.next(direction) = Next::Message;
        }
        *self.held(direction) = None;
        self.asked.clear();
    }

    fn resynchronise(&self, direction: Direction, bytes: &[u8]) -> Option<usize> {
        if let Some(session) = &self.upgraded {
            return session.resynchronise(direction, bytes);
        }
        let response = b"HTTP/1.";
        head::find(bytes, |rest| match direction {
            Direction::ToClient => response.starts_with(rest) || rest.starts_with(response),
            Direction::ToServer => rest.len() > 3,
        })
    }
}

/// A datagram of SSDP: a head alone.
pub(super) fn datagram(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let Read::Whole(head) = Head::read(bytes) else { return None };
    let method = match head.first {
        First::Request { method, .. } => Some(method),
        First::Response { .. } => None,
    };
    tell(direction, &head, method, sink);
    Some(())
}

fn tell(direction: Direction, head: &Head<'_>, method: Option<usize>, sink: &mut dyn Sink) {
    let known = method.and_then(|method| METHODS.get(method));
    let (name, verb) = match (known, method) {
        (Some(known), _) => *known,
        (None, Some(_)) => ("unknown method", Verb::Unknown),
        (None, None) => ("response", Verb::Read),
    };
    let function = method.and_then(|method| u32::try_from(method + 1).ok()).unwrap_or(0);
    let own = plain::Head::new(PROTOCOL, direction).answering(matches!(head.first, First::Response { .. }));
    let operation = plain::operation(verb, function, name, own.kind);
    let operation = match head.first {
        First::Response { status } if status >= 400 => plain::refused(operation, status.into()),
        _ => operation,
    };
    plain::tell(sink, own, &[], operation, |visitor| {
        match head.first {
            First::Request { name, target, .. } => {
                visitor.field("method", FieldValue::Text(name));
                visitor.field("uri", words(target));
            }
            First::Response { status } => visitor.field("status", number(status)),
        }
        for (field, key) in [
            ("host", "host"),
            ("user-agent", "user_agent"),
            ("server", "server_agent"),
            ("content-type", "content_type"),
        ] {
            if let Some(value) = head.field(field) {
                visitor.field(key, words(value));
            }
        }
        if let Some(length) = head.content_length() {
            visitor.field("content_length", number(length));
        }
        if let Some(user) = head.user() {
            visitor.field("user", FieldValue::Text(user.as_str()));
        }
    });
}
