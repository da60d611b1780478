//! `new-talker`: an address was heard that the baseline does not list.
//!
//! Techniques of ATT&CK for ICS: T0848 Rogue Master, whose mark is a device that does not belong to the control network.
//! Groups (multicast, broadcast) and the unspecified address are no talkers: a host without an address yet is not one.

use std::time::Duration;

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

use super::{Context, Detector, Finding, Memory, Need, Subject, settings::seconds};
use crate::conversation::is_group_or_nobody;

/// Judges talkers.
pub struct NewTalker;

/// What `new-talker` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A talker told once is told again after it was silent for this long. One day: a laptop that comes back tomorrow is
    /// news, one that pauses is not.
    pub repeat_quiet: Duration,
    /// Strangers told within `[detectors] pair_window_secs`; more are counted, not told. Sixty-four: a crowd beyond it is
    /// one person making up addresses.
    pub alerts_per_window: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { repeat_quiet: Duration::from_secs(86_400), alerts_per_window: 64 }
    }
}

impl Settings {
    /// Reads `[detectors.new_talker]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let repeat_quiet = seconds(&mut reader, "repeat_quiet_secs", usual.repeat_quiet);
        let most = reader.within("alerts_per_window", 1..=100_000, u64::from(usual.alerts_per_window));
        let alerts_per_window = u32::try_from(most).unwrap_or(usual.alerts_per_window);
        reader.finish_with(Some(Self { repeat_quiet, alerts_per_window }))
    }
}

impl Detector for NewTalker {
    fn id(&self) -> &'static str {
        "new-talker"
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
        let (Subject::Talker(heard), Some(baseline)) = (subject, context.baseline) else { return };
        if is_group_or_nobody(heard.talker) || baseline.knows_talker(heard.space, heard.talker) {
            return;
        }
        let known_as = heard.mac.and_then(|mac| baseline.talker_of(mac));
        let mut finding = Finding::of_talker(self.id(), heard);
        finding.techniques = &["T0848"];
        finding.severity = if known_as.is_some() { Severity::Low } else { Severity::Medium };
        finding.sentence = match (known_as, heard.mac) {
            (Some(known), _) => {
                finding.baseline_entry = Some(format!("talker {known}"));
                format!("{{client}} was never heard before; its network card is known as {known}")
            }
            (None, Some(mac)) => format!("{{client}} (network card {mac}) was never heard before"),
            (None, None) => String::from("{client} was never heard before"),
        };
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, ROGUE};

    #[test]
    fn a_stranger_is_told_once_and_named() {
        let mut bench = Bench::new();
        bench.heard(ROGUE).wait(600).heard(ROGUE);
        assert_eq!(bench.detectors(), ["new-talker"]);
        assert_eq!(bench.last().client.to_string(), ROGUE);
        assert_eq!(bench.incident().title, "Unknown device 10.0.0.66 appeared on the network");
    }

    #[test]
    fn made_up_addresses_are_counted_beyond_a_crowd() {
        let mut bench = Bench::new();
        for n in 0..1_000 {
            bench.heard(&format!("10.9.{}.{}", n / 250, n % 250));
        }
        assert_eq!(bench.alerts.len(), 64);
    }

    #[test]
    fn who_belongs_here_and_groups_are_not_told() {
        let mut bench = Bench::new();
        bench.heard(HMI).heard(PLC).heard("0.0.0.0").heard("224.0.0.251").heard("ff:ff:ff:ff:ff:ff");
        assert!(bench.alerts.is_empty());
        let mut unlearned = Bench::with(None);
        assert!(unlearned.heard(ROGUE).alerts.is_empty(), "without a baseline nobody is a stranger");
    }
}
