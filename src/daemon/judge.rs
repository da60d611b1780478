//! The engine's loop: frames in, findings out, questions answered in between. The only thread that touches the engine.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fieldwarden_engine::{
    Engine, Input, Output, Switch,
    baseline::{ModeName, quiet::moment},
    rehearse::{KeepVerdict, Rehearsal},
};
use fieldwarden_model::{Loss, Order, OrderState, Scope, Talker, Target, order::Report};
use fieldwarden_response::store::{Checkpoint, WriteRecord};
use fieldwarden_sensor::{
    FrameSource as _, LiveCapture, Recorder, Room, Run,
    live::Stamps,
    record::{RecordError, Recorded},
};
use serde_json::{Value, json};

use super::{
    answers::row, containment::Containment, evidence::Evidence, hours::Hours, learning::Learning,
    memory::Memory, now,
};
use crate::cli;

/// The version of the checkpoint's encoding; one of another version is not read.
pub(crate) const CHECKPOINT_VERSION: u32 = 1;
/// The capture waits at most this long for a frame, so that questions are answered on a quiet network too.
const PATIENCE: Duration = Duration::from_millis(20);
/// Frames judged at most between two looks at the questions that wait. They lie in the kernel's blocks meanwhile.
const FRAMES_PER_LOOK: usize = 4_096;
/// Share of the provisional time after which the verdict on the plant falls; the rest is for the keep to arrive.
pub(super) const WATCH_SHARE: f64 = 0.6;

/// Lines of blindness that `status` shows.
const MAX_BLIND: usize = 40;
/// Entries of what is quiet that `status` shows.
const MAX_QUIET: usize = 40;

/// What other threads ask of the engine.
pub(crate) enum Query {
    /// Lines for `status`.
    Status {
        /// Where the lines go.
        reply: Sender<Vec<Value>>,
    },
    /// Which operating modes there are, and which holds.
    Modes {
        /// Where the lines go.
        reply: Sender<Vec<Value>>,
    },
    /// Somebody demands an operating mode, or no longer.
    SetMode {
        /// Which, and until when.
        switch: Option<Switch>,
    },
    /// What would fall silent.
    Rehearse {
        /// Against whom.
        target: Target,
        /// How far it would reach.
        scope: Scope,
        /// Whoever is known behind the port it is against.
        behind: Vec<Talker>,
        /// Where the answer goes.
        reply: Sender<Rehearsal>,
    },
    /// The enforcer reports.
    Enforcement {
        /// The order.
        order: Box<Order>,
        /// Whoever is known behind the port it is against.
        behind: Vec<Talker>,
        /// What became of it.
        report: Box<Report>,
    },
}

/// The engine with its source of frames and everyone who hears of its findings.
pub(crate) struct Judge {
    engine: Engine,
    capture: LiveCapture,
    recorder: Option<Recorder>,
    learning: Option<Learning>,
    findings: Findings,
    verdicts: Option<Sender<KeepVerdict>>,
    keeper: Option<JoinHandle<()>>,
    told: BTreeMap<&'static str, String>,
    hours: Hours,
}

/// Where findings go: the store, the log, standard output, the keeper of orders, whoever cuts evidence.
struct Findings {
    memory: Memory,
    evidence: Option<Evidence>,
    print: bool,
    verdicts: Sender<KeepVerdict>,
}

impl Findings {
    fn take(&mut self, output: Output) {
        match output {
            Output::Alert(alert) => {
                if self.print {
                    // A closed standard output is no reason to stop watching the plant.
                    let _ = writeln!(std::io::stdout(), "{}", cli::alert_line(&alert));
                }
                if let Some(evidence) = &self.evidence {
                    evidence.alert(&alert);
                }
                self.memory.alert(alert);
            }
            Output::Incident(incident) => self.memory.incident(incident),
            Output::Write(write) => self.memory.write(stored(write)),
            // The keeper's thread lives as long as this one.
            Output::Verdict(verdict) => drop(self.verdicts.send(verdict)),
        }
    }
}

