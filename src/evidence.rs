//! From an alert to its slice of evidence: what is wished for, and what is written down of it.

use std::{io, path::Path};

use fieldwarden_model::Alert;
use fieldwarden_response::evidence::Facts;
use fieldwarden_sensor::evidence::{Limits, MARK_EVERY, Slice, Wanted};

/// Seconds before the alert that a slice holds where nobody says otherwise.
pub(crate) const BEFORE_SECS: u64 = 60;
/// Likewise, after it.
pub(crate) const AFTER_SECS: u64 = 5;
/// The longest time before or after, in seconds.
pub(crate) const MAX_SECS: u64 = Limits::MAX_TIME.as_secs();
/// Octets that a slice takes at most.
pub(crate) const SLICE_OCTETS: u64 = 64 << 20;

/// The slice that an alert asks for.
pub(crate) fn wanted(alert: &Alert) -> Wanted {
    let id = &alert.id.0;
    Wanted {
        name: id.clone(),
        facts: vec![
            match alert.incident.0.as_str() {
                "" => format!("evidence of alert {id}, without an incident"),
                incident => format!("evidence of alert {id}, incident {incident}"),
            },
            format!("{}, {} {}: {}", alert.detector, alert.severity, alert.time, alert.summary),
            "this file's SHA-256 stands in chain.jsonl beside it; `fieldwarden evidence verify` compares"
                .into(),
        ],
        remark: format!("alert {id} ({}) rests on this frame", alert.detector),
        time: alert.time,
        frames: alert.frames.clone(),
    }
}

/// What the chain says of a slice.
pub(crate) fn facts(alert: &Alert, slice: Slice) -> Facts {
    Facts {
        slice: slice.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        alert: alert.id.0.clone(),
        incident: alert.incident.0.clone(),
        detector: alert.detector.clone(),
        time: alert.time,
        summary: alert.summary.clone(),
        frames: slice.frames,
        own: slice.own,
        missing: slice.missing,
        left_out: slice.left_out,
        lost: slice.lost,
        octets: slice.octets,
        sha256: slice.sha256,
        mark_every: MARK_EVERY,
        marks: slice.marks,
    }
}

/// What a person should know of a slice besides where it is; nothing where it holds all that was asked for.
pub(crate) fn shortcomings(facts: &Facts) -> String {
    let counted = [
        (facts.missing, "of the alert's own frames were not held any more"),
        (facts.left_out, "frames were left out to stay within the bound of a slice"),
        (facts.lost, "frames were lost by the capture in that time"),
    ];
    let told = counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    told.collect::<Vec<_>>().join("; ")
}

/// Makes a folder that only its owner may look into.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
