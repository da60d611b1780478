//! `period-change`: a client asks more often, or more seldom, than it ever did.
//!
//! Techniques of ATT&CK for ICS: T0802 Automated Collection where it asks more often, T0815 Denial of View where it asks more seldom. Held
//! against the fewest and the most requests that the baseline saw in a whole minute; one minute outside is chance, several in a row are not.
//! Needs a baseline.

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory as AllMemory, Need, Subject};

/// Judges how often is asked.
pub struct PeriodChange;

/// Units remembered per service; others are judged when one of these is back in its pace.
const MAX_UNITS: usize = 64;

/// What `period-change` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Hundredths by which a minute may hold more than the most, or less than the fewest, requests that were learned. Twenty: the bounds are
    /// those of whole minutes already.
    pub percent: u32,
    /// Minutes in a row that make a change. Three: a display that is opened and closed takes one or two.
    pub minutes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { percent: 20, minutes: 3 }
    }
}

impl Settings {
    /// Reads `[detectors.period_change]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let percent = reader.within("percent", 0..=99, u64::from(usual.percent));
        let minutes = reader.within("minutes", 1..=1_440, u64::from(usual.minutes));
        let narrow = |value: u64, usual: u32| u32::try_from(value).unwrap_or(usual);
        reader.finish_with(Some(Self {
            percent: narrow(percent, usual.percent),
            minutes: narrow(minutes, usual.minutes),
        }))
    }

    /// Whether so many requests are too many, or too few.
    fn pace(&self, count: u64, fewest: u64, most: u64) -> Option<Pace> {
        let hundred = count.saturating_mul(100);
        if hundred > most.saturating_mul(u64::from(100 + self.percent)) {
            return Some(Pace::More);
        }
        (hundred < fewest.saturating_mul(u64::from(100_u32.saturating_sub(self.percent))))
            .then_some(Pace::Less)
    }
}

/// Which way the pace changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    More,
    Less,
}

/// Units out of their pace.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    off: Vec<Off>,
}

#[derive(Debug)]
struct Off {
    unit: Option<u16>,
    pace: Pace,
    minutes: u32,
}

impl Detector for PeriodChange {
    fn id(&self) -> &'static str {
        "period-change"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Time]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut AllMemory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Minute(judged, count) = subject else { return };
        let Some(entry) = judged.entry else { return };
        let Some((fewest, most)) = entry.pace.requests_per_minute else { return };
        let settings = &context.settings.period_change;
        let unit = judged.conversation.unit;
        // Requests that were not seen are no change of pace.
        let blind = judged.lacks.blinds(self.needs());
        let pace = settings.pace(u64::from(*count), fewest, most).filter(|_| !blind);
        let Some(pace) = pace else { return memory.keeps_pace(unit) };
        if memory.process().period_change.off(unit, pace) != settings.minutes {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        let code = if pace == Pace::More { "more" } else { "less" };
        finding.bucket = Bucket { code: Some(code), ..Bucket::default() };
        finding.severity = Severity::Medium;
        finding.techniques = if pace == Pace::More { &["T0802"] } else { &["T0815"] };
        finding.baseline_entry = Some(format!("{}: {fewest} to {most} requests a minute", entry.id()));
        finding.sentence = format!(
            "{{client}} asked {{server}} {count} times within a minute, for {} minutes by now, where {fewest} to {most} times are normal",
            settings.minutes
        );
        findings(finding);
    }
}

impl Memory {
    /// A minute went out of pace; how many in a row that makes.
    fn off(&mut self, unit: Option<u16>, pace: Pace) -> u32 {
        if let Some(off) = self.off.iter_mut().find(|off| off.unit == unit) {
            off.minutes = if off.pace == pace { off.minutes.saturating_add(1) } else { 1 };
            off.pace = pace;
            return off.minutes;
        }
        if self.off.len() >= MAX_UNITS {
            return 0;
        }
        self.off.push(Off { unit, pace, minutes: 1 });
        1
    }

    /// A minute kept the pace.
    pub(super) fn keeps(&mut self, unit: Option<u16>) {
        self.off.retain(|off| off.unit != unit);
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        baseline::{Baseline, Pace},
        bench::{Bench, HMI, PLC, baseline, read},
    };

    fn paced() -> Baseline {
        let mut baseline = baseline();
        baseline.conversations[0].pace = Pace { requests_per_minute: Some((19, 21)), ..Pace::default() };
        baseline
    }

    fn poll(bench: &mut Bench, times: u64, pause: u64) {
        for _ in 0..times {
            bench.does(HMI, PLC, &read("40001")).lives(pause);
        }
    }

    #[test]
    fn a_poll_that_comes_more_often_or_more_seldom_is_told() {
        for (times, pause, word) in [(400, 1, "T0802"), (100, 6, "T0815")] {
            let mut bench = Bench::with(Some(paced()));
            poll(&mut bench, times, pause);
            assert_eq!(bench.detectors(), ["period-change"]);
            assert_eq!(bench.last().techniques[0].0, word);
        }
    }

    #[test]
    fn the_usual_pace_and_a_busy_minute_are_not_told() {
        let mut bench = Bench::with(Some(paced()));
        poll(&mut bench, 100, 3);
        poll(&mut bench, 60, 1);
        poll(&mut bench, 100, 3);
        assert!(bench.alerts.is_empty());
    }
}
