//! A virtual shard: its tracker, the services it has met, and judgement of everything that concerns one pair of talkers.
//!
//! Threads merely run shards: what a shard says depends on the frames of its own pairs alone. What it says are
//! [`Observations`], which the site consumes in the order of (time, frame, n).

mod doors;
mod follow;
mod observations;
mod polls;
mod services;
mod trouble;

use std::{collections::BTreeMap, sync::Arc};

use fieldwarden_model::{
    AddressSpace, FrameRef, Operation, Outcome, Site, Talker, Timestamp, Transport, Verb,
};
use fieldwarden_protocols::{Blame, Direction, Kind, Message, Protocol};

use doors::Told;
pub(crate) use observations::{Change, Facts, Observation, Observations, What};
pub(crate) use polls::Poll;
pub(crate) use services::{Activity, Conversation, MAX_CONVERSATIONS, Service, Services, Slot, Wire};

use crate::{
    answers, assets,
    baseline::compiled::{Compiled, CompiledEntry},
    batch::Teller,
    blindness::{Lacks, Ledger, Need, Place, Reason, Taint},
    conversation::{ConversationKey, ServiceKey, is_beneath, is_group_or_nobody, plain},
    detect::{
        self, Broken, Context, DETECTORS, Door, Finding, Judged, Memory, Opened, Subject, Tried, malformed,
        scan, tool_transfer,
    },
    history::{Device, Shape},
    map::{Map, Seed, map},
    track::{self, Copied, Heard, Observer, Origin, Pulse, TrackEvent, Unattached},
    values,
};

/// What a shard counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) messages: BTreeMap<Protocol, u64>,
    pub(crate) gaps: u64,
}

/// What judges by, shared by all shards.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) settings: Arc<detect::Settings>,
    pub(crate) baseline: Option<Arc<Compiled>>,
    /// The site, where it has conduits to hold traffic to.
    pub(crate) plan: Option<Arc<Site>>,
}

impl Rules {
    pub(crate) fn context(&self) -> Context<'_> {
        let (baseline, plan) = (self.baseline.as_deref(), self.plan.as_deref());
        Context { settings: &self.settings, baseline, plan }
    }
}

/// Conversation-local judgement: listens to one shard's tracker.
pub(crate) struct Judge {
    rules: Rules,
    pub(crate) services: Services,
    pub(crate) counters: Counters,
    pub(crate) observations: Observations,
    heard: Map<(AddressSpace, Talker), Told>,
    max_heard: usize,
    messages: Option<(Protocol, u64)>,
    /// How many times the capture lost frames.
    losses: u32,
    /// What was not seen.
    pub(crate) ledger: Ledger,
    /// What losses of the capture took from flows that were open.
    lost: Taint,
    /// What clocks that step back took from everybody.
    stepped: Taint,
    /// No poll is overdue before.
    polls_due: Timestamp,
    /// For values that are followed.
    room: answers::Room,
}

/// What is kept per flow: where its service and its last conversation stand.
#[derive(Debug, Default)]
pub(crate) struct FlowState {
    slot: Option<Slot>,
    conversation: usize,
    /// What is spoken, once recognised. Messages of other protocols are of layers beneath it.
    protocol: Option<Protocol>,
    /// What is known to be missing.
    taint: Taint,
    /// Whether it was told to change its VLANs.
    retagged: bool,
    /// Whether it was told to be unreadable.
    unread: bool,
    /// How many times the capture had lost frames when the flow began.
    losses: u32,
    /// The segment of the last request.
    segment: Segment,
}

/// How requests share segments: a write quarantine passes a read that is whole and alone in one.
#[derive(Debug, Default)]
struct Segment {
    /// Where the last request ended.
    end: Option<FrameRef>,
    /// Whether that was alone, as far as it was seen then.
    alone: bool,
    /// Whether it would have been let pass.
    passed: bool,
}

