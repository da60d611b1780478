//! `program-transfer`: program parts are read out of a controller, loaded into it, put to work or deleted.
//!
//! Techniques of ATT&CK for ICS: T0843 Program Download (into the controller), T0845 Program Upload (out of it), T0889
//! Modify Program (edited online, or blocks put to work, deleted or moved without a transfer), T0857 System Firmware and T0839
//! Module Firmware. [`Way`] tells them apart.
//! Needs no baseline; a baseline that lists the function for this very conversation allows it.

mod way;

use fieldwarden_model::{Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_demand, nearest};
use way::Way;

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
        let way = Way::of(operation.name);
        // Request, pieces and end of one transfer are one thing; each edit is another.
        let function = (way == Way::Edit).then_some(operation.function);
        finding.bucket = Bucket { code: Some(way.word()), function, ..Bucket::default() };
        finding.severity = if way == Way::Upload { Severity::High } else { Severity::Critical };
        finding.techniques = way.techniques();
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        finding.sentence = format!("{{client}} {} {{server}} ({})", way.deed(), operation.name);
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Severity, Verb};

    use crate::bench::{Bench, PLC, ROGUE, operation};

    fn program(function: u32, name: &'static str) -> Operation<'static> {
        Operation { name, ..operation(Verb::Program, function, None) }
    }

    #[test]
    fn one_download_of_many_blocks_is_one_alert() {
        let mut bench = Bench::with(None).s7comm();
        let steps = [(0x1a, "request download"), (0x1b, "download block"), (0x1b, "download block")];
        for (function, name) in steps.into_iter().chain([(0x1c, "download ended")]) {
            bench.asks(ROGUE, PLC, &program(function, name));
        }
        assert_eq!(bench.detectors(), ["program-transfer"]);
        assert_eq!(bench.last().techniques[0].0, "T0843");
        bench.asks(ROGUE, PLC, &program(0x1d, "start upload"));
        assert_eq!(bench.last().techniques[0].0, "T0845", "an upload is another thing");
        assert_eq!(
            bench.incident().title,
            "Device 10.0.0.66 loaded a program into Dosing PLC, 3 times more since"
        );
    }

    #[test]
    fn each_way_has_its_technique_its_severity_and_its_title() {
        let ways = [
            ("initiateUploadSequence", "T0845", "read the program of"),
            ("initiateDownloadSequence", "T0843", "loaded a program into"),
            ("change of the program", "T0889", "changed the program of"),
            ("firmware update", "T0857", "changed the firmware of"),
            ("module firmware update", "T0839", "changed the firmware of"),
        ];
        for (name, technique, deed) in ways {
            let mut bench = Bench::with(None).speaking("mms", 102);
            bench.asks(ROGUE, PLC, &program(26, name));
            assert_eq!(bench.last().techniques[0].0, technique, "{name}");
            assert_eq!(bench.last().severity == Severity::Critical, technique != "T0845", "{name}");
            assert_eq!(bench.incident().title, format!("Device 10.0.0.66 {deed} Dosing PLC"));
        }
    }

    #[test]
    fn reading_variables_is_no_transfer() {
        let mut bench = Bench::with(None).s7comm();
        bench.asks(ROGUE, PLC, &operation(Verb::Read, 4, None));
        assert!(bench.alerts.is_empty());
    }
}
