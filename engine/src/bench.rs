//! A bench for tests of judgement: a small plant whose talkers say what a test lets them say, without frames.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fieldwarden_model::{
    AddressSpace, Alert, Endpoint, FrameRef, Incident, Operation, Outcome, PointRange, Talker, Timestamp,
    Transport, Values, Verb, operation::Encoding, site::Asset, window::ChangeWindow, zone::Conduit,
};
use fieldwarden_protocols::{Anomaly, Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol};

use crate::{
    baseline::{Allowed, Baseline, Entry, Envelope, Function, KnownTalker, Moves, Pace, compiled::Compiled},
    blindness::{Place, Reason},
    detect,
    engine::Output,
    history::WriteRecord,
    incident,
    map::Seed,
    shard::{FlowState, Judge, Rules},
    site::Site,
    tags::{self, Tags},
    track::{self, ArpSaid, FlowKey, Heard, Observer, Origin, Pulse, TrackEvent},
};

/// The operator's station.
pub(crate) const HMI: &str = "10.0.0.5";
/// The controller.
pub(crate) const PLC: &str = "10.0.0.20";
/// Someone else.
pub(crate) const ROGUE: &str = "10.0.0.66";

const MODBUS: Protocol = Protocol("modbus");

/// The plant on the bench.
pub(crate) struct Bench {
    judge: Judge,
    site: Site,
    flows: BTreeMap<FlowKey, FlowState>,
    now: Timestamp,
    pulse: Pulse,
    frame: u64,
    protocol: Protocol,
    port: u16,
    fields: Vec<(&'static str, &'static str)>,
    /// Between two messages.
    between: Duration,
    firmware: String,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) writes: Vec<WriteRecord>,
}

impl Bench {
    /// A plant whose baseline is [`baseline`].
    pub(crate) fn new() -> Self {
        Self::with(Some(baseline()))
    }

    /// A plant with another baseline, or with none.
    pub(crate) fn with(baseline: Option<Baseline>) -> Self {
        Self::of(baseline, plan(), false)
    }

    /// A plant without a baseline, with more assets (name, address, zone) and one conduit.
    pub(crate) fn zoned(assets: &[(&str, &str, &str)], conduit: Conduit) -> Self {
        let mut plan = plan();
        plan.assets.extend(assets.iter().map(|(name, address, zone)| asset(name, address, zone)));
        plan.conduits.push(conduit);
        Self::of(None, plan, true)
    }

    /// A plant with a change window.
    pub(crate) fn in_window(baseline: Option<Baseline>, window: ChangeWindow) -> Self {
        let mut plan = plan();
        plan.windows.push(window);
        Self::of(baseline, plan, false)
    }

    /// What became of its windows.
    pub(crate) fn windows(&self) -> Vec<crate::site::WindowUse> {
        self.site.window_uses()
    }

    /// What became of what its baseline tells quietly.
    pub(crate) fn quiets(&self) -> Vec<crate::site::QuietUse> {
        self.site.quiet_uses(self.now)
    }

