//! `point-toggling`: one point is written back and forth.
//!
//! Techniques of ATT&CK for ICS: T0806 Brute Force I/O, T0831 Manipulation of Control. Counted is how often a written value turns back within a
//! minute of the clock. Life signs do that all day, so the baseline keeps the most turns it saw at a point in one minute. Needs a
//! baseline.

use fieldwarden_model::{
    Point, PointRange, Severity, Verb,
    section::{Fault, Reader, Section},
};

use super::{
    Bucket, Context, Detector, Finding, Judged, Memory, Need, Subject, is_change,
    tracks::{LONG, Move},
};

/// Judges points that are written back and forth.
pub struct PointToggling;

/// What `point-toggling` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Turns within a minute that are toggling, where fewer were learned. Eight: an operator who seeks the right value turns back twice or
    /// three times.
    pub turns: u32,
    /// So many times the most turns that were learned are toggling. Three: a life sign keeps its pace.
    pub times: u32,
    /// So many times `turns` within ten minutes are toggling as well, or `times` the most turns that were learned, ten minutes long. Five:
    /// four turns a minute that go on are no seeking.
    pub long_times: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { turns: 8, times: 3, long_times: 5 }
    }
}

impl Settings {
    /// Reads `[detectors.point_toggling]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let turns = reader.within("turns", 2..=100_000, u64::from(usual.turns));
        let times = reader.within("times", 1..=1_000, u64::from(usual.times));
        let long_times = reader.within("long_times", 1..=1_000, u64::from(usual.long_times));
        let narrow = |value: u64, usual: u32| u32::try_from(value).unwrap_or(usual);
        reader.finish_with(Some(Self {
            turns: narrow(turns, usual.turns),
            times: narrow(times, usual.times),
            long_times: narrow(long_times, usual.long_times),
        }))
    }

    /// Turns within a minute that are toggling, where so many were learned.
    fn most(&self, learned: u32) -> u32 {
        self.turns.max(learned.saturating_mul(self.times))
    }

    /// Turns within ten minutes that are.
    fn long_most(&self, learned: u32) -> u32 {
        let minutes = u32::try_from(LONG.as_secs() / 60).unwrap_or(1);
        let usual = learned.saturating_mul(self.times).saturating_mul(minutes);
        self.turns.saturating_mul(self.long_times).max(usual)
    }

    /// How many turns make it toggling, and within which time.
    fn told(&self, judged: &Judged<'_>, moved: &Move) -> (u32, &'static str) {
        if moved.moved.turns == self.most(learned(judged, moved)) {
            (moved.moved.turns, "a minute")
        } else {
            (moved.long_turns, "ten minutes")
        }
    }
}

/// The most turns of a point in one minute that were learned.
fn learned(judged: &Judged<'_>, moved: &Move) -> u32 {
    let envelope = judged.entry.and_then(|entry| entry.envelope(moved.point, moved.stride));
    envelope.map_or(0, |envelope| envelope.moves.turns_per_minute)
}

impl Detector for PointToggling {
    fn id(&self) -> &'static str {
        "point-toggling"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Values, Need::Time]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if judged.entry.is_none() || !is_change(operation) {
            return;
        }
        let settings = &context.settings.point_toggling;
        let Some(tracks) = memory.tracks() else { return };
        let toggles = |moved: &&Move| {
            let learned = learned(judged, moved);
            // Told when it crosses the line, and anew in every minute that does; so is the longer one.
            moved.turned
                && (moved.moved.turns == settings.most(learned)
                    || moved.long_turns == settings.long_most(learned))
        };
        let Some(moved) = tracks.moves().iter().find(toggles) else { return };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        let (turns, within) = settings.told(judged, moved);
        let last = tracks.turns_of(moved).iter().rev().take(usize::try_from(turns).unwrap_or(usize::MAX));
        finding.frames = last.rev().copied().collect();
        let Point { space, index } = moved.point;
        let points = PointRange { space, first: index, last: index };
        finding.bucket = Bucket { points: Some(points), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = if operation.verb == Verb::Operate { &["T0806"] } else { &["T0806", "T0831"] };
        finding.baseline_entry = judged.entry.map(|entry| entry.id());
        let text = finding.points_text().unwrap_or_else(|| String::from("a point"));
        finding.sentence = format!(
            "{{client}} writes {text} of {{server}} back and forth: {turns} turns within {within}, now {}",
            moved.value
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline, write};

    fn toggle(bench: &mut Bench, client: &str, times: u32, pause: u64) {
        for n in 0..times {
            bench
                .does(client, PLC, &write("40101", if n % 2 == 0 { &[0, 20] } else { &[0, 80] }))
                .wait(pause);
        }
    }

    #[test]
    fn a_point_written_back_and_forth_is_told_once() {
        let mut bench = Bench::new();
        toggle(&mut bench, HMI, 24, 1);
        assert_eq!(bench.detectors(), ["point-toggling"]);
        assert_eq!(
            bench.last().summary,
            "10.0.0.5 writes 40101 of Dosing PLC (10.0.0.20) back and forth: 8 turns within a minute, now 80"
        );
        assert_eq!(bench.last().frames.len(), 8);
    }

    #[test]
    fn a_life_sign_and_an_operator_who_seeks_are_not_told() {
        let mut baseline = baseline();
        baseline.conversations[0].writes[0].moves.turns_per_minute = 20;
        let mut bench = Bench::with(Some(baseline));
        toggle(&mut bench, HMI, 300, 3);
        assert!(bench.alerts.is_empty());
        let mut seeks = Bench::new();
        for value in [[0, 40], [0, 60], [0, 50], [0, 55], [0, 52]] {
            seeks.asks(HMI, PLC, &write("40101", &value)).wait(5);
        }
        assert!(seeks.alerts.is_empty());
    }

    #[test]
    fn split_over_sources_is_told_and_slow_is_not() {
        let mut split = Bench::new();
        for value in [[0, 20], [0, 80], [0, 20], [0, 80]] {
            split.asks(HMI, PLC, &write("40101", &value)).asks(ROGUE, PLC, &write("40101", &value));
        }
        assert!(split.detectors().contains(&"rogue-master"));
        let mut patient = Bench::new();
        toggle(&mut patient, HMI, 60, 12);
        assert_eq!(patient.detectors(), ["point-toggling"], "five times a minute");
        assert!(patient.last().summary.contains("40 turns within ten minutes"), "{}", patient.last().summary);
        let mut slow = Bench::new();
        toggle(&mut slow, HMI, 60, 20);
        assert!(slow.alerts.is_empty(), "docs/known-issues.md says so");
    }
}
