//! The encapsulation: EtherNet/IP header and the items behind it (CIP Vol. 2, 2-3 and 2-6).

use crate::cursor::Cursor;

/// Octets of the header.
pub(super) const HEADER: usize = 24;

/// Does nothing.
pub(super) const NOP: u16 = 0x0000;
/// Asks which services there are.
pub(super) const LIST_SERVICES: u16 = 0x0004;
/// Asks who is there.
pub(super) const LIST_IDENTITY: u16 = 0x0063;
/// Asks for other interfaces.
pub(super) const LIST_INTERFACES: u16 = 0x0064;
/// Opens a session.
pub(super) const REGISTER_SESSION: u16 = 0x0065;
/// Closes a session.
pub(super) const UNREGISTER_SESSION: u16 = 0x0066;
/// Carries unconnected messages.
pub(super) const SEND_RR_DATA: u16 = 0x006f;
/// Carries connected messages.
pub(super) const SEND_UNIT_DATA: u16 = 0x0070;

/// The name of a command.
pub(super) const fn command_name(command: u16) -> Option<&'static str> {
    Some(match command {
        NOP => "NOP",
        0x0001 => "list targets (legacy)",
        LIST_SERVICES => "list services",
        LIST_IDENTITY => "list identity",
        LIST_INTERFACES => "list interfaces",
        REGISTER_SESSION => "register session",
        UNREGISTER_SESSION => "unregister session",
        SEND_RR_DATA => "send RR data",
        SEND_UNIT_DATA => "send unit data",
        0x0072 => "indicate status",
        0x0073 => "cancel",
        0x00c8 => "start DTLS",
        _ => return None,
    })
}

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// What is asked.
    pub(super) command: u16,
    /// Octets behind the header.
    pub(super) length: u16,
    /// The session, as the target gave it.
    pub(super) session: u32,
    /// 0 for success.
    pub(super) status: u32,
    /// Chosen by the sender, repeated in the answer.
    pub(super) context: [u8; 8],
    /// Always 0.
    pub(super) options: u32,
}

impl Header {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            command: cursor.u16_le()?,
            length: cursor.u16_le()?,
            session: cursor.u32_le()?,
            status: cursor.u32_le()?,
            context: cursor.take(8)?.try_into().ok()?,
            options: cursor.u32_le()?,
        })
    }

    /// Octets of the whole packet.
    pub(super) fn total(&self) -> usize {
        HEADER + usize::from(self.length)
    }

    /// Whether it can be one: options are zero and the status is one that is assigned (below 256).
    pub(super) fn is_plausible(&self) -> bool {
        self.options == 0 && self.status <= 0xff
    }

    /// Whether interface handle and timeout stand before its items.
    pub(super) const fn carries_data(&self) -> bool {
        matches!(self.command, SEND_RR_DATA | SEND_UNIT_DATA)
    }

    /// Whether a length is one that the command can have.
    pub(super) const fn length_fits(&self) -> bool {
        match self.command {
            REGISTER_SESSION => matches!(self.length, 0 | 4),
            UNREGISTER_SESSION => self.length == 0,
            SEND_RR_DATA | SEND_UNIT_DATA => self.length >= 8 || self.status != 0,
            _ => true,
        }
    }
}

/// What a device says of itself.
pub(super) const IDENTITY: u16 = 0x000c;
/// Address of a connected message.
pub(super) const CONNECTED_ADDRESS: u16 = 0x00a1;
/// Connected message.
pub(super) const CONNECTED_DATA: u16 = 0x00b1;
/// Unconnected message.
pub(super) const UNCONNECTED_DATA: u16 = 0x00b2;
/// What a target can do.
pub(super) const SERVICES: u16 = 0x0100;
/// Address of a datagram with implicit data.
pub(super) const SEQUENCED_ADDRESS: u16 = 0x8002;

/// One item of the common packet format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    /// Its type.
    pub(super) kind: u16,
    /// Its octets, as many as there are.
    pub(super) data: &'a [u8],
    /// The octets it says it has.
    pub(super) declared: u16,
}

/// Walks the items; ends early where one is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    cursor: Cursor<'a>,
    left: u16,
}

impl<'a> Items<'a> {
    /// Reads the count in front of them.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut cursor = Cursor::new(bytes);
        let left = cursor.u16_le().unwrap_or(0);
        Self { cursor, left }
    }

    /// How many were announced and did not come yet.
    pub(super) const fn left(&self) -> u16 {
        self.left
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        if self.left == 0 {
            return None;
        }
        let kind = self.cursor.u16_le()?;
        let declared = self.cursor.u16_le()?;
        self.left -= 1;
        Some(Item { kind, data: self.cursor.take_up_to(usize::from(declared)), declared })
    }
}
