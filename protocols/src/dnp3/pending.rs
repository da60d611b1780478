//! Requests that wait for their answer: an answer does not say what was asked.

use super::body::Asked;

/// Most requests remembered per flow; the oldest is forgotten for a new one.
pub(super) const MAX_PENDING: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    outstation: u16,
    master: u16,
    sequence: u8,
    what: Asked,
}

/// The requests of one flow that wait.
#[derive(Debug, Default)]
pub(super) struct Pending(heapless::Deque<Waiting, MAX_PENDING>);

impl Pending {
    /// A request of `master` to `outstation`. An earlier one with the same sequence number is forgotten.
    pub(super) fn ask(&mut self, master: u16, outstation: u16, sequence: u8, what: Asked) {
        let _ = self.answer(master, outstation, sequence);
        if self.0.is_full() {
            let _ = self.0.pop_front();
        }
        let _ = self.0.push_back(Waiting { outstation, master, sequence, what });
    }

    /// The function of the request that this answers.
    pub(super) fn answer(&mut self, master: u16, outstation: u16, sequence: u8) -> Option<Asked> {
        let mut found = None;
        for _ in 0..self.0.len() {
            let asked = self.0.pop_front()?;
            let fits = (asked.master, asked.outstation, asked.sequence) == (master, outstation, sequence);
            if fits {
                found = Some(asked.what);
            } else {
                let _ = self.0.push_back(asked);
            }
        }
        found
    }
}
