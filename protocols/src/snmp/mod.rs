//! SNMP versions 1 (RFC 1157), 2c (RFC 3416) and 3 (RFC 3412, 3414) over UDP.
//!
//! Guarantees: a message is told when its outer sequence, its version and what names its sender are whole; objects
//! are told as far as they can be read, at most [`MAX_OBJECTS`].
//!
//! Non-goals: the values of objects but description and name of the system (RFC 3418), anything encrypted, the names of a MIB.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt::Write;

use fieldwarden_model::{Transport, Verb};

use crate::{
    anomaly::Anomaly,
    ber::{self, Class, Element, universal},
    cursor::Cursor,
    dissector::Probe,
    message::{Direction, FieldValue, FieldVisitor, Kind, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, Text, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("snmp");

/// Objects told of one message.
pub const MAX_OBJECTS: usize = 64;

/// The simple network management protocol: agents on port 161, who listens for traps on 162.
pub static SNMP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Udp],
    ports: &[161, 162],
    max_message: 65_535,
    probe: |_, bytes, _| if Parsed::read(bytes).is_some() { Probe::Certain } else { Probe::No },
    session: |_| Box::new(Datagrams(tell)),
};

/// What was read of a message.
#[derive(Clone, Copy)]
struct Parsed<'a> {
    /// 0: version 1; 1: version 2c; 3: version 3.
    version: u8,
    /// The community, or the user's name of version 3 (RFC 3414 clause 2.4).
    sender: Option<&'a [u8]>,
    /// The data unit, where it is in clear.
    unit: Option<Element<'a>>,
    /// Whether the data unit is encrypted (RFC 3412 clause 6.4, `privFlag`).
    encrypted: bool,
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let outer = ber::element(&mut Cursor::new(bytes))
            .filter(|outer| outer.tag.is_universal(universal::SEQUENCE))?;
        let mut parts = outer.inside();
        let version = parts.next().filter(|part| part.tag.is_universal(universal::INTEGER))?.integer()?;
        match version {
            0 | 1 => {
                let community = parts.next().filter(|part| part.tag.is_universal(universal::OCTET_STRING))?;
                let unit = parts.next().filter(is_unit)?;
                let version = u8::from(version == 1);
                Some(Self { version, sender: Some(community.content), unit: Some(unit), encrypted: false })
            }
            3 => Self::third(parts),
            _ => None,
        }
    }

    /// RFC 3412 clause 6: global data, security parameters, scoped data unit.
    fn third(mut parts: impl Iterator<Item = Element<'a>>) -> Option<Self> {
        let global = parts.next().filter(|part| part.tag.is_universal(universal::SEQUENCE))?;
        let flags = *global.inside().nth(2)?.content.first()?;
        let security = parts.next().filter(|part| part.tag.is_universal(universal::OCTET_STRING))?;
        let user = ber::elements(security.content).next().and_then(|usm| usm.inside().nth(3));
        let scoped = parts.next()?;
        let encrypted = flags & 2 != 0;
        let unit = if encrypted { None } else { scoped.inside().nth(2).filter(is_unit) };
        Some(Self { version: 3, sender: user.map(|user| user.content), unit, encrypted })
    }

    fn unit_type(&self) -> Option<u8> {
        self.unit.and_then(|unit| u8::try_from(unit.tag.number).ok())
    }

    /// The variable bindings; a version 1 trap has other fields before them (RFC 1157 clause 4.1.6).
    fn bindings(&self) -> Option<Element<'a>> {
        let at = if self.unit_type() == Some(4) { 5 } else { 3 };
        self.unit?.inside().nth(at)
    }

    /// The error status of a response.
    fn error(&self) -> Option<u32> {
        let status = self.unit?.inside().nth(1)?.unsigned()?;
        u32::try_from(status).ok().filter(|_| self.unit_type() == Some(2))
    }
}

/// The highest tag of one octet: 0 to 8 are data units (RFC 3416 clause 3), what is above is one that nobody defined.
const LAST_TAG: u32 = 30;

