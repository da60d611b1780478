//! When people hear of an incident, and when they are left alone: pure, the time is an argument.
//!
//! * A **change that matters** is told: an incident opened, its severity rose, an order that answers it changed, it was closed, it was
//!   reopened. Any other revision is not.
//! * What is milder than a destination asks for is not told; once it is not any more, the incident is told as opened.
//! * In **quiet hours** what is milder than they let through waits. When they end, it is told at once: as one message where it concerns one
//!   incident, else as one digest.
//! * In a **storm**, more than so many messages in so many seconds, what comes waits until there is room, and is one digest then. What is
//!   worse than everything told in that time goes out at once: a storm of the mild hides nothing.
//! * An incident that nobody acknowledged is told again after so long, to the next level of the on-call schedule, so many times at most.
//!   Acknowledged, or closed, it is never called about again.
//!
//! Nothing is remembered before it was told: whoever asks what to tell gets a [`Plan`] and hands it back once the other side has it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use fieldwarden_model::{IncidentId, OrderState, Severity, Timestamp, week::WeeklyHours};
use serde::{Deserialize, Serialize};

use crate::store::{Status, Told};

/// Incidents that a destination remembers how they stood.
pub const MAX_STANDINGS: usize = 100_000;
/// Changes of one incident that wait; of more, the latest are told and the others counted.
const MAX_WAITING: usize = 32;
/// Incidents that one digest is about. Of more, the others follow in the next one.
const MAX_DIGEST: usize = 200;

/// What one destination's people want to hear, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The mildest that is told.
    pub least: Severity,
    /// Whether acknowledgements are told, too: for what keeps books of its own about an incident.
    pub tells_acknowledged: bool,
    /// Hours in which what is milder waits.
    pub quiet: Vec<Quiet>,
    /// What is too much at once.
    pub storm: Option<Storm>,
    /// When to call again.
    pub escalation: Option<Escalation>,
    /// Who is told in any case.
    pub to: Vec<String>,
    /// Who is on duty when.
    pub on_call: Vec<OnCall>,
}

/// Hours in which people are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// When.
    pub hours: WeeklyHours,
    /// What is at least so severe is told all the same.
    pub below: Severity,
}

/// More messages than this are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storm {
    /// So many messages ..
    pub messages: usize,
    /// .. within this time.
    pub within: Duration,
}

/// Calling again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// How long somebody has to acknowledge.
    pub after: Duration,
    /// How often it is told again.
    pub most: u8,
}

/// One line of an on-call schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCall {
    /// 1 is told first, 2 when nobody acknowledged, and so on.
    pub level: u8,
    /// When they are on duty.
    pub hours: WeeklyHours,
    /// Who.
    pub to: Vec<String>,
}

/// A change that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// There is an incident.
    Opened,
    /// It is worse than it was.
    Rose {
        /// How bad it was.
        from: Severity,
    },
    /// It was closed, and is not any more.
    Reopened,
    /// Somebody looks at it.
    Acknowledged,
    /// A person is done with it.
    Closed,
    /// An order that answers it is not where it was.
    Order {
        /// Which order.
        order: String,
        /// Where it stands.
        state: OrderState,
    },
    /// Nobody acknowledged it.
    Unanswered {
        /// The how many-th call this is, from 1.
        call: u8,
    },
    /// A person wants it told again after it was refused.
    Again,
}

/// How an incident stood when it was last looked at on behalf of a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    revision: u32,
    severity: Severity,
    status: Status,
    /// The revision of its last change that matters.
    changed: u32,
    /// When it was last looked at.
    seen: Timestamp,
    /// Whether people know of it.
    told: bool,
    /// What they do not know yet.
    #[serde(default)]
    waiting: Vec<Change>,
    /// How much more than that.
    #[serde(default)]
    unlisted: u32,
    /// The revision at which the other side refused it for good.
    #[serde(default)]
    refused: Option<u32>,
    /// Since when nobody has answered.
    #[serde(default)]
    called: Option<Timestamp>,
    /// How often it was told again.
    #[serde(default)]
    calls: u8,
    /// What the other side calls the conversation about it.
    #[serde(default)]
    thread: Option<String>,
}