impl Segment {
    /// Notes an operation asked, `first` of its message or a further one.
    fn ask(
        &mut self,
        origin: &Origin<'_>,
        conversation: &mut Conversation,
        operation: &Operation<'_>,
        first: bool,
    ) {
        if first {
            let behind_another = self.end.is_some() && origin.frames.first() == self.end.as_ref();
            if behind_another && self.passed {
                // The one before was not alone either.
                conversation.activity.beyond_reads.note(Verb::Read, true, origin.time);
            }
            self.alone = origin.frames.len() == 1 && !behind_another;
            self.end = origin.frames.last().copied();
        }
        self.passed = conversation.is_let_pass(operation, (first, self.alone), origin.time);
    }
}

impl FlowState {
    /// What is known to be missing of the flow. Where TCP lacks octets its sequence numbers tell it; any other flow that
    /// was open when the capture lost frames may have lost some.
    fn lacks(&self, judge: &Blindness<'_>, origin: &Origin<'_>) -> Lacks {
        let all = self.taint.at(origin.time).with(judge.stepped.at(origin.time));
        if self.losses == judge.losses || origin.key.transport == Transport::Tcp {
            return all;
        }
        all.with(judge.lost.at(origin.time))
    }
}

/// When, and in which frame.
#[derive(Clone, Copy)]
struct At {
    time: Timestamp,
    frame: FrameRef,
}

impl At {
    fn of(origin: &Origin<'_>) -> Self {
        Self { time: origin.time, frame: origin.frames.last().copied().unwrap_or_default() }
    }
}

/// What a judge knows to be missing of all flows.
struct Blindness<'a> {
    losses: u32,
    lost: &'a Taint,
    stepped: &'a Taint,
}

impl Judge {
    pub(crate) fn new(rules: Rules, caps: &track::Settings, seed: Seed) -> Self {
        Self {
            rules,
            services: Services::new(caps.max_services, seed),
            counters: Counters::default(),
            observations: Observations::default(),
            heard: map(seed),
            max_heard: caps.max_heard,
            messages: None,
            losses: 0,
            ledger: Ledger::default(),
            lost: Taint::default(),
            stepped: Taint::default(),
            polls_due: Timestamp::MIN,
            room: answers::Room::default(),
        }
    }

    /// Judges by another baseline from now on.
    pub(crate) fn replace(&mut self, rules: Rules) {
        let baseline = rules.baseline.clone();
        self.services.each_mut(|service| {
            service.memory.unfollow();
            service.known = baseline.as_ref().is_some_and(|baseline| knows(baseline, &service.key, None));
            for conversation in &mut service.conversations {
                conversation.judge_anew(baseline.as_deref());
            }
        });
        self.room = answers::Room::default();
        self.rules = rules;
        self.polls_due = Timestamp::MIN;
        // Talkers are reported again, so that they are judged by the new list.
        self.heard.clear();
    }

    /// Messages seen, the running count included.
    pub(crate) fn message_counts(&self) -> BTreeMap<Protocol, u64> {
        let mut counts = self.counters.messages.clone();
        if let Some((protocol, count)) = self.messages {
            *counts.entry(protocol).or_default() += count;
        }
        counts
    }

    /// The capture lost frames, of whichever flow.
    pub(crate) fn capture_lost_frames(&mut self, time: Timestamp) {
        self.losses = self.losses.wrapping_add(1);
        self.lost.add(Lacks::FRAMES, time);
    }

    /// The clock stepped back.
    pub(crate) fn clock_stepped(&mut self, time: Timestamp) {
        self.stepped.add(Lacks::of(&[Need::Time]), time);
    }

    /// A flow of a service is not seen as it should be.
    fn note(&mut self, origin: &Origin<'_>, flow: &mut FlowState, reason: Reason, lacks: Lacks) {
        flow.taint.add(lacks, origin.time);
        if let Some(service) =
            flow.slot.filter(|_| lacks != Lacks::default()).and_then(|slot| self.services.get_mut(slot))
        {
            service.blind_at = origin.time;
        }
        self.unseen(At::of(origin), reason, Place::Service(ServiceKey::of(origin.key)), lacks, 1);
    }

