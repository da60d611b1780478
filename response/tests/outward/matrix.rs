//! Each request to a destination over HTTP lost, late, doubled, or its answer: each incident is there, and none is a dead letter.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use fieldwarden_model::section::Content;
use fieldwarden_response::forward::Destination;

use crate::{
    middle::{Fault, Middle},
    peer::{Reply, serve},
    siem::{Splunk, bulk, destination, told},
    webhook::webhook,
};

const INCIDENTS: u32 = 4;
/// A destination's life at once.
const AT_ONCE: usize = 8;

/// What a destination holds by now.
type Held = Box<dyn Fn() -> BTreeSet<String> + Send>;

/// The port of a destination of this kind, and what it holds.
fn other_side(kind: &str) -> (u16, Held) {
    match kind {
        "webhook" => {
            let (port, heard) = serve(|_, _| Reply::Status("200 OK"));
            let ids = move || heard.lock().unwrap().iter().map(|request| id(request.key())).collect();
            (port, Box::new(ids))
        }
        "splunk_hec" => {
            let splunk: Arc<Mutex<Splunk>> = Arc::default();
            let hears = Arc::clone(&splunk);
            let (port, _) = serve(move |_, request| hears.lock().unwrap().hear(request, true));
            (port, Box::new(move || splunk.lock().unwrap().ids(true).into_iter().collect()))
        }
        _ => {
            let documents: Arc<Mutex<BTreeMap<String, serde_json::Value>>> = Arc::default();
            let hears = Arc::clone(&documents);
            let (port, _) = serve(move |_, request| {
                Reply::Body("200 OK", bulk(request, &mut hears.lock().unwrap()).to_string())
            });
            (port, Box::new(move || documents.lock().unwrap().keys().map(|key| id(key)).collect()))
        }
    }
}

/// The incident of a key of incident and revision.
fn id(key: &str) -> String {
    key.split(':').next().unwrap().to_owned()
}

fn way(kind: &str, folder: &Path, port: u16) -> Arc<dyn Destination> {
    match kind {
        "webhook" => webhook(folder, port),
        "splunk_hec" => destination(kind, folder, port, &[("confirm_after_ms", Content::Integer(1_000))]),
        _ => destination(kind, folder, port, &[]),
    }
}

/// Tells everything by a way on which one thing goes wrong; how many requests that took.
fn tell(kind: &str, at: usize, fault: Option<Fault>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let (port, held) = other_side(kind);
    let middle = Middle::open(port, at, fault, None);
    let (store, outbox) = told(folder.path(), way(kind, folder.path(), middle.port), INCIDENTS);
    let expected: BTreeSet<String> = (0..INCIDENTS).map(|number| format!("{number:016x}")).collect();
    assert_eq!(held(), expected, "{kind}: {fault:?} at request {at}");
    assert_eq!(store.backlogs().unwrap()[0].dead, 0, "{kind}: {fault:?} at request {at}");
    drop(outbox);
    // Its folder goes once nobody writes there.
    drop(store);
    let requests = middle.requests();
    let _ = fs::remove_dir_all(folder.path());
    requests
}

#[test]
fn whatever_goes_wrong_with_one_request_each_incident_is_there() {
    let stride = if env::var("SCALE").is_ok_and(|scale| scale == "5") { 1 } else { 3 };
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| !fault.kills()).collect();
    let mut cases = Vec::new();
    for kind in ["webhook", "splunk_hec", "elasticsearch"] {
        let requests = tell(kind, 0, None);
        assert!(requests >= INCIDENTS as usize, "{kind}: {requests}");
        cases.extend((0..requests.min(8)).flat_map(|at| faults.iter().map(move |fault| (kind, at, *fault))));
    }
    let cases: Vec<_> = cases.into_iter().step_by(stride).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((kind, at, fault)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    tell(kind, *at, Some(*fault));
                }
            });
        }
    });
    println!("{} ways to lose something", cases.len());
}
