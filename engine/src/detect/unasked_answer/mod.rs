//! `unasked-answer`: a server answers what nobody asked, answers twice, or answers something else than was asked.
//!
//! Techniques of ATT&CK for ICS: T0856 Spoof Reporting Message, T0830 Adversary-in-the-Middle. Who wants to show an operator values that
//! are not there has to answer before the controller does; the controller's own answer is then the second one to one question. Pairing is the
//! dissectors': they hold answers against the questions of their flow, and say nothing while questions may be missing. Needs no
//! baseline; one that lists the code among a conversation's oddities allows it.

use fieldwarden_model::Severity;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, nearest};

/// Judges answers by what was asked.
pub struct UnaskedAnswer;

impl Detector for UnaskedAnswer {
    fn id(&self) -> &'static str {
        "unasked-answer"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Answers]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Broken(judged, broken) = subject else { return };
        let Some(what) = unasked(broken.code) else { return };
        if judged.entry.is_some_and(|entry| entry.knows_oddity(broken.code)) {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        finding.bucket = Bucket { code: Some(broken.code), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = &["T0830", "T0856"];
        let own = judged.entry.map(|entry| entry.id());
        finding.baseline_entry = own.or_else(|| nearest(context, judged.conversation));
        let protocol = judged.conversation.protocol;
        finding.sentence = format!("{{server}} {what} {{client}} ({protocol}, {})", broken.code);
        findings(finding);
    }
}

/// What an answer that does not fit its question did, by the code of its remark.
pub(crate) fn unasked(code: &str) -> Option<&'static str> {
    match code {
        "unmatched-response" | "answer-without-request" | "answer-without-job" => {
            Some("gave an answer that nobody had asked for, or a second one, to")
        }
        "response-does-not-fit" | "answer-to-other-function" => {
            Some("answered something else than was asked by")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_protocols::Anomaly;

    use crate::bench::{Bench, HMI, PLC, baseline};

    const SECOND: Anomaly = Anomaly::malformed("unmatched-response", 0, 7, 0);

    #[test]
    fn a_second_answer_is_told_as_that_alone() {
        let mut bench = Bench::with(None);
        bench.breaks(HMI, PLC, SECOND).breaks(HMI, PLC, SECOND);
        assert_eq!(bench.detectors(), ["unasked-answer"]);
        assert_eq!(bench.last().techniques[1].0, "T0856");
    }

    #[test]
    fn a_device_that_always_does_so_is_not_told() {
        let mut baseline = baseline();
        baseline.conversations[0].oddities.push("unmatched-response".into());
        let mut bench = Bench::with(Some(baseline));
        bench.breaks(HMI, PLC, SECOND);
        assert!(bench.alerts.is_empty());
    }

    #[test]
    fn slowly_each_is_told() {
        let mut bench = Bench::with(None);
        bench.breaks(HMI, PLC, SECOND).wait(7_200).breaks(HMI, PLC, SECOND);
        assert_eq!(bench.detectors(), ["unasked-answer", "unasked-answer"]);
    }
}
