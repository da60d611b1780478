//! From octets to one ADU: the MBAP header (IG 3.1.3) and what it holds.

use crate::cursor::Cursor;

use super::{MAX_ADU, MAX_LONG_ADU, function as f};

/// Octets of the header that its length field does not count.
pub(super) const PREFIX: usize = 6;

/// Octets that every ADU has: the header and a function code.
pub(super) const MIN_ADU: usize = 8;

/// Where the PDU begins within the ADU.
pub(super) const PDU_AT: u32 = 7;

/// The header and the function code behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Chosen by the client, repeated by the server.
    pub(super) transaction: u16,
    /// 0 for Modbus.
    pub(super) protocol_id: u16,
    /// Octets that follow it: unit and PDU.
    pub(super) length: u16,
    /// The unit behind the server's address.
    pub(super) unit: u8,
    /// First octet of the PDU.
    pub(super) function: u8,
}

impl Header {
    /// Reads it; `None` when fewer than [`MIN_ADU`] octets are there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            transaction: cursor.u16()?,
            protocol_id: cursor.u16()?,
            length: cursor.u16()?,
            unit: cursor.u8()?,
            function: cursor.u8()?,
        })
    }

    /// Octets of the whole ADU, as the header says.
    pub(super) fn adu(&self) -> usize {
        PREFIX + usize::from(self.length)
    }

    /// The bound that the length breaks, if it does.
    pub(super) fn broken_bound(&self) -> Option<u16> {
        let most = if self.function == f::UNITY { MAX_LONG_ADU } else { MAX_ADU };
        if self.adu() < MIN_ADU {
            Some(2)
        } else if self.adu() > most {
            u16::try_from(most - PREFIX).ok()
        } else {
            None
        }
    }
}

/// Whether nothing but whole ADUs stands in `bytes`, by their headers alone.
pub(super) fn follow_each_other(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(header) = Header::read(rest) {
        let Some(after) = rest.get(header.adu()..) else { return false };
        if header.protocol_id != 0 || header.broken_bound().is_some() {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// The PDU of an ADU that begins with a whole header; ends early where the octets run out.
pub(super) fn pdu<'a>(header: &Header, bytes: &'a [u8]) -> &'a [u8] {
    let mut cursor = Cursor::new(bytes);
    cursor.take(PREFIX + 1);
    cursor.take_up_to(usize::from(header.length).saturating_sub(1))
}
