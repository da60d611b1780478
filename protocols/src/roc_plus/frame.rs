//! Frames: addresses, opcode, data that say their length, CRC (RP 1.2).

use super::opcode;
use crate::crc::ARC;
use crate::framed::Extent;

/// Octets around the data.
pub(super) const AROUND: usize = 8;
/// Octets of the longest frame.
pub(super) const LONGEST: usize = AROUND + 255;

/// A frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// What the CRC is of.
    summed: &'a [u8],
    /// Unit and group it goes to.
    pub(super) to: (u8, u8),
    /// Unit and group it comes from.
    pub(super) from: (u8, u8),
    /// What it is.
    pub(super) opcode: u8,
    /// Its data.
    pub(super) data: &'a [u8],
    /// Its CRC.
    pub(super) told: u16,
}

/// How long the frame at the front of `bytes` is. No frame is one of an unknown opcode whose CRC is wrong.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    let [_, _, _, _, function, octets, ..] = bytes else { return Extent::Need(AROUND) };
    let length = AROUND + usize::from(*octets);
    match bytes.get(..length).and_then(Frame::read) {
        None => Extent::Need(length),
        Some(frame) if opcode::name(*function).is_some() || frame.is_sound() => Extent::Whole(length),
        Some(_) => Extent::No,
    }
}

/// The CRC: x^16 + x^15 + x^2 + 1, least significant bit first, from ffff on.
fn crc(octets: &[u8]) -> u16 {
    ARC.over(u16::MAX, octets)
}

impl<'a> Frame<'a> {
    /// Reads a whole frame.
    pub(super) fn read(frame: &'a [u8]) -> Option<Self> {
        let (summed, told) = frame.split_last_chunk::<2>()?;
        let [to, to_group, from, from_group, opcode, octets, data @ ..] = summed else { return None };
        (data.len() == usize::from(*octets)).then_some(Self {
            summed,
            to: (*to, *to_group),
            from: (*from, *from_group),
            opcode: *opcode,
            data,
            told: u16::from_le_bytes(*told),
        })
    }

    /// The CRC it should have.
    pub(super) fn reckoned(&self) -> u16 {
        crc(self.summed)
    }

    /// Whether its CRC is right.
    pub(super) fn is_sound(&self) -> bool {
        self.told == self.reckoned()
    }

    /// Whether it may be a frame of Modbus RTU, which has the same CRC: a request of six octets, or an answer that says its
    /// length in the third.
    pub(super) fn may_be_modbus(&self) -> bool {
        let (function, octets) = (self.to.1, usize::from(self.from.0));
        self.data.is_empty()
            || matches!(function, 1..=4 | 12 | 17 | 20 | 21 | 23) && octets + 3 == self.summed.len()
    }
}
