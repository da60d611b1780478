//! The sensor's own blindness, which is an incident from its threshold on and closes when the sensor sees again.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::Timestamp;

use super::Site;
use crate::{
    blindness::{self, Change, Place, Reason, Watch, Watched},
    conversation::ServiceKey,
    detect::{Blinded, Detector as _, Finding, Memory, Subject, sensor_blind},
    engine::Output,
    incident::Fact,
};

/// Conversations named in a sentence; more are counted.
const NAMED: usize = 3;
/// Conversations counted for a sentence.
const MAX_COUNTED: usize = 1_024;

/// What the site heard of blindness, in the order in which it came about.
#[derive(Debug, Default)]
pub(crate) struct Sensor {
    watch: Watch,
    totals: BTreeMap<Watched, u64>,
    services: BTreeMap<Reason, BTreeSet<ServiceKey>>,
}

impl Site {
    /// Tells blindness from these thresholds on.
    pub(crate) fn watching(mut self, settings: blindness::Settings) -> Self {
        self.sensor.watch = Watch::new(settings);
        self
    }

    /// Something was not seen.
    pub(crate) fn unseen(&mut self, reason: Reason, place: Place, count: u64) {
        let interface = if let Place::Interface(interface) = place { interface } else { 0 };
        *self.sensor.totals.entry((reason, interface)).or_default() += count;
        if let Place::Service(service) = place {
            let services = self.sensor.services.entry(reason).or_default();
            if services.len() < MAX_COUNTED {
                services.insert(service);
            }
        }
    }

    /// Looks whether a reason crossed its threshold, or stayed away for long enough.
    pub(crate) fn look_at_sensor(&mut self, now: Timestamp, out: &mut dyn FnMut(Output)) {
        let totals: Vec<(Watched, u64)> =
            self.sensor.totals.iter().map(|(of, total)| (*of, *total)).collect();
        for (watched, total) in totals {
            match self.sensor.watch.look(watched, total, now) {
                Some(Change::Blind(grown)) => self.goes_blind(watched, grown, now, out),
                Some(Change::Recovered(after)) => {
                    self.sensor.services.remove(&watched.0);
                    if let Some(incident) = self.desk.sees_again(watched, now, after) {
                        out(Output::Incident(incident));
                    }
                }
                None => {}
            }
        }
    }

    /// Goes on with incidents of blindness that an earlier run left open.
    pub(crate) fn resume_blindness(&mut self, now: Timestamp) {
        for (watched, since) in self.desk.blind() {
            self.sensor.watch.resume(watched, since, now);
            self.sensor.totals.entry(watched).or_default();
        }
    }

    fn goes_blind(&mut self, watched: Watched, grown: u64, now: Timestamp, out: &mut dyn FnMut(Output)) {
        let (reason, interface) = watched;
        let rules = self.rules.clone();
        if rules.settings.disabled.iter().any(|id| id == sensor_blind::ID) {
            return;
        }
        let blinded =
            Blinded { reason, interface, time: now, sentence: self.sensor.sentence(watched, grown) };
        let mut told = None;
        let mut take = |finding| told = Some(finding);
        let subject = Subject::Blind(&blinded);
        sensor_blind::SensorBlind.judge(&rules.context(), &subject, &mut Memory::default(), &mut take);
        if let Some(finding) = told {
            self.tell_blindness(watched, finding, out);
        }
    }

    fn tell_blindness(&mut self, watched: Watched, finding: Finding, out: &mut dyn FnMut(Output)) {
        let mut alert = self.alert(finding);
        let (incident, closed) =
            self.desk.goes_blind(watched, &Fact { alert: &alert, stranger: None, passing: false });
        if let Some(closed) = closed {
            out(Output::Incident(closed));
        }
        alert.incident = incident.id.clone();
        self.alerts += 1;
        out(Output::Alert(alert));
        out(Output::Incident(incident));
    }
}

impl Sensor {
    fn sentence(&self, (reason, interface): Watched, grown: u64) -> String {
        let what = reason.sentence();
        if reason == Reason::KernelDrops {
            return format!("The sensor is blind on interface {interface}: {what} ({grown} within a minute)");
        }
        let Some(services) = self.services.get(&reason).filter(|services| !services.is_empty()) else {
            return format!("The sensor is partly blind: {what} ({grown} within a minute)");
        };
        let mut names = services.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
        if services.len() > NAMED {
            names.push_str(", ..");
        }
        let conversations = match services.len() {
            1 => String::from("1 conversation"),
            several => format!("{several} conversations"),
        };
        if reason == Reason::OneWayMirror {
            return format!("The sensor hears one direction only of {conversations}: {names}");
        }
        format!("The sensor is partly blind: {what} ({grown} within a minute, in {conversations}: {names})")
    }
}

fn name(service: &ServiceKey) -> String {
    let port = service.port.map(|port| format!(" port {port}")).unwrap_or_default();
    format!("{} to {}{port}", service.client, service.server)
}
