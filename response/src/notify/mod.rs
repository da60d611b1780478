//! The ways to people: one folder or file each, one line each in [`NOTIFIERS`].
//!
//! A way knows how one message is spelt and handed over. When a person hears of what is [`policy`]'s business, what he reads [`message`]'s. A
//! notifier is a destination like any other: it has a backlog, is tested, paused and retried by `forward`.
//!
//! # Guarantee
//!
//! Every change that matters is told at least once; again only where this program or the machine stopped between the other side's answer and the
//! disk, and then under the same key, by which ways that know one drop the repeat.
//!
//! A revision that has to wait (quiet hours, a storm) is taken out of the outbox once what waits is on the disk, so that it holds up nothing.
//! What the other side refuses for good becomes a dead letter, and is told again on demand.

pub mod message;
pub mod policy;
mod settings;
mod smtp;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fieldwarden_model::{Fault, IncidentId, OrderState, Timestamp};

pub use self::policy::MAX_STANDINGS;
use self::{
    message::Message,
    policy::{Desk, Heard, Ledger, Plan, Policy},
};
use crate::{
    forward::{Destination, ForwardError, Forwarder, Link, Stop, hostname},
    store::{Briefing, Case, OrderStep, Status, Store, StoreError, Told},
};

/// Every kind of way to people, in the order in which configurations are read.
pub static NOTIFIERS: &[Forwarder] = &[smtp::NOTIFIER];

/// How often is looked for what is due by time, and for what became of orders.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A shorter wait says that more is to be sent.
const LEAST_WAIT: Duration = Duration::from_millis(10);
/// Lines of the audit log that are looked at in one go.
const LINES: u32 = 256;
/// States of an order that people are told; what lies between two of them is over within seconds.
const TOLD_STATES: [OrderState; 6] = [
    OrderState::Proposed,
    OrderState::Kept,
    OrderState::Lapsed,
    OrderState::Released,
    OrderState::Reverted,
    OrderState::Stuck,
];

/// One way to people, as configured.
pub(crate) trait Way: fmt::Debug + Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// Where it is, for a person.
    fn address(&self) -> &str;

    /// Whom it tells, and when.
    fn policy(&self) -> &Policy;

    /// Opens it, with its files read anew.
    ///
    /// # Errors
    /// Why not, in words that name the address or the file.
    fn open(&self) -> Result<Box<dyn Channel>, ForwardError>;

    /// Sends a message that is marked as a test, and says what came back.
    ///
    /// # Errors
    /// Why it could not be delivered.
    fn test(&self, gateway: &str, now: Timestamp) -> Result<String, ForwardError>;
}

/// A way that is open.
pub(crate) trait Channel: Send {
    /// Tells one message, and returns once the other side has it: what it calls the conversation, where it names one.
    ///
    /// # Errors
    /// See [`Link::send`].
    fn tell(&mut self, message: &Message) -> Result<Option<String>, ForwardError>;
}

/// A way to people as a destination.
#[derive(Debug)]
struct Notifier<W> {
    way: W,
    gateway: String,
}

/// Makes a destination of what a table described.
pub(crate) fn notifier<W: Way + 'static>(
    way: Result<W, Vec<Fault>>,
) -> Result<Box<dyn Destination>, Vec<Fault>> {
    Ok(Box::new(Notifier { way: way?, gateway: hostname() }))
}

impl<W: Way + 'static> Destination for Notifier<W> {
    fn name(&self) -> &str {
        self.way.name()
    }

    fn address(&self) -> &str {
        self.way.address()
    }

    fn connect(&self, store: &Store, _: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        let channel = self.way.open()?;
        let memory = Memory { store: store.clone(), destination: self.way.name().to_owned() };
        let desk = memory.load(self.way.policy())?;
        let gateway = self.gateway.clone();
        Ok(Box::new(Telling { memory, desk, channel, gateway, confirmed: 0, looked: None }))
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        self.way.test(&self.gateway, now)
    }
}

/// What a destination remembers, in the store.
struct Memory {
    store: Store,
    destination: String,
}

impl Memory {
    fn load(&self, policy: &Policy) -> Result<Desk, ForwardError> {
        let mut standings = BTreeMap::new();
        let mut ledger: Option<Ledger> = None;
        for (subject, body) in self.store.notices(&self.destination).map_err(|error| self.lost(&error))? {
            let unread = |error: serde_json::Error| self.unusable(&subject, &error);
            if subject.is_empty() {
                ledger = Some(serde_json::from_str(&body).map_err(unread)?);
            } else {
                standings.insert(IncidentId(subject.clone()), serde_json::from_str(&body).map_err(unread)?);
            }
        }
        let is_new = ledger.is_none();
        let mut desk = Desk::new(policy.clone(), standings, ledger.unwrap_or_default());
        if is_new {
            // What became of orders before anybody was to be told is nobody's news.
            desk.looked_up_to(self.store.newest_audit_line().map_err(|error| self.lost(&error))?);
            self.save(&desk, &[], &[])?;
        }
        Ok(desk)
    }

    /// Writes down how these incidents stand, as far as it is remembered, and the ledger.
    fn save(&self, desk: &Desk, changed: &[IncidentId], gone: &[IncidentId]) -> Result<(), ForwardError> {
        let mut rows = Vec::with_capacity(changed.len() + gone.len() + 1);
        for (id, standing) in changed.iter().filter_map(|id| Some((id, desk.standing(id)?))) {
            let body = serde_json::to_string(standing).map_err(|error| self.unusable(&id.0, &error))?;
            rows.push((id.0.clone(), Some(body)));
        }
        rows.extend(gone.iter().map(|id| (id.0.clone(), None)));
        let ledger = serde_json::to_string(desk.ledger()).map_err(|error| self.unusable("", &error))?;
        rows.push((String::new(), Some(ledger)));
        self.store.remember_notices(&self.destination, rows).map_err(|error| self.lost(&error))
    }

