//! How much attention an incident deserves, 0 to 100. The addends stand in `docs/incidents.md`.

use fieldwarden_model::{Severity, Site, Talker};

use super::{Case, title::Deed};

/// The score: the gravest alert sets the ground, what is at stake and how sure one can be is added.
pub(super) fn score(case: &Case, site: &Site) -> u8 {
    let base = ground(case.incident.severity);
    let criticality =
        case.targets.iter().filter_map(|target| site.asset(*target)).map(|asset| asset.criticality);
    // A named asset counts 5 per step of its criticality.
    let stake = criticality.max().unwrap_or(0).min(3) * 5;
    let is_protected =
        |target: &Talker| site.protected.iter().any(|p| p.talker == *target || p.peer == Some(*target));
    let protected = if case.targets.iter().any(is_protected) { 10 } else { 0 };
    let stranger = if case.stranger == Some(true) { 5 } else { 0 };
    let changed = if case.deeds.keys().any(Deed::changes_the_process) { 5 } else { 0 };
    // Each further detector that agrees makes a mistake less likely.
    let agreement = u8::try_from(case.detectors.len().saturating_sub(1).min(5)).unwrap_or(5) * 2;
    let wide = if case.targets.len() > 1 { 5 } else { 0 };
    (base + stake + protected + stranger + changed + agreement + wide).min(100)
}

/// The ground that a severity sets; all there is to say where nobody did anything to anybody.
pub(super) const fn ground(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 5,
        Severity::Low => 15,
        Severity::Medium => 30,
        Severity::High => 50,
        Severity::Critical => 70,
    }
}