/// Why something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something happened.
    Change,
    /// It waited, for quiet hours or a storm to end.
    Waited,
    /// Nobody answered.
    Unanswered,
}

/// One incident in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which.
    pub incident: IncidentId,
    /// The revision of the last of it.
    pub revision: u32,
    /// What of it, in the order in which it happened.
    pub changes: Vec<Change>,
    /// How many more changes there were.
    pub unlisted: u32,
    /// Whether people know of it already.
    pub known: bool,
    /// What the other side calls the conversation about it.
    pub thread: Option<String>,
}

/// One message to be told, and what to remember once it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Why.
    pub why: Why,
    /// How bad the worst of it is.
    pub severity: Severity,
    /// Of what: one incident, or a digest of several.
    pub notices: Vec<Notice>,
    /// Whom, where the destination knows people.
    pub to: Vec<String>,
    after: Vec<(IncidentId, Standing)>,
}

/// What follows from news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// People are to be told at once.
    Tell(Plan),
    /// They are not, or not yet; how the incident stands has to outlive a restart.
    Remember,
    /// Nothing.
    Nothing,
}

/// What is remembered of a destination as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The last line of the audit log that was looked at for what became of orders.
    pub audit: i64,
    /// When messages were told that count for a storm, and how bad they were.
    sent: VecDeque<(Timestamp, Severity)>,
}

/// One destination's judgement, with what it remembers.
#[derive(Clone, Debug)]
pub struct Desk {
    policy: Policy,
    standings: BTreeMap<IncidentId, Standing>,
    ledger: Ledger,
}

impl Policy {
    /// Whether something so severe waits at `now`.
    #[must_use]
    pub fn is_quiet(&self, severity: Severity, now: Timestamp) -> bool {
        self.quiet.iter().any(|quiet| severity < quiet.below && quiet.hours.holds_at(now))
    }

    /// Who is told what is new: those who are told in any case, and whoever is on duty up to `level`.
    #[must_use]
    pub fn people(&self, level: u8, now: Timestamp) -> Vec<String> {
        let on_duty = self.on_duty(now).filter(|line| line.level <= level);
        let mut people = self.to.clone();
        people.extend(on_duty.flat_map(|line| line.to.iter().cloned()));
        if people.is_empty() {
            return self.next_level(level, now);
        }
        each_once(people)
    }

    /// Who is called at `level`: whoever of it is on duty; where nobody is, the next level that has somebody, else the highest below it, else
    /// those who are told in any case.
    #[must_use]
    pub fn next_level(&self, level: u8, now: Timestamp) -> Vec<String> {
        let above = self.on_duty(now).map(|line| line.level).filter(|known| *known >= level).min();
        let chosen = above.or_else(|| self.on_duty(now).map(|line| line.level).max());
        let on_duty = self.on_duty(now).filter(|line| Some(line.level) == chosen);
        let people: Vec<String> = on_duty.flat_map(|line| line.to.iter().cloned()).collect();
        if people.is_empty() { self.to.clone() } else { each_once(people) }
    }

    fn on_duty(&self, now: Timestamp) -> impl Iterator<Item = &OnCall> {
        self.on_call.iter().filter(move |line| line.hours.holds_at(now))
    }
}

fn each_once(people: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::with_capacity(people.len());
    for person in people {
        if !once.contains(&person) {
            once.push(person);
        }
    }
    once
}

impl Standing {
    fn of(told: &Told) -> Self {
        Self {
            revision: 0,
            changed: 0,
            severity: told.incident.severity,
            status: Status::New,
            seen: told.time,
            told: false,
            waiting: Vec::new(),
            unlisted: 0,
            refused: None,
            called: None,
            calls: 0,
            thread: None,
        }
    }

