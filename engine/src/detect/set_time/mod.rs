//! `set-time`: a client sets the clock of a controller, and is not known to do so.
//!
//! Techniques of ATT&CK for ICS: T0855 Unauthorized Command Message, T0836 Modify Parameter. A wrong clock lets schedules, batches and
//! certificates go wrong, and makes the log of what happened useless. Needs a baseline: every station that keeps clocks in step sets
//! them all day.

use fieldwarden_model::{Operation, Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_demand, nearest, says};

/// Judges who sets clocks.
pub struct SetTime;

impl Detector for SetTime {
    fn id(&self) -> &'static str {
        "set-time"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if context.baseline.is_none() || !is_demand(operation) || !sets_clock(operation) {
            return;
        }
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket = Bucket { function: Some(operation.function), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = &["T0836", "T0855"];
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        finding.sentence =
            format!("{{client}} set the clock of {{server}} (`{}`), which it never did", operation.name);
        findings(finding);
    }
}

/// Whether a clock is set, not asked for. One verb stands for both; their names tell them apart. The clocks of field buses, which every
/// cycle keeps in step, are no controller's time of day, and their names say `synchronisation`.
pub(crate) fn sets_clock(operation: &Operation<'_>) -> bool {
    operation.verb == Verb::Time && says(operation.name, &["set", "write", "synchronization"])
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Verb};

    use crate::{
        baseline::Function,
        bench::{Bench, HMI, PLC, ROGUE, baseline, operation},
    };

    fn set_clock() -> Operation<'static> {
        Operation { name: "set clock", ..operation(Verb::Time, 60, None) }
    }

    #[test]
    fn a_clock_set_by_who_never_did_is_told_as_that_alone() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &set_clock());
        assert_eq!(bench.detectors(), ["set-time"]);
        assert_eq!(bench.incident().title, "Device 10.0.0.5 set the clock of Dosing PLC");
        bench.asks(ROGUE, PLC, &set_clock());
        assert_eq!(bench.detectors(), ["set-time", "new-conversation", "set-time"]);
    }

    #[test]
    fn reading_the_clock_and_who_always_sets_it_are_not_told() {
        let mut baseline = baseline();
        baseline.conversations[0].functions.push(Function { code: 60, name: "set clock".into() });
        let mut bench = Bench::with(Some(baseline));
        bench.asks(HMI, PLC, &set_clock());
        assert!(bench.alerts.is_empty());
        let mut unknown = Bench::with(None);
        unknown.asks(HMI, PLC, &set_clock());
        assert!(unknown.alerts.is_empty(), "without a baseline nobody is known to do it");
        let mut reads = Bench::new();
        reads.asks(HMI, PLC, &Operation { name: "read clock", ..set_clock() });
        assert!(!reads.detectors().contains(&"set-time"));
    }

    #[test]
    fn slowly_and_from_several_sources_each_is_told() {
        let mut bench = Bench::new();
        for client in [ROGUE, "10.0.0.67", "10.0.0.68"] {
            bench.asks(client, PLC, &set_clock()).wait(7_200);
        }
        assert_eq!(bench.detectors().iter().filter(|id| **id == "set-time").count(), 3);
    }
}
