//! The site: everything that looks across conversations. Consumes the shards' observations in the order of (time, frame,
//! n) and makes alerts and incidents of them.

mod buttons;
mod identities;
mod quiets;
mod repeats;
mod sensor;
mod windows;

use fieldwarden_model::{
    AddressSpace, Alert, AlertId, Incident, IncidentId, Outcome, Talker, Technique, Timestamp, Value,
    digest::Digest,
};

use buttons::Buttons;
pub(crate) use identities::{Identities, Known, teller};
pub use quiets::QuietUse;
use quiets::{Quiets, Told};
pub(crate) use repeats::{Repeat, RepeatKey, Repeats};
use sensor::Sensor;
pub use windows::WindowUse;
use windows::Windows;

use crate::{
    blindness::{Lacks, Ledger, Place, Reason},
    community_id::community_id,
    detect::new_conversation::ANSWERED,
    detect::{DETECTORS, Finding, Memory, Sight, Subject, Survey, is_crowded},
    engine::Output,
    history::{Device, MAX_VALUES_TOLD, PlantValues, WriteRecord},
    incident::{Desk, Fact},
    map::Seed,
    shard::{Change, Observation, Observations, Rules, What},
    tags::{Tags, octets_of},
    track::Heard,
};

/// Values told in the sentence of an alert; more stand in its lists only.
const VALUES_IN_SENTENCE: usize = 4;

/// Judgement across conversations.
pub(crate) struct Site {
    pub(crate) plan: fieldwarden_model::Site,
    pub(crate) rules: Rules,
    pub(crate) desk: Desk,
    pub(crate) repeats: Repeats,
    pub(crate) identities: Identities,
    pub(crate) plant: PlantValues,
    pub(crate) alerts: u64,
    /// What the site itself let go.
    pub(crate) ledger: Ledger,
    pub(crate) sensor: Sensor,
    /// What detectors remember across conversations.
    survey: Survey,
    tags: Tags,
    windows: Windows,
    buttons: Buttons,
    pub(crate) quiets: Quiets,
}

impl Site {
    pub(crate) fn new(
        plan: fieldwarden_model::Site,
        rules: Rules,
        incidents: crate::incident::Settings,
        seed: Seed,
    ) -> Self {
        Self {
            plan,
            rules,
            desk: Desk::new(incidents),
            repeats: Repeats::default(),
            identities: Identities::default(),
            plant: PlantValues::new(seed),
            alerts: 0,
            ledger: Ledger::default(),
            sensor: Sensor::default(),
            survey: Survey::default(),
            tags: Tags::default(),
            windows: Windows::default(),
            buttons: Buttons::default(),
            quiets: Quiets::default(),
        }
    }