    /// Whether people know of it, or are about to.
    fn concerns(&self) -> bool {
        self.told || !self.waiting.is_empty()
    }

    fn wait_with(&mut self, changes: Vec<Change>) {
        for change in changes {
            if let Change::Order { order, .. } = &change {
                // Where an order stands now is what matters.
                self.waiting.retain(|known| !matches!(known, Change::Order { order: o, .. } if o == order));
            }
            self.waiting.push(change);
        }
        while self.waiting.len() > MAX_WAITING {
            // That it opened stays.
            let oldest = usize::from(self.waiting.first() == Some(&Change::Opened));
            self.waiting.remove(oldest);
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }

    fn notice(&self, incident: &IncidentId, changes: Vec<Change>) -> Notice {
        Notice {
            incident: incident.clone(),
            revision: self.changed,
            changes,
            unlisted: self.unlisted,
            known: self.told,
            thread: self.thread.clone(),
        }
    }

    /// As it is once all of it was told; whoever is to answer has from then on.
    fn once_told(mut self, changes: &[Change], now: Timestamp) -> Self {
        let calls = |change: &Change| {
            matches!(change, Change::Opened | Change::Rose { .. } | Change::Reopened | Change::Again)
        };
        (self.told, self.unlisted, self.refused) = (true, 0, None);
        self.waiting.clear();
        if self.status == Status::New && changes.iter().any(calls) {
            (self.called, self.calls) = (Some(now), 0);
        }
        self
    }
}

/// What of a revision matters to people, given how the incident stood.
fn judge(policy: &Policy, before: Option<&Standing>, told: &Told) -> Vec<Change> {
    let (severity, status) = (told.incident.severity, told.status);
    let known = before.filter(|before| before.concerns());
    let Some(before) = known else {
        // Nobody was told of it, and it is over: nobody has to be.
        let is_news = severity >= policy.least && status != Status::Closed;
        return if is_news { vec![Change::Opened] } else { Vec::new() };
    };
    let mut changes = Vec::new();
    match (before.status, status) {
        (Status::Closed, Status::Closed) => {}
        (_, Status::Closed) => changes.push(Change::Closed),
        (Status::Closed, _) => changes.push(Change::Reopened),
        (Status::New, Status::Acknowledged | Status::InProgress) if policy.tells_acknowledged => {
            changes.push(Change::Acknowledged);
        }
        _ => {}
    }
    if severity > before.severity {
        changes.push(Change::Rose { from: before.severity });
    }
    changes
}

impl Desk {
    /// A desk that remembers this.
    #[must_use]
    pub fn new(policy: Policy, standings: BTreeMap<IncidentId, Standing>, ledger: Ledger) -> Self {
        Self { policy, standings, ledger }
    }

    /// What people want to hear.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What is remembered of the destination as a whole.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How an incident stood.
    #[must_use]
    pub fn standing(&self, id: &IncidentId) -> Option<&Standing> {
        self.standings.get(id)
    }

    /// Hears of a revision.
    pub fn hear(&mut self, told: &Told, now: Timestamp) -> Heard {
        let id = &told.incident.id;
        let before = self.standings.get(id);
        if let Some(before) = before.filter(|before| told.incident.revision <= before.revision) {
            if before.refused != Some(told.incident.revision) {
                // It was heard before, and this program stopped before that was written down.
                return Heard::Nothing;
            }
            let standing = before.clone();
            return Heard::Tell(self.plan_one(Why::Change, id, standing, vec![Change::Again], now));
        }
        let changes = judge(&self.policy, before, told);
        let mut standing = before.cloned().unwrap_or_else(|| Standing::of(told));
        standing.revision = told.incident.revision;
        (standing.severity, standing.seen) = (told.incident.severity, told.time);
        let turned = standing.status != told.status;
        standing.status = told.status;
        if standing.status != Status::New {
            (standing.called, standing.calls) = (None, 0);
        }
        if changes.is_empty() {
            let must_last = turned || standing.called.is_some();
            self.standings.insert(id.clone(), standing);
            return if must_last { Heard::Remember } else { Heard::Nothing };
        }
        standing.changed = standing.revision;
        self.tell_or_wait(id, standing, changes, None, now)
    }

