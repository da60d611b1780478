//! Remote desktop, \[MS-RDPBCGR\]: the negotiation that opens a connection (clause 1.3.1.1), in TPKT and COTP.
//!
//! Guarantees: the first packet of each side is told; what follows, mostly TLS, is passed over.
//!
//! Non-goals: everything behind the negotiation.

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
pub const PROTOCOL: Protocol = Protocol("rdp");

/// The registered port.
pub const PORT: u16 = 3_389;

/// The longest packet of the negotiation.
const MAX_PACKET: usize = 512;

/// What stands before the user's name in a request, clause 2.2.1.1.
const COOKIE: &[u8] = b"Cookie: mstshash=";

/// RDP.
pub static RDP: Plain = Plain {
    protocol: PROTOCOL,
    transports: &[Transport::Tcp],
    ports: &[PORT],
    max_message: MAX_PACKET,
    probe: |_, bytes, _| match Opening::read(bytes) {
        Ok(opening) if opening.cookie.is_some() || opening.negotiation.is_some() => Probe::Certain,
        Ok(_) => Probe::Possible,
        Err(Some(need)) => Probe::Need(need),
        Err(None) => Probe::No,
    },
    session: |_| Box::new(Desktop::default()),
};

/// The connection unit of COTP and what it carries.
#[derive(Clone, Copy)]
struct Opening<'a> {
    is_request: bool,
    cookie: Option<&'a [u8]>,
    /// Type and number: what is wanted, chosen, or why not (clauses 2.2.1.1.1, 2.2.1.2.1, 2.2.1.2.2).
    negotiation: Option<(u8, u32)>,
    length: usize,
}

impl<'a> Opening<'a> {
    /// Reads a packet; else how many octets must be there, or nothing where it is none.
    fn read(bytes: &'a [u8]) -> Result<Self, Option<usize>> {
        let (3, 0) = (first(bytes, 0)?, first(bytes, 1)?) else { return Err(None) };
        let length = usize::from(u16::from_be_bytes([first(bytes, 2)?, first(bytes, 3)?]));
        if !(11..=MAX_PACKET).contains(&length) {
            return Err(None);
        }
        let packet = bytes.get(..length).ok_or(Some(length))?;
        let (indicator, code) = (first(packet, 4)?, first(packet, 5)?);
        if usize::from(indicator) + 5 != length || !matches!(code, 0xd0 | 0xe0) {
            return Err(None);
        }
        let mut rest = packet.get(11..).unwrap_or_default();
        let mut cookie = None;
        if rest.starts_with(b"Cookie:") {
            let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or(None)?;
            let text = rest.get(..end).unwrap_or_default();
            cookie = text.strip_prefix(COOKIE);
            rest = rest.get(end + 2..).unwrap_or_default();
        }
        Ok(Self { is_request: code == 0xe0, cookie, negotiation: negotiation(rest), length })
    }
}

fn first(bytes: &[u8], at: usize) -> Result<u8, Option<usize>> {
    bytes.get(at).copied().ok_or(Some(at + 1))
}

fn negotiation(octets: &[u8]) -> Option<(u8, u32)> {
    let mut cursor = Cursor::new(octets);
    let kind = cursor.u8().filter(|kind| matches!(kind, 1..=3))?;
    cursor.skip(1)?;
    cursor.u16_le().filter(|length| *length == 8)?;
    Some((kind, cursor.u32_le()?))
}

/// A connection: whether each side has opened.
#[derive(Debug, Default)]
struct Desktop {
    opened: [bool; 2],
}

impl Desktop {
    const fn opened(&mut self, direction: Direction) -> &mut bool {
        let [to_server, to_client] = &mut self.opened;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

impl Session for Desktop {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        if *self.opened(direction) {
            return Step::Consumed(bytes.len());
        }
        let opening = match Opening::read(bytes) {
            Ok(opening) => opening,
            Err(Some(need)) => return Step::Need(need),
            Err(None) => return Step::GiveUp,
        };
        *self.opened(direction) = true;
        let head = Head::new(PROTOCOL, direction).answering(!opening.is_request);
        let operation = plain::operation(Verb::Associate, 0, "negotiation", head.kind);
        let operation = match opening.negotiation {
            Some((3, code)) => plain::refused(operation, code),
            _ => operation,
        };
        plain::tell(sink, head, &[], operation, |visitor| {
            if let Some(cookie) = opening.cookie {
                visitor.field("user", words(cookie));
            }
            if let Some((kind, value)) = opening.negotiation {
                let key = match kind {
                    1 => "requested_protocols",
                    2 => "selected_protocol",
                    _ => "failure",
                };
                visitor.field(key, number(value));
            }
        });
        Step::Consumed(opening.length)
    }

    fn gap(&mut self, direction: Direction) {
        *self.opened(direction) = true;
    }

    fn resynchronise(&self, _: Direction, _: &[u8]) -> Option<usize> {
        Some(0)
    }
}
