//! How much of a flow was looked at in vain, in a measure that does not depend on how a stream is cut into segments.

use fieldwarden_protocols::Direction;

/// Turns of a stream, or datagrams, looked at in vain before a flow that is on no well-known port is let alone.
const PATIENCE: u8 = 16;

/// Octets of a stream looked at in vain before it is.
const MAX_FRUITLESS_OCTETS: u16 = 24_576;

/// What was looked at in vain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tries {
    /// Turns of a stream, or datagrams.
    turns: u8,
    /// Octets of a stream.
    octets: u16,
    /// Whose turn it was.
    last: Option<Direction>,
    /// Whether octets of the stream were lost meanwhile.
    torn: bool,
}

impl Tries {
    /// Whether nothing was looked at in vain yet.
    pub(super) const fn is_first(self) -> bool {
        self.turns == 0
    }

    /// Whether enough was looked at.
    pub(super) const fn are_over(self) -> bool {
        self.turns >= PATIENCE || self.octets >= MAX_FRUITLESS_OCTETS
    }

    /// Another datagram in vain.
    pub(super) const fn datagram(mut self) -> Self {
        self.turns = self.turns.saturating_add(1);
        self
    }

    /// So many octets of a stream in vain.
    pub(super) fn octets(mut self, direction: Direction, octets: usize) -> Self {
        if self.last.replace(direction) != Some(direction) {
            self.turns = self.turns.saturating_add(1);
        }
        self.octets = self.octets.saturating_add(u16::try_from(octets).unwrap_or(u16::MAX));
        self
    }

    /// Octets of the stream are missing.
    pub(super) const fn tear(&mut self) {
        self.torn = true;
    }

    /// Whether octets of the stream were lost meanwhile.
    pub(super) const fn are_torn(self) -> bool {
        self.torn
    }
}