fn is_unit(element: &Element<'_>) -> bool {
    element.tag.class == Class::Context && element.tag.constructed && element.tag.number <= LAST_TAG
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let parsed = Parsed::read(bytes)?;
    let unreadable = parsed.unit.is_none() && !parsed.encrypted;
    let fault = unreadable.then(|| Anomaly::malformed("data-unit-missing", 0, plain::count(bytes.len()), 0));
    let own = match parsed.unit_type() {
        Some(2 | 8) => Kind::Response,
        Some(4 | 7) => Kind::Report,
        Some(_) => Kind::Request,
        None => Head::new(PROTOCOL, direction).kind,
    };
    let (verb, name) = match parsed.unit_type() {
        Some(0) => (Verb::Read, "get"),
        Some(1) => (Verb::Read, "get next"),
        Some(2) => (Verb::Read, "response"),
        Some(3) => (Verb::Configure, "set"),
        Some(4) => (Verb::Diagnose, "trap"),
        Some(5) => (Verb::Read, "get bulk"),
        Some(6) => (Verb::Diagnose, "inform"),
        Some(7) => (Verb::Diagnose, "trap of version 2"),
        Some(8) => (Verb::Diagnose, "report"),
        Some(_) => (Verb::Unknown, "unknown data unit"),
        None => (Verb::Unknown, "encrypted"),
    };
    let operation = plain::operation(verb, parsed.unit_type().map_or(u32::MAX, u32::from), name, own);
    let operation = match parsed.error().filter(|error| *error != 0) {
        Some(error) => plain::refused(operation, error),
        None => operation,
    };
    let head = Head::new(PROTOCOL, direction).of_kind(if unreadable { Kind::Anomaly } else { own });
    plain::tell(sink, head, fault.as_slice(), operation, |visitor| fields(&parsed, visitor));
    Some(())
}

fn fields(parsed: &Parsed<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.field("version", number(parsed.version));
    if let Some(sender) = parsed.sender {
        visitor.field(if parsed.version == 3 { "user" } else { "community" }, words(sender));
    }
    if parsed.encrypted {
        visitor.field("encrypted", number(1_u8));
    }
    if let Some(unit_type) = parsed.unit_type() {
        visitor.field("pdu_type", number(unit_type));
    }
    if let Some(error) = parsed.error() {
        visitor.field("error_status", number(error));
    }
    let bindings = parsed.bindings().into_iter().flat_map(|list| list.inside());
    for binding in bindings.take(MAX_OBJECTS) {
        let mut parts = binding.inside();
        let object = parts.next().filter(|object| object.tag.is_universal(universal::OBJECT_IDENTIFIER));
        if let Some(object) = object {
            visitor.item("object", FieldValue::Text(dotted(object.content).as_str()));
            let value = parts.next().filter(|value| value.tag.is_universal(universal::OCTET_STRING));
            let key = match object.content {
                SYSTEM_DESCRIPTION => "system_description",
                SYSTEM_NAME => "system_name",
                _ => continue,
            };
            if let Some(value) = value {
                visitor.item(key, words(value.content));
            }
        }
    }
}

/// `sysDescr.0`, 1.3.6.1.2.1.1.1.0 (RFC 3418), as X.690 clause 8.19 encodes it.
const SYSTEM_DESCRIPTION: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 1, 0];
/// `sysName.0`, 1.3.6.1.2.1.1.5.0 (RFC 3418).
const SYSTEM_NAME: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 5, 0];

/// An object identifier with dots, X.690 clause 8.19.
fn dotted(octets: &[u8]) -> Text<256> {
    let mut text = Text::new();
    let mut number: u64 = 0;
    let mut first = true;
    for octet in octets {
        number = number << 7 | u64::from(octet & 0x7f);
        if octet & 0x80 != 0 {
            continue;
        }
        // What does not fit is left off.
        let _ = if core::mem::replace(&mut first, false) {
            let arc = (number / 40).min(2);
            write!(text, "{arc}.{}", number - arc * 40)
        } else {
            write!(text, ".{number}")
        };
        number = 0;
    }
    text
}
