//! How much attention an incident deserves, 0 to 100, and why. The addends stand in `docs/incidents.md`.

use fieldwarden_model::{Addend, Severity, Site, Talker};

use super::{Case, title::Deed};

/// The most a score can be.
const MOST: u8 = 100;

/// What the score is the sum of: the gravest alert sets the ground, what is at stake and how sure one can be is added.
pub(super) fn addends(case: &Case, site: &Site) -> Vec<Addend> {
    let mut addends = ground_alone(case.incident.severity);
    let assets = case.targets.iter().filter_map(|target| site.asset(*target));
    // A named asset counts 5 per step of its criticality.
    if let Some(asset) =
        assets.rev().max_by_key(|asset| asset.criticality).filter(|asset| asset.criticality > 0)
    {
        let steps = asset.criticality.min(3);
        addends.push(add(steps * 5, format!("{} has criticality {}", asset.name, asset.criticality)));
    }
    let is_protected =
        |target: &&Talker| site.protected.iter().any(|p| p.talker == **target || p.peer == Some(**target));
    if let Some(target) = case.targets.iter().find(is_protected) {
        addends.push(add(10, format!("{target} belongs to a protected entry")));
    }
    if case.stranger == Some(true) {
        addends.push(add(5, String::from("the attacker is no talker of the baseline")));
    }
    if case.deeds.keys().any(Deed::changes_the_process) {
        addends.push(add(5, String::from("the process or a program was changed")));
    }
    // Each further detector that agrees makes a mistake less likely.
    let agree = u8::try_from(case.detectors.len().saturating_sub(1).min(5)).unwrap_or(5);
    if agree > 0 {
        addends.push(add(
            agree * 2,
            format!("{agree} further {} agree", plural(agree, "detector", "detectors")),
        ));
    }
    if case.targets.len() > 1 {
        addends.push(add(5, format!("{} targets", case.targets.len())));
    }
    addends
}

/// The score that addends come to.
pub(super) fn sum(addends: &[Addend]) -> u8 {
    addends.iter().fold(0_u8, |sum, addend| sum.saturating_add(addend.points)).min(MOST)
}

/// The ground that a severity sets, alone: all there is to say where nobody did anything to anybody.
pub(super) fn ground_alone(severity: Severity) -> Vec<Addend> {
    vec![add(ground(severity), format!("gravest alert: {}", severity.word()))]
}

const fn ground(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 5,
        Severity::Low => 15,
        Severity::Medium => 30,
        Severity::High => 50,
        Severity::Critical => 70,
    }
}

const fn add(points: u8, why: String) -> Addend {
    Addend { why, points }
}

const fn plural(count: u8, one: &'static str, more: &'static str) -> &'static str {
    if count == 1 { one } else { more }
}