    /// The store has trouble; the connection is given up and made again, which reads it anew.
    fn lost(&self, error: &StoreError) -> ForwardError {
        ForwardError::Lost { address: self.destination.clone(), cause: error.to_string() }
    }

    fn unusable(&self, subject: &str, error: &serde_json::Error) -> ForwardError {
        let cause = format!("what is remembered of `{subject}` in table `notices` is unreadable: {error}");
        ForwardError::Lost { address: self.store.file().display().to_string(), cause }
    }
}

/// An open way with what it remembers.
struct Telling {
    memory: Memory,
    desk: Desk,
    channel: Box<dyn Channel>,
    gateway: String,
    confirmed: u64,
    looked: Option<Instant>,
}

impl Telling {
    /// Tells what a plan says and writes down that it was told.
    fn tell(&mut self, plan: Plan, told: Option<&Told>) -> Result<(), ForwardError> {
        let now = now();
        let brief = |notice: &policy::Notice| {
            let kept = self.memory.store.briefing(&notice.incident).ok().flatten();
            let Some(told) = told else { return kept };
            // As it was when it changed: what came since has a message of its own.
            let case = Case { incident: told.incident.clone(), status: told.status, assignee: None };
            let (assets, orders) = kept.map(|kept| (kept.assets, kept.orders)).unwrap_or_default();
            Some(Briefing { case, assets, orders })
        };
        let message = Message::new(&plan, &self.gateway, now, brief);
        let answer = message.map(|message| self.channel.tell(&message)).transpose();
        match answer {
            Ok(thread) => {
                let changed = self.desk.told(plan, thread.flatten().as_deref(), now);
                self.save(&changed)
            }
            Err(refused @ ForwardError::Refused { .. }) => {
                let notices = plan.notices.clone();
                let changed = self.desk.refused(plan);
                self.save(&changed)?;
                if told.is_none() {
                    // It is in the outbox no more, so nobody else makes dead letters of it.
                    for notice in notices {
                        let Memory { store, destination } = &self.memory;
                        let buried = store.bury_notice(destination, &notice.incident, &refused.to_string());
                        buried.map_err(|error| self.memory.lost(&error))?;
                    }
                }
                Err(refused)
            }
            Err(other) => Err(other),
        }
    }

    fn save(&mut self, changed: &[IncidentId]) -> Result<(), ForwardError> {
        let gone = self.desk.trim();
        self.desk.age(now());
        self.memory.save(&self.desk, changed, &gone)
    }

    /// What became of orders since the last look.
    fn look_at_orders(&mut self) -> Result<(), ForwardError> {
        let after = self.desk.ledger().audit;
        let found = self.memory.store.order_steps(after, LINES).map_err(|error| self.memory.lost(&error))?;
        let (steps, last) = found;
        for step in steps {
            let Some((id, order, state)) = told_state(&step) else { continue };
            let heard = self.desk.hear_order(&id, order, state, now());
            // With it is written down that this line was looked at.
            self.desk.looked_up_to(step.number);
            match heard {
                Heard::Tell(plan) => self.tell(plan, None)?,
                Heard::Remember | Heard::Nothing => self.save(&[id])?,
            }
        }
        // What else stands in the log is nobody's news: whether it is looked at again after a restart is all the same.
        self.desk.looked_up_to(last);
        Ok(())
    }

    /// What is due by time.
    fn look_at_the_clock(&mut self) -> Result<(), ForwardError> {
        while let Some(plan) = self.desk.due(now()) {
            // Nobody is called about what somebody has acknowledged a moment ago.
            let mut answered = Vec::new();
            for notice in plan.notices.iter().filter(|_| plan.why == policy::Why::Unanswered) {
                let found = self.memory.store.briefing(&notice.incident);
                let found = found.map_err(|error| self.memory.lost(&error))?;
                if found.is_none_or(|found| found.case.status != Status::New) {
                    answered.push(notice.incident.clone());
                }
            }
            if answered.is_empty() {
                self.tell(plan, None)?;
                continue;
            }
            answered.iter().for_each(|id| self.desk.answered(id));
            self.save(&answered)?;
        }
        Ok(())
    }
}

impl Link for Telling {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        match self.desk.hear(told, now()) {
            Heard::Tell(plan) => self.tell(plan, Some(told))?,
            Heard::Remember => self.save(std::slice::from_ref(&told.incident.id))?,
            Heard::Nothing => {}
        }
        self.confirmed += 1;
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        // While more waits, this is called with next to no time: first people hear of incidents, then what became of them.
        if wait >= LEAST_WAIT && self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            self.looked = Some(Instant::now());
            self.look_at_orders()?;
            self.look_at_the_clock()?;
        }
        std::thread::sleep(wait);
        Ok(())
    }

    fn confirmed(&mut self) -> u64 {
        self.confirmed
    }

    fn close(self: Box<Self>) {}
}

/// Which order of which incident, and where it went, where people are told that.
fn told_state(step: &OrderStep) -> Option<(IncidentId, String, OrderState)> {
    let word = step.action.strip_prefix("order-")?;
    let state = TOLD_STATES.into_iter().find(|state| state.word() == word)?;
    let order = &step.stored.order;
    Some((order.incident.clone()?, order.id.0.clone(), state))
}

/// The machine's time.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