impl Judge {
    /// Puts the loop together; `orders` hears the verdicts on its own thread.
    pub(crate) fn new(
        engine: Engine,
        capture: LiveCapture,
        recorder: Option<Recorder>,
        memory: Memory,
        orders: Arc<Containment>,
        print: bool,
    ) -> std::io::Result<Self> {
        let (to_keeper, verdicts) = channel::<KeepVerdict>();
        let keeper = thread::Builder::new().name("keeper".into()).spawn(move || {
            for verdict in verdicts {
                if let Err(fault) = orders.verdict(&verdict) {
                    eprintln!("fieldwarden: order {}: {fault}", verdict.order);
                }
            }
        })?;
        let hours = Hours::from(&engine);
        let findings = Findings { memory, evidence: None, print, verdicts: to_keeper.clone() };
        let mut capture = capture;
        capture.wait_at_most(PATIENCE);
        Ok(Self {
            engine,
            capture,
            recorder,
            learning: None,
            findings,
            verdicts: Some(to_keeper),
            keeper: Some(keeper),
            told: BTreeMap::new(),
            hours,
        })
    }

    /// Something is known to be in trouble from the start.
    pub(crate) fn troubled(mut self, what: &'static str, trouble: Option<String>) -> Self {
        if let Some(sentence) = trouble {
            tell(&mut self.told, what, sentence);
        }
        self
    }

    /// Learns beside judging.
    pub(crate) fn with(mut self, learning: Option<Learning>) -> Self {
        self.learning = learning;
        self
    }

    /// Keeps evidence beside judging; where it cannot be kept, the plant is watched without.
    pub(crate) fn keeping(mut self, evidence: Option<Result<Evidence, String>>) -> Self {
        match evidence {
            Some(Ok(evidence)) => self.findings.evidence = Some(evidence),
            Some(Err(fault)) => tell(&mut self.told, "evidence", fault),
            None => {}
        }
        self
    }

    /// Runs until `stop`; then everything found is stored.
    pub(crate) fn run(mut self, queries: &Receiver<Query>, stop: &AtomicBool) {
        let mut room = Room::default();
        while !stop.load(Ordering::Relaxed) {
            self.frames(&mut room);
            while let Ok(query) = queries.try_recv() {
                self.answer(query);
            }
            let engine = &self.engine;
            let written = self.learning.as_mut().map_or(Ok(()), Learning::write_when_due);
            if let Err(fault) = written {
                tell(&mut self.told, "learning", fault);
            }
            self.findings.memory.hours(self.hours.when_due(engine));
            self.findings.memory.hand_over(now(), || checkpoint(engine));
        }
        self.finish();
    }

    /// Takes the frames that are ready, or what there is instead.
    fn frames(&mut self, room: &mut Room) {
        let Self { engine, capture, recorder, learning, findings, told, .. } = self;
        let mut frames = room.take();
        let run = capture.next_frames(FRAMES_PER_LOOK, &mut frames);
        if !frames.is_empty() && told.remove("capture").is_some() {
            eprintln!("fieldwarden: frames are heard again");
        }
        for (reference, frame) in &frames {
            record(recorder, |open| open.record(frame), told);
            if let Some(learning) = learning {
                learning.frame(*frame, *reference);
            }
            if let Some(evidence) = &mut findings.evidence {
                evidence.frame(reference.number, frame);
            }
        }
        engine.frames(&frames, &mut |output| findings.take(output));
        if let Some(evidence) = &mut findings.evidence {
            evidence.hand_over(frames.is_empty());
        }
        room.put_back(frames);
        match run {
            Ok(Run::Frames) => {}
            Ok(Run::Loss(loss)) => lose(engine, recorder, loss, findings, told),
            Ok(Run::Idle) => {
                if let Some(passed) = capture.settled(now()) {
                    engine.step(Input::Idle(passed), &mut |output| findings.take(output));
                }
            }
            Ok(Run::End) => {
                tell(told, "capture", "the capture ended; nothing is heard any more".into());
                thread::sleep(PATIENCE);
            }
            Err(fault) => {
                tell(told, "capture", fault.to_string());
                thread::sleep(PATIENCE);
            }
        }
    }

    fn answer(&mut self, query: Query) {
        match query {
            // Whoever asked may have gone meanwhile.
            Query::Status { reply } => drop(reply.send(self.status())),
            Query::Modes { reply } => drop(reply.send(self.modes())),
            Query::SetMode { switch } => {
                let findings = &mut self.findings;
                self.engine.step(Input::Mode(switch), &mut |output| findings.take(output));
            }
            Query::Rehearse { target, scope, behind, reply } => {
                drop(reply.send(self.engine.rehearse(&target, scope, &behind)));
            }
            Query::Enforcement { order, behind, report } => {
                let findings = &mut self.findings;
                let input = watched(&order, &behind, &report);
                if let Some(input) = input {
                    self.engine.step(input, &mut |output| findings.take(output));
                }
                let input = Input::Enforcement { order: &order, report: &report };
                self.engine.step(input, &mut |output| findings.take(output));
            }
        }
    }

