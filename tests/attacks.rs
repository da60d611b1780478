//! Captures of attacks, and of what looks like one, each give an incident that says who did what to whom, by which technique,
//! without a baseline: `docs/detection.md` lists them, and this test holds the page to what is told. `UPDATE_EXPECT=1` writes the
//! page's table anew, to be read before it is believed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]
#![expect(dead_code, reason = "the helpers are shared with other tests")]

#[path = "common/mod.rs"]
mod common;

use std::{collections::BTreeMap, fs, path::Path};

use common::{frames::read, root, shared};
use fieldwarden_engine::{Engine, Input, Output, Seed, Settings};
use fieldwarden_model::{FrameRef, Incident, IncidentId};

/// The gravest incident of a capture, the first of equals.
fn gravest(path: &Path) -> Option<Incident> {
    let mut engine = Engine::new(Settings { seed: Seed(3), ..Settings::default() });
    let mut incidents: BTreeMap<IncidentId, (usize, Incident)> = BTreeMap::new();
    let mut order = 0;
    let mut take = |output| {
        if let Output::Incident(incident) = output {
            let entry = incidents.entry(incident.id.clone()).or_insert_with(|| (order, incident.clone()));
            entry.1 = incident;
            order += 1;
        }
    };
    for (frame, number) in read(path).iter().zip(1..) {
        let reference = FrameRef { capture: 0, number };
        engine.step(Input::Frame { frame: frame.raw(), reference }, &mut take);
    }
    engine.finish(&mut take);
    let gravest = incidents.into_values().max_by_key(|(at, incident)| (incident.score, usize::MAX - at));
    gravest.map(|(_, incident)| incident)
}

/// The title without how often since.
fn told(incident: &Incident) -> String {
    let title = incident.title.split(", ").next().unwrap();
    let techniques: Vec<&str> = incident.techniques.iter().map(|technique| technique.0.as_str()).collect();
    format!("{title} | {}", techniques.join(", "))
}

#[test]
fn each_gives_an_incident_that_names_who_what_and_how() {
    let Some(pcaps) = shared().map(|shared| shared.join("pcaps")) else { return };
    let path = root().join("docs/detection.md");
    let page = fs::read_to_string(&path).unwrap();
    let (mut written, mut rows, mut wrong) = (Vec::new(), 0, Vec::new());
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(name) = cells.get(1).filter(|name| name.ends_with('`') && name.starts_with('`')) else {
            written.push(line.to_owned());
            continue;
        };
        rows += 1;
        let name = name.trim_matches('`');
        // Of what no public capture holds, one of ours.
        let capture = if name.starts_with("tests/") { root().join(name) } else { pcaps.join(name) };
        let is = gravest(&capture).map_or_else(|| String::from("nothing | "), |incident| told(&incident));
        let row = format!("| `{name}` | {} | {is} |", cells[2]);
        if row != line {
            wrong.push(format!("{line}\nis\n{row}"));
        }
        written.push(row);
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, written.join("\n") + "\n").unwrap();
        return;
    }
    assert!(rows >= 18, "{rows} rows");
    assert!(wrong.is_empty(), "docs/detection.md:\n{}", wrong.join("\n"));
    for line in &written {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let is_row = cells.get(1).is_some_and(|name| name.starts_with('`'));
        assert!(!is_row || cells[4].starts_with('T'), "no technique: {line}");
    }
}
