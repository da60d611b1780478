//! The domain name system, RFC 1035, over UDP and TCP, with the multicast forms mDNS (RFC 6762) and LLMNR (RFC 4795).
//!
//! Guarantees: a message is told when its header and questions can be read; a name is read through at most [`MAX_JUMPS`]
//! pointers, each pointing backwards, into [`MAX_NAME`] octets.
//!
//! Non-goals: the content of records beyond names and addresses, encrypted DNS, NetBIOS names.

mod name;
mod record;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    dissector::{Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, FieldVisitor, Kind, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, number},
};

use name::{name, skip};
use record::Section;

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("dns");

/// DNS, mDNS and LLMNR.
const PORTS: &[u16] = &[53, 5_353, 5_355];

/// Where NetBIOS names are asked for, in messages of the same form (RFC 1002 clause 4.2) that are not DNS.
const NETBIOS_NAMES: u16 = 137;

/// The longest name in octets, as text (RFC 1035 clause 2.3.4 allows 255 on the wire).
pub const MAX_NAME: usize = 512;

/// Compression pointers followed within one name.
pub const MAX_JUMPS: usize = 16;

/// Questions told of one message.
pub const MAX_QUESTIONS: u16 = 64;

/// Octets of the header, RFC 1035 clause 4.1.1.
const HEADER: usize = 12;

/// The domain name system.
pub static DNS: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: PORTS,
    max_message: 65_537,
    probe: |_, bytes, ports| {
        let either = |known: &dyn Fn(u16) -> bool| known(ports.server) || known(ports.client);
        if either(&|port| port == NETBIOS_NAMES) {
            return Probe::No;
        }
        probe(bytes, either(&|port| PORTS.contains(&port)))
    },
    session,
};

fn session(transport: Transport) -> Box<dyn Session> {
    match transport {
        Transport::Tcp => Box::new(FramedSession(Stream)),
        _ => Box::new(Datagrams(tell)),
    }
}

/// The header, RFC 1035 clause 4.1.1.
#[derive(Clone, Copy)]
struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
    authorities: u16,
    additional: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            id: cursor.u16()?,
            flags: cursor.u16()?,
            questions: cursor.u16()?,
            answers: cursor.u16()?,
            authorities: cursor.u16()?,
            additional: cursor.u16()?,
        })
    }

    const fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    const fn opcode(self) -> u16 {
        self.flags >> 11 & 0xf
    }

    const fn code(self) -> u16 {
        self.flags & 0xf
    }

    fn records(self) -> u32 {
        u32::from(self.answers) + u32::from(self.authorities) + u32::from(self.additional)
    }

    /// Whether a resolver would send this: RFC 6895 clauses 2.2 and 2.3 for opcodes and codes.
    fn plausible(self) -> bool {
        let counted = self.questions <= MAX_QUESTIONS && self.records() <= 512;
        matches!(self.opcode(), 0 | 1 | 2 | 4 | 5)
            && self.code() <= 11
            && counted
            && self.records() + u32::from(self.questions) > 0
    }
}

/// Whether octets are a message: on its own ports one whose questions can be read, elsewhere one that is whole to the
/// last octet.
fn probe(bytes: &[u8], at_home: bool) -> Probe {
    if reads(bytes, at_home) {
        return Probe::Certain;
    }
    match Cursor::new(bytes).u16() {
        Some(length)
            if usize::from(length) + 2 == bytes.len() && reads(bytes.get(2..).unwrap_or_default(), false) =>
        {
            Probe::Certain
        }
        Some(length) if at_home && usize::from(length) >= HEADER && begins(bytes) => Probe::Certain,
        _ if at_home && bytes.len() < HEADER + 2 => Probe::Need(HEADER + 2),
        _ => Probe::No,
    }
}

fn reads(bytes: &[u8], at_home: bool) -> bool {
    let Some(header) = Header::read(bytes).filter(|header| header.plausible()) else { return false };
    let Some(end) = questions_end(bytes, header) else { return false };
    if at_home {
        return true;
    }
    header.questions == 1 && record::end(bytes, end, header.records()) == Some(bytes.len())
}

/// Where the questions end, if all can be read.
fn questions_end(bytes: &[u8], header: Header) -> Option<usize> {
    let mut at = HEADER;
    for _ in 0..header.questions {
        at = skip(bytes, at)?.checked_add(4).filter(|end| *end <= bytes.len())?;
    }
    Some(at)
}

/// A message behind its length of two octets, RFC 1035 clause 4.2.2.
fn begins(bytes: &[u8]) -> bool {
    Header::read(bytes.get(2..).unwrap_or_default()).is_some_and(Header::plausible)
}

struct Stream;

impl Framed for Stream {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Cursor::new(bytes).u16() {
            None => Extent::Need(2),
            Some(length) if usize::from(length) < HEADER => Extent::No,
            Some(length) => Extent::Whole(usize::from(length) + 2),
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let _ = tell(direction, message.get(2..).unwrap_or_default(), sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        begins(bytes)
    }
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let header = Header::read(bytes)?;
    let fault = match questions_end(bytes, header) {
        None => {
            Some(Anomaly::malformed("question-cut", 12, plain::count(bytes.len()), header.questions.into()))
        }
        Some(end) => record::end(bytes, end, header.records()).is_none().then(|| {
            Anomaly::malformed("record-cut", 12, plain::count(bytes.len()), header.records().into())
        }),
    };
    let own = Head::new(PROTOCOL, direction).answering(header.is_response());
    let head = if fault.is_some() { own.of_kind(Kind::Anomaly) } else { own };
    let (verb, name) = match header.opcode() {
        0 => (Verb::Discover, "query"),
        2 => (Verb::Diagnose, "status"),
        4 => (Verb::Configure, "notify"),
        5 => (Verb::Configure, "update"),
        _ => (Verb::Unknown, "unknown"),
    };
    let asked = plain::operation(verb, header.opcode().into(), name, own.kind);
    let asked = match header.code() {
        0 => asked,
        code if header.is_response() => plain::refused(asked, code.into()),
        _ => asked,
    };
    plain::tell(sink, head, fault.as_slice(), asked, |visitor| fields(bytes, header, visitor));
    Some(())
}

fn fields(bytes: &[u8], header: Header, visitor: &mut dyn FieldVisitor) {
    visitor.field("id", number(header.id));
    visitor.field("is_response", number(u8::from(header.is_response())));
    visitor.field("opcode", number(header.opcode()));
    if header.is_response() {
        visitor.field("code", number(header.code()));
    }
    let mut at = HEADER;
    for _ in 0..header.questions.min(MAX_QUESTIONS) {
        let Some((text, end)) = name(bytes, at) else { return };
        visitor.item("query_name", crate::FieldValue::Text(text.as_str()));
        let mut cursor = Cursor::new(bytes.get(end..).unwrap_or_default());
        let Some(kind) = cursor.u16() else { return };
        visitor.item("query_type", number(kind));
        if cursor.u16().is_none() {
            return;
        }
        at = end + 4;
    }
    let sections = Section { bytes, at, records: header.answers };
    sections.fields(visitor);
}