    fn status(&mut self) -> Vec<Value> {
        let summary = self.engine.summary();
        let mut rows = Vec::new();
        let name = self.capture.name().to_owned();
        rows.push(match self.capture.counters() {
            Ok(counters) => {
                let state = if counters.dropped == 0 { "good" } else { "frames lost" };
                let detail = format!(
                    "{} frames received, {} dropped by the kernel, {} freezes; times by {}",
                    counters.received,
                    counters.dropped,
                    counters.freezes,
                    stamped_by(self.capture.stamps()),
                );
                let mut line = row(&format!("capture {name}"), state, &detail);
                if let Some(object) = line.as_object_mut() {
                    object.insert("received".into(), counters.received.into());
                    object.insert("dropped".into(), counters.dropped.into());
                }
                line
            }
            Err(fault) => row(&format!("capture {name}"), "in trouble", &fault.to_string()),
        });
        let messages: Vec<String> =
            summary.messages.iter().map(|(protocol, count)| format!("{count} {protocol}")).collect();
        rows.push(row(
            "engine",
            "good",
            &format!("{} frames judged; messages: {}", summary.frames, messages.join(", ")),
        ));
        if let (known, Some(mode), switch) = self.engine.modes()
            && known.len() > 1
        {
            let why = if switch.is_some() { "somebody demanded it" } else { "by the schedule" };
            rows.push(row("mode", mode.as_str(), why));
        }
        rows.push(row(
            "incidents",
            "open",
            &format!("{} incidents, {} alerts since the start", summary.incidents, summary.alerts),
        ));
        rows.extend(summary.quiet.iter().take(MAX_QUIET).map(|quiet| {
            let until =
                quiet.until.map_or_else(|| "open-ended".into(), |until| format!("until {}", moment(until)));
            let found = format!("{} findings within, {} behind it", quiet.within, quiet.overrun);
            row("quiet", quiet.word(), &format!("{until}, {found}: {} ({})", quiet.scope, quiet.reason))
        }));
        if let Some(more) = summary.quiet.len().checked_sub(MAX_QUIET).filter(|more| *more > 0) {
            rows.push(row("quiet", "more", &format!("and {more} more entries")));
        }
        if summary.blind.is_empty() {
            rows.push(row("blindness", "sees", "nothing is known to be missing"));
        }
        rows.extend(summary.blind.iter().take(MAX_BLIND).map(|blind| {
            let mut line = row("blindness", "not assured", &blind.to_string());
            if let Some(object) = line.as_object_mut() {
                object.insert("reason".into(), blind.reason.word().into());
                object.insert("where".into(), blind.place.as_str().into());
                object.insert("count".into(), blind.count.into());
                object.insert("first".into(), json!(blind.first));
                object.insert("last".into(), json!(blind.last));
                object.insert("detectors".into(), json!(blind.detectors));
            }
            line
        }));
        if let Some(more) = summary.blind.len().checked_sub(MAX_BLIND).filter(|more| *more > 0) {
            rows.push(row("blindness", "not assured", &format!("and {more} more")));
        }
        let lost = self.findings.memory.lost_writes();
        if lost > 0 {
            rows.push(row("memory", "writes lost", &format!("{lost} writes could not be stored in time")));
        }
        let lost = self.findings.memory.lost_hours();
        if lost > 0 {
            let detail = format!("what {lost} conversations did in an hour could not be stored in time");
            rows.push(row("memory", "hours lost", &detail));
        }
        rows.extend(self.learning.as_ref().map(Learning::status));
        rows.extend(self.findings.evidence.iter().flat_map(Evidence::status));
        rows.extend(self.told.iter().map(|(what, sentence)| row(what, "in trouble", sentence)));
        rows
    }

    fn modes(&self) -> Vec<Value> {
        let (known, in_force, switch) = self.engine.modes();
        let line = |mode: ModeName| {
            let holds = in_force == Some(mode);
            let until = switch.filter(|switch| switch.mode == mode && holds).and_then(|switch| switch.until);
            json!({"mode": mode.as_str(), "holds": holds, "until": until})
        };
        known.into_iter().map(line).collect()
    }

