//! The pcapng format (draft-ietf-opsawg-pcapng).
//!
//! ```text
//! any block                     section header (0x0a0d0d0a)    interface description (1)
//!  0  type                       8  byte-order magic            8  link type, reserved
//!  4  length of all              12 version, section length    12  snap length
//!  8  body, padded to four       24 options                    16  options: 9 resolution, 14 offset
//!  .. length of all again
//!
//! enhanced packet (6)           obsolete packet (2)            simple packet (3)
//!  8  interface                  8  interface, drops            8  octets on the wire
//! 12  time, high half           12  time, high half            12  data
//! 16  time, low half            16  time, low half
//! 20  octets captured           20  octets captured
//! 24  octets on the wire        24  octets on the wire
//! 28  data, options             28  data, options
//!
//! interface statistics (5)      losses, all of one interface
//!  8  interface                 option 4 of an enhanced packet: lost since the frame before it
//! 12  time, high half           drops of an obsolete packet: likewise, 0xffff where unknown
//! 16  time, low half            options 5 and 7 of statistics: dropped by interface and system since the start
//! 20  options
//! ```
//!
//! Blocks of other kinds are passed over without being held.

use fieldwarden_model::{
    frame::{LinkType, Loss},
    time::Timestamp,
};

use crate::{
    capture_file::MAX_BLOCK_OCTETS,
    error::Damage,
    pcap::{Found, link_type_of},
    window::{ByteOrder, Stop, Window},
};

/// A section header reads the same in both byte orders.
pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(crate) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
pub(crate) const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
pub(crate) const INTERFACE_STATISTICS: u32 = 5;
pub(crate) const ENHANCED_PACKET: u32 = 6;

/// Enhanced and obsolete packets, up to their data.
const PACKET_HEADER_OCTETS: usize = 28;

pub(crate) const INTERFACE_NAME: u16 = 2;
pub(crate) const TIME_RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;
pub(crate) const DROP_COUNT: u16 = 4;
pub(crate) const PACKET_ID: u16 = 5;
pub(crate) const DROPPED_BY_INTERFACE: u16 = 5;
const DROPPED_BY_SYSTEM: u16 = 7;
/// In place of a count of drops that is not known.
const UNKNOWN_DROPS: u16 = u16::MAX;

/// Statistics longer than this are passed over: they hold ten numbers and comments.
const MAX_STATISTICS_OCTETS: u64 = 64 * 1024;
/// Octets kept of an interface's name; Linux names have 15 at most.
const MAX_NAME_OCTETS: usize = 64;
/// Interfaces that one section may describe: as many as a frame can cite.
const MAX_INTERFACES: usize = 1 << 16;

pub(crate) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// For simple packets, which have none of their own.
    last_time: Timestamp,
}

struct Interface {
    name: Option<Box<str>>,
    link_type: LinkType,
    snap_length: u32,
    unit: Unit,
    offset_nanos: i64,
    /// Lost frames told so far: statistics count from the start, and may repeat what frames said before.
    lost: u64,
}

/// What stands in a file.
pub(crate) enum Piece {
    Frame(Found),
    Loss(Loss),
}

/// What one count of a time stamp is worth.
#[derive(Clone, Copy)]
enum Unit {
    Nanos(u64),
    PartOfNano(u64),
    /// A power of two of a second, negative.
    Binary(u8),
}

impl Pcapng {
    /// Starts reading; none when the file does not start with a section header.
    pub(crate) fn begin(window: &mut Window) -> Result<Option<Self>, Stop> {
        if ByteOrder::Little.u32(window.bytes(), 0) != SECTION_HEADER {
            return Ok(None);
        }
        window.require(12, "section header")?;
        Ok(byte_order(window.bytes()).map(|order| Self {
            order,
            interfaces: Vec::new(),
            last_time: Timestamp::default(),
        }))
    }

    /// The next frame when it is an enhanced packet without options that the window holds whole, as frames nearly always
    /// are. Everything else, and whatever is wrong, is left to [`Pcapng::next`].
    #[inline]
    pub(crate) fn at_hand(&mut self, window: &mut Window) -> Option<Found> {
        let bytes = window.bytes();
        let [kind, length, index, high, low, captured, wire_length] = self.order.words(bytes)?;
        if kind != ENHANCED_PACKET || length as usize > MAX_BLOCK_OCTETS || captured > length {
            return None;
        }
        let (whole, end) = (length as usize, PACKET_HEADER_OCTETS + captured as usize);
        if whole != end.next_multiple_of(4) + 4 {
            return None;
        }
        let [again] = self.order.words(bytes.get(whole - 4..whole)?)?;
        let interface = self.interfaces.get(index as usize)?;
        let number = u16::try_from(index).ok().filter(|_| again == length)?;
        let time = interface.time(u64::from(high) << 32 | u64::from(low));
        self.last_time = time;
        Some(Found {
            time,
            link_type: interface.link_type,
            interface: number,
            wire_length: wire_length.max(captured),
            bytes: window.take_whole(whole, PACKET_HEADER_OCTETS..end)?,
            lost: 0,
            id: 0,
        })
    }

