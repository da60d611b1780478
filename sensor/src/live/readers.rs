//! Reading the rings of one interface: block by block within a ring, by time between rings.
//!
//! A frame that another ring has yet to hand over may be earlier than the earliest at hand. The kernel holds no frame
//! back for longer than [`HOLD_MILLIS`], so that behind [`MAX_HELD`] since a block was first seen, every frame that is
//! earlier than those in it can be seen too. Until then the block waits, unless every ring has a frame to compare. Clocks
//! are read once a block at most, never for a frame.

use std::time::{Duration, Instant};

use fieldwarden_model::time::Timestamp;

use super::open::HOLD_MILLIS;
use crate::{
    ring::{self, Cursor, Packet},
    sys::Ring,
};

/// How long a block waits at most for earlier frames of other rings.
const MAX_HELD: Duration = Duration::from_millis(HOLD_MILLIS as u64 * 4);

/// Where reading one ring stands.
#[derive(Debug, Default)]
struct Reader {
    /// The block at hand.
    block: usize,
    cursor: Option<Cursor>,
    /// Blocks before the one at hand that were read to their end and not given back yet.
    spent: usize,
    /// The next frame.
    head: Option<Packet>,
    /// When the block at hand was first seen; none once it need not wait any more.
    seen: Option<Instant>,
    /// Whether the kernel says that it lost frames before the block at hand.
    is_losing: bool,
    /// Frames that could not be found in their block.
    unfound: u64,
}

impl Reader {
    /// Finds the next frame, unless it is known.
    fn look(&mut self, ring: &Ring, alone: bool) {
        while self.head.is_none() && self.spent < ring.blocks() {
            let Some(block) = ring.block(self.block) else { return };
            let cursor = self.cursor.get_or_insert_with(|| {
                self.is_losing |= ring::is_losing(block);
                self.seen = if alone { None } else { Some(Instant::now()) };
                Cursor::begin(block)
            });
            self.head = cursor.next(block);
            if self.head.is_none() {
                // Frames that cannot be found in their block are lost like any other.
                self.unfound += u64::from(cursor.left());
                self.cursor = None;
                self.spent += 1;
                self.block = (self.block + 1) % ring.blocks();
            }
        }
    }

    fn give_back(&mut self, ring: &mut Ring) {
        while self.spent > 0 {
            ring.release((self.block + ring.blocks() - self.spent) % ring.blocks());
            self.spent -= 1;
        }
    }

    /// How long the block at hand has to wait yet.
    fn waits(&mut self) -> Duration {
        let waits = self.seen.map_or(Duration::ZERO, |seen| MAX_HELD.saturating_sub(seen.elapsed()));
        if waits.is_zero() {
            self.seen = None;
        }
        waits
    }
}

/// The readers of all rings of an interface.
#[derive(Debug)]
pub(super) struct Readers {
    readers: Vec<Reader>,
}

/// Where the next frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// In this ring, with this time.
    Ring(usize, Timestamp),
    /// There is one, but an earlier one may come within so long.
    Wait(Duration),
    /// No ring has any.
    Nothing,
}

impl Readers {
    pub(super) fn new(rings: usize) -> Self {
        Self { readers: (0..rings).map(|_| Reader::default()).collect() }
    }

    /// Gives the blocks that were read to their end back to the kernel.
    pub(super) fn give_back(&mut self, rings: &mut [Ring]) {
        for (reader, ring) in self.readers.iter_mut().zip(rings) {
            reader.give_back(ring);
        }
    }

    /// Where the next frame is; ties in the order of the rings.
    pub(super) fn choose(&mut self, rings: &[Ring]) -> Choice {
        let alone = self.readers.len() == 1;
        let (mut first, mut some_lack): (Option<(usize, Timestamp)>, bool) = (None, false);
        for (index, (reader, ring)) in self.readers.iter_mut().zip(rings).enumerate() {
            reader.look(ring, alone);
            match &reader.head {
                Some(head) if first.is_none_or(|(_, time)| head.time < time) => {
                    first = Some((index, head.time))
                }
                Some(_) => {}
                None => some_lack = true,
            }
        }
        let Some((index, time)) = first else { return Choice::Nothing };
        if some_lack && let Some(reader) = self.readers.get_mut(index) {
            let waits = reader.waits();
            if !waits.is_zero() {
                return Choice::Wait(waits);
            }
        }
        Choice::Ring(index, time)
    }

    /// Takes the next frame of a ring, with its block.
    pub(super) fn take<'a>(&mut self, index: usize, rings: &'a [Ring]) -> Option<(Packet, &'a [u8])> {
        let (reader, ring) = (self.readers.get_mut(index)?, rings.get(index)?);
        reader.head.take().zip(ring.block(reader.block))
    }

    /// The rings that have no frame at hand: those worth waiting for.
    pub(super) fn lacking(&self) -> impl Iterator<Item = bool> {
        self.readers.iter().map(|reader| reader.head.is_none())
    }

    /// Whether the kernel says of a block at hand that frames were lost before it.
    pub(super) fn is_losing(&self) -> bool {
        self.readers.iter().any(|reader| reader.is_losing)
    }

    /// The counters are asked: forgets that frames were lost, and how many could not be found in their blocks.
    pub(super) fn asked(&mut self) -> u64 {
        let mut unfound = 0;
        for reader in &mut self.readers {
            reader.is_losing = false;
            unfound += std::mem::take(&mut reader.unfound);
        }
        unfound
    }
}
