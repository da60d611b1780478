//! `malformed`: a peer broke its protocol, or sent two different contents for the same octets of a stream.
//!
//! Techniques of ATT&CK for ICS: T0814 Denial of Service, which malformed messages aim at in controllers; overlapping
//! segments that differ, and packets that a receiver would not take, hide from a monitor, T0849 Masquerading. Needs no baseline; oddities that a baseline lists for
//! this very conversation are allowed. Told once per conversation and code, then counted. Answers that fit no question are told by
//! `unasked-answer`.

use fieldwarden_model::Severity;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, nearest, unasked_answer::unasked};
use crate::track::Odd;

/// Judges breaks of protocols.
pub struct Malformed;

/// The code of segments that overlap with different content.
pub(crate) const OVERLAP: &str = "overlap-conflict";

impl Detector for Malformed {
    fn id(&self) -> &'static str {
        "malformed"
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
        let elsewhere = unasked(broken.code).is_some();
        if elsewhere || judged.entry.is_some_and(|entry| entry.knows_oddity(broken.code)) {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        finding.bucket = Bucket { code: Some(broken.code), ..Bucket::default() };
        let own = judged.entry.map(|entry| entry.id());
        finding.baseline_entry = own.or_else(|| nearest(context, judged.conversation));
        let protocol = judged.conversation.protocol;
        if broken.code == OVERLAP {
            finding.severity = Severity::High;
            finding.techniques = &["T0849"];
            finding.sentence = String::from(
                "Between {client} and {server} the same octets of a stream were sent twice with different content",
            );
        } else {
            finding.severity = Severity::Medium;
            let sender = match judged.direction {
                fieldwarden_protocols::Direction::ToServer => "{client} sent {server}",
                fieldwarden_protocols::Direction::ToClient => "{server} sent {client}",
            };
            let (techniques, what): (&[_], _) = match odd(broken.code) {
                Some(what) => {
                    (&["T0849"], format!("{what} ({}, {} octets of data)", broken.code, broken.got))
                }
                None => (
                    &["T0814"],
                    format!(
                        "a {protocol} message that breaks the protocol ({}: found {}, expected {})",
                        broken.code, broken.got, broken.expected
                    ),
                ),
            };
            finding.techniques = techniques;
            finding.sentence = format!("{sender} {what}");
        }
        findings(finding);
    }
}

/// What is told of a packet that is odd below the application, by its code.
fn odd(code: &str) -> Option<&'static str> {
    let is = |odd: Odd| odd.code() == code;
    if is(Odd::Checksum) {
        Some("a packet with a wrong checksum, which its receiver drops")
    } else if is(Odd::TimeToLive) {
        Some("a packet that may die on its way, far below its usual time to live")
    } else if is(Odd::OutsideWindow) {
        Some("a segment outside the window, which its receiver drops")
    } else if is(Odd::Urgent) {
        Some("urgent data, which receivers read differently")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_protocols::Anomaly;

    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline};

    #[test]
    fn a_broken_message_is_told_once_per_code() {
        let mut bench = Bench::with(None);
        let anomaly = Anomaly::malformed("pdu-too-short", 8, 4, 7);
        bench.breaks(ROGUE, PLC, anomaly).breaks(ROGUE, PLC, anomaly);
        assert_eq!(bench.detectors(), ["malformed"]);
        bench.breaks(ROGUE, PLC, Anomaly::malformed("illegal-quantity", 8, 0, 1));
        assert_eq!(bench.alerts.len(), 2);
    }

    #[test]
    fn our_own_limits_and_learned_oddities_are_not_the_peers_fault() {
        let mut baseline = baseline();
        baseline.conversations[0].oddities.push("pdu-too-short".into());
        let mut bench = Bench::with(Some(baseline));
        bench.breaks(HMI, PLC, Anomaly::limit("too-many-items", 0, 100, 64));
        bench.breaks(HMI, PLC, Anomaly::malformed("pdu-too-short", 8, 4, 7));
        assert!(bench.alerts.is_empty());
    }
}
