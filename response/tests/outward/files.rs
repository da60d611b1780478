//! Incidents written into a file: whatever tears a line, moves the file away or fills the disk, each is there once it counts as told.

use std::{
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{
    Section, Timestamp,
    section::{Content, Key, Node, Span},
};
use fieldwarden_response::{
    forward::{self, Destination, Stop},
    outbox::{Outbox, Pace},
    store::{Status, Store, Told},
};
use serde_json::Value;

use crate::sample;

/// Reads the tables of a configuration as `check` does.
pub(crate) fn destinations(
    kind: &str,
    entries: &[(&str, Content)],
) -> Result<Vec<Arc<dyn Destination>>, Vec<String>> {
    let at = Span::default();
    let entry = |(name, value): &(&str, Content)| {
        (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
    };
    let table = Section { path: "forward".into(), at, entries: entries.iter().map(entry).collect() };
    let list = Content::List(vec![Node { at, value: Content::Table(table) }]);
    let section = Section {
        path: "forward".into(),
        at,
        entries: vec![(Key { name: kind.into(), at }, Node { at, value: list })],
    };
    forward::configure(&section).map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
}

fn lines(path: &Path, keep: i64) -> Arc<dyn Destination> {
    let text = |text: &str| Content::Text(text.into());
    let entries = [
        ("name", text("agent")),
        ("path", text(path.to_str().unwrap())),
        ("max_megabytes", Content::Integer(1)),
        ("keep", Content::Integer(keep)),
    ];
    destinations("file", &entries).unwrap().remove(0)
}

fn told(number: u32) -> Told {
    Told { time: sample::at(9), status: Status::New, incident: sample::incident(number, 1) }
}

fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    text.lines().map(id).collect()
}

fn clock() -> Timestamp {
    sample::at(0)
}

#[test]
fn a_line_that_a_crash_tore_is_taken_off_and_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("incidents.jsonl");
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let destination = lines(&path, 4);
    let mut link = destination.connect(&store, &Stop::default()).unwrap();
    (0..3).for_each(|n| link.send(&told(n)).unwrap());
    assert_eq!(link.confirmed(), 0, "nothing is told before the disk has it");
    link.listen(Duration::ZERO).unwrap();
    assert_eq!(link.confirmed(), 3);
    drop(link);
    let whole = fs::read(&path).unwrap();
    let third = whole.iter().rposition(|octet| *octet == b'{').unwrap();
    for cut in third..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        destination.connect(&store, &Stop::default()).unwrap().send(&told(2)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "cut at {cut}");
    }
}

#[test]
fn files_are_turned_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("incidents.jsonl");
    let elsewhere = tempfile::tempdir().unwrap();
    let store = Store::open(&elsewhere.path().join("store.sqlite")).unwrap();
    let mut link = lines(&path, 2).connect(&store, &Stop::default()).unwrap();
    for n in 0..12_000 {
        link.send(&told(n)).unwrap();
    }
    link.listen(Duration::ZERO).unwrap();
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["incidents.jsonl", "incidents.jsonl.1", "incidents.jsonl.2"]);
    let all: Vec<String> = ["incidents.jsonl.2", "incidents.jsonl.1", "incidents.jsonl"]
        .iter()
        .flat_map(|name| ids(&folder.path().join(name)))
        .collect();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "in order across files");
    assert_eq!(all.last(), Some(&format!("{:016x}", 11_999)));
    let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
    assert!(names.iter().all(|name| size(name) <= 1024 * 1024));
}

#[test]
fn what_is_moved_away_or_cannot_be_written_waits_in_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drop").join("incidents.jsonl");
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let pace = Pace::between(Duration::from_millis(20), Duration::from_millis(100), 7);
    let outbox = Outbox::start(&store, &[lines(&path, 2)], pace, clock).unwrap();
    let until = |what: &str, reached: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(20);
        while !reached() {
            assert!(Instant::now() < end, "never: {what}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    let status = || outbox.status().unwrap().remove(0);
    store.record(sample::batch(1, 1)).unwrap();
    until("the missing folder is said", &|| {
        status()
            .last_error
            .is_some_and(|(_, why)| why.contains("incidents.jsonl") && why.contains("No such file"))
    });
    fs::create_dir(folder.path().join("drop")).unwrap();
    until("it is written once the folder is there", &|| status().backlog.waiting == 0);
    assert_eq!(ids(&path).len(), 1);
    fs::rename(&path, folder.path().join("taken")).unwrap();
    until("another is begun in its place", &|| path.exists());
    store.record(sample::batch(2, 1)).unwrap();
    until("the next is told", &|| status().backlog.waiting == 0);
    assert_eq!(ids(&path), [format!("{:016x}", 2)]);
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
}

#[test]
fn faults_of_a_table_are_told() {
    let text = |text: &str| Content::Text(text.into());
    let faults = destinations(
        "file",
        &[
            ("name", text("x")),
            ("path", text("here")),
            ("format", text("xml")),
            ("keep", Content::Integer(0)),
        ],
    )
    .unwrap_err();
    for what in ["`path`", "`xml`", "`keep`"] {
        assert!(faults.iter().any(|fault| fault.contains(what)), "{what} in {faults:?}");
    }
}
