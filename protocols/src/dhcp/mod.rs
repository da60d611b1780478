//! DHCP, RFC 2131, with the options of RFC 2132, and BOOTP below it.
//!
//! Guarantees: a datagram with the header of RFC 2131 figure 1 and the magic cookie is told; options are walked to their end mark or
//! where one is cut short.
//!
//! Non-goals: DHCPv6; options continued in the `sname` and `file` fields.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::{fmt::Write, net::Ipv4Addr};

use fieldwarden_model::{Mac, Transport, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    dissector::Probe,
    message::{Direction, FieldValue, FieldVisitor, Kind, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, Text, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("dhcp");

/// Where the options begin: the fixed header of RFC 2131 figure 1, then the cookie.
const OPTIONS: usize = 240;

/// RFC 2131 clause 3.
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Where client hardware addresses lie, `chaddr`.
const HARDWARE: usize = 28;

/// The dynamic host configuration protocol.
pub static DHCP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Udp],
    ports: &[67, 68],
    max_message: 65_535,
    probe: |_, bytes, _| if Header::read(bytes).is_some() { Probe::Certain } else { Probe::No },
    session: |_| Box::new(Datagrams(tell)),
};

/// What of the fixed header is told.
#[derive(Clone, Copy)]
struct Header {
    /// 1 from a client, 2 from a server.
    operation: u8,
    transaction: u32,
    client: Ipv4Addr,
    yours: Ipv4Addr,
    next_server: Ipv4Addr,
    relay: Ipv4Addr,
    mac: Option<[u8; 6]>,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let operation = cursor.u8().filter(|operation| matches!(operation, 1 | 2))?;
        let (kind, length) = (cursor.u8()?, cursor.u8()?);
        cursor.skip(1)?;
        let transaction = cursor.u32()?;
        cursor.skip(4)?;
        let mut address = || cursor.u32().map(Ipv4Addr::from);
        let (client, yours, next_server, relay) = (address()?, address()?, address()?, address()?);
        let mac = bytes.get(HARDWARE..HARDWARE + 6)?.try_into().ok().filter(|_| kind == 1 && length == 6);
        (bytes.get(OPTIONS - COOKIE.len()..OPTIONS)? == COOKIE).then_some(Self {
            operation,
            transaction,
            client,
            yours,
            next_server,
            relay,
            mac,
        })
    }
}

/// The options, tag and content each, RFC 2132 clause 2.
fn options(bytes: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    let mut cursor = Cursor::new(bytes.get(OPTIONS..).unwrap_or_default());
    core::iter::from_fn(move || {
        loop {
            match cursor.u8()? {
                0 => {}
                255 => return None,
                tag => {
                    let content = cursor.u8().and_then(|length| cursor.take(length.into()));
                    if content.is_none() {
                        let _ = cursor.take_up_to(usize::MAX);
                    }
                    return Some(content.map(|content| (tag, content)));
                }
            }
        }
    })
}

fn option(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    options(bytes).flatten().find_map(|(other, content)| (other == tag).then_some(content))
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let header = Header::read(bytes)?;
    let cut = options(bytes).any(|option| option.is_none());
    let fault = cut.then(|| Anomaly::malformed("option-cut", 240, plain::count(bytes.len()), 0));
    let own = Head::new(PROTOCOL, direction).answering(header.operation == 2);
    let head = if fault.is_some() { own.of_kind(Kind::Anomaly) } else { own };
    let kind = option(bytes, 53).and_then(|content| content.first().copied());
    let (verb, name) = match kind {
        None => (Verb::Configure, "BOOTP"),
        Some(1) => (Verb::Discover, "discover"),
        Some(2) => (Verb::Discover, "offer"),
        Some(3) => (Verb::Configure, "request"),
        Some(4) => (Verb::Configure, "decline"),
        Some(5) => (Verb::Configure, "acknowledge"),
        Some(6) => (Verb::Configure, "refuse"),
        Some(7) => (Verb::Associate, "release"),
        Some(8) => (Verb::Read, "inform"),
        Some(_) => (Verb::Unknown, "unknown"),
    };
    let operation = plain::operation(verb, kind.unwrap_or(0).into(), name, own.kind);
    let operation = if kind == Some(6) { plain::refused(operation, 6) } else { operation };
    plain::tell(sink, head, fault.as_slice(), operation, |visitor| fields(bytes, header, kind, visitor));
    Some(())
}

fn fields(bytes: &[u8], header: Header, kind: Option<u8>, visitor: &mut dyn FieldVisitor) {
    visitor.field("operation", number(header.operation));
    visitor.field("transaction_id", number(header.transaction));
    if let Some(kind) = kind {
        visitor.field("message_type", number(kind));
    }
    if let Some(mac) = header.mac {
        tell_mac(mac, visitor);
    }
    let addresses = [
        ("client_address", header.client),
        ("your_address", header.yours),
        ("next_server", header.next_server),
        ("relay", header.relay),
    ];
    for (key, address) in addresses.into_iter().filter(|(_, address)| !address.is_unspecified()) {
        let mut text = Text::<16>::new();
        // Into a room that is always large enough.
        let _ = write!(text, "{address}");
        visitor.field(key, FieldValue::Text(text.as_str()));
    }
    let (mut named, mut classed) = (false, false);
    for (tag, content) in options(bytes).flatten() {
        match (tag, content) {
            (12, _) if !core::mem::replace(&mut named, true) => visitor.field("host_name", words(content)),
            (60, _) if !core::mem::replace(&mut classed, true) => {
                visitor.field("vendor_class", words(content))
            }
            (61, [1, mac @ ..]) => {
                if let Ok(mac) = mac.try_into() {
                    tell_mac(mac, visitor);
                }
            }
            (50 | 54 | 1 | 3 | 6, _) => {
                for octets in content.as_chunks::<4>().0 {
                    let mut text = Text::<16>::new();
                    let _ = write!(text, "{}", Ipv4Addr::from(*octets));
                    visitor.item(key(tag), FieldValue::Text(text.as_str()));
                }
            }
            _ => {}
        }
    }
}

const fn key(tag: u8) -> &'static str {
    match tag {
        1 => "subnet_mask",
        3 => "router",
        6 => "name_server",
        50 => "requested_address",
        _ => "server",
    }
}

fn tell_mac(octets: [u8; 6], visitor: &mut dyn FieldVisitor) {
    let mut text = Text::<18>::new();
    // Into a room that is always large enough.
    let _ = write!(text, "{}", Mac(octets));
    visitor.item("client_mac", FieldValue::Text(text.as_str()));
}
