//! `exception-burst`: a server refuses one request of a client after the other.
//!
//! Techniques of ATT&CK for ICS: T0861 Point & Tag Identification and T0888 Remote System Information Discovery: who
//! does not know the plant asks for what is not there. Needs no baseline; where a baseline knows refusals as normal for
//! the conversation, three times its rate counts as a burst.

use std::time::Duration;

use fieldwarden_model::{
    FrameRef, Outcome, Severity, Timestamp,
    section::{Fault, Reader, Section},
};

use super::{Context, Detector, Finding, Memory as AllMemory, Need, Subject, nearest, settings::seconds};

/// Judges series of refusals.
pub struct ExceptionBurst;

/// Frames of refusals an alert cites.
const MAX_FRAMES: usize = 8;

/// What `exception-burst` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Refusals that make a burst. Twenty: a display with a wrong address repeats one or two per poll.
    pub refusals: u32,
    /// Within which time.
    pub window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { refusals: 20, window: Duration::from_secs(60) }
    }
}

impl Settings {
    /// Reads `[detectors.exception_burst]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let refusals = reader.within("refusals", 2..=100_000, u64::from(usual.refusals));
        let refusals = u32::try_from(refusals).unwrap_or(usual.refusals);
        let window = seconds(&mut reader, "window_secs", usual.window);
        reader.finish_with(Some(Self { refusals, window }))
    }
}

/// Refusals in the running window.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    since: Timestamp,
    count: u64,
    /// At most [`MAX_FRAMES`]; nearly no service ever refuses, and none but those pays for them.
    frames: Vec<FrameRef>,
}

impl Detector for ExceptionBurst {
    fn id(&self) -> &'static str {
        "exception-burst"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Answers, Need::Time]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut AllMemory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let Outcome::Refused(code) = operation.outcome else { return };
        let settings = &context.settings.exception_burst;
        let memory = &mut memory.exceptions;
        let now = judged.origin.time;
        if memory.count == 0 || now.since(memory.since) > settings.window {
            *memory = Memory { since: now, ..Memory::default() };
        }
        memory.count += 1;
        let frame = judged.frame().unwrap_or_default();
        // A reply may carry several refused items; the frame is cited once. The last place is kept for the newest.
        if memory.frames.last() != Some(&frame) {
            memory.frames.truncate(MAX_FRAMES - 1);
            memory.frames.push(frame);
        }
        let normal = judged.entry.map_or(0, |entry| entry.refusals_per_minute);
        let window_minutes = settings.window.as_secs().div_ceil(60);
        let threshold =
            u64::from(settings.refusals).max(normal.saturating_mul(3).saturating_mul(window_minutes));
        if memory.count < threshold {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        finding.severity = Severity::Medium;
        finding.techniques = &["T0861", "T0888"];
        finding.frames.clone_from(&memory.frames);
        let cited = judged.entry.map(|entry| format!("{}: at most {normal} refusals a minute", entry.id()));
        finding.baseline_entry = cited.or_else(|| nearest(context, judged.conversation));
        finding.sentence = format!(
            "{{server}} refused {} requests of {{client}} within {} s (last code {code})",
            memory.count,
            now.since(memory.since).as_secs().max(1)
        );
        *memory = Memory::default();
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline, read, refused};

    #[test]
    fn twenty_refusals_in_a_minute_are_a_burst() {
        let mut bench = Bench::with(None);
        for _ in 0..25 {
            bench.asks(ROGUE, PLC, &read("40001")).answers(ROGUE, PLC, &refused(read("40001")));
        }
        assert_eq!(bench.detectors(), ["exception-burst"]);
        assert_eq!(bench.last().client.to_string(), ROGUE, "who asks is the attacker, not who refuses");
        assert_eq!(bench.last().frames.len(), 8);
    }

    #[test]
    fn a_few_refusals_and_those_that_are_normal_are_not_told() {
        let mut slow = Bench::with(None);
        for _ in 0..60 {
            slow.answers(HMI, PLC, &refused(read("40001"))).wait(4);
        }
        assert!(slow.alerts.is_empty(), "fifteen a minute");
        let mut baseline = baseline();
        baseline.conversations[0].refusals_per_minute = 30;
        let mut known = Bench::with(Some(baseline));
        for _ in 0..80 {
            known.answers(HMI, PLC, &refused(read("40001")));
        }
        assert!(known.alerts.is_empty(), "less than three times what is normal");
    }
}
