//! `new-conversation`: a client uses a service of a server that the baseline does not list, or addresses a unit or
//! speaks a protocol there that it does not list.
//!
//! Techniques of ATT&CK for ICS: T0886 Remote Services, since reaching a service one never used is how an intruder
//! moves; with an OT protocol also T0848 Rogue Master.
//! Whatever is addressed to a group (multicast, broadcast) is no conversation: such chatter comes and goes, reaches no
//! single server, and who speaks is `new-talker`'s matter.

use fieldwarden_model::Severity;

use super::{Context, Detector, Finding, Judged, Memory, Need, Opened, Subject, nearest};
use crate::conversation::{ConversationKey, plain};

/// Marks the finding that a stranger to a service was answered there. It is told where the beginning of the conversation
/// was not, as in a flood of made-up addresses, of which none can complete an exchange.
pub(crate) const ANSWERED: &str = "answered";

/// Judges conversations.
pub struct NewConversation;

impl Detector for NewConversation {
    fn id(&self) -> &'static str {
        "new-conversation"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Talkers]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        if context.baseline.is_none() {
            return;
        }
        match subject {
            Subject::Opened(opened) if !opened.known => findings(self.service(context, opened)),
            Subject::Met(judged) if judged.entry.is_none() => findings(self.conversation(context, judged)),
            Subject::Answered(judged) if judged.entry.is_none() => {
                let mut finding = self.conversation(context, judged);
                finding.bucket.code = Some(ANSWERED);
                let unit = judged.conversation.unit.map(|unit| format!(" unit {unit}")).unwrap_or_default();
                finding.sentence = format!(
                    "{{client}} asked {{server}}{unit} by {} and was answered, which never happened before",
                    judged.conversation.protocol
                );
                findings(finding);
            }
            _ => {}
        }
    }
}

impl NewConversation {
    fn service(&self, context: &Context<'_>, opened: &Opened<'_>) -> Finding {
        let mut finding = Finding::of_flow(self.id(), opened);
        let protocol = opened.suggested.unwrap_or_else(|| plain(opened.service.transport));
        let key = ConversationKey { service: *opened.service, protocol, unit: None };
        finding.baseline_entry = nearest(context, &key);
        let port = opened.service.port.map(|port| format!(" on port {port}")).unwrap_or_default();
        if opened.suggested.is_some() {
            finding.severity = Severity::High;
            finding.techniques = &["T0848", "T0886"];
            finding.sentence =
                format!("{{client}} talks {protocol} to {{server}}{port}, which it never did before");
        } else {
            finding.techniques = &["T0886"];
            finding.sentence =
                format!("{{client}} connects to {{server}}{port} ({protocol}), which it never did before");
        }
        finding
    }

    fn conversation(&self, context: &Context<'_>, judged: &Judged<'_>) -> Finding {
        let mut finding = Finding::of_message(self.id(), judged);
        let key = judged.conversation;
        finding.baseline_entry = nearest(context, key);
        finding.severity = Severity::High;
        finding.techniques = &["T0848", "T0886"];
        let unit = key.unit.map(|unit| format!(" unit {unit}")).unwrap_or_default();
        finding.sentence =
            format!("{{client}} talks {} to {{server}}{unit}, which it never did before", key.protocol);
        finding
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Operation;

    use crate::bench::{Bench, HMI, PLC, ROGUE, read};

    #[test]
    fn a_service_never_used_is_told_with_the_entry_that_comes_closest() {
        let mut bench = Bench::new();
        bench.connects(ROGUE, PLC, 502);
        assert_eq!(bench.detectors(), ["new-conversation"]);
        assert_eq!(bench.last().baseline_entry.as_deref(), Some("station to dosing"));
        assert_eq!(bench.last().protocol.as_deref(), Some("modbus"), "the port suggests it");
        bench.connects(HMI, PLC, 22);
        assert_eq!(bench.last().server_port, Some(22), "a known pair on another port");
    }

    #[test]
    fn another_unit_behind_a_known_service_is_told() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &Operation { unit: Some(9), ..read("40001") });
        assert_eq!(bench.detectors(), ["new-conversation"]);
        assert_eq!(bench.last().unit, Some(9));
    }

    #[test]
    fn a_hundred_doors_are_not_a_hundred_alerts() {
        let mut bench = Bench::new();
        for port in 1..=100 {
            bench.connects(ROGUE, PLC, port);
        }
        assert_eq!(bench.alerts.len(), 16);
        assert_eq!(bench.incident().alerts, 16);
    }

    #[test]
    fn what_is_normal_is_not_told() {
        let mut bench = Bench::new();
        bench.connects(HMI, PLC, 502).asks(HMI, PLC, &read("40001-40010"));
        assert!(bench.alerts.is_empty());
    }
}
