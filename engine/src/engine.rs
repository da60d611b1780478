//! The engine: frames and decisions in, alerts and incidents out.

mod modes;
mod sensor;
mod together;

use std::{collections::BTreeMap, sync::Arc};

use fieldwarden_model::{
    Alert, FrameRef, Incident, Loss, Order, RawFrame, Scope, Talker, Timestamp,
    order::{PlanHash, Report, Target},
};

use self::modes::Modes;
pub use self::modes::{ModeChange, Switch};
use self::together::{Together, gather_everything, hear};
use crate::{
    baseline::Baseline,
    blindness::{self, Blind, Ledger},
    checkpoint::{self, RestoreFault},
    conversation::ServiceKey,
    detect,
    history::{Liveliness, WriteRecord},
    incident,
    map::Seed,
    rehearse::{self, KeepVerdict, Question, Rehearsal, Watch},
    shard::{Judge, Rules, Service},
    site::{QuietUse, Site, WindowUse},
    tags::Tags,
    track,
    trackers::Trackers,
};

/// What an engine is made of.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The plant as its engineers describe it.
    pub site: fieldwarden_model::Site,
    /// Approved normal. Without one, only those detectors judge that need none.
    pub baseline: Option<Baseline>,
    /// What the points of its assets are called.
    pub tags: Tags,
    /// Caps and patience of tracking.
    pub track: track::Settings,
    /// Of the detectors.
    pub detectors: detect::Settings,
    /// Of correlation.
    pub incidents: incident::Settings,
    /// From when on blindness is an incident.
    pub blindness: blindness::Settings,
    /// Random per process; changes no output.
    pub seed: Seed,
    /// Threads that judge the frames of a batch, 1 for none beside the caller's; changes no output.
    pub threads: usize,
}

/// What happens to an engine.
#[derive(Debug)]
pub enum Input<'a> {
    /// A frame was captured.
    Frame {
        /// The frame.
        frame: RawFrame<'a>,
        /// Where it stands.
        reference: FrameRef,
    },
    /// The capture itself lost frames before now. Time does not pass by it.
    Loss(Loss),
    /// Nothing happened until now.
    Idle(Timestamp),
    /// A baseline was approved, or withdrawn.
    Baseline(Option<&'a Baseline>),
    /// Somebody demands an operating mode, or no longer: the schedule of the baseline holds again.
    Mode(Option<Switch>),
    /// The enforcer told what became of an order.
    Enforcement {
        /// The order.
        order: &'a Order,
        /// What became of it.
        report: &'a Report,
    },
    /// An order is provisional: watch whether the plant goes on, and say so at the end.
    Watch {
        /// The order.
        order: &'a Order,
        /// Whoever is known behind the port it is against.
        behind: &'a [Talker],
        /// The plan in force.
        plan: &'a PlanHash,
        /// Since when it is in force.
        from: Timestamp,
        /// When the verdict is due.
        until: Timestamp,
    },
    /// An order ended: no verdict is wanted any more.
    Unwatch(&'a fieldwarden_model::OrderId),
}

/// What an engine says.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Something was judged.
    Alert(Alert),
    /// A new revision of an incident.
    Incident(Incident),
    /// A device was changed, or asked to change.
    Write(WriteRecord),
    /// A watch ended.
    Verdict(KeepVerdict),
}

/// What an engine has seen and said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Frames.
    pub frames: u64,
    /// Messages by protocol.
    pub messages: BTreeMap<&'static str, u64>,
    /// Alerts told.
    pub alerts: u64,
    /// Incidents known.
    pub incidents: u64,
    /// Gaps in streams.
    pub gaps: u64,
    /// What cannot be vouched for, sorted by reason and place.
    pub blind: Vec<Blind>,
    /// Time of the first frame.
    pub first: Option<Timestamp>,
    /// Time of the last frame.
    pub last: Option<Timestamp>,
    /// How often the time of a frame lay before that of the one before it.
    pub clock_steps: u64,
    /// What became of the site's change windows, in the order of its file.
    pub windows: Vec<WindowUse>,
    /// What became of what the baseline tells quietly, in the order of its file.
    pub quiet: Vec<QuietUse>,
    /// In which operating modes the plant was, the last ones.
    pub modes: Vec<ModeChange>,
}

/// The state machine. It has no clock: time arrives with the input and never runs backwards.
pub struct Engine {
    trackers: Trackers<Judge>,
    site: Site,
    watches: Vec<Watch>,
    together: Together,
    threads: usize,
    /// What no shard knows to be missing.
    ledger: Ledger,
    modes: Modes,
    /// No deadline of watches, incidents or ticks falls before: until then a frame has nothing to wait for.
    quiet_until: Timestamp,
}

