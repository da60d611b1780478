//! `device-naming`: a device is given another name or address over the network, or is set back to what the factory made it.
//!
//! Techniques of ATT&CK for ICS: T0836 Modify Parameter; T0814 Denial of Service where a device is set back, since its controller
//! does not find it any more. PROFINET controllers name devices when they start up: a baseline learned over a start-up
//! knows it. Needs no baseline; one that lists the function for this very conversation allows it.

use fieldwarden_model::{Operation, Severity, Verb};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_demand, nearest};

/// The detector's id.
pub(crate) const ID: &str = "device-naming";

/// Judges names and addresses given to devices.
pub struct DeviceNaming;

impl Detector for DeviceNaming {
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
        let Subject::Operation(judged, operation) = subject else { return };
        let protocol = judged.conversation.protocol.name();
        if !is_demand(operation) || !names_device(protocol, operation) {
            return;
        }
        // BACnet writes everything by one function: there the point must be known too.
        let listed =
            |points| protocol != "bacnet" || judged.entry.is_some_and(|entry| entry.covers_write(points));
        if judged.entry.is_some_and(|entry| entry.knows_function(operation.function))
            && operation.points.as_ref().is_none_or(listed)
        {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.severity = Severity::High;
        finding.techniques = if operation.verb == Verb::Mode { &["T0814"] } else { &["T0836"] };
        finding.bucket = Bucket { function: Some(operation.function), ..Bucket::default() };
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_functions()),
            None => nearest(context, judged.conversation),
        };
        let given = ["name_of_station", "ip_address"].into_iter().find_map(|key| judged.text(key));
        let given = given.map(|given| format!(" to {given}")).unwrap_or_default();
        finding.sentence = format!("{{client}} demands of {{server}}: {}{given}", operation.name);
        findings(finding);
    }
}

/// Whether an operation names a device, or gives it an address, outside of its program.
fn names_device(protocol: &str, operation: &Operation<'_>) -> bool {
    match protocol {
        // The light that flashes, and the brackets of a transaction, change nothing.
        "profinet_dcp" => matches!(operation.verb, Verb::Configure | Verb::Mode),
        _ => {
            operation.verb == Verb::Configure
                && matches!(operation.name, "set IP address" | "set host name" | "set name of station")
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Verb};

    use crate::bench::{Bench, operation};

    const CONTROLLER: &str = "02:00:00:00:00:05";
    const DEVICE: &str = "02:00:00:00:00:20";
    const OTHER: &str = "02:00:00:00:00:66";

    fn set_name() -> Operation<'static> {
        Operation { name: "set name of station", unit: None, ..operation(Verb::Configure, 0x0202_0004, None) }
    }

    fn named(bench: &Bench) -> usize {
        bench.alerts.iter().filter(|alert| alert.detector == "device-naming").count()
    }

    #[test]
    fn a_name_given_is_told_with_the_name() {
        let mut bench = Bench::with(None);
        bench.speaks("profinet_dcp", 0).with_fields(&[("name_of_station", "pump-7")]);
        bench.asks(OTHER, DEVICE, &set_name());
        assert_eq!(bench.detectors(), ["device-naming"]);
        assert!(bench.last().summary.ends_with("set name of station to pump-7"), "{}", bench.last().summary);
        assert_eq!(
            bench.incident().title,
            "Device 02:00:00:00:00:66 named or addressed anew 02:00:00:00:00:20"
        );
    }

    #[test]
    fn asking_and_flashing_is_no_naming() {
        let mut bench = Bench::with(None);
        bench.speaks("profinet_dcp", 0);
        let flash = Operation { name: "flash the light", ..operation(Verb::Diagnose, 0x0503_0004, None) };
        bench.asks(CONTROLLER, DEVICE, &flash);
        bench.asks(CONTROLLER, DEVICE, &Operation { name: "get", ..operation(Verb::Discover, 3, None) });
        assert!(bench.alerts.is_empty());
    }

    #[test]
    fn evasions_slowly_and_from_many_are_seen_each() {
        let mut bench = Bench::with(None);
        bench.speaks("profinet_dcp", 0);
        for n in 1..=3 {
            bench
                .asks(&format!("02:00:00:00:01:0{n}"), &format!("02:00:00:00:00:2{n}"), &set_name())
                .wait(7_200);
        }
        assert_eq!(named(&bench), 3, "each device told by itself");
    }

    #[test]
    fn evasion_in_pieces_is_seen() {
        // Two frames of one transaction, of which the first names nothing.
        let mut bench = Bench::with(None);
        bench.speaks("profinet_dcp", 0);
        let begin =
            Operation { name: "begin or end a transaction", ..operation(Verb::Associate, 0x0501_0004, None) };
        bench.asks(OTHER, DEVICE, &begin).asks(OTHER, DEVICE, &set_name());
        assert_eq!(bench.detectors(), ["device-naming"]);
    }
}
