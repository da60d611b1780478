//! `value-out-of-range`: a write to a point that is normally written, with a value that was never seen there.
//!
//! Technique of ATT&CK for ICS: T0836 Modify Parameter. The envelope of the baseline is taken as it stands, both bounds
//! included: a person reviewed it, and a margin would hide the small step of a patient intruder. A value that spans
//! another number of points than those learned (a whole octet over a single bit) was never seen there either.

use fieldwarden_model::{Operation, Point, PointRange, Severity, Value, Verb};

use super::{Bucket, Context, Detector, Finding, Judged, Memory, Need, Subject, is_demand};
use crate::baseline::{Allowed, Envelope, compiled::CompiledEntry};

/// Judges written values.
pub struct ValueOutOfRange;

impl Detector for ValueOutOfRange {
    fn id(&self) -> &'static str {
        "value-out-of-range"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Values]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if !is_demand(operation) || !matches!(operation.verb, Verb::Write | Verb::Operate) {
            return;
        }
        let (Some(entry), Some(points)) = (judged.entry, operation.points) else { return };
        // Points never written before are told by `new-point-write`.
        if !entry.covers_write(&points) {
            return;
        }
        let outside = first_outside(entry, operation, points);
        let Some((value, contradicted)) = outside.or_else(|| first_out_of_order(judged, entry, memory))
        else {
            return;
        };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.bucket = Bucket { points: Some(points), ..Bucket::default() };
        finding.severity = Severity::High;
        finding.techniques = &["T0836"];
        let text = finding.points_text().unwrap_or_else(|| String::from("points"));
        (finding.sentence, finding.baseline_entry) = told(&contradicted, value, &text, entry.id());
        findings(finding);
    }
}

/// The sentence, and the entry as it cites it.
fn told(
    contradicted: &Contradicted<'_>,
    value: Value,
    text: &str,
    entry: String,
) -> (String, Option<String>) {
    let (envelope, after) = match contradicted {
        Contradicted::Width => {
            let sentence = format!(
                "{{client}} wrote {value} to {text} on {{server}} in a width never used there before"
            );
            return (sentence, Some(entry));
        }
        Contradicted::Values(envelope) => (envelope, String::new()),
        Contradicted::Order(envelope, before) => (envelope, format!(" after {before}")),
    };
    let takes = shown(envelope);
    let sentence = match (&envelope.allowed, value) {
        (Allowed::Range { minimum: Some(_), maximum: Some(_) }, _) => {
            format!("{{client}} wrote {value} to {text} on {{server}}, outside the {takes} seen before")
        }
        (Allowed::Bits(_), Value::Integer(word)) => {
            format!("{{client}} wrote {value} ({word:#06x}) to {text} on {{server}}: {text} takes {takes}")
        }
        _ => format!("{{client}} wrote {value} to {text} on {{server}}{after}: {text} takes {takes}"),
    };
    (sentence, Some(format!("{entry}: {text} takes {takes}")))
}

/// What a value contradicts.
enum Contradicted<'a> {
    /// No value of this width is written there.
    Width,
    /// It is none of these.
    Values(&'a Envelope),
    /// It does not follow the one before.
    Order(&'a Envelope, f64),
}

/// The values of an envelope, in words.
fn shown(envelope: &Envelope) -> String {
    match envelope.allowed {
        Allowed::Range { minimum: Some(minimum), maximum: Some(maximum) } => {
            format!("{minimum} to {maximum}")
        }
        _ => envelope.bounds_text(),
    }
}

/// A count that went on otherwise than by its steps. Where writes are known to be missing nobody can tell.
fn first_out_of_order<'a>(
    judged: &Judged<'_>,
    entry: &'a CompiledEntry,
    memory: &Memory,
) -> Option<(Value, Contradicted<'a>)> {
    if judged.lacks.blinds(&[Need::Requests]) {
        return None;
    }
    memory.tracks()?.moves().iter().find_map(|moved| {
        let envelope = entry.envelope(moved.point, moved.stride)?;
        let before = moved.moved.before;
        let is_next = envelope.allowed.follows(before, moved.value);
        (!is_next).then_some((moved.value, Contradicted::Order(envelope, before)))
    })
}