impl Engine {
    /// An engine that has seen nothing.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (modes, baseline) = Modes::new(settings.baseline);
        let plan = (!settings.site.conduits.is_empty()).then(|| Arc::new(settings.site.clone()));
        let rules = Rules { settings: Arc::new(settings.detectors.clone()), baseline, plan };
        let site = Site::new(settings.site.clone(), rules.clone(), settings.incidents, settings.seed)
            .watching(settings.blindness)
            .naming(settings.tags);
        let judge = || Judge::new(rules.clone(), &settings.track, settings.seed);
        Self {
            trackers: Trackers::new(settings.site, settings.track, settings.seed, judge),
            site,
            watches: Vec::new(),
            together: Together::default(),
            threads: settings.threads.max(1),
            ledger: Ledger::default(),
            modes,
            quiet_until: Timestamp::MIN,
        }
    }

    /// Takes one input. It cannot fail; deadlines that it overtakes fire first, at their own time.
    pub fn step(&mut self, input: Input<'_>, out: &mut dyn FnMut(Output)) {
        match input {
            Input::Frame { frame, reference } => return self.frame(frame, reference, out),
            Input::Loss(loss) => self.lose(loss),
            Input::Idle(time) => self.pass_to(time, out),
            Input::Baseline(baseline) => self.approve(baseline),
            Input::Mode(switch) => self.switch_mode(switch),
            Input::Enforcement { order, report } => {
                let told = self.site.desk.enforced(order, report, &self.site.plan);
                if let Some(incident) = told {
                    out(Output::Incident(incident));
                }
            }
            Input::Watch { order, behind, plan, from, until } => {
                self.watch((order, behind), plan, from, until);
            }
            Input::Unwatch(order) => self.watches.retain(|watch| watch.order() != order),
        }
        // Whatever it was may have set a deadline.
        self.quiet_until = Timestamp::MIN;
    }

    /// The input has ended: what still waits is judged, repetitions not told yet are told.
    pub fn finish(&mut self, out: &mut dyn FnMut(Output)) {
        self.trackers.finish();
        self.hear_everything(out);
        for incident in self.site.desk.finish(&self.site.plan) {
            out(Output::Incident(incident));
        }
    }

    /// When the engine next wants to be told the time, if no frame arrives before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let watch = self.watches.iter().map(|watch| watch.until).min();
        let mode = Some(self.modes.next).filter(|next| *next > Timestamp::MIN && *next < Timestamp::MAX);
        [watch, mode, self.site.desk.next_deadline(), self.trackers.next_tick()].into_iter().flatten().min()
    }

    /// What an order against `target` would do to the conversations heard, as far as they come by where it acts; `behind` is who
    /// is known behind the port of a switch it is against.
    #[must_use]
    pub fn rehearse(&self, target: &Target, scope: Scope, behind: &[Talker]) -> Rehearsal {
        let baseline = self.site.rules.baseline.as_deref();
        let behind = &rehearse::by_their_cards(behind, self.services())[..];
        let question = Question { target, scope, behind };
        let mut conversations: Vec<_> = self
            .services()
            .filter(|service| rehearse::reaches(question, service))
            .flat_map(|service| {
                rehearse::affected(question, service, baseline, &self.site.plan, self.trackers.now)
            })
            .collect();
        conversations.sort_by(|a, b| rehearse::rank(a).cmp(&rehearse::rank(b)));
        Rehearsal { target: target.clone(), scope, time: self.trackers.now, conversations }
    }

    /// All incidents, in the order in which they began.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.site.incidents()
    }

    /// What was seen and said so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut messages: BTreeMap<&'static str, u64> =
            fieldwarden_protocols::DISSECTORS.iter().map(|d| (d.protocol().name(), 0)).collect();
        let mut gaps = 0;
        for judge in self.trackers.observers() {
            for (protocol, count) in judge.message_counts() {
                *messages.entry(protocol.name()).or_default() += count;
            }
            gaps += judge.counters.gaps;
        }
        Summary {
            frames: self.trackers.frames,
            messages,
            alerts: self.site.alerts,
            incidents: self.site.desk.incidents().count() as u64,
            gaps,
            blind: self.blind(),
            first: self.trackers.first,
            last: self.trackers.last,
            clock_steps: self.trackers.clock_steps,
            windows: self.site.window_uses(),
            quiet: self.site.quiet_uses(self.trackers.now),
            modes: self.mode_changes(),
        }
    }

    /// What a restart needs to go on: incidents, what was told, last values, how lively conversations are.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        checkpoint::write(self.trackers.now, self.demanded(), &self.site, self.services())
    }

    /// Goes on from a checkpoint. What lies between it and `resumed_at` is a gap, and said so in the summary.
    ///
    /// # Errors
    /// The checkpoint is not one, or of another version; the engine is then as it was.
    pub fn restore(&mut self, checkpoint: &[u8], resumed_at: Timestamp) -> Result<(), RestoreFault> {
        let saved = checkpoint::read(checkpoint)?;
        self.quiet_until = Timestamp::MIN;
        self.trackers.resume_at(resumed_at.max(saved.time));
        let now = self.trackers.now;
        self.resumed();
        for service in saved.services(self.site.rules.baseline.as_deref()) {
            if let Some(judge) = self.trackers.observer_mut(shard_of_service(&service.key)) {
                judge.services.place(service);
            }
        }
        self.switch_mode(saved.demanded());
        saved.into_site(&mut self.site);
        self.site.resume_blindness(now);
        Ok(())
    }

    /// Takes over incidents that were told after the checkpoint was written, newest revision each, so that an attack
    /// that goes on joins them.
    pub fn adopt(&mut self, incidents: Vec<Incident>) {
        self.quiet_until = Timestamp::MIN;
        for incident in incidents {
            self.site.desk.adopt(incident);
        }
    }

    /// How much each conversation did since it was met, sorted by name. Those that nobody answered and no entry knows are left
    /// out: whoever makes up addresses could fill every memory with them.
    #[must_use]
    pub fn liveliness(&self) -> Vec<Liveliness> {
        let mut all: Vec<Liveliness> = self.services().flat_map(Service::liveliness).collect();
        all.sort_by(|a, b| a.conversation.cmp(&b.conversation));
        all
    }

    fn hear_everything(&mut self, out: &mut dyn FnMut(Output)) {
        gather_everything(&mut self.trackers, self.together.merged(), &mut self.site, out);
    }

    fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef, out: &mut dyn FnMut(Output)) {
        if self.trackers.is_step(frame.time) {
            self.clock_stepped();
        }
        let time = self.trackers.clamp(frame.time);
        if time < self.quiet_until {
            self.trackers.now = time;
        } else {
            self.pass_to(time, out);
            self.quiet_until = self.next_deadline().unwrap_or(Timestamp::MIN);
        }
        let shard = self.trackers.frame(&frame, time, reference);
        let Some(shard) = shard else {
            self.hear_everything(out);
            self.quiet_until = Timestamp::MIN;
            return;
        };
        // Its own shard alone, which told what it saw in order.
        if let Some(judge) = self.trackers.observer_mut(shard)
            && !judge.observations.list.is_empty()
        {
            hear(judge, judge.observations.list.len(), &mut self.site, out);
            judge.observations.settle();
            self.quiet_until = self.quiet_until.min(self.site.desk.next_deadline().unwrap_or(Timestamp::MAX));
        }
    }

    /// Lets time pass: ticks and deadlines fire in their own order, each at its own time.
    fn pass_to(&mut self, time: Timestamp, out: &mut dyn FnMut(Output)) {
        if self.modes.next == Timestamp::MIN {
            self.turn_mode(time);
        }
        loop {
            let watch = self.watches.iter().map(|watch| watch.until).min();
            let mode = Some(self.modes.next);
            let deadline = [watch, mode, self.site.desk.next_deadline()].into_iter().flatten().min();
            let due = deadline.filter(|deadline| *deadline <= time);
            let (merged, site) = (self.together.merged(), &mut self.site);
            self.trackers.pass_to(due.unwrap_or(time), |trackers| {
                gather_everything(trackers, merged, site, out);
                site.look_at_sensor(trackers.now, out);
            });
            if due.is_none() {
                return;
            }
            self.end_watches(out);
            self.site.advance(self.trackers.now, out);
            if self.modes.next <= self.trackers.now {
                self.turn_mode(self.trackers.now);
            }
        }
    }

    fn watch(
        &mut self,
        (order, behind): (&Order, &[Talker]),
        plan: &PlanHash,
        from: Timestamp,
        until: Timestamp,
    ) {
        let baseline = self.site.rules.baseline.clone();
        let window = (from, until.max(from));
        let watch = Watch::begin(
            (order.clone(), rehearse::by_their_cards(behind, self.services())),
            plan.clone(),
            window,
            self.services(),
            baseline.as_deref(),
            &self.site.plan,
        );
        self.watches.push(watch);
    }

    fn end_watches(&mut self, out: &mut dyn FnMut(Output)) {
        let now = self.trackers.now;
        let (due, waiting) =
            core::mem::take(&mut self.watches).into_iter().partition(|watch| watch.until <= now);
        self.watches = waiting;
        for watch in due {
            out(Output::Verdict(watch.end(self.services())));
        }
    }

    fn services(&self) -> impl Iterator<Item = &Service> {
        self.trackers.observers().flat_map(|judge| judge.services.each())
    }
}

/// The shard that sees the frames of a service.
fn shard_of_service(key: &ServiceKey) -> usize {
    usize::from(track::shard_of_pair(key.client, key.server, key.space))
}

#[cfg(test)]
mod network;
#[cfg(test)]
pub(crate) mod tests;