    /// The name of an interface of the section at hand, where the file gives one.
    pub(crate) fn interface_name(&self, interface: u16) -> Option<&str> {
        self.interfaces.get(usize::from(interface))?.name.as_deref()
    }

    /// The next frame or loss, none at the end of the file.
    pub(crate) fn next(&mut self, window: &mut Window) -> Result<Option<Piece>, Stop> {
        while window.begin(12, "block")? {
            let kind = self.order.u32(window.bytes(), 0);
            if kind == SECTION_HEADER {
                self.order = byte_order(window.bytes()).ok_or(Damage::ByteOrder)?;
                self.interfaces.clear();
            }
            let length = self.order.u32(window.bytes(), 4);
            if length < 12 {
                return Err(Damage::TooShort { got: length.into() }.into());
            }
            // Some writers leave the padding out of the length.
            let padded = u64::from(length).next_multiple_of(4);
            if kind == INTERFACE_STATISTICS && padded <= MAX_STATISTICS_OCTETS {
                let whole = usize::try_from(padded).unwrap_or(usize::MAX);
                window.require(whole, "block")?;
                let loss = self.statistics(window.bytes().get(..whole).unwrap_or_default());
                window.take(whole, 0..0);
                match loss {
                    Some(loss) => return Ok(Some(Piece::Loss(loss))),
                    None => continue,
                }
            }
            if !matches!(kind, INTERFACE_DESCRIPTION | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET) {
                window.skip(padded, "block")?;
                continue;
            }
            let limit = MAX_BLOCK_OCTETS as u64;
            let whole = usize::try_from(padded).unwrap_or(usize::MAX);
            if padded > limit {
                return Err(Damage::TooLong { got: padded, limit }.into());
            }
            window.require(whole, "block")?;
            let block = window.bytes().get(..whole).unwrap_or_default();
            let again = self.order.u32(block, whole - 4);
            if again != length && u64::from(again) != padded {
                return Err(Damage::Lengths { first: length, second: again }.into());
            }
            if kind == INTERFACE_DESCRIPTION {
                let interface = Interface::read(self.order, block)?;
                if self.interfaces.len() == MAX_INTERFACES {
                    return Err(Damage::TooManyInterfaces { limit: MAX_INTERFACES as u64 }.into());
                }
                self.interfaces.push(interface);
                window.take(whole, 0..0);
                continue;
            }
            let mut found = self.packet(kind, block)?;
            self.last_time = found.time;
            found.bytes = window.take(whole, found.bytes);
            if found.lost > 0
                && let Some(interface) = self.interfaces.get_mut(usize::from(found.interface))
            {
                interface.lost = interface.lost.saturating_add(found.lost);
            }
            return Ok(Some(Piece::Frame(found)));
        }
        Ok(None)
    }

    /// Reads a packet block; its octets are counted from the start of the block.
    fn packet(&self, kind: u32, block: &[u8]) -> Result<Found, Damage> {
        let (header, index) = match kind {
            SIMPLE_PACKET => (12, 0),
            OBSOLETE_PACKET => (PACKET_HEADER_OCTETS, u32::from(self.order.u16(block, 8))),
            _ => (PACKET_HEADER_OCTETS, self.order.u32(block, 8)),
        };
        let Some(room) = block.len().checked_sub(header + 4) else {
            return Err(Damage::TooShort { got: block.len() as u64 });
        };
        let known = self.interfaces.len() as u64;
        let unknown = Damage::UnknownInterface { got: index, known };
        let number = u16::try_from(index).map_err(|_| unknown)?;
        let interface = self.interfaces.get(usize::from(number)).ok_or(unknown)?;
        let (time, captured, wire_length) = if kind == SIMPLE_PACKET {
            let wire_length = self.order.u32(block, 8);
            let snap = if interface.snap_length == 0 { u32::MAX } else { interface.snap_length };
            (self.last_time, wire_length.min(snap), wire_length)
        } else {
            let stamp = u64::from(self.order.u32(block, 12)) << 32 | u64::from(self.order.u32(block, 16));
            (interface.time(stamp), self.order.u32(block, 20), self.order.u32(block, 24))
        };
        let length = captured as usize;
        if length > room {
            return Err(Damage::Overfull { got: captured, room: room as u64 });
        }
        let (lost, id) = self.said_beside(kind, block, header + length);
        Ok(Found {
            time,
            link_type: interface.link_type,
            interface: number,
            wire_length: wire_length.max(captured),
            bytes: header..header + length,
            lost,
            id,
        })
    }

