//! What was asked, until it is answered: an acknowledgement names no object.

use fieldwarden_model::PointRange;

use crate::message::Direction;

use super::service::Service;

/// Questions remembered per conversation; at the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 32;
/// Points remembered of each.
pub const MAX_POINTS: usize = 4;

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) direction: Direction,
    pub(super) invoke_id: u8,
    pub(super) service: Service,
    /// What reinitialize device or device communication control ask for.
    pub(super) state: Option<u64>,
    /// The priority of the last command.
    pub(super) priority: u16,
    pub(super) points: heapless::Vec<PointRange, MAX_POINTS>,
}

/// The open questions of a conversation, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(heapless::Deque<Asked, MAX_PENDING>);

impl Pending {
    /// Remembers a question.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.0.retain(|open| open.direction != asked.direction || open.invoke_id != asked.invoke_id);
        if self.0.is_full() {
            self.0.pop_front();
        }
        let _ = self.0.push_back(asked);
    }

    /// The question that an answer in `direction` belongs to.
    pub(super) fn answer(&mut self, direction: Direction, invoke_id: u8) -> Option<Asked> {
        let fits = |open: &&Asked| open.direction != direction && open.invoke_id == invoke_id;
        let found = self.0.iter().rev().find(fits).cloned();
        self.0.retain(|open| !fits(&open));
        found
    }
}