    /// Writes down what was not seen, and tells the site.
    fn unseen(&mut self, at: At, reason: Reason, place: Place, lacks: Lacks, count: u64) {
        self.ledger.note(reason, place, lacks, at.time, count);
        if reason.is_watched() {
            self.observations.push(at.time, at.frame, What::Unseen(reason, place, count));
        }
    }

    /// A table is at its cap.
    fn limit(&mut self, cap: &'static str, at: At) {
        self.unseen(at, Reason::Caps, Place::Cap(cap), Lacks::FRAMES, 1);
    }

    fn copied(&mut self, place: Place, copied: Copied, at: At) {
        let reason = if copied == Copied::Retagged { Reason::VlanRewritten } else { Reason::Copies };
        self.unseen(at, reason, place, Lacks::default(), 1);
    }

    fn count(&mut self, protocol: Protocol) {
        match &mut self.messages {
            Some((running, count)) if *running == protocol => *count += 1,
            running => {
                if let Some((before, count)) = running.replace((protocol, 1)) {
                    *self.counters.messages.entry(before).or_default() += count;
                }
            }
        }
    }

    /// The flow's service, met now if need be.
    fn service(&mut self, origin: &Origin<'_>, flow: &mut FlowState) -> Slot {
        if let Some(slot) = flow.slot.filter(|slot| self.services.holds(*slot)) {
            return slot;
        }
        let key = ServiceKey::of(origin.key);
        let (slot, evicted) = self.services.meet(key, origin.time, || {
            self.rules.baseline.as_ref().is_some_and(|baseline| knows(baseline, &key, origin.key.client.port))
        });
        if evicted {
            self.limit("max_services", At::of(origin));
            self.room.is_taken(self.services.each().map(|service| service.memory.followed()).sum());
        }
        if let Some(service) = self.services.get_mut(slot) {
            service.wire.hear(origin);
        }
        flow.slot = Some(slot);
        flow.conversation = usize::MAX;
        slot
    }

    /// A flow began, or goes on without its protocol being recognised.
    fn opened(&mut self, origin: &Origin<'_>, flow: &mut FlowState, event: TrackEvent) {
        let slot = self.service(origin, flow);
        let Some(service) = self.services.get_mut(slot) else { return };
        service.last = origin.time;
        service.tried = origin.time;
        service.wire.hear(origin);
        service.flows += u64::from(event != TrackEvent::Active);
        let key = service.key;
        service.to_group = is_to_group(&key, origin);
        if service.known || service.to_group {
            return;
        }
        let suggested = flow.protocol.or_else(|| suggested(&key));
        let opened = Opened { origin, service: &key, suggested, known: service.known };
        let first = service.flows == 1 && event != TrackEvent::Active && !service.answered;
        let context = self.rules.context();
        run(&context, &Subject::Opened(opened), &mut service.memory, &mut self.observations);
        if first && origin.direction == Direction::ToServer {
            self.tried(origin, Tried::Knocked);
        }
    }

    /// Octets pass over a flow whose protocol is not recognised: conduits permit them, or not.
    fn crossed(&mut self, origin: &Origin<'_>, flow: &mut FlowState) {
        if self.rules.plan.is_none() {
            return;
        }
        let slot = self.service(origin, flow);
        let blindness = Blindness { losses: self.losses, lost: &self.lost, stepped: &self.stepped };
        let lacks = flow.lacks(&blindness, origin);
        let Some(service) = self.services.get_mut(slot).filter(|service| !service.to_group) else { return };
        let protocol = plain(service.key.transport);
        let key = ConversationKey { service: service.key, protocol, unit: None };
        let judged = Judged {
            origin,
            conversation: &key,
            entry: None,
            lacks,
            direction: origin.direction,
            message: None,
        };
        let context = self.rules.context();
        run(&context, &Subject::Passed(judged, None), &mut service.memory, &mut self.observations);
    }