    /// The time.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    fn of(baseline: Option<Baseline>, plan: fieldwarden_model::Site, zoned: bool) -> Self {
        let baseline = baseline.map(|baseline| Arc::new(Compiled::new(baseline)));
        let held_to = zoned.then(|| Arc::new(plan.clone()));
        let rules = Rules { settings: Arc::new(detect::Settings::default()), baseline, plan: held_to };
        Self {
            judge: Judge::new(rules.clone(), &track::Settings::default(), Seed(1)),
            site: Site::new(plan, rules, incident::Settings::default(), Seed(1)),
            flows: BTreeMap::new(),
            now: Timestamp::from_seconds(1_000_000),
            pulse: Pulse::default(),
            frame: 0,
            protocol: MODBUS,
            port: 502,
            fields: Vec::new(),
            between: Duration::from_millis(10),
            firmware: String::new(),
            alerts: Vec::new(),
            incidents: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// The controller's points have the names of this list.
    pub(crate) fn named(mut self, list: &str) -> Self {
        let mut tags = Tags::default();
        tags.add(&[talker(PLC)], &tags::read(list).unwrap());
        self.site = self.site.naming(tags);
        self
    }

    /// From now on S7comm is spoken.
    pub(crate) fn s7comm(self) -> Self {
        self.speaking("s7comm", 102)
    }

    /// From now on another protocol is spoken, over TCP.
    pub(crate) fn speaking(mut self, protocol: &'static str, port: u16) -> Self {
        (self.protocol, self.port) = (Protocol(protocol), port);
        self
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: u64) -> &mut Self {
        let mut told = Vec::new();
        for _ in 0..seconds.min(1_000) {
            self.now = self.now.saturating_add(Duration::from_secs(1));
            self.judge.tick(self.now, self.pulse);
            self.site.look_at_sensor(self.now, &mut |output| told.push(output));
        }
        self.now = self.now.saturating_add(Duration::from_secs(seconds.saturating_sub(1_000)));
        self.site.advance(self.now, &mut |output| told.push(output));
        self.take(told);
        self
    }

    /// Lets time pass in which others are heard.
    pub(crate) fn lives(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.now = self.now.saturating_add(Duration::from_secs(1));
            self.pulse.beat(self.now);
            self.judge.tick(self.now, self.pulse);
            self.settle();
        }
        self
    }

    /// Lets milliseconds pass; ten pass with every message besides, until this was called.
    pub(crate) fn pass(&mut self, millis: u64) -> &mut Self {
        self.between = Duration::ZERO;
        self.now = self.now.saturating_add(Duration::from_millis(millis));
        self
    }

    /// The capture loses frames.
    pub(crate) fn loses(&mut self, frames: u64) -> &mut Self {
        self.site.unseen(Reason::KernelDrops, Place::Interface(0), frames);
        self
    }

    /// A talker is heard.
    pub(crate) fn heard(&mut self, who: &str) -> &mut Self {
        let frame = self.next_frame();
        let heard = Heard {
            space: AddressSpace(0),
            talker: talker(who),
            mac: None,
            arp: None,
            time: self.now,
            frame,
        };
        self.judge.heard(&heard);
        self.settle()
    }

    /// A talker is heard with its hardware address: in an IP packet, or in an ARP packet of an operation about a target.
    pub(crate) fn says(&mut self, who: &str, mac: &str, arp: Option<(u16, &str)>) -> &mut Self {
        let frame = self.next_frame();
        let arp = arp.map(|(operation, target)| ArpSaid { operation, target: target.parse().unwrap() });
        let mac = Some(mac.parse().unwrap());
        self.now = self.now.saturating_add(Duration::from_millis(10));
        let heard = Heard { space: AddressSpace(0), talker: talker(who), mac, arp, time: self.now, frame };
        self.judge.heard(&heard);
        self.settle()
    }

    /// Both sides of a connection have spoken, or its server refused it.
    pub(crate) fn accepts(&mut self, client: &str, server: &str, port: u16) -> &mut Self {
        self.event(client, server, port, TrackEvent::Answered)
    }

    /// A connection is refused, or given up.
    pub(crate) fn ends(&mut self, client: &str, server: &str, port: u16) -> &mut Self {
        self.event(client, server, port, TrackEvent::Ended)
    }

    /// From now on another protocol is spoken, on a port.
    pub(crate) const fn speaks(&mut self, protocol: &'static str, port: u16) -> &mut Self {
        (self.protocol, self.port) = (Protocol(protocol), port);
        self
    }

    /// Messages carry these fields from now on.
    pub(crate) fn with_fields(&mut self, fields: &[(&'static str, &'static str)]) -> &mut Self {
        self.fields = fields.to_vec();
        self
    }

    /// A client connects to a port and says nothing the engine understands.
    pub(crate) fn connects(&mut self, client: &str, server: &str, port: u16) -> &mut Self {
        self.event(client, server, port, TrackEvent::Started)
    }

