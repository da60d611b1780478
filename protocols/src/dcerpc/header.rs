//! Both headers (C706 chapter 12).

use crate::{cursor::Cursor, dissector::Probe};

use super::uuid::Uuid;

/// Octets that every connection-oriented fragment begins with (C706 §12.6.3.1).
pub(super) const COMMON: usize = 16;
/// The first octet of a connection-oriented fragment, of a connectionless packet.
const VERSION: u8 = 5;
const VERSION_CONNECTIONLESS: u8 = 4;
/// Whether the call names an object (PFC_OBJECT_UUID).
const HAS_OBJECT: u8 = 0x80;
/// More fragments belong to this call, and: this is the last of them (C706 §12.5.2.5).
const LAST_FRAGMENT: u8 = 0x02;
const FRAGMENT: u8 = 0x04;

/// Types of packets (C706 §12.1).
pub(super) mod kind {
    pub(in super::super) const REQUEST: u8 = 0;
    pub(in super::super) const PING: u8 = 1;
    pub(in super::super) const RESPONSE: u8 = 2;
    pub(in super::super) const FAULT: u8 = 3;
    pub(in super::super) const REJECT: u8 = 6;
    pub(in super::super) const CANCEL: u8 = 8;
    pub(in super::super) const BIND: u8 = 11;
    pub(in super::super) const BIND_ACK: u8 = 12;
    pub(in super::super) const BIND_NAK: u8 = 13;
    pub(in super::super) const ALTER: u8 = 14;
    pub(in super::super) const ALTER_RESPONSE: u8 = 15;
    pub(in super::super) const AUTH3: u8 = 16;
    pub(in super::super) const SHUTDOWN: u8 = 17;
    pub(in super::super) const CANCEL_STREAM: u8 = 18;
    pub(in super::super) const ORPHANED: u8 = 19;
}

/// The words of the specification for a type.
pub(super) const fn name(packet: u8) -> &'static str {
    match packet {
        kind::REQUEST => "request",
        kind::PING => "ping",
        kind::RESPONSE => "response",
        kind::FAULT => "fault",
        4 => "working",
        5 => "no call",
        kind::REJECT => "reject",
        7 => "acknowledge",
        kind::CANCEL => "cancel",
        9 => "fragment acknowledge",
        10 => "cancel acknowledge",
        kind::BIND => "bind",
        kind::BIND_ACK => "bind acknowledge",
        kind::BIND_NAK => "bind refused",
        kind::ALTER => "alter context",
        kind::ALTER_RESPONSE => "alter context response",
        kind::AUTH3 => "authentication, third leg",
        kind::SHUTDOWN => "shutdown",
        kind::CANCEL_STREAM => "cancel",
        kind::ORPHANED => "orphaned",
        _ => "unknown packet",
    }
}

/// A connection-oriented fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    /// Its type.
    pub(super) packet: u8,
    /// First fragment, last fragment, object and the like.
    pub(super) flags: u8,
    /// Whether numbers are little-endian.
    pub(super) little: bool,
    /// Octets of the fragment.
    pub(super) length: u16,
    /// Octets of the authentication value at its end.
    pub(super) auth_length: u16,
    /// Joins request and response.
    pub(super) call: u32,
    /// What follows the common header, without authentication.
    pub(super) rest: &'a [u8],
    /// Authentication type and level.
    pub(super) auth: Option<(u8, u8)>,
}