    /// Hears what became of an order that answers an incident.
    pub fn hear_order(&mut self, id: &IncidentId, order: String, state: OrderState, now: Timestamp) -> Heard {
        let Some(standing) = self.standings.get(id).filter(|standing| standing.concerns()) else {
            return Heard::Nothing;
        };
        // Of an order that is stuck a person has to know at once.
        let severity = (state == OrderState::Stuck).then_some(Severity::Critical);
        let standing = standing.clone();
        self.tell_or_wait(id, standing, vec![Change::Order { order, state }], severity, now)
    }

    /// What is due at `now`: what waited and may be told, else what nobody answered.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Plan> {
        self.waited(now).or_else(|| self.unanswered(now))
    }

    /// The other side has it: what has to outlive a restart, by subject.
    pub fn told(&mut self, plan: Plan, thread: Option<&str>, now: Timestamp) -> Vec<IncidentId> {
        if self.policy.storm.is_some() {
            self.ledger.sent.push_back((now, plan.severity));
        }
        let mut ids = Vec::new();
        for (id, mut standing) in plan.after {
            if standing.thread.is_none() {
                standing.thread = thread.map(str::to_owned);
            }
            ids.push(id.clone());
            self.standings.insert(id, standing);
        }
        ids
    }

    /// The other side will never take it: it is not tried again, and the next level is called all the same.
    pub fn refused(&mut self, plan: Plan) -> Vec<IncidentId> {
        let mut ids = Vec::new();
        for (id, mut standing) in plan.after {
            standing.refused = Some(standing.revision);
            ids.push(id.clone());
            self.standings.insert(id, standing);
        }
        ids
    }

    /// Somebody answered, or it is gone: nobody is called about it any more.
    pub fn answered(&mut self, id: &IncidentId) {
        if let Some(standing) = self.standings.get_mut(id) {
            (standing.called, standing.calls) = (None, 0);
        }
    }

    /// The audit log was looked at up to this line.
    pub fn looked_up_to(&mut self, line: i64) {
        self.ledger.audit = line;
    }

    /// Forgets what is past [`MAX_STANDINGS`]: what is closed goes first, the oldest of it before all.
    pub fn trim(&mut self) -> Vec<IncidentId> {
        let mut gone = Vec::new();
        while self.standings.len() > MAX_STANDINGS {
            let oldest = self.standings.iter().min_by_key(|(_, standing)| {
                (standing.concerns() && standing.status != Status::Closed, standing.seen)
            });
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { break };
            self.standings.remove(&id);
            gone.push(id);
        }
        gone
    }

    fn tell_or_wait(
        &mut self,
        id: &IncidentId,
        mut standing: Standing,
        changes: Vec<Change>,
        at_least: Option<Severity>,
        now: Timestamp,
    ) -> Heard {
        let severity = at_least.map_or(standing.severity, |least| least.max(standing.severity));
        if self.policy.is_quiet(severity, now) || !self.has_room(severity, now) {
            standing.wait_with(changes);
            self.standings.insert(id.clone(), standing);
            return Heard::Remember;
        }
        let mut plan = self.plan_one(Why::Change, id, standing, changes, now);
        plan.severity = severity;
        Heard::Tell(plan)
    }

