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
    /// Sub-function of function 8, MEI type of function 43, code of function 90, otherwise 0.
    pub(super) sub_function: u16,
    /// What it names.
    pub(super) objects: Objects,
    /// Whether others may have been lost since.
    pub(super) old: bool,
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
    /// Remembers a request.
    pub(super) fn remember(&mut self, asked: Asked) -> Kept {
        let full = self.0.len() >= MAX_PENDING_REQUESTS;
        if full {
            self.0.remove(0);
        }
        if self.0.is_empty() {
            // Most clients ask one thing at a time, and there are many clients.
            self.0.reserve_exact(1);
        }
        self.0.push(asked);
        if full { Kept::InsteadOfOldest } else { Kept::Beside }
    }

    /// Takes out the request that an answer with this transaction and unit belongs to.
    ///
    /// Transaction ids are unique among the requests under way (IG 4.4.1.4), yet some clients never count up. Of several
    /// candidates the answer belongs to one of its function that it fits; then the latest, since whoever asks again
    /// under the same id has usually given up on the earlier one.
    pub(super) fn answer(
        &mut self,
        transaction: u16,
        unit: u8,
        function: u8,
        fits: impl Fn(&Asked) -> bool,
    ) -> Option<Asked> {
        let candidates = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, asked)| asked.transaction == transaction && asked.unit == unit);
        let rank = |asked: &Asked| (asked.function == function, asked.function == function && fits(asked));
        let (at, _) = candidates.max_by_key(|(at, asked)| (rank(asked), *at))?;
        Some(self.0.remove(at))
    }

    /// Others may have been lost after all that wait now.
    pub(super) fn age(&mut self) {
        self.0.iter_mut().for_each(|asked| asked.old = true);
    }

    /// Whether so few wait that reaching the cap again would be news.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() <= MAX_PENDING_REQUESTS / 2
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(transaction: u16, function: u8) -> Asked {
        Asked { transaction, unit: 1, function, sub_function: 0, objects: Objects::default(), old: false }
    }

    #[test]
    fn a_client_that_never_hears_an_answer_costs_no_more_than_the_cap() {
        let mut pending = Pending::default();
        let kept: Vec<Kept> = (0..1_000).map(|n| pending.remember(asked(n, 3))).collect();
        assert_eq!(pending.len(), MAX_PENDING_REQUESTS);
        assert_eq!(kept.iter().filter(|k| **k == Kept::Beside).count(), MAX_PENDING_REQUESTS);
        assert!(pending.answer(935, 1, 3, |_| true).is_none(), "the oldest went first");
        assert!(pending.answer(936, 1, 3, |_| true).is_some());
    }

    #[test]
    fn a_client_that_never_counts_up_is_answered_for_what_fits_then_for_its_latest_request() {
        let mut pending = Pending::default();
        for function in [6, 3, 3, 4] {
            pending.remember(asked(0, function));
        }
        let mut answer = |function| pending.answer(0, 1, function, |_| true).map(|asked| asked.function);
        assert_eq!(
            [answer(6), answer(3), answer(3), answer(3), answer(3)],
            [Some(6), Some(3), Some(3), Some(4), None]
        );
    }
}
