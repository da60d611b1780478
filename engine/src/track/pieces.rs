//! Octets that wait for what comes before them: segments of a stream, fragments of a datagram.
//!
//! A later arrival adds the octets not yet there. Where it tells other octets than those already there, that is a conflict,
//! which is told whatever comes of it; which of both counts is for the [`Policy`] to say.

use std::collections::BTreeMap;

use super::policy::{Extent, Policy};

/// Charged for each piece beside its octets, so that a flood of tiny ones meets the cap as well.
const PIECE_OVERHEAD: usize = 64;

/// Octets, where they came from, and the arrival that they are a part of.
#[derive(Debug)]
struct Piece<M> {
    mark: M,
    octets: Box<[u8]>,
    arrival: Extent,
}

/// Non-overlapping octets by position, each with a mark of where they came from.
#[derive(Debug)]
pub(super) struct Pieces<M> {
    pieces: BTreeMap<u64, Piece<M>>,
    charge: usize,
}

/// Whether an arrival contradicts what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// No octet differs.
    Consistent,
    /// Some octet differs.
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
        self.pieces.first_key_value().map(|(at, piece)| (*at, piece.mark))
    }

    /// Takes the piece at the lowest position out.
    pub(super) fn take_first(&mut self) -> Option<(u64, M, Box<[u8]>)> {
        let at = *self.pieces.first_key_value()?.0;
        self.take(at).map(|piece| (at, piece.mark, piece.octets))
    }

    /// The end of the last piece, 0 when there is none.
    pub(super) fn end(&self) -> u64 {
        self.pieces.last_key_value().map_or(0, |(at, piece)| at + piece.octets.len() as u64)
    }

    /// The octets from the lowest position on without a hole, about as many as asked for.
    pub(super) fn front(&self, enough: usize) -> Vec<u8> {
        let mut front = Vec::new();
        let mut reached = None;
        for (at, Piece { octets, .. }) in &self.pieces {
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
        self.pieces.iter().map(|(at, piece)| (*at, &*piece.octets))
    }

    /// Adds those of `octets`, which begin at `at`, that are not yet there, or that the policy prefers.
    pub(super) fn insert(&mut self, at: u64, octets: &[u8], mark: M, policy: impl Policy) -> Overlap {
        let arrival = Extent { begin: at, end: at + octets.len() as u64 };
        let mut overlap = Overlap::Consistent;
        let mut replaced = Vec::new();
        for (begin, piece) in self.touched(arrival) {
            if differ(begin, &piece.octets, at, octets) {
                overlap = Overlap::Conflict;
                if policy.later_counts(piece.arrival, arrival) {
                    replaced.push(begin);
                }
            }
        }
        for begin in replaced {
            self.cut_out(begin, arrival);
        }
        let mut from = at;
        let mut free = Vec::new();
        for (begin, piece) in self.touched(arrival) {
            if begin > from {
                free.push(from..begin);
            }
            from = from.max(begin + piece.octets.len() as u64);
        }
        if from < arrival.end {
            free.push(from..arrival.end);
        }
        for range in free {
            let part = between(at, octets, range.start, range.end);
            self.put(range.start, Piece { mark, octets: part.into(), arrival });
        }
        overlap
    }

    /// The pieces that lie within an extent, or reach into it.
    fn touched(&self, extent: Extent) -> impl Iterator<Item = (u64, &Piece<M>)> {
        // The piece before may reach into it; all others that touch it begin within.
        let start =
            self.pieces.range(..=extent.begin).next_back().map_or(extent.begin, |(before, _)| *before);
        let reaches = move |begin: u64, piece: &Piece<M>| begin + piece.octets.len() as u64 > extent.begin;
        let within = self.pieces.range(start..extent.end.max(start));
        within.filter(move |(begin, piece)| reaches(**begin, piece)).map(|(begin, piece)| (*begin, piece))
    }

    /// Removes what of the piece at `begin` lies within an extent.
    fn cut_out(&mut self, begin: u64, extent: Extent) {
        let Some(piece) = self.take(begin) else { return };
        let stop = begin + piece.octets.len() as u64;
        for (from, to) in [(begin, extent.begin.min(stop)), (extent.end.max(begin), stop)] {
            if from < to {
                let octets = between(begin, &piece.octets, from, to).into();
                self.put(from, Piece { mark: piece.mark, octets, arrival: piece.arrival });
            }
        }
    }

    fn put(&mut self, at: u64, piece: Piece<M>) {
        self.charge += piece.octets.len() + PIECE_OVERHEAD;
        self.pieces.insert(at, piece);
    }

    fn take(&mut self, at: u64) -> Option<Piece<M>> {
        let piece = self.pieces.remove(&at)?;
        self.charge = self.charge.saturating_sub(piece.octets.len() + PIECE_OVERHEAD);
        Some(piece)
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
