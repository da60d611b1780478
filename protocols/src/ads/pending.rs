//! What was asked until it is answered, and what notifications are about.

use alloc::vec::Vec;

use fieldwarden_model::PointRange;

/// Questions remembered per connection; at the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 64;
/// Notifications remembered per connection; at the cap the oldest is forgotten.
pub const MAX_NOTIFICATIONS: usize = 1_024;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) invoke_id: u32,
    pub(super) command: u16,
    pub(super) group: Option<u32>,
    /// What write control asks for.
    pub(super) state: Option<u16>,
    pub(super) points: Option<PointRange>,
}

/// The open questions and the notifications of a connection, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    asked: Vec<Asked>,
    notifications: Vec<(u32, PointRange)>,
}

impl Pending {
    /// Remembers a question.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked.retain(|open| open.invoke_id != asked.invoke_id);
        if self.asked.len() >= MAX_PENDING {
            self.asked.remove(0);
        }
        self.asked.push(asked);
    }

    /// The question that an answer belongs to.
    pub(super) fn answer(&mut self, invoke_id: u32) -> Option<Asked> {
        let at = self.asked.iter().position(|open| open.invoke_id == invoke_id)?;
        Some(self.asked.remove(at))
    }

    /// Remembers what a notification is about.
    pub(super) fn notify(&mut self, handle: u32, points: PointRange) {
        self.notifications.retain(|(known, _)| *known != handle);
        if self.notifications.len() >= MAX_NOTIFICATIONS {
            self.notifications.remove(0);
        }
        self.notifications.push((handle, points));
    }

    /// What a notification is about.
    pub(super) fn notified(&self, handle: u32) -> Option<PointRange> {
        self.notifications.iter().find(|(known, _)| *known == handle).map(|(_, points)| *points)
    }

    /// Questions that wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.asked.len()
    }
}
