//! CAN frames as Linux hands them on (LINKTYPE_CAN_SOCKETCAN, and cooked captures of CAN interfaces).
//!
//! ```text
//! | extended | remote | error | id:29 | length:8 | FD flags:8 | reserved:16 | data |
//! ```
//!
//! Written after ISO 11898-1:2024 clause 8, Linux `include/uapi/linux/can.h` and the tcpdump.org registry.

use fieldwarden_model::Mac;

use super::{Carried, Walk};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// What kind of CAN frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CanFlags(pub u8);

impl CanFlags {
    /// The identifier has 29 bits instead of 11.
    pub const EXTENDED: Self = Self(0x01);
    /// A remote frame: asks for data, has none.
    pub const REMOTE: Self = Self(0x02);
    /// An error frame, made by the interface: the identifier holds the classes of error.
    pub const ERROR: Self = Self(0x04);
    /// CAN FD.
    pub const FD: Self = Self(0x08);
    /// CAN FD: the data was sent at a higher rate.
    pub const BIT_RATE_SWITCH: Self = Self(0x10);
    /// CAN FD: the sender is error passive.
    pub const ERROR_PASSIVE: Self = Self(0x20);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// In which order the octets of the identifier stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Network order, as the link type says.
    Network,
    /// That of the capturing machine or network order: cooked captures are written both ways.
    Either,
}

const EXTENDED: u32 = 1 << 31;
const REMOTE: u32 = 1 << 30;
const ERROR: u32 = 1 << 29;
/// In the octet of the length: a CAN XL frame.
const XL: u8 = 0x80;
/// In the octet of FD flags: bit rate switch, error state, FD frame.
const FD_FLAGS: [(u8, CanFlags); 3] =
    [(0x01, CanFlags::BIT_RATE_SWITCH), (0x02, CanFlags::ERROR_PASSIVE), (0x04, CanFlags::FD)];
const LARGEST_STANDARD: u32 = 0x7ff;

/// Reads one frame.
pub(super) fn can<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8], order: Order) {
    let mut cursor = Cursor::new(bytes);
    let (Some(word), Some(length), Some(fd), Some(_reserved)) =
        (cursor.u32(), cursor.u8(), cursor.u8(), cursor.u16())
    else {
        return walk.short("can-header-short", bytes, 8);
    };
    let at = walk.offset(bytes);
    if length & XL != 0 {
        return walk.remark(Anomaly::unsupported("can-xl", at + 4, u64::from(length)));
    }
    let swapped = word.swap_bytes();
    let word =
        if order == Order::Either && !is_plausible(word) && is_plausible(swapped) { swapped } else { word };
    let flags = flags_of(word, fd, length);
    if !is_plausible(word) {
        let got = u64::from(word & !(EXTENDED | REMOTE | ERROR));
        walk.remark(Anomaly::malformed("can-id", at, got, u64::from(LARGEST_STANDARD)));
    }
    walk.layers.carried = Carried::Can { id: word & !(EXTENDED | REMOTE | ERROR), flags, length };
    walk.layers.destination_mac = Some(Mac([0xff; 6]));
    // An error frame is the interface's own: nobody sent it.
    walk.layers.source_mac = (!flags.has(CanFlags::ERROR)).then(|| {
        let [a, b, c, d] = (word & !(EXTENDED | REMOTE | ERROR)).to_be_bytes();
        Mac([2, 0, a, b, c, d])
    });
    data(walk, flags, length, cursor.rest());
}

fn is_plausible(word: u32) -> bool {
    // The classes of error need fewer bits than a standard identifier.
    word & (EXTENDED | ERROR) == EXTENDED || word & !(EXTENDED | REMOTE | ERROR) <= LARGEST_STANDARD
}

fn flags_of(word: u32, fd: u8, length: u8) -> CanFlags {
    let mut flags = 0;
    for (bit, flag) in [(EXTENDED, CanFlags::EXTENDED), (REMOTE, CanFlags::REMOTE), (ERROR, CanFlags::ERROR)]
    {
        flags |= if word & bit != 0 { flag.0 } else { 0 };
    }
    for (bit, flag) in FD_FLAGS {
        flags |= if fd & bit != 0 { flag.0 } else { 0 };
    }
    // Older systems mark FD frames by their length alone.
    flags |= if length > 8 { CanFlags::FD.0 } else { 0 };
    CanFlags(flags)
}

fn data<'a>(walk: &mut Walk<'_, 'a>, flags: CanFlags, length: u8, rest: &'a [u8]) {
    let at = walk.offset(rest).saturating_sub(4);
    // Beyond 8 octets CAN FD knows seven lengths (ISO 11898-1 clause 8.4.2.4).
    if !matches!(length, 0..=8 | 12 | 16 | 20 | 24 | 32 | 48 | 64) {
        walk.remark(Anomaly::malformed("can-length", at, u64::from(length), 64));
    }
    if flags.has(CanFlags::REMOTE) {
        walk.layers.payload = walk.trim(rest, 0);
        return;
    }
    if let Some(missing) = usize::from(length).checked_sub(rest.len()).filter(|missing| *missing > 0) {
        if walk.layers.snapped {
            walk.layers.missing = u32::try_from(missing).unwrap_or(u32::MAX);
        } else {
            walk.remark(Anomaly::malformed("can-data-short", at, u64::from(length), rest.len() as u64));
        }
    }
    walk.layers.payload = walk.trim(rest, usize::from(length));
}
