//! Telegrams of the bus in the common external message interface (3/6/3, 4.1), and what they ask (3/3/7, 3).

use fieldwarden_model::Verb;

use crate::Cursor;

/// A telegram, as far as it could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Telegram<'a> {
    /// The message code.
    pub(super) code: u8,
    pub(super) source: Option<u16>,
    pub(super) destination: Option<u16>,
    /// Whether the destination is a group.
    pub(super) group: bool,
    /// Ten bits of application control.
    pub(super) application: Option<u16>,
    /// The data behind them; of short values the octet that holds them.
    pub(super) data: &'a [u8],
    /// Whether the value stands in the lower six bits of the octet of application control.
    pub(super) short: bool,
    /// Of the local device: object type, instance, property.
    pub(super) property: Option<(u16, u8, u8)>,
}

impl<'a> Telegram<'a> {
    /// Reads one; false where octets are missing.
    pub(super) fn read(octets: &'a [u8]) -> (Self, bool) {
        let mut telegram = Self::default();
        let mut cursor = Cursor::new(octets);
        let whole = telegram.parts(&mut cursor).is_some();
        (telegram, whole)
    }

    fn parts(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        self.code = cursor.u8()?;
        match self.code {
            0x11 | 0x29 | 0x2e => self.link_data(cursor),
            0xf5..=0xfc => {
                self.property = Some((cursor.u16()?, cursor.u8()?, cursor.u8()?));
                if matches!(self.code, 0xf5..=0xf7 | 0xfb | 0xfc) {
                    cursor.u16()?;
                }
                self.data = cursor.rest();
                Some(())
            }
            _ => {
                self.data = cursor.rest();
                Some(())
            }
        }
    }

    fn link_data(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let information = cursor.u8()?;
        cursor.skip(usize::from(information))?;
        cursor.u8()?;
        self.group = cursor.u8()? & 0x80 != 0;
        self.source = Some(cursor.u16()?);
        self.destination = Some(cursor.u16()?);
        let length = usize::from(cursor.u8()?);
        let unit = cursor.take(length + 1)?;
        if let (Some(high), Some(low)) = (unit.first(), unit.get(1)) {
            self.application = Some(u16::from(high & 3) << 8 | u16::from(*low));
            self.short = length == 1;
            self.data = unit.get(if self.short { 1 } else { 2 }..).unwrap_or_default();
        }
        Some(())
    }

    /// The value in the lower six bits, of group services (3/3/7, 3.1).
    pub(super) fn short_value(&self) -> Option<u8> {
        self.data.first().filter(|_| self.short).map(|octet| octet & 0x3f)
    }

    /// What it does, its name, and its application control without the data that share its bits.
    pub(super) const fn describe(&self) -> (Verb, &'static str, u16) {
        match (self.code, self.application) {
            (0xfc | 0xfb, _) => (Verb::Read, "Read device property", 0),
            (0xf6 | 0xf5, _) => (Verb::Configure, "Write device property", 0),
            (0xf7, _) => (Verb::Read, "Device property information", 0),
            (0xf8, _) => (Verb::Configure, "Device function property command", 0),
            (0xf9 | 0xfa, _) => (Verb::Read, "Device function property state", 0),
            (0xf1 | 0xf0, _) => (Verb::Mode, "Reset device", 0),
            (_, Some(application)) => service(application),
            (0x11 | 0x29 | 0x2e, None) => (Verb::Associate, "Bus connection", 0),
            _ => (Verb::Unknown, "Bus telegram", 0),
        }
    }

    /// Whether a device answers or reports, rather than asks.
    pub(super) const fn answers(&self) -> bool {
        match (self.code, self.application) {
            (0xf5 | 0xf7 | 0xfa | 0xfb | 0xf0, _) => true,
            (_, Some(application)) => {
                matches!(application, 0x040..=0x07f | 0x140 | 0x240..=0x24f | 0x340..=0x37f | 0x3d6 | 0x3d9)
            }
            _ => false,
        }
    }
}

/// The application services (3/3/7, 3; 3/3/7, table of APCI).
const fn service(application: u16) -> (Verb, &'static str, u16) {
    match application {
        0x000..=0x03f => (Verb::Read, "Group value read", 0),
        0x040..=0x07f => (Verb::Read, "Group value response", 0x040),
        0x080..=0x0bf => (Verb::Write, "Group value write", 0x080),
        0x0c0 => (Verb::Configure, "Individual address write", 0x0c0),
        0x100 => (Verb::Discover, "Individual address read", 0x100),
        0x140 => (Verb::Discover, "Individual address response", 0x140),
        0x180..=0x1bf => (Verb::Read, "Analogue value read", 0x180),
        0x1c0..=0x1ff => (Verb::Read, "Analogue value response", 0x1c0),
        0x200..=0x20f => (Verb::Program, "Memory read", 0x200),
        0x240..=0x24f => (Verb::Program, "Memory response", 0x240),
        0x280..=0x28f => (Verb::Program, "Memory write", 0x280),
        0x2c0 => (Verb::Program, "User memory read", 0x2c0),
        0x2c1 => (Verb::Program, "User memory response", 0x2c1),
        0x2c2 => (Verb::Program, "User memory write", 0x2c2),
        0x2c5 | 0x2c6 => (Verb::Discover, "Manufacturer information", application),
        0x2c7 | 0x2c8 => (Verb::Configure, "Function property command", application),
        0x300..=0x33f => (Verb::Discover, "Device descriptor read", 0x300),
        0x340..=0x37f => (Verb::Discover, "Device descriptor response", 0x340),
        0x380 => (Verb::Mode, "Restart", 0x380),
        0x381..=0x39f => (Verb::Mode, "Master reset", application),
        0x3d1 | 0x3d2 => (Verb::Associate, "Authorize", application),
        0x3d3 | 0x3d4 => (Verb::Configure, "Key write", application),
        0x3d5 => (Verb::Read, "Property value read", 0x3d5),
        0x3d6 => (Verb::Read, "Property value response", 0x3d6),
        0x3d7 => (Verb::Configure, "Property value write", 0x3d7),
        0x3d8 | 0x3d9 => (Verb::Discover, "Property description", application),
        0x3dc | 0x3dd => (Verb::Discover, "Individual address by serial number", application),
        0x3de => (Verb::Configure, "Individual address write by serial number", 0x3de),
        0x3f1 => (Verb::Unknown, "Secure service", 0x3f1),
        _ => (Verb::Unknown, "Unknown application service", application),
    }
}