    /// Where the conversation of this protocol and unit stands within the service, met now if need be.
    fn conversation(
        &mut self,
        origin: &Origin<'_>,
        flow: &mut FlowState,
        message: &Message<'_>,
        unit: Option<u16>,
    ) -> Option<(Slot, usize)> {
        let protocol = message.protocol;
        let slot = self.service(origin, flow);
        let service = self.services.get_mut(slot)?;
        let is = |c: &Conversation| c.key.unit == unit && c.key.protocol == protocol;
        if service.conversations.get(flow.conversation).is_some_and(is) {
            return Some((slot, flow.conversation));
        }
        if let Some(at) = service.conversations.iter().position(is) {
            flow.conversation = at;
            return Some((slot, at));
        }
        if service.conversations.len() >= MAX_CONVERSATIONS {
            self.limit("conversations_per_service", At::of(origin));
            return None;
        }
        let key = ConversationKey { service: service.key, protocol, unit };
        let baseline = self.rules.baseline.as_deref();
        let conversation = Conversation::new(key, baseline, Activity::new(origin.time));
        let entry = entry_of(baseline, conversation.entry);
        if service.conversations.is_empty() {
            // Nearly every service has one; room for four would be most of what a service takes.
            service.conversations.reserve_exact(1);
        }
        service.conversations.push(conversation);
        if entry.is_some() {
            self.polls_due = self.polls_due.min(origin.time);
        }
        flow.conversation = service.conversations.len() - 1;
        let judged = Judged {
            origin,
            conversation: &key,
            entry,
            lacks: flow
                .lacks(&Blindness { losses: self.losses, lost: &self.lost, stepped: &self.stepped }, origin),
            direction: origin.direction,
            message: Some(message),
        };
        let to_unit = unit.filter(|_| entry.is_none() && !service.to_group);
        if let Some(door) = to_unit.and_then(|unit| Door::of_unit(origin, protocol, unit)) {
            let at = At::of(origin);
            self.observations.push(at.time, at.frame, What::Door(door));
        }
        if !service.to_group && key.service.transport != Transport::Link && assets::has_sides(protocol) {
            let at = At::of(origin);
            let met = What::Roles { conversation: Box::new(key), approved: entry.is_some() };
            self.observations.push(at.time, at.frame, met);
        }
        // A service that is unknown as a whole was told when its flow began; a group is not told at all.
        if service.known && !service.to_group {
            let context = self.rules.context();
            run(&context, &Subject::Met(judged), &mut service.memory, &mut self.observations);
        }
        Some((slot, flow.conversation))
    }

