//! One direction of a TCP stream, kept small: what every in-order segment touches fits one cache line, and what only
//! trouble needs lies behind a pointer that is empty while there is none.

use core::hash::{BuildHasher, Hasher};

use fieldwarden_model::{FrameRef, Timestamp};

use super::pieces::{Pieces, between};
use crate::map::Seed;

/// Retransmissions are compared with this many of the last segments delivered in each direction.
const RECENT: usize = 4;

/// Where and when a waiting piece came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) frame: FrameRef,
    pub(super) time: Timestamp,
}

/// What is remembered only of a direction in which something is out of order, or that has ended.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// What waits behind a hole.
    pub(super) waiting: Pieces<Mark>,
    /// What of `waiting` the tracker's total knows.
    pub(super) charged: usize,
    /// When the hole is given up, with the serial number under which the tracker knows that.
    pub(super) deadline: Option<(Timestamp, u64)>,
    /// Position of the FIN.
    pub(super) end: Option<u64>,
    /// Whether octets after the FIN were told already.
    pub(super) told_after_end: bool,
    /// Segments outside the window, until it shows whether the receiver took them.
    pub(super) strays: Vec<Stray>,
}

/// A segment outside the window.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) sequence: u32,
    pub(super) mark: Mark,
    pub(super) octets: Box<[u8]>,
}

/// One direction of a TCP stream.
///
/// Positions are sequence numbers unwrapped to 64 bits: the low half of a position is its sequence number.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Position of the next octet to deliver.
    pub(super) position: u64,
    /// Position up to which the other side acknowledged.
    pub(super) acknowledged: u64,
    trouble: Option<Box<Trouble>>,
    /// Hashes of the octets of the last segments delivered; 0 for octets that were not seen. Each segment ends where the
    /// next later one begins, the last one at `position`.
    hashes: [u32; RECENT],
    /// Their lengths.
    lengths: [u16; RECENT],
    /// First sequence number of data: the one after the SYN, or of the first octets seen. Before that, what the other
    /// side said it expects.
    first: u32,
    /// First sequence number beyond the window, as far as the other side ever opened it.
    edge: u32,
    next: u8,
    /// Shift of the windows it advertises.
    scale: Scale,
    /// The highest time to live of its segments with data.
    pub(super) ttl: u8,
    /// What was noted, a bit each.
    noted: u8,
    /// Whether the first sequence number is known.
    pub(super) synchronised: bool,
    /// Whether the position is where handing on begins. Picked up in the middle, it may yet turn out to be earlier.
    pub(super) anchored: bool,
    /// Whether `first` is what the other side expects.
    expected: bool,
}

/// The largest shift there is (RFC 7323 clause 2.3).
const MAX_SHIFT: u8 = 14;

/// Octets this far behind are no retransmission, however late.
const FAR_BEHIND: u32 = 16 << 20;

/// Something noted once about a direction.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Noted {
    /// A checksum was right: the capture shows sums as they were sent.
    Sums = 1,
    /// No checksum was right so far, and that was told.
    SumsUnverified = 2,
    /// A time to live too low was told.
    TimeToLive = 4,
    /// Urgent data was told.
    Urgent = 8,
    /// A checksum was right after wrong ones.
    RightOnce = 16,
}

/// One of the wrong checksums since then, of which the notes count this many times.
const WRONG_SINCE: u8 = 32;
const MOST_WRONG_SINCE: u8 = 0b1110_0000;

/// Shift of the windows that a side advertises (RFC 7323 clause 2.3), where its SYN was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scale {
    /// Its SYN was not seen.
    #[default]
    Unknown,
    /// Its SYN did not offer scaling, so neither side scales.
    None,
    /// At most 14.
    By(u8),
}

/// Where positions begin: room below for what comes before the first octet seen.
const ORIGIN: u64 = 1 << 32;

impl Half {
    /// Begins, or begins anew, at a sequence number.
    pub(super) fn synchronise(&mut self, sequence: u32) {
        if !self.synchronised {
            self.first = sequence;
            self.expected = false;
        }
        self.synchronised = true;
        // Positions only grow, so that nothing delivered before can be mistaken for what comes now.
        self.position = ((self.position.max(ORIGIN) + ORIGIN) & !(ORIGIN - 1)) + u64::from(sequence);
        self.acknowledged = self.position;
        self.lengths = [0; RECENT];
        if let Some(trouble) = &mut self.trouble {
            trouble.end = None;
        }
    }

    /// Its SYN was seen, with this window scale option.
    pub(super) fn open(&mut self, shift: Option<u8>) {
        self.scale = shift.map_or(Scale::None, |shift| Scale::By(shift.min(MAX_SHIFT)));
        self.edge = self.first;
    }