    /// A message about one incident, with what waited of it.
    fn plan_one(
        &self,
        why: Why,
        id: &IncidentId,
        mut standing: Standing,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Plan {
        standing.wait_with(changes);
        let changes = standing.waiting.clone();
        let notice = standing.notice(id, changes.clone());
        let (severity, level) = (standing.severity, standing.calls.saturating_add(1));
        let after = vec![(id.clone(), standing.once_told(&changes, now))];
        Plan { why, severity, notices: vec![notice], to: self.policy.people(level, now), after }
    }

    fn waited(&self, now: Timestamp) -> Option<Plan> {
        let may_be_told = |standing: &Standing| {
            !standing.waiting.is_empty() && !self.policy.is_quiet(standing.severity, now)
        };
        let mut ready: Vec<(&IncidentId, &Standing)> =
            self.standings.iter().filter(|(_, standing)| may_be_told(standing)).collect();
        let severity = ready.iter().map(|(_, standing)| standing.severity).max()?;
        if !self.has_room(severity, now) {
            return None;
        }
        // The worst first, and of those the one that has waited longest.
        ready.sort_by_key(|(_, standing)| (std::cmp::Reverse(standing.severity), standing.seen));
        if let [(id, standing)] = ready.as_slice() {
            let standing = (*standing).clone();
            return Some(self.plan_one(Why::Waited, id, standing, Vec::new(), now));
        }
        ready.truncate(MAX_DIGEST);
        let notices =
            ready.iter().map(|(id, standing)| standing.notice(id, standing.waiting.clone())).collect();
        let after = ready
            .iter()
            .map(|(id, standing)| ((*id).clone(), (*standing).clone().once_told(&standing.waiting, now)))
            .collect();
        Some(Plan { why: Why::Waited, severity, notices, to: self.policy.people(1, now), after })
    }

    /// One message about all that is to be called about at the same level.
    fn unanswered(&self, now: Timestamp) -> Option<Plan> {
        let escalation = self.policy.escalation?;
        let is_due = |standing: &Standing| {
            standing.status == Status::New
                && standing.calls < escalation.most
                && standing.called.is_some_and(|called| now >= called.saturating_add(escalation.after))
                && !self.policy.is_quiet(standing.severity, now)
        };
        let due: Vec<(&IncidentId, &Standing)> =
            self.standings.iter().filter(|(_, standing)| is_due(standing)).collect();
        let calls = due.iter().map(|(_, standing)| standing.calls).min()?;
        let mut due: Vec<_> = due.into_iter().filter(|(_, standing)| standing.calls == calls).collect();
        due.sort_by_key(|(_, standing)| (std::cmp::Reverse(standing.severity), standing.seen));
        due.truncate(MAX_DIGEST);
        let severity = due.iter().map(|(_, standing)| standing.severity).max()?;
        if !self.has_room(severity, now) {
            return None;
        }
        let call = calls.saturating_add(1);
        let changes = |standing: &Standing| {
            let mut changes = standing.waiting.clone();
            changes.push(Change::Unanswered { call });
            changes
        };
        let notices = due.iter().map(|(id, standing)| standing.notice(id, changes(standing))).collect();
        let after = due
            .iter()
            .map(|(id, standing)| {
                let mut standing = (*standing).clone().once_told(&[], now);
                (standing.called, standing.calls) = (Some(now), call);
                ((*id).clone(), standing)
            })
            .collect();
        let to = self.policy.next_level(call.saturating_add(1), now);
        Some(Plan { why: Why::Unanswered, severity, notices, to, after })
    }

    /// Whether one more message is not too many, or is worse than every other in that time.
    fn has_room(&self, severity: Severity, now: Timestamp) -> bool {
        let Some(storm) = self.policy.storm else { return true };
        let since = now.saturating_sub(storm.within);
        let recent = || self.ledger.sent.iter().filter(|(at, _)| *at > since && *at <= now);
        recent().count() < storm.messages || recent().all(|(_, told)| *told < severity)
    }

    /// Forgets what is too old to count for a storm.
    pub fn age(&mut self, now: Timestamp) {
        let Some(storm) = self.policy.storm else {
            self.ledger.sent.clear();
            return;
        };
        let since = now.saturating_sub(storm.within);
        self.ledger.sent.retain(|(at, _)| *at > since && *at <= now);
    }
}
