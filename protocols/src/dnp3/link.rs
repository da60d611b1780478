//! Link frames (IEEE 1815 clause 9.2): header, blocks of up to 16 octets, a CRC behind each.

use crate::crc::DNP;

/// First octet of a frame.
pub(super) const START_0: u8 = 0x05;
/// Second octet of a frame.
pub(super) const START_1: u8 = 0x64;
/// Octets of the header block with its CRC.
pub(super) const HEADER: usize = 10;
/// The least the length octet may say: control, destination and source (clause 9.2.4.1.2).
pub(super) const SHORTEST: u8 = 5;
/// Octets of the longest frame: 250 of user data in 16 blocks.
pub(super) const LONGEST: usize = 292;
/// Most user data of one frame.
pub(super) const MOST_DATA: usize = 250;

/// Octets of a block of user data.
const BLOCK: usize = 16;

/// The CRC of clause 9.2.5: x^16 + x^13 + x^12 + x^11 + x^10 + x^8 + x^6 + x^5 + x^2 + 1, least significant bit first, inverted.
pub(super) fn crc(octets: &[u8]) -> u16 {
    !DNP.over(0, octets)
}

/// Whether the front of `bytes` is a header with a right CRC.
pub(super) fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [START_0, START_1, length, ..] if *length >= SHORTEST)
        && bytes.split_first_chunk::<HEADER>().is_some_and(|(header, _)| is_sound(header))
}

/// Whether the last two octets of a block are the CRC of those before.
fn is_sound(block: &[u8]) -> bool {
    block.split_last_chunk::<2>().is_some_and(|(octets, sum)| crc(octets) == u16::from_le_bytes(*sum))
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets from the control octet on, CRCs not counted.
    pub(super) length: u8,
    /// Direction, primary, frame count and function.
    pub(super) control: u8,
    /// Whom it is for.
    pub(super) destination: u16,
    /// Who sends it.
    pub(super) source: u16,
    /// Whether the CRC of the header is right.
    pub(super) sound: bool,
}

impl Header {
    /// Reads the header block; `None` where there are too few octets or they do not begin a frame.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (header, _) = bytes.split_first_chunk::<HEADER>()?;
        let [START_0, START_1, length, control, d0, d1, s0, s1, _, _] = *header else { return None };
        let destination = u16::from_le_bytes([d0, d1]);
        let source = u16::from_le_bytes([s0, s1]);
        Some(Self { length, control, destination, source, sound: is_sound(header) })
    }

    /// Octets of user data.
    pub(super) fn data(&self) -> usize {
        usize::from(self.length.saturating_sub(SHORTEST))
    }

    /// Octets of the whole frame.
    pub(super) fn total(&self) -> usize {
        HEADER + self.data() + 2 * self.data().div_ceil(BLOCK)
    }

    /// Whether it comes from a master (DIR).
    pub(super) const fn is_of_master(&self) -> bool {
        self.control & 0x80 != 0
    }

    /// Whether it begins a transaction of the link (PRM).
    pub(super) const fn primary(&self) -> bool {
        self.control & 0x40 != 0
    }

    /// The function code, clause 9.2.4.1.3.
    pub(super) const fn function(&self) -> u8 {
        self.control & 0x0f
    }

    /// Whether user data belongs to it.
    pub(super) const fn carries_data(&self) -> bool {
        self.primary() && matches!(self.function(), 3 | 4)
    }

    /// The outstation's address.
    pub(super) const fn outstation(&self) -> u16 {
        if self.is_of_master() { self.destination } else { self.source }
    }

    /// The name of the function, clause 9.2.4.1.3, tables 9-1 and 9-2.
    pub(super) const fn name(&self) -> Option<&'static str> {
        Some(match (self.primary(), self.function()) {
            (true, 0) => "reset link states",
            (true, 1) => "reset user process",
            (true, 2) => "test link states",
            (true, 3) => "confirmed user data",
            (true, 4) => "unconfirmed user data",
            (true, 9) => "request link status",
            (false, 0) => "acknowledge",
            (false, 1) => "not acknowledged",
            (false, 11) => "link status",
            (false, 14) => "link not functioning",
            (false, 15) => "not supported",
            _ => return None,
        })
    }
}

/// The user data of a frame without CRCs; the second number is the first block whose CRC is wrong.
pub(super) fn user_data(frame: &[u8]) -> (heapless::Vec<u8, MOST_DATA>, Option<usize>) {
    let mut data = heapless::Vec::new();
    let blocks = frame.get(HEADER..).unwrap_or_default();
    for (n, block) in blocks.chunks(BLOCK + 2).enumerate() {
        let octets = block.split_last_chunk::<2>().map_or(&[] as &[u8], |(octets, _)| octets);
        if !is_sound(block) {
            return (data, Some(n));
        }
        if data.extend_from_slice(octets).is_err() {
            break;
        }
    }
    (data, None)
}