impl<'a> Fragment<'a> {
    /// Reads the common header, of however much there is; `None` where less than it is there or it cannot be one.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (version, minor, packet, flags) = (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let representation = cursor.u32()?;
        let little = representation & 0x1000_0000 != 0;
        let (length, auth_length) = (number16(&mut cursor, little)?, number16(&mut cursor, little)?);
        let call = number32(&mut cursor, little)?;
        // Integers in either order, ASCII or EBCDIC, four floating formats, nothing else (C706 §14.2.5).
        let known = representation & 0xeefc_ffff == 0 && packet <= kind::ORPHANED;
        let lengths = usize::from(length) >= COMMON && auth_length < length;
        if version != VERSION || minor > 1 || !known || !lengths || is_connectionless_only(packet) {
            return None;
        }
        let whole = cursor.rest();
        let present = whole.get(..usize::from(length) - COMMON).unwrap_or(whole);
        let tail = if auth_length == 0 { 0 } else { usize::from(auth_length) + 8 };
        let (rest, trailer) = present.split_at(present.len().saturating_sub(tail));
        let auth = if tail == 0 { None } else { trailer.first().copied().zip(trailer.get(1).copied()) };
        Some(Self { packet, flags, little, length, auth_length, call, rest, auth })
    }

    /// The least octets that a fragment of its type has.
    pub(super) const fn least(&self) -> u16 {
        match self.packet {
            kind::REQUEST | kind::RESPONSE => 24,
            kind::FAULT => 28,
            kind::BIND | kind::ALTER => 28,
            kind::BIND_ACK | kind::ALTER_RESPONSE => 24,
            kind::BIND_NAK => 18,
            _ => 16,
        }
    }

    /// A cursor over what follows the common header.
    pub(super) const fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.rest)
    }

    /// A request: its context, its operation, its object and its stub.
    pub(super) fn request(&self) -> Option<(u16, u16, Option<Uuid>, &'a [u8])> {
        let mut cursor = self.cursor();
        cursor.skip(4)?;
        let (context, operation) = (number16(&mut cursor, self.little)?, number16(&mut cursor, self.little)?);
        let object = if self.flags & HAS_OBJECT != 0 { Uuid::read(&mut cursor, self.little) } else { None };
        Some((context, operation, object, cursor.rest()))
    }

    /// The context of a response or a fault, and the status of a fault.
    pub(super) fn response(&self) -> Option<(u16, Option<u32>)> {
        let mut cursor = self.cursor();
        cursor.skip(4)?;
        let context = number16(&mut cursor, self.little)?;
        cursor.skip(2)?;
        let status =
            if self.packet == kind::FAULT { Some(number32(&mut cursor, self.little)?) } else { None };
        Some((context, status))
    }

    /// The interfaces of a bind or an alter context: context, interface, its major and minor version.
    pub(super) fn interfaces(&self, each: &mut dyn FnMut(u16, Uuid, u32)) {
        let mut cursor = self.cursor();
        let _ = cursor.skip(8);
        let count = cursor.u8().unwrap_or(0);
        let _ = cursor.skip(3);
        for _ in 0..count {
            let Some(context) = number16(&mut cursor, self.little) else { return };
            let Some(syntaxes) = cursor.u8() else { return };
            let _ = cursor.skip(1);
            let Some(interface) = Uuid::read(&mut cursor, self.little) else { return };
            let Some(version) = number32(&mut cursor, self.little) else { return };
            each(context, interface, version);
            if cursor.skip(usize::from(syntaxes) * 20).is_none() {
                return;
            }
        }
    }

    /// The results of a bind, in the order of its contexts: 0 accepted (C706 §12.6.3.1, p_cont_def_result_t).
    pub(super) fn results(&self, each: &mut dyn FnMut(u16)) {
        let mut cursor = self.cursor();
        let _ = cursor.skip(8);
        let Some(address) = number16(&mut cursor, self.little) else { return };
        // The list is aligned to four octets, counted from the front of the fragment.
        let padding = (usize::from(address) + 2).wrapping_neg() % 4;
        if cursor.skip(usize::from(address) + padding).is_none() {
            return;
        }
        let count = cursor.u8().unwrap_or(0);
        let _ = cursor.skip(3);
        for _ in 0..count {
            let Some(result) = number16(&mut cursor, self.little) else { return };
            each(result);
            if cursor.skip(22).is_none() {
                return;
            }
        }
    }
}

const fn is_connectionless_only(packet: u8) -> bool {
    matches!(packet, kind::PING | 4..=10)
}

