//! What was asked until it is answered, and which node a monitored item watches.

use alloc::vec::Vec;

use fieldwarden_model::PointRange;

/// Questions remembered per conversation; at the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 32;
/// Points remembered of each; answers to further ones have no points.
pub const MAX_POINTS: usize = 256;
/// Monitored items remembered per conversation; at the cap the oldest is forgotten.
pub const MAX_ITEMS: usize = 1_024;

/// A question.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) request_id: u32,
    /// The identifier of the question's type.
    pub(super) service: u32,
    pub(super) points: Vec<PointRange>,
}

/// The open questions and the monitored items of a conversation, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    asked: Vec<Asked>,
    items: Vec<(u32, PointRange)>,
}

impl Pending {
    /// Remembers a question.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked.retain(|open| open.request_id != asked.request_id);
        if self.asked.len() >= MAX_PENDING {
            self.asked.remove(0);
        }
        self.asked.push(asked);
    }

    /// The question that an answer belongs to.
    pub(super) fn answer(&mut self, request_id: u32) -> Option<Asked> {
        let at = self.asked.iter().position(|open| open.request_id == request_id)?;
        Some(self.asked.remove(at))
    }

    /// Remembers what an item watches.
    pub(super) fn watch(&mut self, handle: u32, point: PointRange) {
        self.items.retain(|(known, _)| *known != handle);
        if self.items.len() >= MAX_ITEMS {
            self.items.remove(0);
        }
        self.items.push((handle, point));
    }

    /// What an item watches.
    pub(super) fn watched(&self, handle: u32) -> Option<PointRange> {
        self.items.iter().find(|(known, _)| *known == handle).map(|(_, point)| *point)
    }

    /// Questions that wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }
}
