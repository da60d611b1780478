//! `wrong-port`: a fieldbus on a port that is none of its own, or something else on the port of a fieldbus.
//!
//! Technique of ATT&CK for ICS: T0885 Commonly Used Port: who speaks his own protocol over a port that filters let pass goes
//! unnoticed. Needs a baseline, which knows the plants that moved a port.

use fieldwarden_model::Severity;
use fieldwarden_protocols::DISSECTORS;

use super::{Bucket, Context, Detector, Finding, Judged, Memory, Need, Subject, nearest};
use crate::conversation::is_beneath;

/// The detector's id.
pub(crate) const ID: &str = "wrong-port";

/// Judges ports.
pub struct WrongPort;

/// Protocols of offices and of networks: everything else is of a plant.
const OFFICE: [&str; 23] = [
    "arp", "dhcp", "dns", "ftp", "http", "icmp", "kerberos", "lldp", "mqtt", "ntp", "openvpn", "ptp", "rdp",
    "smb1", "smb2", "snmp", "ssh", "syslog", "telnet", "tftp", "tls", "vnc", "dcerpc",
];

/// Protocols of plants that have no port of their own.
const PORTLESS: [&str; 2] = ["bacnet_sc", "modbus_serial"];

impl Detector for WrongPort {
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
        let (Subject::Met(judged) | Subject::Answered(judged)) = subject else { return };
        if context.baseline.is_none() || judged.entry.is_some() {
            return;
        }
        let Some((port, told)) = misplaced(judged) else { return };
        let protocol = judged.conversation.protocol;
        let mut finding = Finding::of_message(self.id(), judged);
        finding.severity = Severity::High;
        finding.techniques = &["T0885"];
        finding.bucket = Bucket { code: Some("port"), ..Bucket::default() };
        finding.baseline_entry = nearest(context, judged.conversation);
        finding.sentence = match told {
            Misplaced::Fieldbus => {
                format!(
                    "{{client}} talks {protocol} to {{server}} on port {port}, which is none of {protocol}"
                )
            }
            Misplaced::Stranger(own) => {
                format!("{{client}} talks {protocol} to {{server}} on port {port}, which belongs to {own}")
            }
        };
        findings(finding);
    }
}

enum Misplaced {
    /// A fieldbus where it does not belong.
    Fieldbus,
    /// Something else on the port of this fieldbus.
    Stranger(&'static str),
}

fn misplaced(judged: &Judged<'_>) -> Option<(u16, Misplaced)> {
    let service = &judged.conversation.service;
    let protocol = judged.conversation.protocol;
    let port = service.port?;
    if is_beneath(protocol) {
        return None;
    }
    let mut on_port = DISSECTORS
        .iter()
        .filter(|dissector| dissector.carried_by(service.transport) && dissector.well_known(port));
    // Both ends count: many devices send from their own port to wherever they were asked from.
    let own_port = |port: u16| {
        DISSECTORS.iter().any(|dissector| dissector.protocol() == protocol && dissector.well_known(port))
    };
    if own_port(port) || judged.origin.key.client.port.is_some_and(own_port) {
        return None;
    }
    if !is_office(protocol.name()) {
        return (!PORTLESS.contains(&protocol.name())).then_some((port, Misplaced::Fieldbus));
    }
    let own = on_port.find(|dissector| !is_office(dissector.protocol().name()))?;
    Some((port, Misplaced::Stranger(own.protocol().name())))
}

fn is_office(protocol: &str) -> bool {
    OFFICE.contains(&protocol)
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Transport, Verb};
    use fieldwarden_protocols::DISSECTORS;

    use crate::bench::{Bench, HMI, PLC, ROGUE, operation, read};

    #[test]
    fn who_has_no_port_is_never_misplaced() {
        let found: Vec<&str> = DISSECTORS
            .iter()
            .filter(|dissector| {
                !dissector.carried_by(Transport::Link) || dissector.carried_by(Transport::Tcp)
            })
            .filter(|dissector| !(1..=u16::MAX).any(|port| dissector.well_known(port)))
            .map(|dissector| dissector.protocol().name())
            .filter(|name| !super::is_office(name))
            .collect();
        assert_eq!(found, super::PORTLESS);
    }

    fn told(bench: &Bench) -> Vec<&str> {
        let own = bench.alerts.iter().filter(|alert| alert.detector == "wrong-port");
        own.map(|alert| alert.summary.as_str()).collect()
    }

    fn is_answered(bench: &mut Bench, client: &str, asked: &Operation<'_>) {
        bench.asks(client, PLC, asked).answers(client, PLC, &Operation { outcome: Outcome::Done, ..*asked });
    }

    #[test]
    fn a_fieldbus_on_a_foreign_port_is_told() {
        let mut bench = Bench::new();
        bench.speaks("modbus", 8_443);
        is_answered(&mut bench, ROGUE, &read("40001"));
        assert_eq!(
            told(&bench),
            ["10.0.0.66 talks modbus to Dosing PLC (10.0.0.20) on port 8443, which is none of modbus"]
        );
    }

    #[test]
    fn something_else_on_the_port_of_a_fieldbus_is_told() {
        let mut bench = Bench::new();
        bench.speaks("ssh", 502);
        is_answered(&mut bench, ROGUE, &Operation { unit: None, ..operation(Verb::Associate, 0, None) });
        assert!(told(&bench)[0].contains("on port 502, which belongs to modbus"), "{:?}", told(&bench));
        // A known service of the same port, too.
        is_answered(&mut bench, HMI, &Operation { unit: None, ..operation(Verb::Associate, 0, None) });
        assert_eq!(told(&bench).len(), 2);
    }

    #[test]
    fn what_is_where_it_belongs_is_quiet() {
        let mut bench = Bench::new();
        is_answered(&mut bench, ROGUE, &read("40001"));
        is_answered(&mut bench, HMI, &read("40001"));
        bench.speaks("ssh", 8_022);
        is_answered(&mut bench, ROGUE, &Operation { unit: None, ..operation(Verb::Associate, 0, None) });
        assert!(told(&bench).is_empty(), "{:?}", told(&bench));
    }

    #[test]
    fn evasions_slowly_in_pieces_and_from_many_are_seen_each() {
        let mut bench = Bench::new();
        for n in 0..3 {
            bench.speaks("modbus", 9_000 + n);
            is_answered(&mut bench, &format!("10.0.0.{}", 60 + n), &read("40001"));
            bench.wait(40_000);
        }
        assert_eq!(told(&bench).len(), 3);
    }
}
