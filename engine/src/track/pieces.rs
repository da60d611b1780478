//! Octets that wait for what comes before them: segments of a stream, fragments of a datagram.
//!
//! Policy: what arrived first stays. A later arrival adds only the octets not yet there; where it tells other octets than
//! those already there, that is a conflict, which is told and changes nothing.

use std::collections::BTreeMap;

/// Charged for each piece beside its octets, so that a flood of tiny ones meets the cap as well.
const PIECE_OVERHEAD: usize = 64;

/// Non-overlapping octets by position, each with a mark of where they came from.
#[derive(Debug)]
pub(super) struct Pieces<M> {
    pieces: BTreeMap<u64, (M, Box<[u8]>)>,
    charge: usize,
}

/// Whether an arrival contradicts what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// No octet differs.
    Consistent,
    /// Some octet differs; the earlier one stays.
    Conflict,
}

impl<M> Default for Pieces<M> {
    fn default() -> Self {
        Self { pieces: BTreeMap::new(), charge: 0 }
    }
}

impl<M: Copy> Pieces<M> {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many pieces there are.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Octets kept, with the overhead of each piece.
    pub(super) const fn charge(&self) -> usize {
        self.charge
    }

    /// The lowest position kept and its mark.
    pub(super) fn first(&self) -> Option<(u64, M)> {
        self.pieces.first_key_value().map(|(at, (mark, _))| (*at, *mark))
    }

    /// Takes the piece at the lowest position out.
    pub(super) fn take_first(&mut self) -> Option<(u64, M, Box<[u8]>)> {
        let (at, (mark, octets)) = self.pieces.pop_first()?;
        self.charge = self.charge.saturating_sub(octets.len() + PIECE_OVERHEAD);
        Some((at, mark, octets))
    }

    /// The end of the last piece, 0 when there is none.
    pub(super) fn end(&self) -> u64 {
        self.pieces.last_key_value().map_or(0, |(at, (_, octets))| at + octets.len() as u64)
    }

    /// The octets from the lowest position on without a hole, about as many as asked for.
    pub(super) fn front(&self, enough: usize) -> Vec<u8> {
        let mut front = Vec::new();
        let mut reached = None;
        for (at, (_, octets)) in &self.pieces {
            if reached.is_some_and(|reached| reached != *at) || front.len() >= enough {
                break;
            }
            front.extend_from_slice(octets);
            reached = Some(at + octets.len() as u64);
        }
        front
    }

    /// All pieces by position.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pieces.iter().map(|(at, (_, octets))| (*at, &**octets))
    }

    /// Adds those of `octets`, which begin at `at`, that are not yet there.
    pub(super) fn insert(&mut self, at: u64, octets: &[u8], mark: M) -> Overlap {
        let mut overlap = Overlap::Consistent;
        let end = at + octets.len() as u64;
        let mut from = at;
        // The piece before may reach into the new one; all others that touch it begin within.
        let start = self.pieces.range(..=at).next_back().map_or(at, |(before, _)| *before);
        let mut free = Vec::new();
        for (begin, (_, there)) in self.pieces.range(start..end) {
            let stop = begin + there.len() as u64;
            if stop <= at {
                continue;
            }
            if *begin > from {
                free.push(from..*begin);
            }
            if differ(*begin, there, at, octets) {
                overlap = Overlap::Conflict;
            }
            from = from.max(stop);
        }
        if from < end {
            free.push(from..end);
        }
        for range in free {
            let part = between(at, octets, range.start, range.end);
            self.charge += part.len() + PIECE_OVERHEAD;
            self.pieces.insert(range.start, (mark, part.into()));
        }
        overlap
    }
}

/// Whether two runs of octets tell different content where they overlap.
pub(super) fn differ(at: u64, octets: &[u8], other_at: u64, other: &[u8]) -> bool {
    let from = at.max(other_at);
    let to = (at + octets.len() as u64).min(other_at + other.len() as u64);
    from < to && between(at, octets, from, to) != between(other_at, other, from, to)
}

/// The part of `octets`, which begin at `at`, from `from` to before `to`.
pub(super) fn between(at: u64, octets: &[u8], from: u64, to: u64) -> &[u8] {
    let index = |position: u64| usize::try_from(position.saturating_sub(at)).unwrap_or(usize::MAX);
    octets.get(index(from).min(octets.len())..index(to).min(octets.len())).unwrap_or_default()
}