    /// Notes something; whether it was noted before.
    pub(super) const fn note(&mut self, what: Noted) -> bool {
        let before = self.has_noted(what);
        self.noted |= what as u8;
        before
    }

    /// Another checksum was wrong: after eight of them it is forgotten that one was right.
    pub(super) const fn wrong_again(&mut self) {
        if !self.has_noted(Noted::RightOnce) {
            return;
        }
        if self.noted & MOST_WRONG_SINCE == MOST_WRONG_SINCE {
            self.noted &= !(MOST_WRONG_SINCE | Noted::RightOnce as u8);
        } else {
            self.noted += WRONG_SINCE;
        }
    }

    /// Whether something was noted.
    pub(super) const fn has_noted(&self, what: Noted) -> bool {
        self.noted & what as u8 != 0
    }

    /// The shift of windows that `receiver` advertises to this side; `None` where either SYN was not seen.
    fn shift(&self, receiver: Scale) -> Option<u8> {
        match (self.scale, receiver) {
            (Scale::Unknown, _) | (_, Scale::Unknown) => None,
            (Scale::By(_), Scale::By(shift)) => Some(shift),
            _ => Some(0),
        }
    }

    /// The shift of the windows it advertises.
    pub(super) const fn scale(&self) -> Scale {
        self.scale
    }

    /// The other side takes `window` octets, scaled as its SYN said, from `acknowledgement` on.
    pub(super) fn open_window(&mut self, receiver: Scale, acknowledgement: u32, window: u16) {
        if let Some(shift) = self.shift(receiver) {
            let edge = acknowledgement.wrapping_add(u32::from(window) << shift);
            if edge.wrapping_sub(self.edge).cast_signed() > 0 {
                self.edge = edge;
            }
        }
    }

    /// Whether octets from `sequence` on lie outside any window that the receiver can have had. Acknowledgements that the
    /// mirror lost or shows late may have opened it further, so as much again as it was open is let pass; and once
    /// octets beyond the edge were in order, what was seen of it is too old to judge by.
    pub(super) fn is_outside(&self, receiver: Scale, sequence: u32) -> bool {
        if self.shift(receiver).is_none() || !self.anchored {
            return false;
        }
        let edge = self.position_of(self.edge);
        let leeway = edge.saturating_sub(self.acknowledged);
        edge > self.position && {
            let ahead = sequence.wrapping_sub(self.sequence()).cast_signed();
            let allowed = edge + leeway - self.position;
            u64::try_from(ahead).map_or(ahead.unsigned_abs() > FAR_BEHIND, |ahead| ahead > allowed)
        }
    }

    /// Whether a SYN after which data begins at `sequence` may be that of this stream; `None` when nothing tells.
    pub(super) fn opened_at(&self, sequence: u32) -> Option<bool> {
        (self.is_opened() || self.synchronised).then_some(self.first == sequence)
    }

    /// Whether nothing waits, has ended or is odd in any other way.
    pub(super) const fn is_calm(&self) -> bool {
        self.trouble.is_none()
    }

    /// Whether all octets before an acknowledgement were handed on, and nobody acknowledged others.
    pub(super) fn has_delivered(&self, acknowledgement: u32) -> bool {
        let behind = self.sequence().wrapping_sub(acknowledgement);
        self.synchronised && behind <= FAR_BEHIND && self.acknowledged <= self.position
    }

    /// Whether its SYN was seen.
    pub(super) fn is_opened(&self) -> bool {
        self.scale != Scale::Unknown
    }

    /// What the other side expected next before anything was heard of this one.
    pub(super) fn expected(&self) -> Option<u32> {
        self.expected.then_some(self.first)
    }

    /// The other side expects this sequence number of one that was not heard yet.
    pub(super) const fn expect(&mut self, sequence: u32) {
        if !self.synchronised {
            (self.first, self.expected) = (sequence, true);
        }
    }

    /// The sequence number of the next octet.
    pub(super) fn sequence(&self) -> u32 {
        u32::try_from(self.position & 0xffff_ffff).unwrap_or(0)
    }

    /// The position of a sequence number, within 2^31 of the next one (they count modulo 2^32, RFC 9293 clause 3.4).
    pub(super) fn position_of(&self, sequence: u32) -> u64 {
        self.position.wrapping_add_signed(i64::from(sequence.wrapping_sub(self.sequence()).cast_signed()))
    }

    /// How far a sequence number lies from the next one, either way.
    pub(super) fn distance(&self, sequence: u32) -> u32 {
        sequence.wrapping_sub(self.sequence()).cast_signed().unsigned_abs()
    }