    /// A client asks a server for something.
    pub(crate) fn asks(&mut self, client: &str, server: &str, operation: &Operation<'_>) -> &mut Self {
        self.message(client, server, Kind::Request, operation, &[])
    }

    /// A server answers a client.
    pub(crate) fn answers(&mut self, client: &str, server: &str, operation: &Operation<'_>) -> &mut Self {
        self.message(client, server, Kind::Response, operation, &[])
    }

    /// A client asks a server for something, and the server does it.
    pub(crate) fn does(&mut self, client: &str, server: &str, operation: &Operation<'_>) -> &mut Self {
        let done = Operation { outcome: Outcome::Done, values: None, ..*operation };
        self.asks(client, server, operation).answers(client, server, &done)
    }

    /// A server answers a client with the version of its firmware, as the third object of an identification.
    pub(crate) fn tells(
        &mut self,
        client: &str,
        server: &str,
        operation: &Operation<'_>,
        firmware: &str,
    ) -> &mut Self {
        self.firmware = firmware.to_owned();
        self.answers(client, server, operation);
        self.firmware.clear();
        self
    }

    /// A client sends a server something broken.
    pub(crate) fn breaks(&mut self, client: &str, server: &str, anomaly: Anomaly) -> &mut Self {
        self.message(client, server, Kind::Anomaly, &read("40001"), &[anomaly])
    }

    /// The detectors that told something, in order.
    pub(crate) fn detectors(&self) -> Vec<&str> {
        self.alerts.iter().map(|alert| alert.detector.as_str()).collect()
    }

    /// The last revision of the incident that was told last.
    pub(crate) fn incident(&self) -> &Incident {
        self.incidents.last().unwrap()
    }

    /// The last alert.
    pub(crate) fn last(&self) -> &Alert {
        self.alerts.last().unwrap()
    }

    fn event(&mut self, client: &str, server: &str, port: u16, event: TrackEvent) -> &mut Self {
        let key = self.key(client, server, port);
        let frames = [self.next_frame()];
        let mut flow = self.flows.remove(&key).unwrap_or_default();
        let origin = origin(&key, Direction::ToServer, self.now, &frames);
        self.judge.event(&origin, &mut flow, event);
        self.flows.insert(key, flow);
        self.settle()
    }

    fn message(
        &mut self,
        client: &str,
        server: &str,
        kind: Kind,
        operation: &Operation<'_>,
        anomalies: &[Anomaly],
    ) -> &mut Self {
        let key = self.key(client, server, self.port);
        if !self.flows.contains_key(&key) {
            self.event(client, server, self.port, TrackEvent::Started);
        }
        self.now = self.now.saturating_add(self.between);
        let frames = [self.next_frame()];
        let mut flow = self.flows.remove(&key).unwrap_or_default();
        let direction = if kind == Kind::Response { Direction::ToClient } else { Direction::ToServer };
        let fields = core::mem::take(&mut self.fields);
        let one = One(*operation, &fields, self.firmware.clone());
        let message = Message { protocol: self.protocol, kind, direction, anomalies, body: &one };
        self.judge.message(&origin(&key, direction, self.now, &frames), &mut flow, &message);
        self.fields = fields;
        self.flows.insert(key, flow);
        self.settle()
    }

    fn settle(&mut self) -> &mut Self {
        let mut told = Vec::new();
        while let Some(observation) = self.judge.observations.list.pop_front() {
            self.site.observe(observation, &self.judge.observations, &mut |output| told.push(output));
        }
        self.take(told);
        self
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Alert(alert) => self.alerts.push(alert),
                Output::Incident(incident) => self.incidents.push(incident),
                Output::Write(write) => self.writes.push(write),
                Output::Verdict(_) => {}
            }
        }
    }

    fn next_frame(&mut self) -> FrameRef {
        self.frame += 1;
        self.pulse.beat(self.now);
        FrameRef { capture: 0, number: self.frame }
    }

    fn key(&self, client: &str, server: &str, port: u16) -> FlowKey {
        FlowKey {
            space: AddressSpace(0),
            transport: Transport::Tcp,
            client: Endpoint { talker: talker(client), port: Some(50_000) },
            server: Endpoint { talker: talker(server), port: Some(port) },
        }
    }
}

