//! ISO transport on top of TCP (RFC 1006): TPKT framing and the class 0 transport protocol COTP (ISO 8073, X.224).
//!
//! ```text
//!  TPKT  | 03 | 00 | length, big-endian, these four octets included |
//!  COTP  | length of the header behind this octet | type | fixed part | parameters | user data |
//! ```
//!
//! What carries messages of several protocols (S7 communication, MMS, and others on port 102) stands here once:
//! [`Packet`] cuts a stream into packets, [`Tpdu`] reads the transport unit in one, [`Assembly`] joins the data units
//! that make one transport service data unit, [`ConnectionUnit`] is the body of the connection messages, and
//! [`IsoSession`] hands each unit to the protocol that it begins like.

mod assembly;
mod connection;
mod cotp;
mod session;

pub use assembly::{Assembly, MAX_TSDU, Unit};
pub use connection::{COTP, ConnectionUnit, MalformedUnit};
pub use cotp::{Connecting, DATA, Tpdu, TpduFault};
pub use session::{IsoSession, MAX_FOREIGN, Speaker, Upper, tell};

/// Octets of a TPKT header (RFC 1006 §6).
pub const TPKT_HEADER: usize = 4;
/// The shortest packet: the header and a COTP unit of three octets (RFC 1006 §6).
pub const TPKT_SHORTEST: usize = 7;
/// The longest packet its 16-bit length can tell.
pub const TPKT_LONGEST: usize = 65_535;
/// The well-known port (RFC 1006 §4: "tsap").
pub const PORT: u16 = 102;

/// What the front of a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A whole packet: its transport unit, and its length with the header.
    Whole(&'a [u8], usize),
    /// A packet of this length begins here, or at least so much is needed to tell.
    Need(usize),
    /// The length, below [`TPKT_SHORTEST`], is a lie.
    TooShort(u16),
    /// Not a TPKT header: its first two octets.
    Foreign(u16),
}

impl<'a> Packet<'a> {
    /// Reads the front of a stream.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let head = match *bytes {
            [version, reserved, ..] => u16::from_be_bytes([version, reserved]),
            [version] => u16::from_be_bytes([version, 0]),
            [] => return Self::Need(TPKT_HEADER),
        };
        if head != 0x0300 {
            return Self::Foreign(head);
        }
        let Some((&[_, _, high, low], _)) = bytes.split_first_chunk() else {
            return Self::Need(TPKT_HEADER);
        };
        let length = u16::from_be_bytes([high, low]);
        let total = usize::from(length);
        if total < TPKT_SHORTEST {
            return Self::TooShort(length);
        }
        match bytes.get(TPKT_HEADER..total) {
            Some(unit) => Self::Whole(unit, total),
            None => Self::Need(total),
        }
    }
}

/// Whether `bytes` are whole packets with transport units that can be read, one after the other; the last packet may be
/// incomplete.
#[must_use]
pub fn follow_each_other(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut packets = 0;
    loop {
        match Packet::read(rest) {
            Packet::Whole(unit, length) if Tpdu::read(unit).is_ok() => {
                packets += 1;
                rest = rest.get(length..).unwrap_or_default();
            }
            Packet::Need(_) => return packets > 0,
            _ => return false,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
