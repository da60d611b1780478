//! `value-step`: a written value lies within its envelope, but jumped there, or crept further one way than it ever did.
//!
//! Techniques of ATT&CK for ICS: T0836 Modify Parameter, T0831 Manipulation of Control. The baseline keeps for each written point the largest
//! step from one write to the next and the largest sum of steps one way, where either is smaller than the envelope is wide: elsewhere they say
//! nothing. Needs a baseline.

use fieldwarden_model::{
    Point, PointRange, Severity,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_change, tracks::Move};
use crate::baseline::{Envelope, compiled::CompiledEntry};

/// Judges how written values move.
pub struct ValueStep;

/// What `value-step` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A step, or a sum of steps one way, is told beyond so many hundredths of the largest that was learned. 150: half as much again is
    /// no chance where hundreds were seen.
    pub percent: u32,
    /// Values that must have been seen at a point for its steps to be judged. Twenty: below it the next may be the largest.
    pub support: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { percent: 150, support: 20 }
    }
}

impl Settings {
    /// Reads `[detectors.value_step]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let percent = reader.within("percent", 100..=100_000, u64::from(usual.percent));
        let percent = u32::try_from(percent).unwrap_or(usual.percent);
        let support = reader.within("support", 2..=1_000_000, usual.support);
        reader.finish_with(Some(Self { percent, support }))
    }
}

/// What was too much.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Excess {
    /// One step; the largest there was.
    Step(f64),
    /// The sum of steps one way; the largest there was.
    Run(f64),
}

/// Steps one way that make a run: two may be a correction.
const RUN: u32 = 3;

impl Detector for ValueStep {
    fn id(&self) -> &'static str {
        "value-step"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Values]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if !is_change(operation) {
            return;
        }
        let (Some(entry), Some(tracks)) = (judged.entry, memory.tracks()) else { return };
        let settings = &context.settings.value_step;
        let first = tracks.moves().iter().find_map(|moved| Some((moved, excess(settings, entry, moved)?)));
        let Some((moved, excess)) = first else { return };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        let Point { space, index } = moved.point;
        let points = PointRange { space, first: index, last: index };
        let code = if matches!(excess, Excess::Step(_)) { "step" } else { "run" };
        finding.bucket = Bucket { points: Some(points), code: Some(code), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = &["T0831", "T0836"];
        let text = finding.points_text().unwrap_or_else(|| String::from("points"));
        let (value, moved) = (moved.value, moved.moved);
        (finding.sentence, finding.baseline_entry) = match excess {
            Excess::Step(most) => (
                format!("{{client}} moved {text} of {{server}} by {} at once, to {value}", moved.step),
                Some(format!("{}: {text} moves by at most {most}", entry.id())),
            ),
            Excess::Run(most) => (
                format!(
                    "{{client}} moved {text} of {{server}} by {} in {} steps one way, to {value}",
                    moved.run, moved.steps
                ),
                Some(format!("{}: {text} moves one way by at most {most}", entry.id())),
            ),
        };
        findings(finding);
    }
}

/// What of a move is too much for its envelope.
fn excess(settings: &Settings, entry: &CompiledEntry, moved: &Move) -> Option<Excess> {
    let envelope: &Envelope = entry.envelope(moved.point, moved.stride)?;
    // A value outside is told by `value-out-of-range`.
    if envelope.seen < settings.support || !envelope.allows(moved.value) {
        return None;
    }
    let beyond = |most: &f64, measure: f64| measure * 100.0 > most * f64::from(settings.percent);
    let step = envelope.moves.step_maximum.filter(|most| beyond(most, moved.moved.step)).map(Excess::Step);
    let runs = moved.moved.steps >= RUN;
    let run =
        envelope.moves.run_maximum.filter(|most| runs && beyond(most, moved.moved.run)).map(Excess::Run);
    step.or(run)
}

#[cfg(test)]
mod tests {
    use crate::{
        baseline::Baseline,
        bench::{Bench, HMI, PLC, baseline, write},
    };

    fn calm() -> Baseline {
        let mut baseline = baseline();
        let envelope = &mut baseline.conversations[0].writes[0];
        envelope.seen = 200;
        (envelope.moves.step_maximum, envelope.moves.run_maximum) = (Some(4.0), Some(10.0));
        baseline
    }

    fn writes(bench: &mut Bench, values: &[u8], pause: u64) {
        for value in values {
            bench.asks(HMI, PLC, &write("40101", &[0, *value])).wait(pause);
        }
    }

    #[test]
    fn a_jump_within_the_envelope_is_told() {
        let mut bench = Bench::with(Some(calm()));
        writes(&mut bench, &[50, 54, 62], 10);
        assert_eq!(bench.detectors(), ["value-step"]);
        assert_eq!(
            bench.last().summary,
            "10.0.0.5 moved 40101 of Dosing PLC (10.0.0.20) by 8 at once, to 62"
        );
        let entry = bench.last().baseline_entry.as_deref();
        assert_eq!(entry, Some("station to dosing: 40101 moves by at most 4"));
    }

    #[test]
    fn a_slow_drift_is_told_however_slow() {
        let mut bench = Bench::with(Some(calm()));
        writes(&mut bench, &[50, 53, 56, 59, 62, 65, 68], 900);
        assert_eq!(bench.detectors(), ["value-step"]);
        assert_eq!(
            bench.last().summary,
            "10.0.0.5 moved 40101 of Dosing PLC (10.0.0.20) by 18 in 6 steps one way, to 68"
        );
    }

    #[test]
    fn usual_steps_and_envelopes_with_little_support_are_not_told() {
        let mut bench = Bench::with(Some(calm()));
        writes(&mut bench, &[50, 54, 50, 55, 52, 56, 60, 58], 10);
        assert!(bench.alerts.is_empty());
        let mut baseline = calm();
        baseline.conversations[0].writes[0].seen = 12;
        let mut young = Bench::with(Some(baseline));
        writes(&mut young, &[10, 90], 10);
        let mut plain = Bench::new();
        writes(&mut plain, &[10, 90], 10);
        assert!(young.alerts.is_empty() && plain.alerts.is_empty());
    }

    #[test]
    fn a_drift_that_turns_back_now_and_then_is_not_seen() {
        let mut bench = Bench::with(Some(calm()));
        writes(&mut bench, &[50, 54, 58, 57, 61, 65, 64, 68], 10);
        assert!(bench.alerts.is_empty(), "docs/known-issues.md says so");
    }
}