    fn operation(
        &mut self,
        origin: &Origin<'_>,
        flow: &mut FlowState,
        message: &Message<'_>,
        operation: &Operation<'_>,
        first: bool,
    ) {
        let Some((slot, at)) = self.conversation(origin, flow, message, operation.unit) else { return };
        let Some(service) = self.services.get_mut(slot) else { return };
        let known = service.known || service.to_group;
        let Service { last, conversations, memory, answered, to_group, blind_at, .. } = service;
        let (answered, to_group) = (*answered, *to_group);
        *last = origin.time;
        let Some(conversation) = conversations.get_mut(at) else { return };
        let served = first && conversation.serves(operation.outcome, message.direction);
        let (mut minute, mut load) = (None, None);
        if first {
            (minute, load) = conversation.count(origin.time, operation.outcome, origin.key.transport);
            let place = Place::Service(conversation.key.service);
            let mut note = |reason, lacks, count| {
                self.ledger.note(reason, place, lacks, origin.time, count);
                let at = At::of(origin);
                self.observations.push(at.time, at.frame, What::Unseen(reason, place, count));
            };
            if let Some(unheard) = unheard(conversation, operation, answered, to_group) {
                note(Reason::OneWayMirror, unheard, ONE_WAY);
                *blind_at = origin.time;
                flow.taint.add(unheard, origin.time);
            }
            if conversation.unanswered > 1
                && operation.outcome == Outcome::Asked
                && flow.taint.at(origin.time).blinds(&[Need::Answers])
            {
                note(Reason::Unanswered, Lacks::of(&[Need::Answers]), 1);
            }
        }
        let entry = entry_of(self.rules.baseline.as_deref(), conversation.entry);
        if self.rules.plan.is_some() && !to_group && conversation.passes(operation.verb) {
            let blindness = Blindness { losses: self.losses, lost: &self.lost, stepped: &self.stepped };
            let lacks = flow.lacks(&blindness, origin);
            let (key, direction) = (conversation.key, message.direction);
            let judged =
                Judged { origin, conversation: &key, entry, lacks, direction, message: Some(message) };
            let subject = Subject::Passed(judged, Some(operation.verb));
            run(&self.rules.context(), &subject, memory, &mut self.observations);
        }
        // Where only answers are seen, as on a one-way mirror, the answer is the first one hears of the demand.
        let unseen = conversation.activity.asked == 0 && operation.outcome == Outcome::Done;
        let demanded = unseen.then_some(Operation { outcome: Outcome::Asked, ..*operation });
        let asked = demanded.as_ref().unwrap_or(operation);
        if asked.outcome == Outcome::Asked && origin.key.transport == Transport::Tcp {
            flow.segment.ask(origin, conversation, asked, first);
        }
        let usual = may_be_usual(asked)
            && !memory.logins.watches()
            && !tool_transfer::names_file(message.protocol, asked)
            && (conversation.uses(asked.function)
                || entry.is_some_and(|entry| entry.knows_function(asked.function)))
            && !reads_elsewhere(conversation, entry, asked);
        let answers = !known && served;
        if served
            && operation.outcome == Outcome::Done
            && let Some(unit) = operation.unit.filter(|_| entry.is_none() && !to_group)
            && let Some(door) = Door::of_unit(origin, message.protocol, unit)
        {
            let at = At::of(origin);
            self.observations.push(at.time, at.frame, What::Door(Door { tried: Tried::Answered, ..door }));
        }
        if !usual || answers || minute.is_some() || load.is_some() {
            let blindness = Blindness { losses: self.losses, lost: &self.lost, stepped: &self.stepped };
            let lacks = flow.lacks(&blindness, origin);
            let judged = Judged {
                origin,
                conversation: &conversation.key,
                entry,
                lacks,
                direction: message.direction,
                message: Some(message),
            };
            let context = self.rules.context();
            if let Some(count) = minute {
                run(&context, &Subject::Minute(judged, count), memory, &mut self.observations);
            }
            if let Some(load) = load {
                run(&context, &Subject::Loaded(judged, load), memory, &mut self.observations);
            }
            if answers {
                run(&context, &Subject::Answered(judged), memory, &mut self.observations);
            }
            if !usual {
                run(&context, &Subject::Operation(judged, asked), memory, &mut self.observations);
            }
        }
        remember(&mut self.observations, &conversation.key, origin, asked);
        if answers::is_followed(operation) && !to_group {
            self.follow(origin, flow, message, operation, (slot, at));
        }
    }

    /// Passes on what the sender of a message tells of itself and does not change by itself.
    fn identify(&mut self, origin: &Origin<'_>, message: &Message<'_>, part: Option<u16>) {
        let mut facts = assets::facts(message, part, origin.key.server.port);
        facts.retain(|fact| fact.of.is_steady());
        if facts.is_empty() {
            return;
        }
        let (sender, mac) = match message.direction {
            Direction::ToServer => (origin.key.client, origin.client_mac),
            Direction::ToClient => (origin.key.server, origin.server_mac),
        };
        let At { time, frame } = At::of(origin);
        let heard = Heard { space: origin.key.space, talker: sender.talker, mac, time, frame, arp: None };
        let told = Facts { heard, protocol: message.protocol, facts };
        self.observations.push(time, frame, What::Facts(Box::new(told)));
    }
}

