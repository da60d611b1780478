//! Syslog over UDP, RFC 5424 and the older form of RFC 3164.
//!
//! Guarantees: a datagram that begins with a priority is told with facility, severity and its text.
//!
//! Non-goals: syslog over TCP and TLS, structured data.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    dissector::Probe,
    message::{Direction, Kind, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, number, words},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("syslog");

/// The registered port.
pub const PORT: u16 = 514;

/// The highest priority: facility 23, severity 7 (RFC 5424 clause 6.2.1).
const MAX_PRIORITY: u8 = 191;

/// Syslog.
pub static SYSLOG: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Udp],
    ports: &[PORT],
    max_message: 65_535,
    probe: |_, bytes, _| if priority(bytes).is_some() { Probe::Possible } else { Probe::No },
    session: |_| Box::new(Datagrams(tell)),
};

/// The priority between angle brackets, and the text behind it.
fn priority(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let digits = bytes.strip_prefix(b"<")?;
    let end = digits.iter().take(4).position(|octet| *octet == b'>')?;
    let text = core::str::from_utf8(digits.get(..end)?).ok()?;
    let number = text.parse().ok().filter(|number| *number <= MAX_PRIORITY)?;
    Some((number, digits.get(end + 1..)?))
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let (priority, text) = priority(bytes)?;
    let head = Head::new(PROTOCOL, direction).of_kind(Kind::Report);
    let operation = plain::operation(Verb::Diagnose, u32::from(priority & 7), "message", Kind::Report);
    plain::tell(sink, head, &[], operation, |visitor| {
        visitor.field("facility", number(priority >> 3));
        visitor.field("severity", number(priority & 7));
        visitor.field("text", words(text.strip_suffix(b"\n").unwrap_or(text)));
    });
    Some(())
}
