//! Puts segments of an APDU together (clause 5.2).

use alloc::vec::Vec;

use crate::{anomaly::Anomaly, message::Direction, telling};

use super::apdu::Apdu;

/// Unfinished APDUs per conversation; at the cap the oldest is forgotten.
pub const MAX_UNFINISHED: usize = 4;
/// Octets of one reassembled APDU.
pub const MAX_REASSEMBLED: usize = 65_536;

/// Whose segments: direction, network and address behind a router, sort of APDU, invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) direction: Direction,
    pub(super) network: u16,
    /// The last octets of the address, which is where stations differ.
    pub(super) station: u64,
    pub(super) kind: u8,
    pub(super) invoke_id: u8,
}

#[derive(Debug)]
struct Unfinished {
    owner: Owner,
    next: u8,
    octets: Vec<u8>,
}

/// The unfinished APDUs of a conversation, oldest first.
#[derive(Debug, Default)]
pub(super) struct Segments(Vec<Unfinished>);

/// What became of a segment.
pub(super) enum Joined {
    /// Others must come.
    Waiting,
    /// It was the last.
    Whole(Vec<u8>),
    /// It does not continue what came, or not within bounds.
    Odd(Anomaly),
}

impl Segments {
    /// Takes a segment.
    pub(super) fn push(&mut self, owner: Owner, apdu: &Apdu<'_>) -> Joined {
        let Some(segment) = apdu.segment else { return Joined::Waiting };
        let place = self.0.iter().position(|unfinished| unfinished.owner == owner);
        if segment.sequence == 0 && place.is_none_or(|at| self.0.get(at).is_some_and(|found| found.next != 0))
        {
            if let Some(at) = place {
                // The first segment again: it is sent anew from the start.
                self.0.remove(at);
            } else if self.0.len() >= MAX_UNFINISHED {
                self.0.remove(0);
            }
            self.0.push(Unfinished { owner, next: 0, octets: Vec::new() });
        }
        let Some(at) = self.0.iter().position(|unfinished| unfinished.owner == owner) else {
            return Joined::Odd(Anomaly::unsupported("segment-without-first", 0, segment.sequence.into()));
        };
        let Some(found) = self.0.get_mut(at) else { return Joined::Waiting };
        if segment.sequence != found.next {
            let (got, expected) = (u64::from(segment.sequence), u64::from(found.next));
            // One sent again is no fault; of one that is missing the sender hears and repeats it.
            let again = found.next.wrapping_sub(segment.sequence) < 128;
            if again {
                return Joined::Waiting;
            }
            return Joined::Odd(Anomaly { expected, ..Anomaly::unsupported("segment-out-of-order", 0, got) });
        }
        let length = found.octets.len() + apdu.parameters.len();
        if length > MAX_REASSEMBLED {
            self.0.remove(at);
            let (got, cap) = (telling::number(length), telling::number(MAX_REASSEMBLED));
            return Joined::Odd(Anomaly::limit("reassembly", 0, got, cap));
        }
        found.octets.extend_from_slice(apdu.parameters);
        found.next = found.next.wrapping_add(1);
        if segment.more { Joined::Waiting } else { Joined::Whole(self.0.remove(at).octets) }
    }

    /// How many APDUs are unfinished.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
