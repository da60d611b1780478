//! An incident's life, from a gateway's side.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{Incident, IncidentId, Severity, Technique, Timestamp, section::Content};
use fieldwarden_response::{
    outbox::{Outbox, Pace},
    store::{Batch, By, Status, Store},
};

use crate::{
    sample,
    system::{self, System},
};

pub(crate) struct Gateway {
    pub(crate) store: Store,
    pub(crate) outbox: Outbox,
}

fn clock() -> Timestamp {
    sample::at(0)
}

pub(crate) fn jo() -> By {
    By { operator: "jo".into(), time: sample::at(99) }
}

/// Steps of a life; a further one would change nothing.
pub(crate) const STEPS: usize = 4;

impl Gateway {
    /// A gateway that reaches the system by way of `port`.
    pub(crate) fn start(folder: &Path, system: &dyn System, port: u16) -> Self {
        Self::changed(folder, system, port, &[])
    }

    pub(crate) fn changed(
        folder: &Path,
        system: &dyn System,
        port: u16,
        changes: &[(&'static str, Content)],
    ) -> Self {
        let store = Store::open(&folder.join("store.sqlite")).unwrap();
        let way = system::destination(system, folder, port, changes);
        let pace = Pace::between(Duration::from_millis(20), Duration::from_millis(80), 7);
        let outbox = Outbox::start(&store, &[way], pace, clock).unwrap();
        Self { store, outbox }
    }

    pub(crate) fn record(&self, incident: Incident) {
        let batch = Batch {
            time: incident.last,
            alerts: vec![sample::alert(&incident, incident.alerts)],
            incidents: vec![incident],
            ..Batch::default()
        };
        self.store.record(batch).unwrap();
    }

    pub(crate) fn drained(&self) {
        let outbox = &self.outbox;
        until(
            "nothing waits any more",
            || outbox.status().unwrap()[0].backlog.waiting == 0,
            || format!("{:?}", outbox.status().unwrap()),
        );
    }

    pub(crate) fn status(&self, id: &IncidentId) -> Status {
        self.store.incident(id).unwrap().case.status
    }

    /// One step of the life of incident `number`.
    pub(crate) fn step(&self, number: u32, step: usize) {
        let id = incident(number).id;
        match step {
            0 => self.record(incident(number)),
            1 => self.record(grown(number)),
            2 => self.store.set_status(&id, Status::Acknowledged, jo()).unwrap(),
            _ => self.store.set_status(&id, Status::Closed, jo()).unwrap(),
        }
        self.drained();
    }

    pub(crate) fn stop(self) {
        assert!(self.outbox.stop(Duration::from_secs(20)).is_empty());
        self.store.close();
    }
}

pub(crate) fn until(what: &str, is_so: impl Fn() -> bool, found: impl Fn() -> String) {
    let end = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < end, "{what}: {}", found());
        thread::sleep(Duration::from_millis(20));
    }
}

/// An incident of talkers of its own.
pub(crate) fn incident(number: u32) -> Incident {
    let mut incident = sample::incident(number, 1);
    let (high, low) = (number / 250, number % 250 + 1);
    incident.talkers = vec!["10.9.0.66".parse().unwrap(), format!("10.8.{high}.{low}").parse().unwrap()];
    incident.title = format!(
        "Unknown laptop writes set-points of pump {number}</pre>!http://evil.example/x.png!\r\nSubject: \u{202e}x"
    );
    incident
}

/// The same once it matters more.
pub(crate) fn grown(number: u32) -> Incident {
    let mut incident = incident(number);
    incident.alerts = 9;
    incident.last = sample::at(9);
    incident.severity = Severity::Critical;
    incident.score = 99;
    incident.talkers.push("10.9.0.77".parse().unwrap());
    incident.techniques.push(Technique("T0881".into()));
    incident
}
