//! When a mode is due.

use core::fmt;

use fieldwarden_model::{Timestamp, WeeklyHours};

use super::ModeName;

/// Hours of the week in which a mode is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    /// The mode.
    pub mode: ModeName,
    /// When.
    pub hours: WeeklyHours,
}

impl fmt::Display for Shift {
    /// `maintenance on sat, sun from 06:00 to 14:00 +01:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mode, self.hours)
    }
}

/// The mode that is due; none where nothing is.
pub(crate) fn mode_at(schedule: &[Shift], time: Timestamp) -> Option<ModeName> {
    schedule.iter().find(|shift| shift.hours.holds_at(time)).map(|shift| shift.mode)
}

/// When something begins or ends next.
pub(crate) fn next_change(schedule: &[Shift], time: Timestamp) -> Timestamp {
    schedule.iter().map(|shift| shift.hours.next_edge(time)).min().unwrap_or(Timestamp::MAX)
}
