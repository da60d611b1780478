//! Requests that wait for their answer, so that answers can name what they answer.

use alloc::{collections::VecDeque, vec::Vec};

use crate::{anomaly::Anomaly, message::Direction};

/// Requests kept per flow. At the cap the oldest is forgotten.
pub(super) const MAX_PENDING: usize = 64;
/// Octets kept of each request; a multiple service packet of the classic 504 octets fits whole.
pub(super) const MAX_PENDING_OCTETS: usize = 1_024;
/// Answers that must be matched after anything was lost before one without request is worth a remark.
const PARALLEL: u8 = 16;

/// By what an answer finds its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Unconnected: session and sender context (CIP Vol. 2, 2-3).
    Context(u32, [u8; 8]),
    /// Connected: the sequence count of a class 2 or 3 transport (CIP Vol. 1, 3-6).
    Sequence(u16),
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Its octets from the service on, as many as are kept.
    pub(super) octets: Vec<u8>,
    key: Key,
    towards: Direction,
}

/// The requests of one flow that wait.
#[derive(Debug)]
pub(super) struct Pending {
    requests: VecDeque<Asked>,
    spare: Vec<Vec<u8>>,
    out_of_step: u8,
    told_full: bool,
}

impl Default for Pending {
    fn default() -> Self {
        Self { requests: VecDeque::new(), spare: Vec::new(), out_of_step: 1, told_full: false }
    }
}

impl Pending {
    /// Remembers a request; the anomaly is told when an older one had to go for it.
    pub(super) fn ask(&mut self, towards: Direction, key: Key, octets: &[u8]) -> Option<Anomaly> {
        self.requests.retain(|asked| asked.key != key || asked.towards != towards);
        let mut limit = None;
        if self.requests.len() >= MAX_PENDING {
            if let Some(oldest) = self.requests.pop_front() {
                self.recycle(oldest);
            }
            if !core::mem::replace(&mut self.told_full, true) {
                let cap = u64::try_from(MAX_PENDING).unwrap_or(u64::MAX);
                limit = Some(Anomaly::limit("pending-requests", 0, cap + 1, cap));
            }
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(octets.get(..MAX_PENDING_OCTETS).unwrap_or(octets));
        self.requests.push_back(Asked { octets: kept, key, towards });
        limit
    }

    /// The request that an answer going `towards` the asker belongs to, if its service fits.
    pub(super) fn answer(
        &mut self,
        towards: Direction,
        key: Key,
        fits: impl Fn(&[u8]) -> bool,
    ) -> Option<Asked> {
        let at = self.requests.iter().position(|asked| {
            asked.key == key && asked.towards == towards.reversed() && fits(&asked.octets)
        })?;
        self.out_of_step = self.out_of_step.saturating_sub(1);
        self.told_full &= self.requests.len() > MAX_PENDING / 2;
        self.requests.remove(at)
    }

    /// Gives the buffer of an answered request back for the next one.
    pub(super) fn recycle(&mut self, asked: Asked) {
        if self.spare.is_empty() {
            self.spare.push(asked.octets);
        }
    }

    /// Whether an answer without its request is worth a remark.
    pub(super) const fn expects_requests(&self) -> bool {
        self.out_of_step == 0
    }

    /// Octets are missing, so requests may be.
    pub(super) const fn gap(&mut self) {
        self.out_of_step = PARALLEL;
    }
}
