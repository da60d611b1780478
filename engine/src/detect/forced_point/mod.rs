//! `forced-point`: inputs or outputs of a controller are forced, or forces are released.
//!
//! Techniques of ATT&CK for ICS: T0835 Manipulate I/O Image, T0831 Manipulation of Control. A forced point keeps its value whatever the
//! program computes. Needs no baseline, since only engineers force; a baseline that lists the function for this very conversation allows it.

use fieldwarden_model::{Operation, Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_demand, nearest, says};

/// Judges forces.
pub struct ForcedPoint;

impl Detector for ForcedPoint {
    fn id(&self) -> &'static str {
        "forced-point"
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
        if !is_demand(operation) || !matches!(operation.verb, Verb::Write | Verb::Operate) {
            return;
        }
        // What is usual is asked first: it is nearly every write.
        let usual = judged.entry.is_some_and(|entry| entry.knows_function(operation.function));
        if usual || !forces(operation) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket =
            Bucket { function: Some(operation.function), points: operation.points, ..Bucket::default() };
        finding.severity = Severity::Critical;
        finding.techniques = &["T0831", "T0835"];
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        finding.sentence =
            format!("{{client}} forces points of {{server}}, or releases them (`{}`)", operation.name);
        findings(finding);
    }
}

/// Whether points are forced or released. One name stands for both in some protocols.
pub(crate) fn forces(operation: &Operation<'_>) -> bool {
    matches!(operation.verb, Verb::Write | Verb::Operate)
        && says(operation.name, &["force", "forced", "forces"])
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Severity, Verb};

    use crate::{
        baseline::Function,
        bench::{Bench, HMI, PLC, ROGUE, baseline, operation, write},
    };

    fn force() -> Operation<'static> {
        Operation { name: "force variable", ..operation(Verb::Write, 0x109, None) }
    }

    #[test]
    fn a_force_is_critical_with_or_without_a_baseline() {
        for baseline in [None, Some(baseline())] {
            let mut bench = Bench::with(baseline);
            bench.asks(HMI, PLC, &force());
            assert_eq!(bench.detectors(), ["forced-point"]);
            assert_eq!(bench.incident().severity, Severity::Critical);
        }
    }

    #[test]
    fn plain_writes_and_usual_forces_are_not_told() {
        let mut bench = Bench::with(None);
        bench.asks(HMI, PLC, &write("40101", &[0, 1]));
        assert!(bench.alerts.is_empty());
        let mut baseline = baseline();
        baseline.conversations[0].functions.push(Function { code: 0x109, name: "".into() });
        let mut usual = Bench::with(Some(baseline));
        usual.asks(HMI, PLC, &force());
        assert!(usual.alerts.is_empty());
    }

    #[test]
    fn slowly_and_from_several_sources_each_is_told() {
        let mut bench = Bench::with(None);
        for client in [ROGUE, "10.0.0.67"] {
            bench.asks(client, PLC, &force()).wait(7_200);
        }
        assert_eq!(bench.detectors(), ["forced-point", "forced-point"]);
    }
}