fn first_outside<'a>(
    entry: &'a CompiledEntry,
    operation: &Operation<'_>,
    points: PointRange,
) -> Option<(Value, Contradicted<'a>)> {
    let values = operation.values?;
    let mut index = points.first;
    for value in values.iter() {
        let envelope = entry.envelope(Point { space: points.space, index }, values.stride);
        match envelope {
            None => return Some((value, Contradicted::Width)),
            Some(envelope) if !envelope.allows(value) => {
                return Some((value, Contradicted::Values(envelope)));
            }
            Some(_) => {}
        }
        index = index.saturating_add(u64::from(values.stride));
    }
    None
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{PointRange, Value, Values, operation::Encoding};

    use crate::baseline::{Allowed, Bits, Counter, Few};
    use crate::bench::{Bench, HMI, PLC, baseline, points, write};

    #[test]
    fn a_value_never_seen_is_told_with_the_bounds() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &write("40101", &[0, 101]));
        assert_eq!(bench.detectors(), ["value-out-of-range"]);
        assert_eq!(bench.last().baseline_entry.as_deref(), Some("station to dosing: 40101 takes 0 to 100"));
    }

    #[test]
    fn bounds_are_included() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &write("40101", &[0, 0])).asks(HMI, PLC, &write("40101", &[0, 100]));
        assert!(bench.alerts.is_empty());
    }

    /// The sentences told of writes to a point that takes these values.
    fn told(allowed: Allowed, values: &[u8]) -> Vec<String> {
        let mut baseline = baseline();
        baseline.conversations[0].writes[0].allowed = allowed;
        let mut bench = Bench::with(Some(baseline));
        for value in values {
            bench.asks(HMI, PLC, &write("40101", &[0, *value]));
        }
        bench.alerts.iter().map(|alert| alert.summary.clone()).collect()
    }

    #[test]
    fn each_kind_says_what_contradicts_it() {
        let wrote = |text: &str| vec![format!("10.0.0.5 wrote {text}")];
        let few = Allowed::Values(Few::new([0, 1, 3].map(Value::Integer).to_vec()));
        let at = "to 40101 on Dosing PLC (10.0.0.20)";
        assert_eq!(told(few, &[0, 3, 1, 2]), wrote(&format!("2 {at}: 40101 takes 0, 1 or 3")));
        let bits = Allowed::Bits(Bits::new(0x3, 0x8).unwrap());
        let takes = "40101 takes bits 0x0003 with 0x0008 always set";
        assert_eq!(told(bits.clone(), &[8, 11, 9, 27]), wrote(&format!("27 (0x001b) {at}: {takes}")));
        assert_eq!(
            told(bits, &[3]),
            wrote(&format!("3 (0x0003) {at}: {takes}")),
            "what is always set is missing"
        );
        let counter = Counter { step: 2, minimum: None, maximum: None };
        let counter = Allowed::Counter(Box::new(counter));
        let takes = "40101 takes any value, counting up by at most 2";
        assert_eq!(told(counter.clone(), &[250, 252, 254, 0, 1, 1, 2]), [""; 0]);
        assert_eq!(told(counter.clone(), &[7, 9, 12]), wrote(&format!("12 {at} after 9: {takes}")));
        assert_eq!(told(counter, &[7, 9, 8]), wrote(&format!("8 {at} after 9: {takes}")));
    }

    #[test]
    fn a_whole_octet_over_a_learned_bit_is_told() {
        let mut baseline = baseline();
        let first = points("40101").first;
        baseline.conversations[0].writes[0].points.last = first + 7;
        let mut bench = Bench::with(Some(baseline));
        let mut octet = write("40101", &[0, 1]);
        octet.points = Some(PointRange { last: first + 7, ..points("40101") });
        octet.values = Some(Values { bytes: &[1], encoding: Encoding::Unsigned8, count: 1, stride: 8 });
        bench.asks(HMI, PLC, &octet);
        assert_eq!(bench.detectors(), ["value-out-of-range"]);
    }
}
