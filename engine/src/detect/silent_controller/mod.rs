//! `silent-controller`: a server that answered its polls no longer does.
//!
//! Techniques of ATT&CK for ICS: T0814 Denial of Service, T0815 Denial of View. It is asked, or connections to it are tried, and no answer
//! comes. Told once per conversation; when it answers again, the incident closes. Needs a baseline.

use std::time::Duration;

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Stop, Subject, settings::seconds};

/// Judges servers that answer no longer.
pub struct SilentController;

/// What `silent-controller` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Periods without an answer after which a server is silent. Ten: a controller under load misses one or two.
    pub periods: u32,
    /// At least this long. Two minutes: a controller that restarts answers again within one.
    pub least: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { periods: 10, least: Duration::from_secs(120) }
    }
}

impl Settings {
    /// Reads `[detectors.silent_controller]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let periods = reader.within("periods", 2..=100_000, u64::from(usual.periods));
        let periods = u32::try_from(periods).unwrap_or(usual.periods);
        let least = seconds(&mut reader, "least_secs", usual.least);
        reader.finish_with(Some(Self { periods, least }))
    }

    /// How long answers to a poll of this period may be missing.
    pub(crate) fn patience(&self, period_ms: u64) -> Duration {
        Duration::from_millis(period_ms).saturating_mul(self.periods).max(self.least)
    }
}

impl Detector for SilentController {
    fn id(&self) -> &'static str {
        "silent-controller"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Answers, Need::Time]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Stopped(stopped) = subject else { return };
        if stopped.stop != Stop::Answering {
            return;
        }
        let mut finding = Finding::of_conversation(self.id(), stopped.conversation, stopped.time);
        finding.bucket = Bucket { code: Some("answering"), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = &["T0814", "T0815"];
        let period = stopped.entry.period_ms.unwrap_or(0);
        finding.baseline_entry = Some(format!("{}: a poll every {period} ms", stopped.entry.id()));
        finding.sentence = format!(
            "{{server}} no longer answers {{client}}: no answer came for {} s",
            stopped.time.since(stopped.since).as_secs()
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, read};

    fn polls(bench: &mut Bench, seconds: u64) {
        for _ in 0..seconds {
            bench.does(HMI, PLC, &read("40001")).lives(1);
        }
    }

    fn asks_in_vain(bench: &mut Bench, seconds: u64) {
        for _ in 0..seconds {
            bench.asks(HMI, PLC, &read("40001")).lives(1);
        }
    }

    #[test]
    fn a_controller_that_is_asked_in_vain_is_told_and_its_answer_closes_it() {
        let mut bench = Bench::new();
        polls(&mut bench, 30);
        asks_in_vain(&mut bench, 200);
        assert_eq!(bench.detectors(), ["silent-controller"]);
        assert!(
            bench
                .last()
                .summary
                .starts_with("Dosing PLC (10.0.0.20) no longer answers 10.0.0.5: no answer came for 1")
        );
        assert_eq!(bench.incident().title, "Device 10.0.0.5 gets no answer from Dosing PLC");
        polls(&mut bench, 20);
        assert!(!bench.incident().open);
        assert_eq!(bench.alerts.len(), 1);
    }

    #[test]
    fn connections_that_are_tried_are_asking_too() {
        let mut bench = Bench::new();
        polls(&mut bench, 30);
        for _ in 0..30 {
            bench.connects(HMI, PLC, 502).lives(10);
        }
        assert_eq!(bench.detectors(), ["silent-controller"]);
    }

    #[test]
    fn a_restart_is_not_told() {
        let mut bench = Bench::new();
        polls(&mut bench, 30);
        asks_in_vain(&mut bench, 60);
        polls(&mut bench, 300);
        assert!(bench.alerts.is_empty());
    }
}
