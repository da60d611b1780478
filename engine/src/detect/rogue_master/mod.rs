//! `rogue-master`: a client controls a server that others control in the baseline, and never did so before.
//!
//! Techniques of ATT&CK for ICS: T0848 Rogue Master, T0855 Unauthorized Command Message. To control is to write, to command, to change
//! the mode or the program. That the client is known, for reading say, does not excuse it. Needs a baseline.

use fieldwarden_model::{Severity, Verb};

use super::{Context, Detector, Finding, Memory, Need, Subject, is_demand};

/// Judges who controls whom.
pub struct RogueMaster;

impl Detector for RogueMaster {
    fn id(&self) -> &'static str {
        "rogue-master"
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
        let controls = matches!(operation.verb, Verb::Write | Verb::Operate | Verb::Mode | Verb::Program);
        // Most writes are those of a master the conversation itself knows.
        if !controls || !is_demand(operation) || judged.entry.is_some_and(|entry| entry.controls()) {
            return;
        }
        let Some(baseline) = context.baseline else { return };
        // An engineering station that is known to load programs, and writes nothing, is no master and no rogue.
        let usual = judged.entry.is_some_and(|entry| entry.knows_function(operation.function));
        let service = &judged.conversation.service;
        let (Some(master), false) = (baseline.master_of(service.space, service.server), usual) else {
            return;
        };
        if baseline.controls(service.space, service.client, service.server) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.severity = Severity::Critical;
        finding.techniques = &["T0848", "T0855"];
        finding.baseline_entry = baseline.master_entry(service.space, service.server);
        finding.sentence = format!(
            "{{client}} controls {{server}} (`{}`), which {master} controls normally",
            operation.name
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Talker, Verb};

    use crate::{
        baseline::{Baseline, Entry},
        bench::{Bench, HMI, PLC, ROGUE, baseline, operation, read, write},
    };

    /// The station controls, and someone else reads.
    fn with_reader() -> Baseline {
        let mut baseline = baseline();
        let client: Talker = ROGUE.parse().unwrap();
        let own = &baseline.conversations[0];
        let mut reader = Entry { id: "historian".into(), client, writes: Vec::new(), ..own.clone() };
        reader.functions.retain(|function| function.code == 3);
        baseline.conversations.push(reader);
        baseline
    }

    #[test]
    fn a_reader_that_writes_is_a_second_master() {
        let mut bench = Bench::with(Some(with_reader()));
        bench.asks(ROGUE, PLC, &write("40101", &[0, 50]));
        assert!(bench.detectors().contains(&"rogue-master"), "{:?}", bench.detectors());
        let alert = bench.alerts.iter().find(|alert| alert.detector == "rogue-master").unwrap();
        assert_eq!(
            alert.summary,
            "10.0.0.66 controls Dosing PLC (10.0.0.20) (`a function`), which 10.0.0.5 controls normally"
        );
        assert_eq!(alert.baseline_entry.as_deref(), Some("station to dosing: writes 40101"));
    }

    #[test]
    fn a_stop_from_a_stranger_is_control_too() {
        let mut bench = Bench::new();
        bench.asks(ROGUE, PLC, &operation(Verb::Mode, 90, None));
        assert!(bench.detectors().contains(&"rogue-master"));
    }

    #[test]
    fn the_master_itself_and_readers_are_not_told() {
        let mut bench = Bench::with(Some(with_reader()));
        bench.asks(HMI, PLC, &write("40101", &[0, 50])).asks(ROGUE, PLC, &read("40001"));
        assert!(bench.alerts.is_empty());
        // Elsewhere nobody is master: that is for other detectors.
        bench.asks(ROGUE, "10.0.0.30", &write("40101", &[0, 50]));
        assert!(!bench.detectors().contains(&"rogue-master"));
    }

    #[test]
    fn slowly_and_from_several_sources_each_is_told() {
        let mut bench = Bench::with(Some(with_reader()));
        for client in [ROGUE, "10.0.0.67"] {
            bench.asks(client, PLC, &write("40101", &[0, 50])).wait(7_200);
        }
        assert_eq!(bench.detectors().iter().filter(|id| **id == "rogue-master").count(), 2);
    }
}
