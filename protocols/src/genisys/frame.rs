//! Frames: header, escaped octets, CRC, end.

use crate::crc::ARC;
use crate::framed::Extent;

/// What ends a frame.
const END: u8 = 0xf6;
/// What stands before the difference of an octet to f0.
const ESCAPE: u8 = 0xf0;
/// Octets of the longest frame: 256 pairs, all escaped, and the rest.
pub(super) const LONGEST: usize = 1_040;
/// Octets of the longest frame without escapes, header and end.
const MOST: usize = 516;

pub(super) const ACKNOWLEDGE_CLIENT: u8 = 0xf1;
pub(super) const INDICATION: u8 = 0xf2;
pub(super) const CHECKBACK: u8 = 0xf3;
pub(super) const COMMON_CONTROL: u8 = 0xf9;
pub(super) const ACKNOWLEDGE: u8 = 0xfa;
pub(super) const POLL: u8 = 0xfb;
pub(super) const CONTROL: u8 = 0xfc;
pub(super) const RECALL: u8 = 0xfd;
pub(super) const EXECUTE: u8 = 0xfe;

/// A frame, its escapes undone.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// What it is.
    pub(super) header: u8,
    /// Server, then data; without the CRC.
    octets: heapless::Vec<u8, MOST>,
    /// The CRC, where there is one.
    pub(super) told: Option<u16>,
}

/// Whether a header is one that the code line knows.
const fn is_known(header: u8) -> bool {
    matches!(header, ACKNOWLEDGE_CLIENT..=CHECKBACK | COMMON_CONTROL..=EXECUTE)
}

/// Whether an octet may be a header: neither an end nor an escape.
const fn is_header(octet: u8) -> bool {
    matches!(octet, ACKNOWLEDGE_CLIENT..=EXECUTE) && octet != END
}

/// How long the frame at the front of `bytes` is. The CRC is not escaped by every station, so an end mark may be part of it:
/// where the CRC before the first one is wrong, one of the two octets behind may be the end.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    let Some((header, rest)) = bytes.split_first() else { return Extent::Need(1) };
    if !is_header(*header) {
        return Extent::No;
    }
    for (at, octet) in rest.iter().enumerate() {
        match *octet {
            // A frame has a server at least.
            END if at > 0 => return end(bytes, at + 2),
            ESCAPE if at + 2 < LONGEST => {}
            // Not escaped, so of a CRC: the end is near.
            0xf0.. if rest.get(at + 1..at + 3).is_some_and(|next| !next.contains(&END)) => return Extent::No,
            _ if at + 2 >= LONGEST => return Extent::No,
            _ => {}
        }
    }
    Extent::Need(bytes.len() + 1)
}

/// The end of a frame whose first end mark makes it `length` octets long.
fn end(bytes: &[u8], length: usize) -> Extent {
    let read = |length: usize| {
        let frame = bytes.get(..length).filter(|frame| frame.last() == Some(&END))?;
        Frame::read(frame)
    };
    let bare = length == 3 && bytes.first() == Some(&ACKNOWLEDGE_CLIENT);
    let sound = |length: &usize| read(*length).is_some_and(|frame| frame.is_sound() == Some(true));
    if bare || sound(&length) {
        return Extent::Whole(length);
    }
    match [length + 1, length + 2].into_iter().find(sound) {
        Some(longer) => Extent::Whole(longer),
        None if bytes.len() < length + 2 => Extent::Need(bytes.len() + 1),
        // Of an unknown header only a right CRC makes a frame.
        None if read(length).is_some_and(|frame| is_known(frame.header)) => Extent::Whole(length),
        None => Extent::No,
    }
}

/// The CRC: x^16 + x^15 + x^2 + 1, least significant bit first, from ffff on, over what was escaped.
fn crc(sum: u16, octet: u8) -> u16 {
    ARC.step(sum, octet)
}

/// Undoes escapes; `None` where one is broken.
fn unescape(escaped: &[u8]) -> Option<heapless::Vec<u8, MOST>> {
    let mut octets = heapless::Vec::new();
    let mut escape = false;
    for octet in escaped {
        match (escape, *octet) {
            (true, 0..=0x0f) => octets.push(ESCAPE | octet).ok()?,
            (false, ESCAPE) => {}
            (false, 0..ESCAPE) => octets.push(*octet).ok()?,
            _ => return None,
        }
        escape = !escape && *octet == ESCAPE;
    }
    (!escape).then_some(octets)
}

impl Frame {
    /// Reads a whole frame; `None` where an escape is broken. The CRC may be escaped or not.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let (header, rest) = frame.split_first()?;
        let (_, escaped) = rest.split_last()?;
        let plain = escaped.split_last_chunk::<2>().and_then(|(data, sum)| {
            let octets = unescape(data).filter(|octets| !octets.is_empty())?;
            Some(Self { header: *header, octets, told: Some(u16::from_le_bytes(*sum)) })
        });
        if let Some(frame) = plain.as_ref().filter(|frame| frame.is_sound() == Some(true)) {
            return Some(frame.clone());
        }
        let mut octets = unescape(escaped).filter(|octets| !octets.is_empty())?;
        let mut told = None;
        if octets.len() >= 3 {
            let (high, low) = (octets.pop()?, octets.pop()?);
            told = Some(u16::from_be_bytes([high, low]));
        }
        Some(Self { header: *header, octets, told })
    }

    /// The CRC it should have.
    pub(super) fn reckoned(&self) -> u16 {
        self.octets.iter().fold(crc(0xffff, self.header), |sum, octet| crc(sum, *octet))
    }

    /// Whether its CRC is right; `None` where it has none.
    pub(super) fn is_sound(&self) -> Option<bool> {
        self.told.map(|told| told == self.reckoned())
    }

    /// The server asked, or that answers.
    pub(super) fn server(&self) -> u8 {
        self.octets.first().copied().unwrap_or(0)
    }

    /// Pairs of address and value.
    pub(super) fn data(&self) -> &[u8] {
        self.octets.get(1..).unwrap_or_default()
    }
}
