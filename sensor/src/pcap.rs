//! The pcap format (draft-ietf-opsawg-pcap).
//!
//! ```text
//! file header, 24 octets                 record header, 16 octets (24 with the modified magic)
//!  0  magic number                        0  seconds since 1970
//!  4  major version, minor version        4  micro- or nanoseconds, as the magic says
//!  8  reserved (time zone)                8  octets captured
//! 12  reserved (accuracy)                12  octets on the wire
//! 16  snap length                        16  interface index      \
//! 20  link type in the low 16 bits       20  protocol, type, pad  / modified magic only
//! ```

use std::ops::Range;

use fieldwarden_model::{frame::LinkType, time::Timestamp};

use crate::{
    capture_file::MAX_BLOCK_OCTETS,
    error::Damage,
    window::{ByteOrder, Stop, Window},
};

const FILE_HEADER_OCTETS: usize = 24;
const RECORD_HEADER_OCTETS: usize = 16;
/// What the modified format's record header has behind the usual one.
const MODIFIED_OCTETS: usize = 8;
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Written by a patched libpcap of 1999 ("Kuznetzov"): longer record headers.
const MODIFIED: u32 = 0xa1b2_cd34;

/// A frame found in the window.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) time: Timestamp,
    pub(crate) link_type: LinkType,
    pub(crate) interface: u16,
    pub(crate) wire_length: u32,
    pub(crate) bytes: Range<usize>,
    /// Frames that the capture lost before this one; 0 in the format that has no word for it.
    pub(crate) lost: u64,
    /// The number its capture gave it; 0 where there is none.
    pub(crate) id: u64,
}

pub(crate) struct Pcap {
    order: ByteOrder,
    nanos_per_unit: i64,
    record_header: usize,
    link_type: LinkType,
}

impl Pcap {
    /// Reads the file header; none when the magic is not pcap's.
    pub(crate) fn begin(window: &mut Window) -> Result<Option<Self>, Stop> {
        let little = ByteOrder::Little.u32(window.bytes(), 0);
        let order = match (little, little.swap_bytes()) {
            (MICROSECONDS | NANOSECONDS | MODIFIED, _) => ByteOrder::Little,
            (_, MICROSECONDS | NANOSECONDS | MODIFIED) => ByteOrder::Big,
            _ => return Ok(None),
        };
        window.require(FILE_HEADER_OCTETS, "file header")?;
        let header = window.bytes();
        let magic = order.u32(header, 0);
        let [link_type, _] = low_and_high(order.u32(header, 20));
        let pcap = Self {
            order,
            nanos_per_unit: if magic == NANOSECONDS { 1 } else { 1_000 },
            record_header: RECORD_HEADER_OCTETS + if magic == MODIFIED { MODIFIED_OCTETS } else { 0 },
            link_type: link_type_of(link_type),
        };
        window.take(FILE_HEADER_OCTETS, 0..0);
        Ok(Some(pcap))
    }

    /// The next frame, none at the end of the file.
    pub(crate) fn next(&self, window: &mut Window) -> Result<Option<Found>, Stop> {
        if let Some(found) = self.at_hand(window) {
            return Ok(Some(found));
        }
        Ok(if self.fetch(window)? { self.at_hand(window) } else { None })
    }

    /// The next frame when the window holds all of it, as it nearly always does. Whatever is wrong is left to
    /// [`Pcap::next`].
    #[inline]
    pub(crate) fn at_hand(&self, window: &mut Window) -> Option<Found> {
        let [seconds, units, captured, wire_length] = self.order.words(window.bytes())?;
        if captured as usize > MAX_BLOCK_OCTETS {
            return None;
        }
        let whole = self.record_header + captured as usize;
        let bytes = window.take_whole(whole, self.record_header..whole)?;
        Some(Found {
            // 32 bits of seconds and of units stay far within 64.
            time: Timestamp::from_nanos(
                i64::from(seconds) * 1_000_000_000 + i64::from(units) * self.nanos_per_unit,
            ),
            link_type: self.link_type,
            interface: 0,
            wire_length: wire_length.max(captured),
            bytes,
            lost: 0,
            id: 0,
        })
    }

    /// Fills the window with the whole of the next record; false at the end of the file.
    #[cold]
    fn fetch(&self, window: &mut Window) -> Result<bool, Stop> {
        if !window.begin(self.record_header, "record header")? {
            return Ok(false);
        }
        let length = self.order.u32(window.bytes(), 8) as usize;
        if length > MAX_BLOCK_OCTETS {
            return Err(Damage::TooLong { got: length as u64, limit: MAX_BLOCK_OCTETS as u64 }.into());
        }
        window.require(self.record_header + length, "record")?;
        Ok(true)
    }
}

/// A link type as files write it. Old files hold the system's own number for raw IP, 12 or 14, in place of 101.
pub(crate) const fn link_type_of(number: u16) -> LinkType {
    match number {
        12 | 14 => LinkType::RAW,
        number => LinkType(number),
    }
}

const fn low_and_high(number: u32) -> [u16; 2] {
    let [a, b, c, d] = number.to_le_bytes();
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}
