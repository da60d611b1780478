//! Requests that wait for their answer (IG 4.4.1.4), so that answers can say what they answer.

use alloc::vec::Vec;

use super::{MAX_PENDING_REQUESTS, object::Objects};

/// A request as its answer needs it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Transaction id.
    pub(super) transaction: u16,
    /// Unit.
    pub(super) unit: u8,
    /// Function code.
    pub(super) function: u8,
    /// Sub-function of function 8, MEI type of function 43, otherwise 0.
    pub(super) sub_function: u16,
    /// What it names.
    pub(super) objects: Objects,
}

/// Whether remembering a request cost another one its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// There was room.
    Beside,
    /// The oldest was forgotten.
    InsteadOfOldest,
}

/// At most [`MAX_PENDING_REQUESTS`] requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<Asked>);

impl Pending {
    /// Remembers a request. One that waits under the same transaction and unit is given up: transaction ids are
    /// unique among the requests under way, so the client no longer waits for it.
    pub(super) fn remember(&mut self, asked: Asked) -> Kept {
        self.forget(asked.transaction, asked.unit);
        let full = self.0.len() >= MAX_PENDING_REQUESTS;
        if full {
            self.0.remove(0);
        }
        self.0.push(asked);
        if full { Kept::InsteadOfOldest } else { Kept::Beside }
    }

    /// Takes out the request that an answer with this transaction and unit belongs to.
    pub(super) fn answer(&mut self, transaction: u16, unit: u8) -> Option<Asked> {
        let at = self.0.iter().position(|asked| asked.transaction == transaction && asked.unit == unit)?;
        Some(self.0.remove(at))
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn forget(&mut self, transaction: u16, unit: u8) {
        self.0.retain(|asked| asked.transaction != transaction || asked.unit != unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(transaction: u16, function: u8) -> Asked {
        Asked { transaction, unit: 1, function, sub_function: 0, objects: Objects::default() }
    }

    #[test]
    fn a_client_that_never_hears_an_answer_costs_no_more_than_the_cap() {
        let mut pending = Pending::default();
        let kept: Vec<Kept> = (0..1_000).map(|n| pending.remember(asked(n, 3))).collect();
        assert_eq!(pending.len(), MAX_PENDING_REQUESTS);
        assert_eq!(kept.iter().filter(|k| **k == Kept::Beside).count(), MAX_PENDING_REQUESTS);
        assert!(pending.answer(935, 1).is_none(), "the oldest went first");
        assert!(pending.answer(936, 1).is_some());
    }

    #[test]
    fn a_client_that_never_counts_up_is_answered_for_its_latest_request() {
        let mut pending = Pending::default();
        pending.remember(asked(0, 3));
        pending.remember(asked(0, 6));
        assert_eq!(pending.answer(0, 1).map(|a| a.function), Some(6));
        assert!(pending.answer(0, 1).is_none());
    }
}
