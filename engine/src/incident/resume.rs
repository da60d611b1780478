//! Polls that stopped and go on again: an incident of nothing else is over then.

use fieldwarden_model::{Incident, Site, Timestamp};

use super::{Case, Desk};
use crate::conversation::ServiceKey;

/// Whether a detector tells that a poll stopped.
pub(super) fn is_stop(detector: &str) -> bool {
    matches!(detector, "lost-poll" | "silent-controller")
}

impl Desk {
    /// A poll goes on again: its incident closes with the last of them, if it tells of nothing else.
    pub(crate) fn resumes(&mut self, service: &ServiceKey, now: Timestamp, site: &Site) -> Option<Incident> {
        let is = |case: &&mut Case| {
            case.incident.open
                && case.stopped > 0
                && case.space == service.space
                && case.attackers.contains(&service.client)
                && case.targets.contains(&service.server)
        };
        let case = self.cases.iter_mut().rev().find(is)?;
        case.stopped -= 1;
        if case.stopped > 0 || !case.detectors.iter().all(|detector| is_stop(detector)) {
            return None;
        }
        case.incident.last = case.incident.last.max(now);
        let minutes = now.since(case.incident.first).as_secs().div_euclid(60).max(1);
        let mut incident = case.close(site);
        incident.title.push_str(&format!("; over after {minutes} min"));
        case.incident.title.clone_from(&incident.title);
        Some(incident)
    }
}
