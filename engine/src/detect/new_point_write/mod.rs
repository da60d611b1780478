//! `new-point-write`: a write or a command to points that this client never wrote in normal operation.
//!
//! Techniques of ATT&CK for ICS: T0836 Modify Parameter for written points, T0855 Unauthorized Command Message for
//! commands. In a conversation that is new as a whole every write is to a new point.

use fieldwarden_model::{Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Memory, Subject, is_demand, nearest};

/// Judges the points of writes.
pub struct NewPointWrite;

impl Detector for NewPointWrite {
    fn id(&self) -> &'static str {
        "new-point-write"
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if context.baseline.is_none() || !is_demand(operation) {
            return;
        }
        let (Verb::Write | Verb::Operate, Some(points)) = (operation.verb, operation.points) else { return };
        if judged.entry.is_some_and(|entry| entry.covers_write(&points)) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket = Bucket { points: Some(points), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = if operation.verb == Verb::Operate { &["T0855"] } else { &["T0836", "T0855"] };
        let protocol = judged.conversation.protocol.name();
        let notation = fieldwarden_protocols::dissector(protocol).map(|dissector| dissector.notation());
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_writes(notation)),
            None => nearest(context, judged.conversation),
        };
        let text = finding.points_text().unwrap_or_else(|| String::from("points"));
        let did = if operation.verb == Verb::Operate { "commanded" } else { "wrote" };
        finding.sentence = format!("{{client}} {did} {text} on {{server}}, which it never did before");
        findings(finding);
    }
}