impl Teller for Judge {
    fn told(&self) -> usize {
        self.observations.list.len()
    }

    fn look_at(&self, flow: &FlowState) {
        let service = flow.slot.and_then(|slot| self.services.get(slot));
        let conversation = service.and_then(|service| service.conversations.get(flow.conversation));
        core::hint::black_box(conversation.map(|known| (known.entry, known.activity.last, known.key.unit)));
    }
}

impl Observer for Judge {
    type Flow = FlowState;

    fn message(&mut self, origin: &Origin<'_>, flow: &mut FlowState, message: &Message<'_>) {
        self.count(message.protocol);
        let (mut first, mut identity) = (true, None);
        if flow.protocol == Some(message.protocol) || !is_beneath(message.protocol) {
            message.body.operations(&mut |operation| {
                let together = values::together(operation);
                let operation = together.as_ref().unwrap_or(operation);
                if assets::may_tell(message.protocol, operation) {
                    identity = Some(operation.unit);
                }
                self.operation(origin, flow, message, operation, first);
                first = false;
            });
        } else if message.protocol == ENIP {
            message.body.operations(&mut |operation| {
                identity = assets::may_tell(ENIP, operation).then_some(None);
            });
        }
        if let Some(part) = identity {
            self.identify(origin, message, part);
        }
        if flow.protocol != Some(message.protocol)
            && let Some(door) = scan::selector(origin, message)
        {
            let at = At::of(origin);
            self.observations.push(at.time, at.frame, What::Door(door));
        }
        for anomaly in message.anomalies {
            if anomaly.blame == Blame::Malformed {
                let broken = Broken { code: anomaly.code, got: anomaly.got, expected: anomaly.expected };
                self.break_in_flow(origin, flow, Some(message.protocol), broken);
            }
        }
        if first && message.kind != Kind::Anomaly {
            // A message without operations (a session's upkeep) still shows that the service is in use.
            let slot = self.service(origin, flow);
            if let Some(service) = self.services.get_mut(slot) {
                service.last = origin.time;
            }
        }
    }

    fn upkeep(&mut self, origin: &Origin<'_>, message: &Message<'_>) {
        self.count(message.protocol);
        self.identify(origin, message, None);
        let at = At::of(origin);
        let place = Unattached { space: origin.key.space, time: at.time, frame: at.frame };
        for anomaly in message.anomalies.iter().filter(|anomaly| anomaly.blame == Blame::Malformed) {
            self.unattached(&place, TrackEvent::Layer(*anomaly));
        }
    }

    fn event(&mut self, origin: &Origin<'_>, flow: &mut FlowState, event: TrackEvent) {
        match event {
            TrackEvent::Started => {
                flow.losses = self.losses;
                if begins_service(&ServiceKey::of(origin.key), event) {
                    self.opened(origin, flow, event);
                }
            }
            TrackEvent::Active if origin.key.transport != Transport::Link => {
                self.opened(origin, flow, event);
                self.connected(origin, flow);
                self.crossed(origin, flow);
                if !flow.unread && suggested(&ServiceKey::of(origin.key)).is_some() {
                    flow.unread = true;
                    self.note(origin, flow, Reason::Undecodable, Lacks::MESSAGES);
                }
            }
            TrackEvent::Answered => self.accepted(origin, flow),
            TrackEvent::OverlapConflict => {
                let broken = Broken { code: malformed::OVERLAP, got: 0, expected: 0 };
                self.break_in_flow(origin, flow, None, broken);
            }
            TrackEvent::Odd { odd, octets } => {
                let broken = Broken { code: odd.code(), got: u64::from(octets), expected: 0 };
                self.break_in_flow(origin, flow, None, broken);
            }
            TrackEvent::Recognised(protocol) => {
                flow.protocol = Some(protocol);
                flow.unread = false;
                self.connected(origin, flow);
                if begins_service(&ServiceKey::of(origin.key), event) {
                    self.opened(origin, flow, event);
                }
            }
            // The end of a flow may be told long after its last octet.
            TrackEvent::Ended => self.ended(origin, flow),
            other => {
                if matches!(other, TrackEvent::Encrypted | TrackEvent::Unheard) {
                    self.connected(origin, flow);
                }
                self.blinds(origin, flow, other);
            }
        }
    }

