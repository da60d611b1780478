//! A CIP message: service, path or status, data (CIP Vol. 1, 2-4 "message router request/response format").
//!
//! ```text
//!  request:  | service      | words of path | path ...                        | data ... |
//!  response: | service+0x80 | 0             | status | words | extended status | data ... |
//! ```

use super::path::Target;
use crate::cursor::Cursor;

/// Services that every object may have (CIP Vol. 1, Appendix A).
pub(super) mod service {
    /// All attributes at once.
    pub(in super::super) const GET_ALL: u8 = 0x01;
    /// Sets all.
    pub(in super::super) const SET_ALL: u8 = 0x02;
    /// Attributes by a list.
    pub(in super::super) const GET_LIST: u8 = 0x03;
    /// Sets attributes by a list.
    pub(in super::super) const SET_LIST: u8 = 0x04;
    /// Several services in one packet.
    pub(in super::super) const MULTIPLE: u8 = 0x0a;
    /// One attribute.
    pub(in super::super) const GET_SINGLE: u8 = 0x0e;
    /// Sets one.
    pub(in super::super) const SET_SINGLE: u8 = 0x10;
    /// PCCC of class 0x67.
    pub(in super::super) const EXECUTE_PCCC: u8 = 0x4b;
    /// Reads a tag, or a template.
    pub(in super::super) const READ_TAG: u8 = 0x4c;
    /// Writes a tag.
    pub(in super::super) const WRITE_TAG: u8 = 0x4d;
    /// Changes bits of a tag; closes a connection where the connection manager is asked.
    pub(in super::super) const MODIFY_TAG: u8 = 0x4e;
    /// Closes a connection.
    pub(in super::super) const FORWARD_CLOSE: u8 = 0x4e;
    /// Reads a tag in pieces; sends on where the connection manager is asked.
    pub(in super::super) const READ_FRAGMENT: u8 = 0x52;
    /// Sends a message on.
    pub(in super::super) const UNCONNECTED_SEND: u8 = 0x52;
    /// Writes a tag in pieces.
    pub(in super::super) const WRITE_FRAGMENT: u8 = 0x53;
    /// Opens a connection.
    pub(in super::super) const FORWARD_OPEN: u8 = 0x54;
    /// Lists instances with their attributes: symbol browsing.
    pub(in super::super) const LIST_INSTANCES: u8 = 0x55;
    /// Opens a connection with more than 511 octets.
    pub(in super::super) const LARGE_FORWARD_OPEN: u8 = 0x5b;
}

/// Classes that are treated by themselves.
pub(super) mod class {
    /// Identity.
    pub(in super::super) const IDENTITY: u32 = 0x01;
    /// Message router.
    pub(in super::super) const MESSAGE_ROUTER: u32 = 0x02;
    /// Connection manager.
    pub(in super::super) const CONNECTION_MANAGER: u32 = 0x06;
    /// PCCC.
    pub(in super::super) const PCCC: u32 = 0x67;
    /// Symbols of Logix controllers (1756-PM020).
    pub(in super::super) const SYMBOL: u32 = 0x6b;
    /// Templates of Logix controllers (1756-PM020).
    pub(in super::super) const TEMPLATE: u32 = 0x6c;
}

/// A message, cut into its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// The service, without the bit of a response.
    pub(super) service: u8,
    /// Whether it answers.
    pub(super) response: bool,
    /// Where a request goes.
    pub(super) path: &'a [u8],
    /// General status of a response.
    pub(super) status: u8,
    /// Extended status of a response.
    pub(super) extended: &'a [u8],
    /// What follows.
    pub(super) data: &'a [u8],
    /// Octets missing of what path or extended status declare.
    pub(super) missing: usize,
}

impl<'a> Packet<'a> {
    /// Cuts it; `None` where not even the service is there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let head = cursor.u8()?;
        let response = head & 0x80 != 0;
        let mut packet = Self {
            service: head & 0x7f,
            response,
            path: &[],
            status: 0,
            extended: &[],
            data: &[],
            missing: 0,
        };
        if response {
            let fixed = cursor.take_up_to(3);
            packet.status = fixed.get(1).copied().unwrap_or(0);
            let words = usize::from(fixed.get(2).copied().unwrap_or(0));
            packet.extended = cursor.take_up_to(words * 2);
            packet.missing = 3 - fixed.len() + words * 2 - packet.extended.len();
        } else {
            let words = cursor.u8();
            packet.path = cursor.take_up_to(usize::from(words.unwrap_or(0)) * 2);
            packet.missing =
                usize::from(words.is_none()) + usize::from(words.unwrap_or(0)) * 2 - packet.path.len();
        }
        packet.data = cursor.rest();
        Some(packet)
    }

    /// Where a request goes.
    pub(super) fn target(&self) -> Target {
        Target::of(self.path)
    }

    /// Whether this asks the connection manager for one of its own services.
    pub(super) fn is_of_connection_manager(&self) -> bool {
        is_connection_service(self.service) && self.target().is(class::CONNECTION_MANAGER)
    }

    /// Whether this packs several services.
    pub(super) const fn is_multiple(&self) -> bool {
        self.service == service::MULTIPLE
    }

    /// The packed messages of a multiple service packet.
    pub(super) fn parts(&self) -> Parts<'a> {
        let mut cursor = Cursor::new(self.data);
        let count = cursor.u16_le().unwrap_or(0);
        Parts { data: self.data, offsets: cursor, left: count }
    }

    /// The message that an unconnected send carries.
    pub(super) fn embedded(&self) -> Option<Embedded<'a>> {
        let mut cursor = Cursor::new(self.data);
        let priority = cursor.u8()?;
        let ticks = cursor.u8()?;
        let length = usize::from(cursor.u16_le()?);
        let message = cursor.take_up_to(length);
        if length % 2 == 1 {
            cursor.take_up_to(1);
        }
        let words = usize::from(cursor.u8().unwrap_or(0));
        cursor.take_up_to(1);
        Some(Embedded { priority, ticks, message, route: cursor.take_up_to(words * 2) })
    }
}

/// Whether a service is one that only the connection manager has (CIP Vol. 1, 3-5.5).
pub(super) const fn is_connection_service(service: u8) -> bool {
    matches!(service, 0x4e | 0x52 | 0x54 | 0x56 | 0x57 | 0x59 | 0x5a | 0x5b | 0x5c)
}

/// What an unconnected send holds (CIP Vol. 1, 3-5.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Embedded<'a> {
    /// Priority and time tick.
    pub(super) priority: u8,
    /// Ticks until it is given up.
    pub(super) ticks: u8,
    /// The message.
    pub(super) message: &'a [u8],
    /// The path it takes.
    pub(super) route: &'a [u8],
}

/// The messages of a multiple service packet (CIP Vol. 1, Appendix A-4.10): a count, offsets from the count on, messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    data: &'a [u8],
    offsets: Cursor<'a>,
    left: u16,
}

impl Parts<'_> {
    /// How many were announced and did not come yet.
    pub(super) const fn left(&self) -> u16 {
        self.left
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.left == 0 {
            return None;
        }
        let begin = usize::from(self.offsets.u16_le()?);
        let rest = self.data.get(begin..)?;
        self.left -= 1;
        // A part reaches to where the next one begins.
        let mut ahead = self.offsets;
        let end = if self.left > 0 { ahead.u16_le().map(usize::from) } else { None };
        Some(end.and_then(|end| rest.get(..end.checked_sub(begin)?)).unwrap_or(rest))
    }
}
