//! `security-change`: passwords, keys, users or certificates of a device are changed, or its protection is opened.
//!
//! Techniques of ATT&CK for ICS: T0892 Change Credential; for a password that is presented T0859 Valid Accounts. Needs no baseline, since
//! it is never routine; a baseline that lists the function for this very conversation allows it.

use fieldwarden_model::{Operation, Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_demand, nearest, says};

/// Judges what is done to a device's protection.
pub struct SecurityChange;

impl Detector for SecurityChange {
    fn id(&self) -> &'static str {
        "security-change"
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
        if !is_demand(operation) || !changes_security(operation) {
            return;
        }
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket = Bucket { function: Some(operation.function), ..Bucket::default() };
        finding.severity = Severity::High;
        let presents = judged.conversation.protocol.name() == "s7comm" && says(operation.name, &["password"]);
        let did = if presents { "presented a password to" } else { "changed the protection of" };
        finding.techniques = if presents { &["T0859"] } else { &["T0892"] };
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        finding.sentence = format!("{{client}} {did} {{server}} (`{}`)", operation.name);
        findings(finding);
    }
}

/// Whether the protection of a device is concerned; opening a session under one's own name is not.
pub(crate) fn changes_security(operation: &Operation<'_>) -> bool {
    const WORDS: [&str; 8] =
        ["certificates", "key", "password", "protection", "security", "user", "users", "credentials"];
    operation.verb == Verb::Configure && says(operation.name, &WORDS)
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Verb};

    use crate::{
        baseline::Function,
        bench::{Bench, HMI, PLC, ROGUE, baseline, operation},
    };

    fn users() -> Operation<'static> {
        Operation { name: "manage users", ..operation(Verb::Configure, 12, None) }
    }

    #[test]
    fn changed_users_are_told_with_or_without_a_baseline() {
        for baseline in [None, Some(baseline())] {
            let mut bench = Bench::with(baseline);
            bench.asks(HMI, PLC, &users());
            assert_eq!(bench.detectors(), ["security-change"]);
            assert_eq!(bench.last().techniques[0].0, "T0892");
        }
    }

    #[test]
    fn a_password_presented_is_no_change() {
        let mut bench = Bench::with(None).s7comm();
        bench.asks(ROGUE, PLC, &Operation { name: "PLC password", ..users() });
        assert_eq!(bench.last().techniques[0].0, "T0859");
    }

    #[test]
    fn other_settings_and_what_is_usual_are_not_told() {
        let mut bench = Bench::with(None);
        bench.asks(HMI, PLC, &Operation { name: "assign class", ..users() });
        assert!(bench.alerts.is_empty());
        let mut baseline = baseline();
        baseline.conversations[0].functions.push(Function { code: 12, name: "".into() });
        let mut usual = Bench::with(Some(baseline));
        usual.asks(HMI, PLC, &users());
        assert!(usual.alerts.is_empty());
    }

    #[test]
    fn slowly_and_from_several_sources_each_is_told() {
        let mut bench = Bench::with(None);
        for client in [ROGUE, "10.0.0.67"] {
            bench.asks(client, PLC, &users()).wait(7_200);
        }
        assert_eq!(bench.detectors(), ["security-change", "security-change"]);
    }
}