    fn unattached(&mut self, at: &Unattached, event: TrackEvent) {
        let at = At { time: at.time, frame: at.frame };
        let mut note = |reason, lacks| self.unseen(at, reason, Place::Everywhere, lacks, 1);
        match event {
            TrackEvent::Layer(_) | TrackEvent::OverlapConflict => note(Reason::Undecodable, Lacks::MESSAGES),
            TrackEvent::Snapped => note(Reason::Snapped, Lacks::MESSAGES),
            TrackEvent::Gap { .. } => {
                note(Reason::Gaps, Lacks::FRAMES);
                self.counters.gaps += 1;
            }
            TrackEvent::Copy(copied) => self.copied(Place::Everywhere, copied, at),
            TrackEvent::Limit { cap } => self.limit(cap, at),
            _ => {}
        }
    }

    fn tick(&mut self, now: Timestamp, pulse: Pulse) {
        if now >= self.polls_due {
            self.look_at_polls(now, pulse);
        }
    }

    fn heard(&mut self, talker: &Heard) -> Timestamp {
        self.hears(talker)
    }
}

/// The layer beneath CIP, which alone lists identities.
const ENIP: Protocol = Protocol("enip");

/// Messages of one side alone after which the other side counts as unheard.
const ONE_WAY: u64 = 16;

/// Counts what stays unanswered; what is missing where one side alone talks on and on.
fn unheard(
    conversation: &mut Conversation,
    operation: &Operation<'_>,
    answered: bool,
    to_group: bool,
) -> Option<Lacks> {
    match operation.outcome {
        Outcome::Asked => conversation.unanswered = conversation.unanswered.saturating_add(1),
        Outcome::Done | Outcome::Refused(_) => conversation.unanswered = 0,
        Outcome::Reported => conversation.reported = conversation.reported.saturating_add(1),
    }
    let activity = &conversation.activity;
    let answers = activity.answered + activity.refused;
    if answered || to_group || !(activity.asked + answers).is_multiple_of(ONE_WAY) {
        return None;
    }
    match (activity.asked.saturating_sub(conversation.reported.into()), answers) {
        // Reports are not answered.
        (_, 0) if u64::from(conversation.unanswered) >= ONE_WAY => Some(Lacks::of(&[Need::Answers])),
        (0, ONE_WAY..) => Some(Lacks::of(&[Need::Requests])),
        _ => None,
    }
}

/// Runs every detector over one subject.
#[inline(never)]
fn run(context: &Context<'_>, subject: &Subject<'_>, memory: &mut Memory, observations: &mut Observations) {
    let lacks = subject.lacks();
    memory.follow(subject);
    for detector in DETECTORS {
        if context.settings.disabled.iter().any(|id| id == detector.id()) {
            continue;
        }
        detector.judge(context, subject, memory, &mut |mut finding: Finding| {
            finding.assured &= !lacks.blinds(detector.needs());
            let frame = finding.frames.last().copied().unwrap_or_default();
            observations.push(finding.time, frame, What::Finding(Box::new(finding)));
        });
    }
}

/// Whether an operation needs no detector's look where its function is one of the conversation's: it is what goes on all day.
/// Refusals and writes are always looked at.
fn may_be_usual(operation: &Operation<'_>) -> bool {
    let looked_at =
        matches!(operation.verb, Verb::Write | Verb::Operate) && operation.outcome == Outcome::Asked;
    !looked_at && !matches!(operation.outcome, Outcome::Refused(_))
}

