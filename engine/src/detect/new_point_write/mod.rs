//! `new-point-write`: a write or a command to points that this client never wrote in normal operation.
//!
//! Techniques of ATT&CK for ICS: T0836 Modify Parameter for written points, T0855 Unauthorized Command Message for
//! commands. In a conversation that is new as a whole every write is to a new point.

mod button;

use fieldwarden_model::{
    Severity, Verb,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, is_demand, nearest};

/// Judges the points of writes.
pub struct NewPointWrite;

/// What `new-point-write` is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Buttons pressed for the first time, of one client and server within an hour, that are information; a further one is told as
    /// high, and with 0 each is. Two: an operator finds a new one now and then, an intruder tries them all.
    pub buttons_per_hour: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { buttons_per_hour: 2 }
    }
}

impl Settings {
    /// Reads `[detectors.new_point_write]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default().buttons_per_hour;
        let buttons = reader.within("buttons_per_hour", 0..=100, u64::from(usual));
        reader.finish_with(Some(Self { buttons_per_hour: u32::try_from(buttons).unwrap_or(usual) }))
    }
}

impl Detector for NewPointWrite {
    fn id(&self) -> &'static str {
        "new-point-write"
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
        finding.button = judged.entry.is_some_and(|entry| button::may_be(entry, operation, points));
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

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Value};

    use crate::bench::{Bench, HMI, PLC, ROGUE, read, write};

    #[test]
    fn a_write_elsewhere_is_told_with_the_value_before() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &read("40005"));
        let values = write("40005", &[0, 50]).values;
        bench.answers(HMI, PLC, &Operation { values, outcome: Outcome::Done, ..read("40005") });
        bench.asks(HMI, PLC, &write("40005", &[0x23, 0x28]));
        assert_eq!(bench.detectors(), ["new-point-write"]);
        let alert = bench.last();
        assert_eq!(
            (alert.old.as_slice(), alert.new.as_slice()),
            (&[Value::Integer(50)][..], &[Value::Integer(9_000)][..])
        );
        assert_eq!(
            alert.summary,
            "10.0.0.5 wrote 40005 on Dosing PLC (10.0.0.20), which it never did before (from 50 to 9000)"
        );
        assert_eq!(alert.baseline_entry.as_deref(), Some("station to dosing: writes 40101"));
        assert_eq!(bench.incident().title, "Device 10.0.0.5 wrote set-points on Dosing PLC");
    }

    #[test]
    fn in_a_new_conversation_every_write_is_told_and_joins_its_incident() {
        let mut bench = Bench::new();
        bench.heard(ROGUE).asks(ROGUE, PLC, &write("40101", &[0, 50])).asks(
            ROGUE,
            PLC,
            &write("40101", &[0, 51]),
        );
        assert_eq!(bench.detectors(), ["new-talker", "new-conversation", "new-point-write", "rogue-master"]);
        assert_eq!(bench.incident().alerts, 4);
        assert_eq!(bench.writes.len(), 2, "every write is remembered");
    }

    #[test]
    fn the_usual_set_point_is_not_told() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &write("40101", &[0, 100]));
        assert!(bench.alerts.is_empty());
        assert_eq!(bench.writes.len(), 1);
    }
}