/// What the front of a stream is.
pub(super) fn probe_stream(bytes: &[u8]) -> Probe {
    if bytes.len() < COMMON {
        let plausible = |(n, octet): (usize, &u8)| match n {
            0 => *octet == VERSION,
            1 => *octet <= 1,
            2 => *octet <= kind::ORPHANED,
            4 => matches!(*octet, 0 | 1 | 0x10 | 0x11),
            5 => *octet <= 3,
            6 | 7 => *octet == 0,
            _ => true,
        };
        return if bytes.iter().enumerate().all(plausible) { Probe::Need(COMMON) } else { Probe::No };
    }
    match Fragment::read(bytes) {
        Some(fragment) if fragment.length >= fragment.least() => Probe::Certain,
        _ => Probe::No,
    }
}

/// A connectionless packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connectionless<'a> {
    /// Its type.
    pub(crate) packet: u8,
    /// First octet of flags.
    pub(crate) flags: u8,
    /// Whether numbers are little-endian.
    pub(crate) little: bool,
    /// Which object of the server.
    pub(crate) object: Uuid,
    /// Which interface.
    pub(crate) interface: Uuid,
    /// Which activity of the client.
    pub(crate) activity: Uuid,
    /// Which call of the activity.
    pub(crate) sequence: u32,
    /// Which operation of the interface.
    pub(crate) operation: u16,
    /// Octets of the body, as told.
    pub(crate) length: u16,
    /// Which fragment of the call.
    pub(crate) fragment: u16,
    /// The body, as far as it is there.
    pub(crate) body: &'a [u8],
    /// Octets behind the header.
    behind: usize,
}

impl<'a> Connectionless<'a> {
    /// Reads one; `None` where it is shorter than a header or cannot be one.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (version, packet, flags, more_flags) = (cursor.u8()?, cursor.u8()?, cursor.u8()?, cursor.u8()?);
        let [order, float, reserved] = [cursor.u8()?, cursor.u8()?, cursor.u8()?];
        cursor.skip(1)?;
        if version != VERSION_CONNECTIONLESS
            || packet > 10
            || more_flags & 0xfc != 0
            || order & 0xee != 0
            || float > 3
            || reserved != 0
        {
            return None;
        }
        let little = order & 0x10 != 0;
        let [object, interface, activity] = [
            Uuid::read(&mut cursor, little)?,
            Uuid::read(&mut cursor, little)?,
            Uuid::read(&mut cursor, little)?,
        ];
        cursor.skip(8)?;
        let sequence = number32(&mut cursor, little)?;
        let operation = number16(&mut cursor, little)?;
        cursor.skip(4)?;
        let (length, fragment) = (number16(&mut cursor, little)?, number16(&mut cursor, little)?);
        cursor.skip(2)?;
        let behind = cursor.remaining();
        let body = cursor.take_up_to(length.into());
        Some(Self {
            packet,
            flags,
            little,
            object,
            interface,
            activity,
            sequence,
            operation,
            length,
            fragment,
            body,
            behind,
        })
    }

    /// Whether the body is there as long as told, with no more than an authentication trailer behind it.
    pub(crate) fn is_whole(&self) -> bool {
        let length = usize::from(self.length);
        self.behind >= length && self.behind - length <= 64
    }

    /// Whether it is one of several fragments, and whether the last of them.
    pub(crate) const fn fragmented(&self) -> Option<bool> {
        if self.flags & FRAGMENT == 0 { None } else { Some(self.flags & LAST_FRAGMENT != 0) }
    }

    /// The status of a fault or a reject.
    pub(crate) fn status(&self) -> Option<u32> {
        let mut cursor = Cursor::new(self.body);
        matches!(self.packet, kind::FAULT | kind::REJECT)
            .then(|| number32(&mut cursor, self.little))
            .flatten()
    }
}

/// Two octets in the order of the sender.
pub(super) fn number16(cursor: &mut Cursor<'_>, little: bool) -> Option<u16> {
    if little { cursor.u16_le() } else { cursor.u16() }
}

/// Four octets in the order of the sender.
pub(super) fn number32(cursor: &mut Cursor<'_>, little: bool) -> Option<u32> {
    if little { cursor.u32_le() } else { cursor.u32() }
}
