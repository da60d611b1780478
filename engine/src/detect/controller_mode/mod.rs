//! `controller-mode`: a controller is started, stopped, reset or silenced.
//!
//! Techniques of ATT&CK for ICS: T0858 Change Operating Mode; for a stop or restart also T0816 Device Restart/Shutdown.
//! Needs no baseline, since such a command is never routine; a baseline that lists the function for this very
//! conversation allows it.

use fieldwarden_model::{Operation, Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Judged, Memory, Need, Subject, is_demand, nearest};

/// Judges changes of mode.
pub struct ControllerMode;

impl Detector for ControllerMode {
    fn id(&self) -> &'static str {
        "controller-mode"
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
        if !is_demand(operation) || !changes_mode(judged, operation) {
            return;
        }
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket = Bucket { function: Some(operation.function), ..Bucket::default() };
        finding.severity = Severity::Critical;
        finding.verb = Some(Verb::Mode);
        finding.techniques = &["T0816", "T0858"];
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        finding.sentence = format!("{{client}} commanded `{}` on {{server}}", operation.name);
        findings(finding);
    }
}

/// Modbus function 8 with sub-function 1 (Restart Communications Option) or 4 (Force Listen Only Mode), clauses 6.8.1
/// of the Modbus Application Protocol 1.1b3, silences a controller however its dissector classes diagnostics.
fn changes_mode(judged: &Judged<'_>, operation: &Operation<'_>) -> bool {
    let silences = matches!(operation.function, 0x0001_0008 | 0x0004_0008);
    operation.verb == Verb::Mode || (judged.conversation.protocol.name() == "modbus" && silences)
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Severity, Verb};

    use crate::{
        baseline::Function,
        bench::{Bench, HMI, PLC, ROGUE, baseline, operation, read},
    };

    #[test]
    fn a_stop_is_critical_with_or_without_a_baseline() {
        for baseline in [None, Some(baseline())] {
            let mut bench = Bench::with(baseline).s7comm();
            bench.asks(ROGUE, PLC, &operation(Verb::Mode, 0x29, None));
            assert!(bench.detectors().contains(&"controller-mode"));
            assert_eq!(bench.incident().severity, Severity::Critical);
        }
    }

    #[test]
    fn listen_only_silences_a_modbus_controller() {
        let mut bench = Bench::with(None);
        bench.asks(ROGUE, PLC, &operation(Verb::Diagnose, 4 << 16 | 8, None));
        assert_eq!(bench.detectors(), ["controller-mode"]);
    }

    #[test]
    fn a_baseline_can_allow_it_to_one_station() {
        let mut baseline = baseline();
        baseline.conversations[0].functions.push(Function { code: 1 << 16 | 8, name: "".into() });
        let mut bench = Bench::with(Some(baseline));
        bench.asks(HMI, PLC, &operation(Verb::Mode, 1 << 16 | 8, None)).asks(HMI, PLC, &read("40001"));
        assert!(bench.alerts.is_empty());
    }
}
