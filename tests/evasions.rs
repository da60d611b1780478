//! Every detector against three ways around it: the telling message in pieces, the deed slowly, the deed shared out over several
//! talkers. At most one of the three may pass, and `docs/known-issues.md` says which and what to do meanwhile.
//!
//! `tests/evasions/` has a file for each family of detectors; a detector without its row fails here.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]
#![expect(dead_code, reason = "the helpers are shared with tests that need more of them")]

#[path = "evasions/access.rs"]
mod access;
mod common;
#[path = "evasions/control.rs"]
mod control;
#[path = "evasions/network.rs"]
mod network;
#[path = "scans/octets.rs"]
mod octets;
#[path = "evasions/plant.rs"]
mod plant;
#[path = "evasions/process.rs"]
mod process;
#[path = "foreign/samples.rs"]
mod samples;
#[path = "evasions/table.rs"]
mod table;
#[path = "evasions/timing.rs"]
mod timing;
#[path = "../lab/generate/traffic/wire.rs"]
mod wire;

use std::{collections::BTreeSet, fs};

use fieldwarden_engine::detect::DETECTORS;
use fieldwarden_model::Alert;
use table::{Evasion, Row, Told};

fn rows() -> Vec<Row> {
    [control::rows(), process::rows(), network::rows(), access::rows(), timing::rows()]
        .into_iter()
        .flatten()
        .collect()
}

impl Row {
    fn evasions(&self) -> [(&'static str, &Evasion); 3] {
        [("segmented", &self.segmented), ("slow", &self.slow), ("split", &self.split)]
    }
}

#[test]
fn every_detector_has_its_three_evasions_and_one_at_most_passes() {
    let rows = rows();
    let has: BTreeSet<&str> = rows.iter().map(|row| row.detector).collect();
    let wanted: BTreeSet<&str> = DETECTORS.iter().map(|detector| detector.id()).collect();
    assert_eq!(has, wanted, "rows in tests/evasions/ and DETECTORS");
    assert_eq!(rows.len(), has.len(), "a detector has two rows");
    let known = fs::read_to_string(common::root().join("docs/known-issues.md")).unwrap();
    for row in &rows {
        let passing = row.evasions().iter().filter(|(_, way)| matches!(way.told, Told::Unseen(_))).count();
        assert!(passing <= 1, "{}: {passing} of three evasions pass", row.detector);
        for (kind, way) in row.evasions() {
            match way.told {
                Told::Unseen(says) => assert!(
                    known.contains(says),
                    "{} {kind}: docs/known-issues.md does not say `{says}`",
                    row.detector
                ),
                Told::By(by) => assert!(
                    !by.is_empty() && by.iter().all(|id| wanted.contains(id)),
                    "{} {kind}: {by:?}",
                    row.detector
                ),
            }
        }
    }
}

/// An ordinary quarter of an hour tells nothing: what is told of a scene is told of its deed.
#[test]
fn the_plant_itself_is_quiet() {
    let told = plant::told(fieldwarden_model::Site::default(), |plant| {
        plant.lives(900);
    });
    let told: Vec<&str> = told.iter().map(|alert| alert.summary.as_str()).collect();
    assert!(told.is_empty(), "{told:#?}");
}

fn hold(rows: Vec<Row>) {
    let mut faults = Vec::new();
    for row in rows {
        for (kind, way) in row.evasions() {
            let alerts = plant::told((row.site)(), way.scene);
            let by = match way.told {
                Told::By(by) => by,
                Told::Unseen(_) => &[row.detector],
            };
            let names = |alert: &&Alert| {
                let ends = [Some(alert.client), alert.server].into_iter().flatten();
                let cards = [alert.client_mac, alert.server_mac].into_iter().flatten();
                let known = ends.map(|end| end.to_string()).chain(cards.map(|card| card.to_string()));
                by.contains(&alert.detector.as_str()) && known.into_iter().any(|end| end.contains(way.who))
            };
            let seen = alerts.iter().find(names);
            let summary = seen.map_or("passes, as docs/known-issues.md says", |alert| &alert.summary);
            println!("{} {kind}: {}: {summary}", row.detector, way.how);
            if seen.is_some() == matches!(way.told, Told::Unseen(_)) {
                let told: BTreeSet<String> = alerts
                    .iter()
                    .map(|alert| format!("{}: {}", alert.detector, alert.summary))
                    .take(12)
                    .collect();
                faults.push(format!("{} {kind} ({}): {told:#?}", row.detector, way.how));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} evasions are not told as their rows say:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn evasions_of_who_controls_are_told() {
    hold(control::rows());
}

#[test]
fn evasions_of_what_is_written_and_read_are_told() {
    hold(process::rows());
}

#[test]
fn evasions_on_the_network_are_told() {
    hold(network::rows());
}

#[test]
fn evasions_of_who_reaches_whom_are_told() {
    hold(access::rows());
}

#[test]
fn evasions_in_time_are_told() {
    hold(timing::rows());
}
