//! What the tests of all ways to people share: a way out of a table, incidents that move, and a wait.

use std::{
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{
    Order, OrderId, OrderState, Scope, Section, Severity, Target, Timestamp,
    order::OnDegraded,
    section::{Content, Key, Node, Reader, Span},
};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, Pace},
    outward,
    store::{Batch, By, Status, Store, StoredOrder},
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

/// Saves an order that answers the first incident.
pub(crate) fn order(store: &Store, state: OrderState, action: &str) -> OrderId {
    let incident = sample::incident(0, 1).id;
    let mut order = Order {
        id: OrderId(String::new()),
        target: Target::Talker { talker: "10.0.0.66".parse().unwrap() },
        scope: Scope::IsolateTalker,
        lapse_secs: 600,
        keep_within_secs: 30,
        on_degraded: OnDegraded::Revert,
        reason: "unknown laptop".into(),
        incident: Some(incident),
        author: "jo".into(),
        proposed: sample::at(5),
    };
    order.id = order.identify();
    let id = order.id.clone();
    let stored = StoredOrder { order, state, approvals: vec![], plan: None, report: None };
    store.save_order(stored, action, "unknown laptop", by()).unwrap();
    id
}
