//! `lost-encryption`: a service that the baseline knows encrypted speaks for everybody to read.
//!
//! Techniques of ATT&CK for ICS: T0830 Adversary-in-the-Middle, T0842 Network Sniffing: who stands between two sides, or wants to
//! read what they say, talks them out of encryption. Needs a baseline.

use fieldwarden_model::Severity;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject};

/// The detector's id.
pub(crate) const ID: &str = "lost-encryption";

/// Judges what was encrypted.
pub struct LostEncryption;

/// Protocols whose content nobody on the way reads.
const ENCRYPTED: [&str; 3] = ["tls", "ssh", "openvpn"];

impl Detector for LostEncryption {
    fn id(&self) -> &'static str {
        ID
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
        let (Subject::Met(judged), Some(baseline)) = (subject, context.baseline) else { return };
        let key = judged.conversation;
        if judged.entry.is_some() || ENCRYPTED.contains(&key.protocol.name()) {
            return;
        }
        let Some(before) = ENCRYPTED.into_iter().find(|known| baseline.speaks(&key.service, known)) else {
            return;
        };
        let mut finding = Finding::of_message(self.id(), judged);
        finding.severity = Severity::High;
        finding.techniques = &["T0830", "T0842"];
        finding.bucket = Bucket { code: Some("clear"), ..Bucket::default() };
        finding.baseline_entry = Some(format!("{} to {}: {before}", key.service.client, key.service.server));
        finding.sentence = format!(
            "{{client}} talks {} to {{server}} in the clear, where it always talked {before}",
            key.protocol
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Verb};

    use crate::{
        baseline::Baseline,
        bench::{Bench, HMI, PLC, baseline, operation, read},
    };

    fn encrypted() -> Baseline {
        let mut baseline = baseline();
        let entry = &mut baseline.conversations[0];
        (entry.protocol, entry.server_port, entry.unit) = ("tls".into(), Some(802), None);
        baseline
    }

    fn told(bench: &Bench) -> usize {
        bench.alerts.iter().filter(|alert| alert.detector == "lost-encryption").count()
    }

    #[test]
    fn what_was_encrypted_and_is_not_any_more_is_told() {
        let mut bench = Bench::with(Some(encrypted()));
        bench.speaks("modbus", 802).asks(HMI, PLC, &read("40001"));
        assert_eq!(told(&bench), 1);
        let alert = bench.alerts.iter().find(|alert| alert.detector == "lost-encryption").unwrap();
        assert_eq!(
            alert.summary,
            "10.0.0.5 talks modbus to Dosing PLC (10.0.0.20) in the clear, where it always talked tls"
        );
    }

    #[test]
    fn what_stays_encrypted_or_never_was_is_quiet() {
        let mut bench = Bench::with(Some(encrypted()));
        bench.speaks("tls", 802).asks(
            HMI,
            PLC,
            &Operation { unit: None, ..operation(Verb::Associate, 1, None) },
        );
        let mut clear = Bench::new();
        clear.speaks("http", 502).asks(HMI, PLC, &operation(Verb::Read, 1, None));
        assert_eq!((told(&bench), told(&clear)), (0, 0));
    }

    #[test]
    fn evasions_slowly_in_pieces_and_by_units_are_seen() {
        let mut bench = Bench::with(Some(encrypted()));
        bench.speaks("modbus", 802);
        for unit in 1..=3 {
            bench.asks(HMI, PLC, &Operation { unit: Some(unit), ..read("40001") }).wait(40_000);
        }
        assert_eq!(told(&bench), 3);
    }
}
