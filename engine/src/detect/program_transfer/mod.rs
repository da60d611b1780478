//! `program-transfer`: program parts are read out of a controller, loaded into it, put to work or deleted.
//!
//! Techniques of ATT&CK for ICS: T0843 Program Download (into the controller), T0845 Program Upload (out of it), T0889
//! Modify Program (blocks put to work, deleted or moved without a transfer).
//! Needs no baseline; a baseline that lists the function for this very conversation allows it.

use fieldwarden_model::{Operation, Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Judged, Memory, Need, Subject, is_demand, nearest};

/// Judges transfers of programs.
pub struct ProgramTransfer;

impl Detector for ProgramTransfer {
    fn id(&self) -> &'static str {
        "program-transfer"
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
        if !is_demand(operation) || operation.verb != Verb::Program {
            return;
        }
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        let out = reads_program(judged, operation);
        let step = is_transfer_step(operation);
        // Request, blocks and end of one transfer are one thing.
        let code = Some(if out { "upload" } else { "download" });
        finding.bucket =
            Bucket { code, function: (!step).then_some(operation.function), ..Bucket::default() };
        (finding.severity, finding.techniques) = match (out, step) {
            (true, _) => (Severity::High, &["T0845"]),
            (false, true) => (Severity::Critical, &["T0843"]),
            (false, false) => (Severity::Critical, &["T0889"]),
        };
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        let way = if out { "reads the program of" } else { "changes the program of" };
        finding.sentence = format!("{{client}} {way} {{server}} ({})", operation.name);
        findings(finding);
    }
}

/// S7comm functions 0x1d (start upload), 0x1e (upload) and 0x1f (end upload) take a block out of the controller.
fn reads_program(judged: &Judged<'_>, operation: &Operation<'_>) -> bool {
    judged.conversation.protocol.name() == "s7comm" && matches!(operation.function & 0xffff, 0x1d..=0x1f)
}

/// S7comm functions 0x1a to 0x1f: the steps of one transfer.
const fn is_transfer_step(operation: &Operation<'_>) -> bool {
    matches!(operation.function, 0x1a..=0x1f)
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Verb;

    use crate::bench::{Bench, PLC, ROGUE, operation};

    #[test]
    fn one_download_of_many_blocks_is_one_alert() {
        let mut bench = Bench::with(None).s7comm();
        for function in [0x1a, 0x1b, 0x1b, 0x1c] {
            bench.asks(ROGUE, PLC, &operation(Verb::Program, function, None));
        }
        assert_eq!(bench.detectors(), ["program-transfer"]);
        assert_eq!(bench.last().techniques[0].0, "T0843");
        bench.asks(ROGUE, PLC, &operation(Verb::Program, 0x1d, None));
        assert_eq!(bench.last().techniques[0].0, "T0845", "an upload is another thing");
        assert_eq!(
            bench.incident().title,
            "Device 10.0.0.66 changed the program of Dosing PLC, 3 times more since"
        );
    }

    #[test]
    fn reading_variables_is_no_transfer() {
        let mut bench = Bench::with(None).s7comm();
        bench.asks(ROGUE, PLC, &operation(Verb::Read, 4, None));
        assert!(bench.alerts.is_empty());
    }
}
