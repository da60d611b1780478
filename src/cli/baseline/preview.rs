//! What captures tell under a baseline: before and after a change of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use fieldwarden_engine::{Baseline, Engine, Output, Settings, configure::Configured};
use fieldwarden_model::{Alert, AlertId, Site};
use serde_json::{Value, json};

use super::{
    super::{
        Failure, Outcome,
        captures::{Captured, Captures},
        engine_settings,
    },
    LINES_VERSION,
};

/// Alerts told one by one; more are counted by detector.
const MAX_TOLD: usize = 8;

/// Captures, and how they are judged.
pub(super) struct Replayed<'a> {
    pub(super) captures: &'a [PathBuf],
    pub(super) site: Site,
    pub(super) engine: Configured,
}

impl Replayed<'_> {
    /// Every alert they give under a baseline, in time order.
    pub(super) fn alerts(&self, baseline: &Baseline) -> Result<Vec<Alert>, Failure> {
        let settings = engine_settings(self.site.clone(), self.engine.clone(), Some(baseline.clone()));
        let mut engine = Engine::new(Settings { threads: 1, ..settings });
        let mut alerts = Vec::new();
        let mut keep = |output| {
            if let Output::Alert(alert) = output {
                alerts.push(alert);
            }
        };
        Captures::open(self.captures)?.runs("replaying", |captured| {
            match captured {
                Captured::Frames(frames) => engine.frames(frames, &mut keep),
                Captured::Loss(loss) => engine.step(fieldwarden_engine::Input::Loss(loss), &mut keep),
            }
            Ok(())
        })?;
        engine.finish(&mut keep);
        Ok(alerts)
    }
}

/// What changes in what captures tell.
pub(super) struct Preview<'a> {
    before: &'a [Alert],
    quiet: Vec<&'a Alert>,
    instead: Vec<&'a Alert>,
}

impl<'a> Preview<'a> {
    pub(super) fn of(before: &'a [Alert], after: &'a [Alert]) -> Self {
        let ids = |alerts: &'a [Alert]| alerts.iter().map(|alert| &alert.id).collect::<BTreeSet<&AlertId>>();
        let (old, new) = (ids(before), ids(after));
        Self {
            before,
            quiet: before.iter().filter(|alert| !new.contains(&alert.id)).collect(),
            instead: after.iter().filter(|alert| !old.contains(&alert.id)).collect(),
        }
    }

    pub(super) fn people(&self, out: &mut impl std::io::Write) -> Outcome {
        writeln!(
            out,
            "\nOver these captures {} of {} alerts would no longer be told:",
            self.quiet.len(),
            self.before.len()
        )?;
        told(out, &self.quiet)?;
        if !self.instead.is_empty() {
            writeln!(out, "Told instead, since what follows is judged by the new entry:")?;
            told(out, &self.instead)?;
        }
        Ok(())
    }

    pub(super) fn row(&self) -> Value {
        let ids = |alerts: &[&Alert]| alerts.iter().map(|alert| alert.id.0.clone()).collect::<Vec<_>>();
        json!({
            "type": "preview",
            "version": LINES_VERSION,
            "alerts": self.before.len(),
            "no_longer": ids(&self.quiet),
            "instead": ids(&self.instead),
        })
    }
}

pub(super) fn told(out: &mut impl std::io::Write, alerts: &[&Alert]) -> Outcome {
    for alert in alerts.iter().take(MAX_TOLD) {
        writeln!(out, "  {} {} {}: {}", alert.id.0, alert.severity, alert.detector, alert.summary)?;
    }
    let mut rest: BTreeMap<&str, usize> = BTreeMap::new();
    for alert in alerts.iter().skip(MAX_TOLD) {
        *rest.entry(&alert.detector).or_default() += 1;
    }
    for (detector, count) in rest {
        writeln!(out, "  and {count} more of {detector}")?;
    }
    Ok(())
}