/// Whether points are asked for that the entry does not list.
#[inline]
fn reads_elsewhere(
    conversation: &mut Conversation,
    entry: Option<&CompiledEntry>,
    asked: &Operation<'_>,
) -> bool {
    let (Some(entry), Verb::Read, Outcome::Asked) = (entry, asked.verb, asked.outcome) else { return false };
    asked.points.is_some_and(|points| !conversation.polls(&points, || entry.covers_read(&points)))
}

fn entry_of(baseline: Option<&Compiled>, position: Option<usize>) -> Option<&CompiledEntry> {
    baseline.and_then(|baseline| baseline.entry(position?))
}

/// Whether the baseline knows a service. A flow joined in its middle may have its sides swapped, so what the baseline
/// knows the other way round counts too.
fn knows(baseline: &Compiled, key: &ServiceKey, client_port: Option<u16>) -> bool {
    let swapped = ServiceKey { client: key.server, server: key.client, port: client_port, ..*key };
    let may_be_swapped = client_port.is_some() || key.transport == Transport::Link;
    baseline.knows_service(key) || (may_be_swapped && baseline.knows_service(&swapped))
}

/// The protocol that a service's port suggests.
fn suggested(key: &ServiceKey) -> Option<Protocol> {
    let port = key.port?;
    let fits = |d: &&&dyn fieldwarden_protocols::Dissector| d.carried_by(key.transport) && d.well_known(port);
    fieldwarden_protocols::DISSECTORS.iter().find(fits).map(|dissector| dissector.protocol())
}

/// Passes on what the site remembers: values seen, and changes asked for.
fn remember(
    observations: &mut Observations,
    conversation: &ConversationKey,
    origin: &Origin<'_>,
    operation: &Operation<'_>,
) {
    let changes =
        matches!(operation.verb, Verb::Write | Verb::Operate | Verb::Program | Verb::Mode | Verb::Configure);
    let Some(frame) = origin.frames.last().copied() else { return };
    let time: Timestamp = origin.time;
    match operation.outcome {
        Outcome::Asked if changes => {
            let values = operation.values.map(|values| (Shape::of(&values), observations.keep(values.bytes)));
            let change = Change::new(conversation, operation, values);
            observations.push(time, frame, What::Asked(Box::new(change)));
        }
        Outcome::Refused(_) if changes => {
            let change = Change::new(conversation, operation, None);
            observations.push(time, frame, What::Settled(Box::new(change)));
        }
        Outcome::Done if matches!(operation.verb, Verb::Write | Verb::Operate) => {
            if let Some(points) = operation.points {
                let device = Device::of(conversation);
                observations.push(time, frame, What::Done { device, points });
            }
        }
        Outcome::Done | Outcome::Reported => {
            if let (Some(points), Some(values)) = (operation.points, operation.values) {
                let octets = observations.keep(values.bytes);
                let (device, shape) = (Device::of(conversation), Shape::of(&values));
                observations.push(time, frame, What::Values { device, points, shape, octets });
            }
        }
        Outcome::Asked | Outcome::Refused(_) => {}
    }
}

/// Whether an event of a flow is the first that tells of its service. Above IP that is its first packet, for the port says what
/// is wanted; below IP nothing does before the protocol is recognised, and what is not recognised is no service.
pub(crate) const fn begins_service(key: &ServiceKey, event: TrackEvent) -> bool {
    match event {
        TrackEvent::Started => !matches!(key.transport, Transport::Link),
        TrackEvent::Recognised(_) => matches!(key.transport, Transport::Link),
        _ => false,
    }
}

/// Whether a flow is addressed to a group, by its address or, for the broadcast address of a subnet, by the hardware
/// address it was sent to.
pub(crate) fn is_to_group(key: &ServiceKey, origin: &Origin<'_>) -> bool {
    is_group_or_nobody(key.server)
        || origin.server_mac.is_some_and(|mac| is_group_or_nobody(Talker::Mac(mac)))
}