    /// What a packet block, whose data ends at `end`, says beside it: frames lost before it, and its own number.
    fn said_beside(&self, kind: u32, block: &[u8], end: usize) -> (u64, u64) {
        if kind == OBSOLETE_PACKET {
            let drops = self.order.u16(block, 10);
            return (if drops == UNKNOWN_DROPS { 0 } else { drops.into() }, 0);
        }
        let start = end.next_multiple_of(4);
        // Few blocks have room for an option behind the data.
        if kind == SIMPLE_PACKET || start + 4 >= block.len() {
            return (0, 0);
        }
        let (mut lost, mut id) = (0, 0);
        each_option(self.order, block.get(start..block.len() - 4), |code, value| match code {
            DROP_COUNT if value.len() == 8 => lost = self.order.u64(value, 0),
            PACKET_ID if value.len() == 8 => id = self.order.u64(value, 0),
            _ => {}
        });
        (lost, id)
    }

    /// Reads a block of statistics: what was lost since the last time anything was said of it.
    fn statistics(&mut self, block: &[u8]) -> Option<Loss> {
        let order = self.order;
        let number = u16::try_from(order.u32(block, 8)).ok()?;
        let interface = self.interfaces.get_mut(usize::from(number))?;
        let mut dropped = 0u64;
        each_option(order, block.get(20..block.len().checked_sub(4)?), |code, value| {
            if matches!(code, DROPPED_BY_INTERFACE | DROPPED_BY_SYSTEM) && value.len() == 8 {
                dropped = dropped.saturating_add(order.u64(value, 0));
            }
        });
        let frames = dropped.checked_sub(interface.lost).filter(|frames| *frames > 0)?;
        interface.lost = dropped;
        let stamp = u64::from(order.u32(block, 12)) << 32 | u64::from(order.u32(block, 16));
        Some(Loss { time: interface.time(stamp), interface: number, frames })
    }
}

/// Hands every whole option to `each`, up to the option that ends the list.
fn each_option(order: ByteOrder, options: Option<&[u8]>, mut each: impl FnMut(u16, &[u8])) {
    let mut options = options.unwrap_or_default();
    while let Some((head, rest)) = options.split_first_chunk::<4>() {
        let code = order.u16(head, 0);
        let length = usize::from(order.u16(head, 2));
        let Some(value) = rest.get(..length).filter(|_| code != 0) else { return };
        each(code, value);
        options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
}

impl Interface {
    fn read(order: ByteOrder, block: &[u8]) -> Result<Self, Damage> {
        let Some(options) = block.get(16..block.len() - 4) else {
            return Err(Damage::TooShort { got: block.len() as u64 });
        };
        let mut interface = Self {
            name: None,
            link_type: link_type_of(order.u16(block, 8)),
            snap_length: order.u32(block, 12),
            unit: Unit::Nanos(1_000),
            offset_nanos: 0,
            lost: 0,
        };
        each_option(order, Some(options), |code, value| match (code, value) {
            (INTERFACE_NAME, name) => {
                let name = name.get(..name.len().min(MAX_NAME_OCTETS)).unwrap_or_default();
                interface.name = Some(String::from_utf8_lossy(name).into());
            }
            (TIME_RESOLUTION, [exponent]) => interface.unit = Unit::read(*exponent),
            (TIME_OFFSET, [_, _, _, _, _, _, _, _]) => {
                interface.offset_nanos = Timestamp::from_seconds(order.u64(value, 0).cast_signed()).nanos();
            }
            _ => {}
        });
        Ok(interface)
    }

    fn time(&self, stamp: u64) -> Timestamp {
        let nanos = match self.unit {
            Unit::Nanos(each) => stamp.saturating_mul(each),
            Unit::PartOfNano(parts) => stamp / parts,
            Unit::Binary(exponent) => {
                let scaled =
                    (u128::from(stamp) * 1_000_000_000).checked_shr(u32::from(exponent)).unwrap_or(0);
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
        };
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX).saturating_add(self.offset_nanos))
    }
}

impl Unit {
    /// Option `if_tsresol`: the highest bit tells powers of two from powers of ten.
    fn read(resolution: u8) -> Self {
        let exponent = resolution & 0x7f;
        if resolution & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        match u32::from(exponent).checked_sub(9) {
            None => Self::Nanos(10u64.pow(9 - u32::from(exponent))),
            // Past 10^19 parts every 64-bit count is less than a nanosecond.
            Some(beyond) => Self::PartOfNano(10u64.checked_pow(beyond).unwrap_or(u64::MAX)),
        }
    }
}

fn byte_order(section_header: &[u8]) -> Option<ByteOrder> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| order.u32(section_header, 8) == BYTE_ORDER_MAGIC)
}
