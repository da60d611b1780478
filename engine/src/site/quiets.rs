//! What the baseline tells quietly: information without an incident, counted for each of its entries.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{IncidentId, Severity, Timestamp};
use serde::Serialize;

use super::{RepeatKey, Repeats, Site};
use crate::{
    baseline::{Quiet, compiled::Compiled, quiet::Scope},
    detect::Finding,
    engine::Output,
};

/// What comes within this behind the end of an entry says that it is over.
const OVERRUN_WITHIN: Duration = Duration::from_secs(86_400);

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuietUse {
    /// Its scope in words.
    pub scope: String,
    /// Why it stands there.
    pub reason: String,
    /// Until when; open-ended where it is absent.
    pub until: Option<Timestamp>,
    /// Findings that it quieted.
    pub within: u64,
    /// Findings that it would have quieted, had it not been over.
    pub overrun: u64,
    /// Whether it was over at the end.
    pub over: bool,
}

impl QuietUse {
    /// `unused`, `used`, `over` or `overrun`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (self.within, self.overrun, self.over) {
            (_, 1.., _) => "overrun",
            (_, _, true) => "over",
            (0, ..) => "unused",
            _ => "used",
        }
    }
}

/// The uses of all entries, and what they quieted of late.
#[derive(Debug, Default)]
pub(crate) struct Quiets {
    uses: BTreeMap<Scope, (u64, u64)>,
    /// Apart from what was told loudly: what is quiet must use up nothing of what is not.
    repeats: Repeats,
}

/// What the entries make of a finding.
pub(super) enum Told {
    /// Nothing.
    Loudly,
    /// One that would cover it was over; to be said with it.
    Overrun(String),
    /// One covers it.
    Quietly(Quiet),
}

impl Quiets {
    pub(super) fn judge(&mut self, finding: &Finding, baseline: Option<&Compiled>) -> Told {
        let Some(baseline) = baseline.filter(|baseline| !baseline.quiet.entries().is_empty()) else {
            return Told::Loudly;
        };
        let told = scope(finding);
        let time = finding.time;
        if let Some(quiet) = baseline.quiet.covering(&told).find(|quiet| quiet.holds(time)) {
            self.uses.entry(quiet.scope).or_default().0 += 1;
            return Told::Quietly(quiet.clone());
        }
        let lately = |until: Timestamp| until <= time && time.since(until) <= OVERRUN_WITHIN;
        let over = baseline.quiet.covering(&told).filter(|quiet| quiet.until.is_some_and(lately));
        let Some(over) = over.max_by_key(|quiet| quiet.until) else { return Told::Loudly };
        self.uses.entry(over.scope).or_default().1 += 1;
        Told::Overrun(format!("; it was quiet {} ({})", over.until_text(), over.reason))
    }

    /// The uses of all entries of a baseline, in the order of its file.
    pub(crate) fn uses(&self, baseline: Option<&Compiled>, now: Timestamp) -> Vec<QuietUse> {
        let entries = baseline.map(|baseline| baseline.quiet.entries()).unwrap_or_default();
        let of = |quiet: &Quiet| {
            let (within, overrun) = self.uses.get(&quiet.scope).copied().unwrap_or_default();
            QuietUse {
                scope: quiet.scope.to_string(),
                reason: quiet.reason.clone(),
                until: quiet.until,
                within,
                overrun,
                over: !quiet.holds(now),
            }
        };
        entries.iter().map(of).collect()
    }

    /// Another baseline holds: of its entries alone anything is counted on.
    pub(crate) fn keep_those_of(&mut self, baseline: Option<&Compiled>) {
        let entries = baseline.map(|baseline| baseline.quiet.entries()).unwrap_or_default();
        let held: BTreeSet<Scope> = entries.iter().map(|quiet| quiet.scope).collect();
        self.uses.retain(|scope, _| held.contains(scope));
    }
}

impl Site {
    /// Tells a finding as information: the same thing once, and of many about two talkers the first.
    pub(super) fn tell_quietly(&mut self, mut finding: Finding, quiet: &Quiet, out: &mut dyn FnMut(Output)) {
        let settings = self.rules.settings.clone();
        let entry = quiet.scope.to_string();
        let key = RepeatKey::of(&finding).under(Some(&entry));
        let (time, nobody) = (finding.time, IncidentId(String::new()));
        if self.quiets.repeats.repeated(&key, time, &settings).is_some() {
            return;
        }
        // Anyone may be an address that was made up, and made-up ones come without end.
        let crowded = quiet.scope.client.is_none();
        if self.quiets.repeats.too_many(&key, crowded, time, &settings).is_some() {
            if !crowded {
                self.quiets.repeats.note(key, time, nobody);
            }
            return;
        }
        self.quiets.repeats.told(key, crowded, time, &nobody, settings.pair_window);
        finding.severity = Severity::Info;
        let mut alert = self.alert(finding);
        // Behind the sentence: nothing in it stands for a name.
        alert.summary.push_str(&format!(" (quiet {}: {})", quiet.until_text(), quiet.reason));
        alert.quieted_by = Some(entry);
        self.alerts += 1;
        out(Output::Alert(alert));
    }
}

/// A finding as the fullest scope that holds it; the alert made of it says the same.
fn scope(finding: &Finding) -> Scope {
    let server = finding.server;
    Scope {
        space: finding.space,
        client: Some(finding.client.talker),
        server: server.map(|server| server.talker),
        transport: server.map(|_| finding.transport),
        server_port: server.and_then(|server| server.port),
        protocol: finding.protocol,
        unit: finding.unit,
        operation: finding.verb,
        function: finding.function.map(|(code, _)| code),
        points: finding.points,
        detector: Some(finding.detector),
    }
}
