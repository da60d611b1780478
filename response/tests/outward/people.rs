//! What the tests of all ways to people share: a way out of a table, incidents that move, and a wait.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{
    Section, Severity, Timestamp,
    section::{Content, Key, Node, Reader, Span},
};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, Pace},
    outward,
    store::{Batch, By, Status, Store},
};

use crate::sample;

pub(crate) fn text(text: &str) -> Content {
    Content::Text(text.into())
}

pub(crate) fn list(words: &[&str]) -> Content {
    let at = Span::default();
    Content::List(words.iter().map(|word| Node { at, value: text(word) }).collect())
}

pub(crate) fn table(entries: &[(&str, Content)]) -> Section {
    let at = Span::default();
    let entry = |(name, value): &(&str, Content)| {
        (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
    };
    Section { path: "notify".into(), at, entries: entries.iter().map(entry).collect() }
}

pub(crate) fn tables(tables: &[Section]) -> Content {
    let at = Span::default();
    Content::List(tables.iter().map(|table| Node { at, value: Content::Table(table.clone()) }).collect())
}

/// One `[[notify.KIND]]`, read as `check` does.
pub(crate) fn notifier(kind: &str, entries: &[(&str, Content)]) -> Result<Arc<dyn Destination>, Vec<String>> {
    let kinds = table(&[(kind, tables(&[table(entries)]))]);
    let file = table(&[("notify", Content::Table(kinds))]);
    let mut reader = Reader::new(&file);
    let read = outward::configure(&mut reader);
    let faults = reader.finish();
    match read {
        Some(mut destinations) if faults.is_empty() => Ok(destinations.remove(0)),
        _ => Err(faults.into_iter().map(|fault| fault.message).collect()),
    }
}

pub(crate) fn store(folder: &Path) -> Store {
    Store::open(&folder.join("store.sqlite")).unwrap()
}

pub(crate) fn clock() -> Timestamp {
    sample::at(0)
}

pub(crate) fn start(store: &Store, way: &Arc<dyn Destination>) -> Outbox {
    let pace = Pace::between(Duration::from_millis(10), Duration::from_millis(40), 7);
    Outbox::start(store, std::slice::from_ref(way), pace, clock).unwrap()
}

/// Records an incident as it stands after so many alerts.
pub(crate) fn record(store: &Store, number: u32, alerts: u64, severity: Severity) {
    let mut incident = sample::incident(number, alerts);
    incident.severity = severity;
    let alert = sample::alert(&incident, alerts);
    let time = incident.last;
    store.record(Batch { time, alerts: vec![alert], incidents: vec![incident], ..Batch::default() }).unwrap();
}

pub(crate) fn by() -> By {
    By { operator: "jo".into(), time: sample::at(99) }
}

pub(crate) fn moved(store: &Store, number: u32, status: Status) {
    store.set_status(&sample::incident(number, 1).id, status, by()).unwrap();
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within a minute");
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn drained(outbox: &Outbox) {
    until("everything is told", || outbox.status().unwrap()[0].backlog.waiting == 0);
}

pub(crate) fn last_error(outbox: &Outbox) -> String {
    outbox.status().unwrap()[0].last_error.clone().map_or_else(String::new, |error| error.1)
}
