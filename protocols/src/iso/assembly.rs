//! Joins the data units of one transport service data unit.

use alloc::vec::Vec;

use crate::message::Direction;

/// The longest service data unit that is put together; beyond it the pieces are dropped and an anomaly tells so. The
/// largest S7 PDU length that is negotiated in practice is 960 octets, MMS goes to 64 KiB.
pub const MAX_TSDU: usize = 65_536;

/// What one more piece made.
#[derive(Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// A unit that one piece held whole: borrowed, not copied.
    Whole(&'a [u8]),
    /// A unit put together from several pieces.
    Joined(Vec<u8>),
    /// More pieces follow, and this one is kept.
    Waiting,
    /// Nothing is kept: an empty piece, or one of a unit that is too long.
    Nothing,
    /// The unit is longer than [`MAX_TSDU`]: this many octets so far, all dropped. Told once per unit.
    TooLong(usize),
}

/// The pieces that wait in each direction.
#[derive(Debug, Default)]
pub struct Assembly {
    to_server: Pieces,
    to_client: Pieces,
}

#[derive(Debug, Default)]
enum Pieces {
    #[default]
    None,
    Some(Vec<u8>),
    Skipping,
}

impl Assembly {
    /// Takes one piece; `last` says whether it ends its unit.
    pub fn push<'a>(&mut self, direction: Direction, piece: &'a [u8], last: bool) -> Unit<'a> {
        let pieces = self.pieces(direction);
        match core::mem::take(pieces) {
            Pieces::None if last => Unit::Whole(piece),
            // An empty unfinished piece carries nothing: peers send it to keep a connection alive.
            Pieces::None if piece.is_empty() => Unit::Nothing,
            Pieces::None => Self::wait(pieces, piece.to_vec(), last),
            Pieces::Some(mut joined) => {
                joined.extend_from_slice(piece);
                Self::wait(pieces, joined, last)
            }
            Pieces::Skipping => {
                if !last {
                    *pieces = Pieces::Skipping;
                }
                Unit::Nothing
            }
        }
    }

    /// Forgets what waits in one direction.
    pub fn forget(&mut self, direction: Direction) {
        *self.pieces(direction) = Pieces::None;
    }

    fn wait<'a>(pieces: &mut Pieces, joined: Vec<u8>, last: bool) -> Unit<'a> {
        if joined.len() > MAX_TSDU {
            if !last {
                *pieces = Pieces::Skipping;
            }
            return Unit::TooLong(joined.len());
        }
        if last {
            return Unit::Joined(joined);
        }
        *pieces = Pieces::Some(joined);
        Unit::Waiting
    }

    const fn pieces(&mut self, direction: Direction) -> &mut Pieces {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}
