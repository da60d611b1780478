//! `sensor-blind`: the sensor itself stopped seeing.
//!
//! No technique of ATT&CK for ICS: T0804 Block Reporting Message and T0815 Denial of View are done to operators' messages and
//! screens, and most mirrors go blind by misconfiguration. Needs no baseline. Told once per reason and interface when
//! the reason crosses its threshold (`[blindness]`); its incident closes when the reason has stayed away for the time of recovery.

use fieldwarden_model::Severity;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject};
use crate::blindness::Reason;

/// Judges the sensor.
pub struct SensorBlind;

/// The detector's id.
pub(crate) const ID: &str = "sensor-blind";

impl Detector for SensorBlind {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Blind(blinded) = subject else { return };
        let mut finding = Finding::of_sensor(self.id(), blinded);
        finding.severity = match blinded.reason {
            // Whole conversations go unheard: somebody may be using that.
            Reason::KernelDrops | Reason::OneWayMirror => Severity::High,
            _ => Severity::Medium,
        };
        // Each interface is a thing of its own; there is no function to tell them apart by.
        let interface = Some(u32::from(blinded.interface));
        finding.bucket =
            Bucket { code: Some(blinded.reason.word()), function: interface, ..Bucket::default() };
        finding.sentence.clone_from(&blinded.sentence);
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome};

    use crate::bench::{Bench, HMI, PLC, read};

    #[test]
    fn a_sensor_that_loses_frames_is_told_once_and_closed_once() {
        let mut bench = Bench::with(None);
        bench.loses(5).wait(1).loses(5).wait(100);
        assert_eq!(bench.detectors(), ["sensor-blind"]);
        assert_eq!(
            bench.last().summary,
            "The sensor is blind on interface 0: the capture lost frames (5 within a minute)"
        );
        assert!(bench.incident().open);
        bench.wait(400);
        assert!(!bench.incident().open);
        assert!(bench.incident().title.ends_with("; over after 5 min"), "{}", bench.incident().title);
        assert_eq!(bench.alerts.len(), 1);
    }

    #[test]
    fn a_sensor_that_hears_everything_says_nothing() {
        let mut bench = Bench::with(None);
        for _ in 0..100 {
            let done = Operation { outcome: Outcome::Done, ..read("40001") };
            bench.asks(HMI, PLC, &read("40001")).answers(HMI, PLC, &done).wait(1);
        }
        assert!(bench.alerts.is_empty());
    }
}