    fn finish(mut self) {
        let findings = &mut self.findings;
        if let Ok(Some(loss)) = self.capture.loss_at_end() {
            lose(&mut self.engine, &mut self.recorder, loss, findings, &mut self.told);
        }
        self.engine.finish(&mut |output| findings.take(output));
        if let Some(Err(fault)) = self.learning.take().map(Learning::finish) {
            eprintln!("fieldwarden: {fault}");
        }
        if let Some(recorder) = self.recorder.take() {
            let counters = self.capture.counters().unwrap_or_default();
            if let Err(fault) = recorder.finish(&[counters]) {
                eprintln!("fieldwarden: {fault}");
            }
        }
        let Findings { mut memory, evidence, verdicts, .. } = self.findings;
        let engine = &self.engine;
        memory.hours(self.hours.gather(engine.liveliness()));
        memory.finish(now(), || checkpoint(engine));
        if let Some(evidence) = evidence {
            evidence.finish();
        }
        drop((verdicts, self.verdicts.take()));
        if let Some(keeper) = self.keeper.take() {
            // A panic of the keeper has been printed already.
            let _ = keeper.join();
        }
    }
}

/// The watch that begins or ends with a report: the plant is watched while an order is provisional.
fn watched<'a>(order: &'a Order, behind: &'a [Talker], report: &'a Report) -> Option<Input<'a>> {
    if report.state == OrderState::Provisional {
        let plan = report.plan.as_ref()?;
        let watch = Duration::from_secs(u64::from(order.keep_within_secs)).mul_f64(WATCH_SHARE);
        let from = report.time;
        let until = from.saturating_add(watch);
        return Some(Input::Watch { order, behind, plan, from, until });
    }
    let ended = !report.state.in_force() && report.state != OrderState::Approved;
    ended.then_some(Input::Unwatch(&order.id))
}

/// What the capture lost is recorded where it is judged, so that a replay hears of it at the same place.
fn lose(
    engine: &mut Engine,
    recorder: &mut Option<Recorder>,
    loss: Loss,
    findings: &mut Findings,
    told: &mut BTreeMap<&'static str, String>,
) {
    record(recorder, |open| open.record_loss(&loss), told);
    if let Some(evidence) = &mut findings.evidence {
        evidence.lose(&loss);
    }
    engine.step(Input::Loss(loss), &mut |output| findings.take(output));
}

fn record(
    recorder: &mut Option<Recorder>,
    what: impl FnOnce(&mut Recorder) -> Result<Recorded, RecordError>,
    told: &mut BTreeMap<&'static str, String>,
) {
    let Some(open) = recorder else { return };
    match what(open) {
        Ok(Recorded::Full) => {
            tell(
                told,
                "recording",
                "the recording has reached its bound; what follows is judged but not recorded".into(),
            );
        }
        Ok(_) => {}
        Err(fault) => {
            tell(told, "recording", fault.to_string());
            *recorder = None;
        }
    }
}

/// Who stamps the frames, in words.
fn stamped_by(stamps: Stamps) -> String {
    match stamps {
        Stamps { by_card: false, wanted: false, .. } => "the kernel".into(),
        Stamps { by_card: false, .. } => "the kernel, as the network card does not stamp every frame".into(),
        Stamps { kernel: 0, .. } => "the network card".into(),
        Stamps { card, kernel, .. } => {
            format!("the network card, save {kernel} of {} frames that it did not stamp", card + kernel)
        }
    }
}

/// Says a thing once: in the log when it is new, in `status` from then on.
fn tell(told: &mut BTreeMap<&'static str, String>, what: &'static str, sentence: String) {
    if told.get(what) != Some(&sentence) {
        eprintln!("fieldwarden: {sentence}");
        told.insert(what, sentence);
    }
}

fn checkpoint(engine: &Engine) -> Checkpoint {
    Checkpoint { version: CHECKPOINT_VERSION, time: now(), body: engine.checkpoint() }
}

fn stored(write: fieldwarden_engine::history::WriteRecord) -> WriteRecord {
    WriteRecord {
        time: write.time,
        space: write.space,
        client: write.client,
        server: write.server,
        server_port: None,
        unit: write.unit,
        protocol: write.protocol,
        operation: write.verb,
        points: write.points,
        old: write.old,
        new: write.new,
        tags: write.tags,
        frames: vec![write.frame],
    }
}
