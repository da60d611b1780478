//! `new-function`: within a conversation that is normal, a function code that is not.
//!
//! Techniques of ATT&CK for ICS: T0855 Unauthorized Command Message; for functions that only look around T0888 Remote
//! System Information Discovery. Changes of mode, program transfers, clocks, security, forces and writes have detectors of their own, and a
//! conversation that is new as a whole is told once, not once per function.

use fieldwarden_model::{Severity, Verb};

use super::{
    Bucket, Context, Detector, Finding, Memory, Need, Subject, forced_point::forces, is_demand,
    security_change::changes_security, set_time::sets_clock,
};
use crate::baseline::function_text;

/// Judges function codes.
pub struct NewFunction;

impl Detector for NewFunction {
    fn id(&self) -> &'static str {
        "new-function"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let Some(entry) = judged.entry else { return };
        if !is_demand(operation) || entry.knows_function(operation.function) {
            return;
        }
        // A session that is opened or closed another way than while learning is no command.
        let elsewhere = matches!(operation.verb, Verb::Mode | Verb::Program | Verb::Associate)
            || sets_clock(operation)
            || changes_security(operation)
            || forces(operation);
        if elsewhere {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket = Bucket { function: Some(operation.function), ..Bucket::default() };
        (finding.severity, finding.techniques) = match operation.verb {
            Verb::Write | Verb::Operate | Verb::Configure | Verb::Transfer => (Severity::High, &["T0855"]),
            Verb::Discover | Verb::Diagnose | Verb::Read => (Severity::Medium, &["T0888"]),
            _ => (Severity::Medium, &["T0855"]),
        };
        finding.baseline_entry = Some(entry.cite_functions());
        finding.sentence = format!(
            "{{client}} used function {} ({}) on {{server}}, which it never used there",
            function_text(operation.function),
            operation.name
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Verb;

    use crate::bench::{Bench, HMI, PLC, ROGUE, operation, read};

    #[test]
    fn a_function_never_used_contradicts_the_entry() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &operation(Verb::Discover, 43, None));
        assert_eq!(bench.detectors(), ["new-function"]);
        assert_eq!(bench.last().baseline_entry.as_deref(), Some("station to dosing: functions 3, 6"));
    }

    #[test]
    fn a_new_conversation_is_not_told_once_per_function() {
        let mut bench = Bench::new();
        for function in [1, 2, 3, 4] {
            bench.asks(ROGUE, PLC, &operation(Verb::Read, function, None));
        }
        assert_eq!(bench.detectors(), ["new-conversation"]);
        let mut usual = Bench::new();
        assert!(usual.asks(HMI, PLC, &read("40001")).alerts.is_empty());
    }
}
