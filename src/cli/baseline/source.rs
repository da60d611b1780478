//! Where an alert is found that somebody wants to accept or to quiet, and what else was told before.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use clap::Args;
use fieldwarden_engine::{
    Baseline,
    baseline::accept::covered,
    json::{NoAlert, alert_of},
};
use fieldwarden_model::Alert;
use fieldwarden_response::store::Memory;

use super::{
    super::{Failure, Outcome, load},
    preview::{Replayed, told},
};
use crate::daemon::settings::Settings as Configuration;

/// Alerts of the store that are looked at, the newest.
const MAX_REMEMBERED: u32 = 100_000;

#[derive(Debug, Args)]
pub(super) struct Source {
    /// The alert's id, as `replay --json` tells it
    pub(super) alert: String,
    /// A capture in which it was told; also shows what a change does to the alerts of it
    #[arg(long, value_name = "CAPTURE", num_args = 1.., required_unless_present_any = ["alerts", "store"])]
    pub(super) capture: Vec<PathBuf>,
    /// Lines of `replay --json` in which it stands
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// The daemon's store, in which it stands; also shows which of the alerts there a change would have covered
    #[arg(long, value_name = "FILE", conflicts_with = "alerts")]
    store: Option<PathBuf>,
    /// The baseline
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: PathBuf,
    /// The daemon's configuration: site, detectors, limits
    #[arg(long)]
    config: Option<PathBuf>,
}

/// What was found.
pub(super) struct Found {
    pub(super) alert: Alert,
    /// All alerts of the captures under the baseline.
    pub(super) before: Vec<Alert>,
    /// The alerts that the store holds, none without one.
    pub(super) remembered: Vec<Alert>,
}

impl Source {
    /// How the captures are judged.
    pub(super) fn replayed(&self) -> Result<Replayed<'_>, Failure> {
        let configuration =
            self.config.as_deref().map(|path| load::load(path, Configuration::configure)).transpose()?;
        let (site, engine) = configuration.map(|c| (c.site, c.engine)).unwrap_or_default();
        Ok(Replayed { captures: &self.capture, site, engine })
    }

    pub(super) fn find(&self, replayed: &Replayed<'_>, baseline: &Baseline) -> Result<Found, Failure> {
        let before = if self.capture.is_empty() { Vec::new() } else { replayed.alerts(baseline)? };
        let remembered = self.store.as_deref().map(remembered).transpose()?.unwrap_or_default();
        let alert = match (&self.alerts, &self.store) {
            (Some(path), _) => in_lines(path, &self.alert)?,
            (None, Some(path)) => in_store(path, &remembered, &self.alert)?,
            (None, None) => in_captures(&before, &self.alert)?,
        };
        Ok(Found { alert, before, remembered })
    }
}

impl Found {
    /// Says which other alerts of the store a changed baseline covers.
    pub(super) fn tell_covered(&self, out: &mut impl std::io::Write, after: &Baseline) -> Outcome {
        if self.remembered.is_empty() {
            return Ok(());
        }
        let others: Vec<&Alert> =
            covered(after, &self.remembered).into_iter().filter(|other| other.id != self.alert.id).collect();
        self.tell(out, &others, "would not have been told")
    }

    /// Says which other alerts of the store are meant.
    pub(super) fn tell(&self, out: &mut impl std::io::Write, others: &[&Alert], what: &str) -> Outcome {
        let all = self.remembered.len();
        writeln!(
            out,
            "\nOf the {all} alerts that the store remembers {} besides this one {what}.",
            others.len()
        )?;
        told(out, others)
    }
}

fn remembered(path: &Path) -> Result<Vec<Alert>, Failure> {
    let read = Memory::open(path).and_then(|memory| memory.alerts(MAX_REMEMBERED));
    read.map_err(|fault| Failure::Work(fault.to_string()))
}

fn in_store(path: &Path, alerts: &[Alert], id: &str) -> Result<Alert, Failure> {
    alerts.iter().find(|alert| alert.id.0 == id).cloned().ok_or_else(|| {
        let (all, path) = (alerts.len(), path.display());
        Failure::Input(format!("none of the {all} newest alerts of `{path}` has the id `{id}`"))
    })
}

fn in_captures(alerts: &[Alert], id: &str) -> Result<Alert, Failure> {
    alerts.iter().find(|alert| alert.id.0 == id).cloned().ok_or_else(|| {
        Failure::Input(format!(
            "none of the {} alerts that these captures give under this baseline has the id `{id}`\n\nhint: `fieldwarden replay --json --baseline FILE CAPTURE` tells them",
            alerts.len()
        ))
    })
}

fn in_lines(path: &Path, id: &str) -> Result<Alert, Failure> {
    let name = path.display();
    let unreadable = |fault: std::io::Error| Failure::Input(format!("cannot read `{name}`: {fault}"));
    let lines = BufReader::new(std::fs::File::open(path).map_err(unreadable)?).lines();
    for (line, number) in lines.zip(1_u64..) {
        let line = line.map_err(unreadable)?;
        match alert_of(&line) {
            Ok(alert) if alert.id.0 == id => return Ok(alert),
            Ok(_) | Err(NoAlert::Other) => {}
            Err(_) if line.trim().is_empty() => {}
            Err(fault) => return Err(Failure::Input(format!("{name}:{number}: {fault}"))),
        }
    }
    Err(Failure::Input(format!("no line of `{name}` tells an alert with the id `{id}`")))
}
