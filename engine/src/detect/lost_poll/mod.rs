//! `lost-poll`: a client that polled a server no longer asks.
//!
//! Techniques of ATT&CK for ICS: T0815 Denial of View, T0829 Loss of View: what is not asked for is not on the screen. The baseline tells the
//! period and the longest pause. Told once, a tolerance after the last request; when the poll goes on, its incident closes. Needs a baseline.

use std::time::Duration;

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Stop, Subject, settings::seconds};

/// Judges polls that are asked no longer.
pub struct LostPoll;

/// What `lost-poll` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Periods without a request after which a poll is lost. Ten: a master that is busy leaves out one or two.
    pub periods: u32,
    /// So many times the longest pause that was learned, if that is longer. Three.
    pub pauses: u32,
    /// At least this long. Two minutes: an operator's station that is started anew is back by then.
    pub least: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { periods: 10, pauses: 3, least: Duration::from_secs(120) }
    }
}

impl Settings {
    /// Reads `[detectors.lost_poll]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let periods = reader.within("periods", 2..=100_000, u64::from(usual.periods));
        let pauses = reader.within("pauses", 1..=1_000, u64::from(usual.pauses));
        let least = seconds(&mut reader, "least_secs", usual.least);
        let narrow = |value: u64, usual: u32| u32::try_from(value).unwrap_or(usual);
        reader.finish_with(Some(Self {
            periods: narrow(periods, usual.periods),
            pauses: narrow(pauses, usual.pauses),
            least,
        }))
    }

    /// How long a poll of this period, with this longest pause, may be silent.
    pub(crate) fn patience(&self, period_ms: u64, pause_ms: Option<u64>) -> Duration {
        let periods = Duration::from_millis(period_ms).saturating_mul(self.periods);
        let pauses = Duration::from_millis(pause_ms.unwrap_or(0)).saturating_mul(self.pauses);
        periods.max(pauses).max(self.least)
    }
}

impl Detector for LostPoll {
    fn id(&self) -> &'static str {
        "lost-poll"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Time]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Stopped(stopped) = subject else { return };
        if stopped.stop != Stop::Asking {
            return;
        }
        let mut finding = Finding::of_conversation(self.id(), stopped.conversation, stopped.time);
        finding.bucket = Bucket { code: Some("asking"), ..Bucket::default() };
        finding.severity = Severity::Medium;
        finding.techniques = &["T0815", "T0829"];
        let period = stopped.entry.period_ms.unwrap_or(0);
        finding.baseline_entry = Some(format!("{}: a poll every {period} ms", stopped.entry.id()));
        finding.sentence = format!(
            "{{client}} no longer polls {{server}}: nothing was asked for {} s",
            stopped.time.since(stopped.since).as_secs()
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        baseline::{Baseline, Pace},
        bench::{Bench, HMI, PLC, baseline, read},
    };

    fn polled() -> Baseline {
        let mut baseline = baseline();
        baseline.conversations[0].pace = Pace { pause_ms: Some(1_500), ..Pace::default() };
        baseline
    }

    fn poll(bench: &mut Bench, seconds: u64) {
        for _ in 0..seconds {
            bench.does(HMI, PLC, &read("40001")).lives(1);
        }
    }

    #[test]
    fn a_poll_that_stops_is_told_once_and_its_return_closes_it() {
        let mut bench = Bench::with(Some(polled()));
        poll(&mut bench, 60);
        assert!(bench.alerts.is_empty());
        bench.lives(110);
        assert!(bench.alerts.is_empty(), "not yet");
        bench.lives(600);
        assert_eq!(bench.detectors(), ["lost-poll"]);
        assert!(
            bench
                .last()
                .summary
                .starts_with("10.0.0.5 no longer polls Dosing PLC (10.0.0.20): nothing was asked for 12")
        );
        assert_eq!(bench.last().baseline_entry.as_deref(), Some("station to dosing: a poll every 1000 ms"));
        assert_eq!(bench.incident().title, "Device 10.0.0.5 no longer polls Dosing PLC");
        poll(&mut bench, 20);
        assert!(!bench.incident().open, "it goes on");
        assert_eq!(bench.alerts.len(), 1);
    }

    #[test]
    fn a_long_pause_that_was_learned_is_none() {
        let mut baseline = polled();
        baseline.conversations[0].pace.pause_ms = Some(300_000);
        let mut bench = Bench::with(Some(baseline));
        poll(&mut bench, 60);
        bench.lives(800);
        assert!(bench.alerts.is_empty());
    }

    #[test]
    fn where_the_sensor_hears_nothing_nothing_is_lost() {
        let mut bench = Bench::with(Some(polled()));
        poll(&mut bench, 60);
        bench.wait(900);
        assert!(bench.alerts.is_empty(), "the capture ended, or has a gap");
        poll(&mut bench, 60);
        assert!(bench.alerts.is_empty());
    }
}
