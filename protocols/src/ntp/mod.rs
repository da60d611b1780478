//! The network time protocol, RFC 5905, with its control messages (RFC 9327) and the private mode of old daemons.
//!
//! Guarantees: every datagram on port 123 whose first octet names a version from 1 to 4, and that is as long as its mode asks,
//! is told.
//!
//! Non-goals: extension fields, authentication, the value of the clock.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Transport, Verb};

use crate::{
    anomaly::Anomaly,
    dissector::Probe,
    message::{Direction, FieldValue, Kind, Protocol, Sink},
    plain::{self, Datagrams, Head, Plain, number},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("ntp");

/// The registered port.
pub const PORT: u16 = 123;

/// Octets of a time message without extensions, RFC 5905 figure 8.
const TIME_MESSAGE: usize = 48;

/// The network time protocol.
pub static NTP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Udp],
    ports: &[PORT],
    max_message: 65_535,
    probe: |_, bytes, _| {
        let known = |first: &u8| matches!(first >> 3 & 7, 1..=4) && bytes.len() >= least(first & 7);
        if bytes.first().is_some_and(known) { Probe::Possible } else { Probe::No }
    },
    session: |_| Box::new(Datagrams(tell)),
};

/// Octets of the shortest message of a mode.
const fn least(mode: u8) -> usize {
    match mode {
        6 => 12,
        7 => 8,
        _ => TIME_MESSAGE,
    }
}

fn tell(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    let first = *bytes.first()?;
    let (version, mode) = (first >> 3 & 7, first & 7);
    if !(1..=4).contains(&version) {
        return None;
    }
    let second = bytes.get(1).copied().unwrap_or(0);
    let least = least(mode);
    let cut = || Anomaly::malformed("message-cut", 0, plain::count(bytes.len()), plain::count(least));
    let fault = (bytes.len() < least).then(cut);
    let own = match mode {
        2 | 4 => Kind::Response,
        5 => Kind::Report,
        // The response bit: RFC 9327 clause 2 for control, the same place of the first octet for private messages.
        6 if second & 0x80 != 0 => Kind::Response,
        7 if first & 0x80 != 0 => Kind::Response,
        _ => Kind::Request,
    };
    let code = match mode {
        6 => second & 0x1f,
        7 => bytes.get(3).copied().unwrap_or(0),
        _ => 0,
    };
    let (verb, name) = match (mode, code) {
        (1..=5, _) => (Verb::Time, "time"),
        (6, 1 | 2 | 4 | 10 | 11) => (Verb::Diagnose, "control read"),
        (6, 3 | 5..=9) => (Verb::Configure, "control write"),
        (7, 42) => (Verb::Diagnose, "monitor list"),
        (7, _) => (Verb::Configure, "private"),
        _ => (Verb::Unknown, "unknown"),
    };
    let function = u32::from(code) << 16 | u32::from(mode);
    let operation = plain::operation(verb, function, name, own);
    let head = Head::new(PROTOCOL, direction).of_kind(if fault.is_some() { Kind::Anomaly } else { own });
    plain::tell(sink, head, fault.as_slice(), operation, |visitor| {
        visitor.field("version", number(version));
        visitor.field("mode", number(mode));
        match mode {
            6 => visitor.field("control_operation", number(code)),
            7 => visitor.field("request_code", number(code)),
            _ => {
                visitor.field("leap", number(first >> 6));
                visitor.field("stratum", number(second));
                if let Some(reference) = bytes.get(12..16) {
                    visitor.field("reference_id", FieldValue::Bytes(reference));
                }
            }
        }
    });
    Some(())
}
