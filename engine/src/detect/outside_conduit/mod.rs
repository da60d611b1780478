//! `outside-conduit`: something passed from zone to zone that no conduit of the site file permits (IEC 62443-3-2, ZCR 3; 62443-3-3,
//! SR 5.1 and 5.2).
//!
//! Techniques of ATT&CK for ICS: T0886 Remote Services; with a protocol of plants also T0848 Rogue Master. Needs no baseline, but
//! conduits: without any nothing is judged. What stays within a zone needs none, and neither does what goes to a group. A talker
//! without a zone is in none: no conduit leads there.

use fieldwarden_model::Severity;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject};
use crate::assets::is_control;

/// Judges what crosses zones.
pub struct OutsideConduit;

impl Detector for OutsideConduit {
    fn id(&self) -> &'static str {
        "outside-conduit"
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
        let (Subject::Passed(judged, verb), Some(plan)) = (subject, context.plan) else { return };
        let key = judged.conversation;
        let (from, to) = (plan.zone_of(key.service.client), plan.zone_of(key.service.server));
        let protocol = key.protocol;
        let permitted = match (from, to) {
            (Some(from), Some(to)) => from == to || plan.conduit(from, to, protocol.name(), *verb).is_some(),
            _ => false,
        };
        if permitted {
            return;
        }
        let control = is_control(protocol) && fieldwarden_protocols::dissector(protocol.name()).is_some();
        let mut finding = Finding::of_message(self.id(), judged);
        finding.verb = *verb;
        finding.severity = if control { Severity::High } else { Severity::Medium };
        finding.techniques = if control { &["T0848", "T0886"] } else { &["T0886"] };
        finding.bucket = Bucket { code: verb.map(fieldwarden_model::Verb::word), ..Bucket::default() };
        let zone = |zone: Option<&str>| {
            zone.map_or_else(|| String::from("no zone"), |zone| format!("zone `{zone}`"))
        };
        let what = verb.map_or_else(|| format!("{protocol}"), |verb| format!("{verb} over {protocol}"));
        finding.sentence = format!(
            "{{client}} ({}) reaches {{server}} ({}): no conduit permits {what}",
            zone(from),
            zone(to)
        );
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::zone::Conduit;

    use crate::bench::{Bench, HMI, PLC, ROGUE, read, write};

    fn bench() -> Bench {
        let conduit = Conduit {
            name: "polling".into(),
            from: "control room".into(),
            to: "cell 1".into(),
            protocols: vec!["modbus".into()],
            operations: vec![fieldwarden_model::Verb::Read],
        };
        Bench::zoned(&[("Station", HMI, "control room")], conduit)
    }

    #[test]
    fn a_write_through_a_conduit_for_reads_is_told_once() {
        let mut bench = bench();
        bench.asks(HMI, PLC, &read("40001")).asks(HMI, PLC, &write("40101", &[0, 1])).asks(
            HMI,
            PLC,
            &write("40102", &[0, 1]),
        );
        assert_eq!(bench.detectors(), ["outside-conduit"]);
        let told = "Station (10.0.0.5) (zone `control room`) reaches Dosing PLC (10.0.0.20) (zone `cell 1`): no conduit permits \
                    write over modbus";
        assert_eq!(bench.last().summary, told);
    }

    #[test]
    fn who_is_in_no_zone_comes_through_no_conduit() {
        let mut bench = bench();
        bench.asks(ROGUE, PLC, &read("40001"));
        assert_eq!(bench.detectors(), ["outside-conduit"]);
    }

    #[test]
    fn what_a_conduit_permits_and_a_site_without_conduits_are_quiet() {
        let mut bench = bench();
        bench.asks(HMI, PLC, &read("40001")).asks(HMI, PLC, &read("40002"));
        assert!(bench.alerts.is_empty(), "{:?}", bench.last().summary);
        let mut plain = Bench::with(None);
        assert!(plain.asks(ROGUE, PLC, &read("40001")).alerts.is_empty());
    }
}