    /// Handing on begins here.
    pub(super) const fn anchor(&mut self, position: u64) {
        self.anchored = true;
        self.position = position;
    }

    /// Moves on to a later position past octets that were not seen, or that nobody looks at.
    pub(super) fn advance_to(&mut self, position: u64) {
        let by = position.saturating_sub(self.position);
        self.position += by;
        self.remember(UNSEEN, by);
    }

    /// Moves on past delivered octets, remembered to hold retransmissions against them.
    pub(super) fn deliver(&mut self, seed: Seed, octets: &[u8]) {
        let length = octets.len() as u64;
        self.position += length;
        self.remember(hash(seed, octets), length);
    }

    fn remember(&mut self, hash: u32, length: u64) {
        let Ok(length) = u16::try_from(length) else {
            // Longer than a packet: nothing before it is sent again.
            self.lengths = [0; RECENT];
            return;
        };
        let at = usize::from(self.next) % RECENT;
        if let (Some(own), Some(room)) = (self.hashes.get_mut(at), self.lengths.get_mut(at)) {
            (*own, *room) = (hash, length);
        }
        self.next = self.next.wrapping_add(u8::from(length != 0));
    }

    /// Whether octets sent again differ from those delivered, as far as whole segments delivered lately can tell.
    pub(super) fn contradicts(&self, seed: Seed, position: u64, octets: &[u8]) -> bool {
        let end = position + octets.len() as u64;
        let mut stop = self.position;
        (1..=RECENT).any(|back| {
            let at = usize::from(self.next).wrapping_sub(back) % RECENT;
            let kept = self.hashes.get(at).zip(self.lengths.get(at));
            let (hash_then, length) = kept.map_or((UNSEEN, 0), |(hash, length)| (*hash, u64::from(*length)));
            let last = stop;
            stop = stop.saturating_sub(length);
            let whole = stop < last && stop >= position && last <= end;
            whole && hash_then != UNSEEN && hash(seed, between(position, octets, stop, last)) != hash_then
        })
    }

    /// What waits behind a hole, and what else is not plain.
    pub(super) fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    /// The same, where there is any.
    pub(super) fn trouble_if_any(&mut self) -> Option<&mut Trouble> {
        self.trouble.as_deref_mut()
    }

    /// Forgets what waits.
    pub(super) fn drop_waiting(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.waiting = Pieces::default();
        }
    }

    /// Gives the room for trouble back once there is none, so that a healed stream is as small as before.
    pub(super) fn settle(&mut self) {
        if self.trouble.as_ref().is_some_and(|t| {
            t.waiting.is_empty()
                && t.charged == 0
                && t.deadline.is_none()
                && t.end.is_none()
                && !t.told_after_end
                && t.strays.is_empty()
        }) {
            self.trouble = None;
        }
    }

    /// The lowest position that waits behind a hole, and where it came from.
    pub(super) fn first_waiting(&self) -> Option<(u64, Mark)> {
        self.trouble.as_ref()?.waiting.first()
    }

    /// Takes out the piece that waits at the lowest position.
    pub(super) fn take_first(&mut self) -> Option<(u64, Mark, Box<[u8]>)> {
        self.trouble.as_mut()?.waiting.take_first()
    }

    /// Whether segments outside the window are kept.
    pub(super) fn has_strays(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| !trouble.strays.is_empty())
    }

    /// Takes out the segments outside the window.
    pub(super) fn take_strays(&mut self) -> Vec<Stray> {
        self.trouble.as_mut().map(|trouble| core::mem::take(&mut trouble.strays)).unwrap_or_default()
    }

    /// Position of the FIN, where one was seen.
    pub(super) fn end(&self) -> Option<u64> {
        self.trouble.as_ref()?.end
    }

    /// Octets held beyond its own size.
    pub(super) fn memory(&self) -> usize {
        self.trouble.as_ref().map_or(0, |trouble| {
            let strays: usize =
                trouble.strays.iter().map(|stray| size_of::<Stray>() + stray.octets.len()).sum();
            size_of::<Trouble>() + trouble.waiting.charge() + strays
        })
    }
}

/// Stands for the hash of octets that were not seen.
const UNSEEN: u32 = 0;

/// Seeded, so that nobody can craft other octets of the same hash.
fn hash(seed: Seed, octets: &[u8]) -> u32 {
    let mut hasher = seed.build_hasher();
    hasher.write(octets);
    u32::try_from(hasher.finish() >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Half;

    #[test]
    fn what_an_in_order_segment_touches_is_one_cache_line() {
        assert!(size_of::<Half>() <= 64, "{} octets", size_of::<Half>());
    }
}
