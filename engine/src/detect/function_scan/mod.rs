//! `function-scan`: a client tries one function after the other.
//!
//! Techniques of ATT&CK for ICS: T0888 Remote System Information Discovery, T0846 Remote System Discovery. Counted are
//! distinct function codes that the baseline does not list for a conversation it lists, that were refused, or that had
//! no answer for a second. In a conversation that is new as a whole, and without a baseline, only refused and unanswered
//! ones count: a new display that uses six functions is told as a new conversation, and is no scan.

use std::time::Duration;

use fieldwarden_model::{
    FrameRef, Operation, Outcome, Severity, Timestamp, Verb,
    section::{Fault, Reader, Section},
};

use super::{
    Context, Detector, Finding, Judged, Memory as AllMemory, Need, Subject, nearest, settings::seconds,
};
use crate::baseline::function_text;

/// Judges series of functions.
pub struct FunctionScan;

/// Functions remembered per service; the one tried longest ago is forgotten first.
const MAX_FUNCTIONS: usize = 64;
/// A function without an answer for this long counts as not answered. A second: controllers answer within a tenth.
const PATIENCE: Duration = Duration::from_secs(1);

/// What `function-scan` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Distinct doubtful functions that make a scan. Five: engineering tools probe two or three when they connect.
    pub functions: u32,
    /// Within which time.
    pub window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { functions: 5, window: Duration::from_secs(60) }
    }
}

impl Settings {
    /// Reads `[detectors.function_scan]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let functions = reader.within("functions", 2..=64, u64::from(usual.functions));
        let functions = u32::try_from(functions).unwrap_or(usual.functions);
        let window = seconds(&mut reader, "window_secs", usual.window);
        reader.finish_with(Some(Self { functions, window }))
    }
}

/// Functions tried of late.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    tried: Vec<Tried>,
}

#[derive(Clone, Copy, Debug)]
struct Tried {
    function: u32,
    last: Timestamp,
    frame: FrameRef,
    foreign: bool,
    refused: bool,
    answered: bool,
}

impl Detector for FunctionScan {
    fn id(&self) -> &'static str {
        "function-scan"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Answers, Need::Time]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut AllMemory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let settings = &context.settings.function_scan;
        let now = judged.origin.time;
        let changed = match operation.outcome {
            Outcome::Asked => memory.functions.asked(judged, operation),
            Outcome::Done => memory.functions.answered(operation.function),
            Outcome::Refused(_) => memory.functions.refused(operation.function),
            Outcome::Reported => false,
        };
        if !changed {
            return;
        }
        let doubtful: Vec<&Tried> = memory
            .functions
            .tried
            .iter()
            .filter(|tried| now.since(tried.last) <= settings.window)
            .filter(|tried| {
                tried.foreign || tried.refused || (!tried.answered && now.since(tried.last) >= PATIENCE)
            })
            .collect();
        if doubtful.len() < settings.functions as usize {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        finding.severity = Severity::High;
        finding.techniques = &["T0846", "T0888"];
        finding.frames = doubtful.iter().map(|tried| tried.frame).collect();
        finding.frames.sort();
        finding.frames.dedup();
        finding.baseline_entry = judged
            .entry
            .map(|entry| entry.cite_functions())
            .or_else(|| nearest(context, judged.conversation));
        let names: Vec<String> = doubtful.iter().take(8).map(|tried| function_text(tried.function)).collect();
        finding.sentence = format!(
            "{{client}} tried {} functions of {{server}} one after the other ({}{})",
            doubtful.len(),
            names.join(", "),
            if doubtful.len() > 8 { ", .." } else { "" }
        );
        findings(finding);
    }
}

impl Memory {
    /// A function was asked for; whether that changes the count.
    fn asked(&mut self, judged: &Judged<'_>, operation: &Operation<'_>) -> bool {
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return false;
        }
        let foreign = judged.entry.is_some() && operation.verb != Verb::Associate;
        let (last, frame) = (judged.origin.time, judged.frame().unwrap_or_default());
        if let Some(tried) = self.tried.iter_mut().find(|tried| tried.function == operation.function) {
            tried.last = last;
            return false;
        }
        if self.tried.len() >= MAX_FUNCTIONS
            && let Some(oldest) =
                self.tried.iter().enumerate().min_by_key(|(_, tried)| tried.last).map(|(n, _)| n)
        {
            self.tried.remove(oldest);
        }
        let function = operation.function;
        self.tried.push(Tried { function, last, frame, foreign, refused: false, answered: false });
        true
    }

    fn answered(&mut self, function: u32) -> bool {
        if let Some(tried) = self.tried.iter_mut().find(|tried| tried.function == function) {
            tried.answered = true;
        }
        false
    }

    fn refused(&mut self, function: u32) -> bool {
        let Some(tried) = self.tried.iter_mut().find(|tried| tried.function == function) else {
            return false;
        };
        let first = !tried.refused;
        tried.refused = true;
        first
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Verb};

    use crate::bench::{Bench, HMI, PLC, ROGUE, operation, refused};

    #[test]
    fn refused_functions_one_after_the_other_are_a_scan() {
        let mut bench = Bench::with(None);
        for function in 90..100 {
            let demand = operation(Verb::Unknown, function, None);
            bench.asks(ROGUE, PLC, &demand).answers(ROGUE, PLC, &refused(demand));
        }
        assert_eq!(bench.detectors(), ["function-scan"]);
        assert_eq!(bench.last().frames.len(), 5);
    }

    #[test]
    fn a_scan_that_nobody_answers_is_seen_too() {
        let mut bench = Bench::with(None);
        for function in 90..97 {
            bench.asks(ROGUE, PLC, &operation(Verb::Unknown, function, None)).wait(2);
        }
        assert_eq!(bench.detectors(), ["function-scan"]);
    }

    #[test]
    fn a_display_with_six_functions_is_no_scan() {
        let mut bench = Bench::with(None);
        for function in [1, 2, 3, 4, 6, 16] {
            let demand = operation(Verb::Read, function, None);
            bench.asks(HMI, PLC, &demand).answers(HMI, PLC, &Operation { outcome: Outcome::Done, ..demand });
        }
        assert!(bench.alerts.is_empty());
    }
}
