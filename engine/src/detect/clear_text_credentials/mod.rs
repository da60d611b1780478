//! `clear-text-credentials`: a password crosses the network for everybody to read.
//!
//! Techniques of ATT&CK for ICS: T0842 Network Sniffing, T0859 Valid Accounts, which is what reading it is good for. Told once
//! for each client, server and protocol: FTP, Telnet, HTTP with basic authentication, MQTT with a name, SNMP of versions 1 and
//! 2 where it sets something. Needs no baseline; one that lists the function for this very conversation allows it.

use core::time::Duration;

use fieldwarden_model::{
    Operation, Severity,
    section::{Fault, Reader, Section},
};

use super::{
    Bucket, Context, Detector, Finding, Judged, Memory, Need, Subject, is_demand, settings::seconds,
};

/// The detector's id.
pub(crate) const ID: &str = "clear-text-credentials";

/// Judges passwords in the clear.
pub struct ClearTextCredentials;

/// What `clear-text-credentials` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The same is told again after it was not seen for this long. One day: that it goes on is no news.
    pub repeat_quiet: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { repeat_quiet: Duration::from_secs(86_400) }
    }
}

impl Settings {
    /// Reads `[detectors.clear_text_credentials]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let repeat_quiet = seconds(&mut reader, "repeat_quiet_secs", Self::default().repeat_quiet);
        reader.finish_with(Some(Self { repeat_quiet }))
    }
}

impl Detector for ClearTextCredentials {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if !is_demand(operation) || !shows_password(judged, operation) {
            return;
        }
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        finding.severity = Severity::Low;
        finding.techniques = &["T0842", "T0859"];
        finding.bucket = Bucket { code: Some("clear"), ..Bucket::default() };
        finding.sentence = format!(
            "{{client}} sent a password to {{server}} by {}, readable to everybody on the way",
            judged.conversation.protocol
        );
        findings(finding);
    }
}

fn shows_password(judged: &Judged<'_>, operation: &Operation<'_>) -> bool {
    match judged.conversation.protocol.name() {
        // PASS, and what was typed where a password was asked for.
        "ftp" | "telnet" => operation.function == 2,
        "http" | "mqtt" => judged.text("user").is_some(),
        // A set of version 3 names a user, not a community.
        "snmp" => operation.function == 3 && judged.text("community").is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Verb};

    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline, operation};

    fn pass() -> Operation<'static> {
        Operation { unit: None, ..operation(Verb::Associate, 2, None) }
    }

    #[test]
    fn a_password_is_told_once_for_each_client_server_and_protocol() {
        let mut bench = Bench::with(None);
        bench.speaks("ftp", 21);
        for _ in 0..30 {
            bench.asks(HMI, PLC, &pass()).wait(900);
        }
        assert_eq!(bench.detectors(), ["clear-text-credentials"]);
        bench.asks(ROGUE, PLC, &pass()).speaks("telnet", 23).asks(HMI, PLC, &pass());
        assert_eq!(bench.alerts.len(), 3);
    }

    #[test]
    fn what_carries_none_and_what_the_baseline_knows_is_quiet() {
        let mut bench = Bench::with(None);
        bench.speaks("http", 80).asks(HMI, PLC, &operation(Verb::Read, 1, None));
        assert!(bench.alerts.is_empty());
        let mut known = baseline();
        let entry = &mut known.conversations[0];
        (entry.protocol, entry.server_port, entry.unit) = ("ftp".into(), Some(21), None);
        entry.functions[0].code = 2;
        let mut bench = Bench::with(Some(known));
        bench.speaks("ftp", 21).asks(HMI, PLC, &pass());
        assert!(bench.alerts.is_empty(), "{:?}", bench.alerts);
    }

    #[test]
    fn evasions_slowly_in_pieces_and_from_many_are_seen() {
        let mut bench = Bench::with(None);
        bench.speaks("http", 80).with_fields(&[("user", "operator")]);
        for client in [HMI, ROGUE, "10.0.0.67"] {
            bench.asks(client, PLC, &operation(Verb::Read, 1, None)).wait(80_000);
        }
        assert_eq!(bench.detectors(), ["clear-text-credentials"; 3]);
        // In pieces: typed octet by octet, the dissector says so once the line is whole.
        bench.speaks("telnet", 23).asks(HMI, PLC, &operation(Verb::Associate, 2, None));
        assert_eq!(bench.alerts.len(), 4);
    }
}