    /// Calls points by these names.
    pub(crate) fn naming(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    /// Lets deadlines up to `now` pass.
    pub(crate) fn advance(&mut self, now: Timestamp, out: &mut dyn FnMut(Output)) {
        for incident in self.desk.advance(now, &self.plan) {
            out(Output::Incident(incident));
        }
    }

    /// Looks at what hearing an observation is going to need, so that it is at hand by then. Changes nothing.
    pub(crate) fn look_at(&self, observation: &Observation, told: &Observations) {
        if let What::Values { device, points, octets, shape } = &observation.what {
            core::hint::black_box(told.octets(octets.clone()).first());
            self.plant.look_at(device, points, *shape);
        }
    }

    /// Hears one observation; `told` holds the octets it refers to.
    pub(crate) fn observe(
        &mut self,
        observation: Observation,
        told: &Observations,
        out: &mut dyn FnMut(Output),
    ) {
        match observation.what {
            What::Talker(heard) => {
                self.talker(&heard, out);
            }
            What::Facts(told) => self.hear_facts(&told.heard, told.protocol, told.facts, out),
            What::Roles { conversation, approved } => {
                let Observation { time, frame, .. } = observation;
                let service = &conversation.service;
                let heard =
                    Heard { space: service.space, talker: service.client, mac: None, arp: None, time, frame };
                self.hear_roles(&conversation, approved, &heard, out);
            }
            What::Unseen(reason, place, count) => self.unseen(reason, place, count),
            What::Finding(finding) => match finding.matter {
                Some(matter) => self.survey(&Sight::Matter(&finding, &matter), out),
                None => self.finding(*finding, out),
            },
            What::Door(door) => self.survey(&Sight::Door(&door), out),
            What::Values { device, points, shape, octets: range } => {
                self.plant.remember(device, points, shape, told.octets(range), false);
            }
            What::Asked(change) => {
                self.write_record(&change, observation.time, observation.frame, told, out);
                if let (Some(points), Some((shape, range))) = (change.points, &change.values) {
                    let octets = told.octets(range.clone());
                    self.plant.remember(Device::of(&change.conversation), points, *shape, octets, true);
                }
            }
            What::Settled(change) => {
                if let Some(points) = change.points {
                    self.plant.settle(&Device::of(&change.conversation), &points, true);
                }
                self.write_record(&change, observation.time, observation.frame, told, out);
            }
            What::Resumed(key) => {
                if let Some(incident) = self.desk.resumes(&key.service, observation.time, &self.plan) {
                    out(Output::Incident(incident));
                }
            }
            What::Done { device, points } => self.plant.settle(&device, &points, false),
        }
    }

    fn talker(&mut self, heard: &Heard, out: &mut dyn FnMut(Output)) {
        let rules = self.rules.clone();
        let context = rules.context();
        let mut memory = Memory::default();
        for detector in DETECTORS {
            if context.settings.disabled.iter().any(|id| id == detector.id()) {
                continue;
            }
            let subject = Subject::Talker(heard);
            detector.judge(&context, &subject, &mut memory, &mut |finding| self.finding(finding, out));
        }
        self.survey(&Sight::Held(heard), out);
    }

    /// Shows detectors what a shard saw.
    fn survey(&mut self, sight: &Sight<'_>, out: &mut dyn FnMut(Output)) {
        let rules = self.rules.clone();
        let context = rules.context();
        let mut memory = core::mem::take(&mut self.survey);
        for detector in DETECTORS {
            if context.settings.disabled.iter().any(|id| id == detector.id()) {
                continue;
            }
            detector.survey(&context, sight, &mut memory, &mut |finding| self.finding(finding, out));
        }
        self.survey = memory;
    }

    fn finding(&mut self, mut finding: Finding, out: &mut dyn FnMut(Output)) {
        let settings = self.rules.settings.clone();
        // Within a window it is another thing than behind it, which is told however lately it was information.
        let order = self.windows.explain(&mut finding, &self.plan);
        let mut remark = String::new();
        // What a work order covers is counted there.
        if order.is_none() {
            match self.quiets.judge(&finding, self.rules.baseline.as_deref()) {
                Told::Quietly(quiet) => return self.tell_quietly(finding, &quiet, out),
                Told::Overrun(said) => remark = said,
                Told::Loudly => {}
            }
        }
        let key = RepeatKey::of(&finding).under(order.as_deref());
        let finding = if order.is_some() { Some(finding) } else { self.unless_button(finding, &key, out) };
        let Some(finding) = finding else { return };
        if let Some(incident) = self.repeats.repeated(&key, finding.time, &settings) {
            self.desk.repeat(&incident, finding.time);
            return;
        }
        let answered = finding.bucket.code == Some(ANSWERED);
        if answered && self.repeats.was_told(&key) {
            return;
        }
        let baseline = self.rules.baseline.as_deref();
        let stranger = baseline.map(|baseline| !baseline.knows_talker(finding.space, finding.client.talker));
        // What a made-up address leaves behind, too: it appears, and knocks, be it from a well-known port.
        let knocks = if finding.backwards { finding.server } else { Some(finding.client) };
        let unknown = |end: fieldwarden_model::Endpoint| {
            baseline.is_some_and(|baseline| !baseline.knows_talker(finding.space, end.talker))
        };
        let passing = knocks.is_some_and(unknown)
            && !answered
            && matches!(finding.detector, "new-talker" | "new-conversation");
        let crowded = passing || (knocks.is_some_and(unknown) && is_crowded(finding.detector));
        if let Some(incident) = self.repeats.too_many(&key, crowded, finding.time, &settings) {
            self.desk.repeat(&incident, finding.time);
            // Made-up addresses do not come back: remembering each would push out what does.
            if !crowded {
                self.repeats.note(key, finding.time, incident);
            }
            return;
        }
        let mut alert = self.alert(finding);
        alert.summary.push_str(&remark);
        let (incident, closed) = self.desk.join(&Fact { alert: &alert, stranger, passing }, &self.plan);
        if let Some(closed) = closed {
            let cap = Place::Cap("open_incidents");
            self.ledger.note(Reason::Caps, cap, Lacks::default(), alert.time, 1);
            self.unseen(Reason::Caps, cap, 1);
            out(Output::Incident(closed));
        }
        alert.incident = incident.id.clone();
        self.repeats.told(key, crowded, alert.time, &incident.id, settings.pair_window);
        self.alerts += 1;
        out(Output::Alert(alert));
        out(Output::Incident(incident));
    }

    fn alert(&self, finding: Finding) -> Alert {
        let points = finding.points_text();
        let (old, new) = self.values(&finding);
        let client = finding.client.talker;
        let server = finding.server.map(|server| server.talker);
        let summary = self.sentence(&finding, &old, &new);
        let mut techniques: Vec<Technique> =
            finding.techniques.iter().map(|&technique| Technique(technique.to_owned())).collect();
        techniques.sort();
        let community =
            finding.server.and_then(|server| community_id(finding.transport, &finding.client, &server));
        Alert {
            id: alert_id(&finding, points.as_deref()),
            time: finding.time,
            detector: finding.detector.to_owned(),
            severity: finding.severity,
            techniques,
            space: finding.space,
            client,
            client_port: finding.client.port,
            client_mac: finding.client_mac,
            client_name: self.name(client),
            server,
            server_port: finding.server.and_then(|server| server.port),
            server_mac: finding.server_mac,
            server_name: server.and_then(|server| self.name(server)),
            vlan: finding.vlan,
            protocol: finding.protocol.map(|protocol| protocol.name().to_owned()),
            transport: finding.server.map(|_| finding.transport),
            unit: finding.unit,
            operation: finding.verb,
            function: finding.function.map(|(code, _)| code),
            function_name: finding.function.map(|(_, name)| name.to_owned()),
            points,
            step: finding.values.as_ref().map(|(shape, _)| shape.stride),
            old,
            new,
            frames: finding.frames,
            community_id: community,
            assured: finding.assured,
            summary,
            baseline_entry: finding.baseline_entry,
            quieted_by: None,
            incident: IncidentId(String::new()),
        }
    }

    /// Values before, as far as seen, and values carried.
    fn values(&self, finding: &Finding) -> (Vec<Value>, Vec<Value>) {
        let (Some((shape, octets)), Some(points)) = (&finding.values, &finding.points) else {
            return (Vec::new(), Vec::new());
        };
        let (Some(server), Some(protocol)) = (finding.server, finding.protocol) else {
            return (Vec::new(), Vec::new());
        };
        let device = Device { space: finding.space, server: server.talker, protocol, unit: finding.unit };
        let new = shape.values(octets).iter().take(MAX_VALUES_TOLD).collect();
        (self.plant.last(&device, points, *shape), new)
    }

    fn sentence(&self, finding: &Finding, old: &[Value], new: &[Value]) -> String {
        let name = |talker: Talker| match self.plan.asset(talker) {
            Some(asset) => format!("{} ({talker})", asset.name),
            None => talker.to_string(),
        };
        let server = finding.server.map_or_else(|| String::from("nobody"), |server| name(server.talker));
        let mut text =
            finding.sentence.replace("{client}", &name(finding.client.talker)).replace("{server}", &server);
        if let Some(named) = self.named(finding, old) {
            text.push_str(&format!(" ({named})"));
        } else if finding.detector == "new-point-write" && (1..=VALUES_IN_SENTENCE).contains(&new.len()) {
            let list = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            let from = if old.len() == new.len() { format!("from {} ", list(old)) } else { String::new() };
            text.push_str(&format!(" ({from}to {})", list(new)));
        }
        text
    }

    /// The change in the words of the site's tag list.
    fn named(&self, finding: &Finding, old: &[Value]) -> Option<String> {
        let (shape, octets) = finding.values.as_ref()?;
        let old = octets_of(old, shape.encoding);
        self.tags.change(finding.server?.talker, finding.protocol?, finding.points?, (*shape, octets), &old)
    }

    /// What became of the change windows.
    pub(crate) fn window_uses(&self) -> Vec<WindowUse> {
        self.windows.uses(&self.plan)
    }

    /// What became of what the baseline tells quietly.
    pub(crate) fn quiet_uses(&self, now: Timestamp) -> Vec<QuietUse> {
        self.quiets.uses(self.rules.baseline.as_deref(), now)
    }

    fn name(&self, talker: Talker) -> Option<String> {
        self.plan.asset(talker).map(|asset| asset.name.clone())
    }

    fn write_record(
        &self,
        change: &Change,
        time: Timestamp,
        frame: fieldwarden_model::FrameRef,
        told: &Observations,
        out: &mut dyn FnMut(Output),
    ) {
        let key = &change.conversation;
        let device = Device::of(key);
        let notation =
            fieldwarden_protocols::dissector(key.protocol.name()).map(|dissector| dissector.notation());
        let points = change.points.zip(notation).and_then(|(points, notation)| {
            let mut text = String::new();
            notation.write(&points, &mut text).ok().map(|()| text)
        });
        let (mut old, mut new, mut named) = (Vec::new(), Vec::new(), None);
        if let (Some((shape, range)), Some(points)) = (&change.values, &change.points) {
            old = self.plant.last(&device, points, *shape);
            let octets = told.octets(range.clone());
            new = shape.values(octets).iter().take(MAX_VALUES_TOLD).collect();
            let before = octets_of(&old, shape.encoding);
            named = self.tags.change(key.service.server, key.protocol, *points, (*shape, octets), &before);
        }
        out(Output::Write(WriteRecord {
            time,
            space: key.service.space,
            client: key.service.client,
            client_name: self.name(key.service.client),
            server: key.service.server,
            server_name: self.name(key.service.server),
            protocol: key.protocol.name().to_owned(),
            unit: key.unit,
            verb: change.verb,
            function: crate::baseline::function_text(change.function),
            name: change.name.to_owned(),
            points,
            old,
            new,
            tags: named,
            outcome: if matches!(change.outcome, Outcome::Refused(_)) {
                change.outcome
            } else {
                Outcome::Asked
            },
            frame,
        }));
    }

    /// All incidents, in the order of creation.
    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.desk.incidents().cloned().collect()
    }
}

/// An alert's id: what was judged about whom, and when. Frame numbers are no part of it, since a live capture begins to
/// count anew with every start.
fn alert_id(finding: &Finding, points: Option<&str>) -> AlertId {
    let AddressSpace(space) = finding.space;
    let server = finding.server.map_or_else(String::new, |server| server.to_string());
    let unit = finding.unit.map_or_else(String::new, |unit| unit.to_string());
    let function = finding.bucket.function.map_or_else(String::new, |function| function.to_string());
    AlertId(
        Digest::new()
            .with("alert")
            .with(finding.detector)
            .with(space.to_be_bytes())
            .with(finding.client.to_string())
            .with(server)
            .with(finding.protocol.map_or("", |protocol| protocol.name()))
            .with(unit)
            .with(function)
            .with(points.unwrap_or_default())
            .with(finding.bucket.code.unwrap_or_default())
            .with(finding.time.nanos().to_be_bytes())
            .short(),
    )
}