/// The controller, in a cell of its own.
fn plan() -> fieldwarden_model::Site {
    let plc = Asset { criticality: 3, role: "plc".into(), ..asset("Dosing PLC", PLC, "cell 1") };
    fieldwarden_model::Site { assets: vec![plc], ..fieldwarden_model::Site::default() }
}

fn asset(name: &str, address: &str, zone: &str) -> Asset {
    Asset {
        name: name.into(),
        addresses: vec![talker(address)],
        role: String::new(),
        zone: zone.into(),
        criticality: 1,
        tags: Vec::new(),
    }
}

/// The station reads 40001 to 40010 and writes 0 to 100 to 40101, and nothing else happens.
pub(crate) fn baseline() -> Baseline {
    let known = |text| KnownTalker { space: AddressSpace(0), talker: talker(text), mac: None };
    let function = |code, name: &str| Function { code, name: name.into() };
    let setpoint = Envelope {
        points: points("40101"),
        step: 1,
        allowed: Allowed::between(0, 100),
        seen: 12,
        moves: Moves::default(),
    };
    Baseline {
        mode: "normal".into(),
        learned: None,
        talkers: vec![known(HMI), known(PLC)],
        conversations: vec![Entry {
            id: "station to dosing".into(),
            space: AddressSpace(0),
            client: talker(HMI),
            server: talker(PLC),
            transport: Transport::Tcp,
            server_port: Some(502),
            protocol: "modbus".into(),
            unit: Some(1),
            functions: vec![function(3, "Read holding registers"), function(6, "Write single register")],
            reads: vec![points("40001-40010")],
            writes: vec![setpoint],
            motion: Vec::new(),
            period_ms: Some(1_000),
            refusals_per_minute: 0,
            pace: Pace::default(),
            oddities: Vec::new(),
        }],
        modes: Vec::new(),
        schedule: Vec::new(),
        quiet: Vec::new(),
    }
}

/// Points of Modbus as people write them.
pub(crate) fn points(text: &str) -> PointRange {
    fieldwarden_protocols::dissector("modbus").unwrap().notation().read(text).unwrap()
}

pub(crate) fn talker(text: &str) -> Talker {
    text.parse().unwrap()
}

/// A read.
pub(crate) fn read(text: &str) -> Operation<'static> {
    operation(Verb::Read, 3, Some(points(text)))
}

/// A write of one register.
pub(crate) fn write<'a>(text: &str, value: &'a [u8; 2]) -> Operation<'a> {
    let values = Values { bytes: value, encoding: Encoding::Unsigned16, count: 1, stride: 1 };
    Operation { values: Some(values), ..operation(Verb::Write, 6, Some(points(text))) }
}

/// Any demand.
pub(crate) const fn operation(verb: Verb, function: u32, points: Option<PointRange>) -> Operation<'static> {
    let outcome = Outcome::Asked;
    Operation { verb, function, name: "a function", unit: Some(1), points, values: None, outcome }
}

/// A demand refused.
pub(crate) const fn refused<'a>(operation: Operation<'a>) -> Operation<'a> {
    Operation { outcome: Outcome::Refused(2), ..operation }
}

const fn origin<'a>(
    key: &'a FlowKey,
    direction: Direction,
    time: Timestamp,
    frames: &'a [FrameRef],
) -> Origin<'a> {
    Origin { key, direction, time, frames, vlan: &[], client_mac: None, server_mac: None }
}

/// An operation, the fields told with it, and the firmware.
struct One<'a>(Operation<'a>, &'a [(&'static str, &'static str)], String);

impl Body for One<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        for (key, value) in self.1 {
            visitor.field(key, FieldValue::Text(value));
        }
        if !self.2.is_empty() {
            visitor.item("object_ids", FieldValue::Unsigned(2));
            visitor.item("object_values", FieldValue::Text(&self.2));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        each(&self.0);
    }
}
