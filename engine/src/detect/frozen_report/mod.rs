//! `frozen-report`: values that a server reports stand still, which always moved.
//!
//! Techniques of ATT&CK for ICS: T0856 Spoof Reporting Message, T0832 Manipulation of View. The baseline keeps for each point that moved often
//! the longest time it stood still (`motion` of the conversation); a point is frozen when it stands still for several times as long while
//! it is read on. Needs a baseline.

use core::time::Duration;

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, settings::seconds};
use crate::answers::Noticed;

/// Judges values that stand still.
pub struct FrozenReport;

/// Answers that must carry the same value, however long that takes: below it nobody knows whether it moved.
pub(crate) const ANSWERS: u32 = 5;

/// What `frozen-report` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A point is frozen when it stands still for so many hundredths of the longest time it was seen to. 250: half an hour of learning sees
    /// no stillness that comes once a month, and twice the longest of a day comes hardly ever.
    pub percent: u32,
    /// And for at least this long. Thirty seconds: a busy controller leaves its values alone for some polls.
    pub least: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { percent: 250, least: Duration::from_secs(30) }
    }
}

impl Settings {
    /// Reads `[detectors.frozen_report]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let percent = reader.within("percent", 100..=100_000, u64::from(usual.percent));
        let percent = u32::try_from(percent).unwrap_or(usual.percent);
        let least = seconds(&mut reader, "least_secs", usual.least);
        reader.finish_with(Some(Self { percent, least }))
    }

    /// How long a point may stand still that was seen to do so for at most `still_ms`.
    pub(crate) fn patience_ms(&self, still_ms: u64) -> u32 {
        let several = still_ms.saturating_mul(u64::from(self.percent)) / 100;
        let least = u64::try_from(self.least.as_millis()).unwrap_or(u64::MAX);
        u32::try_from(several.max(least)).unwrap_or(u32::MAX)
    }
}

impl Detector for FrozenReport {
    fn id(&self) -> &'static str {
        "frozen-report"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Answers, Need::Values, Need::Time]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Moves(judged, operation, Noticed::Still(still)) = subject else { return };
        let Some(entry) = judged.entry else { return };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.points = Some(still.points);
        finding.without_values();
        // One after the other stops moving; that is one thing.
        finding.bucket = Bucket { code: Some("still"), ..Bucket::default() };
        // One gauge may be stuck; half of what a controller reports is not.
        let most = still.count.saturating_mul(2) >= still.of && still.of > 1;
        finding.severity = if most { Severity::High } else { Severity::Medium };
        finding.techniques = &["T0832", "T0856"];
        let text = finding.points_text().unwrap_or_else(|| String::from("points"));
        let seconds = still.stands.as_secs();
        finding.sentence = format!(
            "{{server}} has reported the same value of {text} to {{client}} for {seconds} s, {} of the {} values of its answer that always moved",
            still.count, still.of
        );
        finding.baseline_entry = Some(format!("{}: {text} never stood still for long", entry.id()));
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Values, operation::Encoding};

    use crate::{
        baseline::{Baseline, ReadMotion},
        bench::{Bench, HMI, PLC, baseline, points, read},
    };

    fn lively() -> Baseline {
        let mut baseline = baseline();
        let line = |text, still_ms| ReadMotion {
            points: points(text),
            step: 1,
            still_ms,
            wobble_per_minute: None,
            random: false,
            seen: 1_000,
        };
        baseline.conversations[0].motion = vec![line("40001-40003", Some(8_000)), line("40004", None)];
        baseline
    }

    fn polls(bench: &mut Bench, seconds: u64, value: impl Fn(u64) -> [u8; 8]) {
        for n in 0..seconds {
            let bytes = value(n);
            let values = Values { bytes: &bytes, encoding: Encoding::Unsigned16, count: 4, stride: 1 };
            let asked = read("40001-40004");
            let answer = Operation { values: Some(values), outcome: Outcome::Done, ..asked };
            bench.asks(HMI, PLC, &asked).answers(HMI, PLC, &answer).lives(1);
        }
    }

    fn octet(value: u64) -> u8 {
        u8::try_from(value % 200).unwrap()
    }

    #[test]
    fn answers_that_repeat_are_told() {
        let mut bench = Bench::with(Some(lively()));
        polls(&mut bench, 60, |n| [0, octet(n), 0, octet(2 * n), 0, octet(3 * n), 0, 9]);
        assert!(bench.alerts.is_empty());
        polls(&mut bench, 60, |_| [0, 7, 0, 7, 0, 7, 0, 9]);
        assert_eq!(bench.detectors(), ["frozen-report"]);
        let alert = bench.last();
        assert_eq!(
            alert.summary,
            "Dosing PLC (10.0.0.20) has reported the same value of 40001-40003 to 10.0.0.5 for 30 s, 3 of the 3 values of its answer that always moved"
        );
        assert_eq!(alert.severity, fieldwarden_model::Severity::High);
        polls(&mut bench, 120, |n| [0, octet(n), 0, octet(2 * n), 0, octet(3 * n), 0, 9]);
        assert_eq!(bench.alerts.len(), 1, "they move again");
        polls(&mut bench, 60, |_| [0, 7, 0, 7, 0, 7, 0, 9]);
        assert_eq!(bench.detectors(), ["frozen-report", "frozen-report"]);
    }

    #[test]
    fn one_value_that_stands_among_others_that_move_is_told_as_a_gauge_may_be() {
        let mut bench = Bench::with(Some(lively()));
        polls(&mut bench, 60, |n| [0, octet(n), 0, octet(2 * n), 0, 5, 0, 9]);
        assert_eq!(bench.detectors(), ["frozen-report"]);
        assert_eq!(bench.last().severity, fieldwarden_model::Severity::Medium);
        assert_eq!(bench.last().points.as_deref(), Some("40003"));
    }

    #[test]
    fn usual_stillness_pauses_and_points_that_never_moved_are_not_told() {
        let mut bench = Bench::with(Some(lively()));
        polls(&mut bench, 120, |n| [0, octet(n / 20), 0, octet(n / 5), 0, octet(n), 0, 9]);
        bench.lives(600);
        polls(&mut bench, 20, |_| [0, 5, 0, 5, 0, 5, 0, 9]);
        assert!(
            bench.alerts.iter().all(|alert| alert.detector != "frozen-report"),
            "{:?}",
            bench.detectors()
        );
    }
}
