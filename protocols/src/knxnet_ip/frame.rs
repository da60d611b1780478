//! The header and the services (3/8/2, 2.3 and 5).

use fieldwarden_model::Verb;

use crate::{Cursor, message::Kind};

/// Octets of the header.
pub(super) const HEADER: usize = 6;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) service: u16,
    /// Octets in all, as the frame says.
    pub(super) length: u16,
    /// What stands behind the header, as far as it is there.
    pub(super) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads one; `None` where none begins or the header is not whole.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.u16()? != 0x0610 {
            return None;
        }
        let (service, length) = (cursor.u16()?, cursor.u16()?);
        let body = cursor.take_up_to(usize::from(length).saturating_sub(HEADER));
        (usize::from(length) >= HEADER).then_some(Self { service, length, body })
    }

    /// Whether it can be nothing else: a service of the standard whose length fits `present` octets.
    pub(super) fn is_certain(&self, present: usize) -> bool {
        describe(self.service).is_some() && usize::from(self.length) == present
    }

    /// Whether a connection header stands at its front (3/8/4, 2.2.6).
    pub(super) const fn is_connected(&self) -> bool {
        matches!(self.service, 0x0310 | 0x0311 | 0x0420..=0x0425)
    }

    /// The telegram of the bus that it carries.
    pub(super) fn telegram(&self) -> Option<&'a [u8]> {
        match self.service {
            0x0310 | 0x0420 => self.body.get(4..),
            0x0530 => Some(self.body),
            _ => None,
        }
    }

    /// Octets that the body must have.
    pub(super) const fn least(&self) -> usize {
        match self.service {
            0x0205 => 20,
            0x0201 | 0x0203 => 8,
            0x0207 | 0x0209 => 10,
            0x0206 | 0x0208 | 0x020a | 0x0530 => 2,
            0x0310 | 0x0420 => 6,
            0x0311 | 0x0421 | 0x0531 => 4,
            0x0422..=0x0425 | 0x0532 => 6,
            0x0950 => 16,
            _ => 0,
        }
    }
}

/// Whether octets may become the front of a frame.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    bytes.len() < HEADER && [6, 0x10].starts_with(bytes.get(..bytes.len().min(2)).unwrap_or_default())
}

/// What a service does, its name, and whether it asks.
pub(super) const fn describe(service: u16) -> Option<(Verb, &'static str, Kind)> {
    Some(match service {
        0x0201 => (Verb::Discover, "Search request", Kind::Request),
        0x0202 => (Verb::Discover, "Search response", Kind::Response),
        0x0203 => (Verb::Discover, "Description request", Kind::Request),
        0x0204 => (Verb::Discover, "Description response", Kind::Response),
        0x0205 => (Verb::Associate, "Connect request", Kind::Request),
        0x0206 => (Verb::Associate, "Connect response", Kind::Response),
        0x0207 => (Verb::Associate, "Connection state request", Kind::Request),
        0x0208 => (Verb::Associate, "Connection state response", Kind::Response),
        0x0209 => (Verb::Associate, "Disconnect request", Kind::Request),
        0x020a => (Verb::Associate, "Disconnect response", Kind::Response),
        0x020b => (Verb::Discover, "Extended search request", Kind::Request),
        0x020c => (Verb::Discover, "Extended search response", Kind::Response),
        0x0310 => (Verb::Configure, "Device configuration request", Kind::Request),
        0x0311 => (Verb::Associate, "Device configuration acknowledgement", Kind::Response),
        0x0420 => (Verb::Unknown, "Tunnelling request", Kind::Request),
        0x0421 => (Verb::Associate, "Tunnelling acknowledgement", Kind::Response),
        0x0422 => (Verb::Discover, "Tunnelling feature get", Kind::Request),
        0x0423 => (Verb::Discover, "Tunnelling feature response", Kind::Response),
        0x0424 => (Verb::Configure, "Tunnelling feature set", Kind::Request),
        0x0425 => (Verb::Discover, "Tunnelling feature info", Kind::Report),
        0x0530 => (Verb::Unknown, "Routing indication", Kind::Report),
        0x0531 => (Verb::Diagnose, "Routing lost messages", Kind::Report),
        0x0532 => (Verb::Diagnose, "Routing busy", Kind::Report),
        0x0533 => (Verb::Configure, "Routing system broadcast", Kind::Report),
        0x0740 => (Verb::Diagnose, "Remote diagnostic request", Kind::Request),
        0x0741 => (Verb::Diagnose, "Remote diagnostic response", Kind::Response),
        0x0742 => (Verb::Configure, "Remote basic configuration", Kind::Request),
        0x0743 => (Verb::Mode, "Remote reset", Kind::Request),
        0x0950 => (Verb::Unknown, "Secure wrapper", Kind::Report),
        0x0951 => (Verb::Associate, "Secure session request", Kind::Request),
        0x0952 => (Verb::Associate, "Secure session response", Kind::Response),
        0x0953 => (Verb::Associate, "Secure session authenticate", Kind::Request),
        0x0954 => (Verb::Associate, "Secure session status", Kind::Report),
        0x0955 => (Verb::Time, "Secure timer notify", Kind::Report),
        _ => return None,
    })
}
