//! Messages of which only the front is looked at: what lies behind it may be as long as it likes and is passed over, so that a
//! file in transfer is never kept.

use crate::{
    dissector::{Session, Step},
    message::{Direction, Sink},
};

/// What the front of a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// The message is told by its first `front` octets, and `whole` octets long in all.
    Of { front: usize, whole: u64 },
    /// More must be there: so many octets, or one more than there are.
    Need(usize),
    /// No message begins here.
    No,
}

/// A protocol of such messages.
pub(crate) trait Fronted: Send {
    /// What the front of `bytes` says.
    fn front(&mut self, direction: Direction, bytes: &[u8]) -> Front;

    /// Tells the front of a message.
    fn tell(&mut self, direction: Direction, front: &[u8], sink: &mut dyn Sink);

    /// Octets are missing.
    fn gap(&mut self, _: Direction) {}

    /// Whether `bytes` look like the front of a message.
    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool;
}

/// The session of a [`Fronted`] protocol.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fronts<F> {
    protocol: F,
    /// Octets of the message last told that are yet to come.
    left: [u64; 2],
}

impl<F> Fronts<F> {
    pub(crate) const fn new(protocol: F) -> Self {
        Self { protocol, left: [0; 2] }
    }

    const fn left(&mut self, direction: Direction) -> &mut u64 {
        let [to_server, to_client] = &mut self.left;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

impl<F: Fronted> Session for Fronts<F> {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let left = self.left(direction);
        if *left > 0 {
            let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            *left -= super::count(passed);
            return Step::Consumed(passed);
        }
        match self.protocol.front(direction, bytes) {
            Front::Of { front, whole } => match bytes.get(..front.max(1)) {
                Some(octets) => {
                    self.protocol.tell(direction, octets, sink);
                    *self.left(direction) = whole.saturating_sub(super::count(octets.len()));
                    Step::Consumed(octets.len())
                }
                None => Step::Need(front),
            },
            Front::Need(octets) => Step::Need(octets.max(bytes.len() + 1)),
            Front::No => Step::Lost,
        }
    }

    fn gap(&mut self, direction: Direction) {
        *self.left(direction) = 0;
        self.protocol.gap(direction);
    }

    fn resynchronise(&self, direction: Direction, bytes: &[u8]) -> Option<usize> {
        (0..bytes.len()).find(|at| bytes.get(*at..).is_some_and(|rest| self.protocol.begins(direction, rest)))
    }
}
