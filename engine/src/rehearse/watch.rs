//! Watching the plant while an order is provisional: do the conversations it does not name go on as before?

use std::{collections::BTreeMap, time::Duration};

use fieldwarden_model::{Order, OrderId, Scope, Site, Talker, Timestamp, order::PlanHash};
use serde::Serialize;

use super::{Question, protected, reaches};
use crate::{
    baseline::compiled::Compiled,
    conversation::ConversationKey,
    shard::{Conversation, Service},
};

/// A conversation counts as going on before the order when it was answered within this time, or within three of its
/// periods where they are longer.
const ALIVE_WITHIN: Duration = Duration::from_secs(60);
/// Answers on their way when the order took hold are not held against it.
const IN_FLIGHT: Duration = Duration::from_secs(2);

/// What the engine says about an order when its watch ends. The daemon keeps or gives back by it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeepVerdict {
    /// The order watched.
    pub order: OrderId,
    /// The plan in force.
    pub plan: PlanHash,
    /// When the watch ended.
    pub time: Timestamp,
    /// Whether every conversation that should go on does.
    pub healthy: bool,
    /// Whether the conversations named by the order fell silent; absent when none of them was heard before.
    pub effective: Option<bool>,
    /// How many conversations were compared.
    pub compared: usize,
    /// What is wrong, or that nothing is, one sentence each.
    pub reasons: Vec<String>,
}

/// A watch under way.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    order: Order,
    behind: Vec<Talker>,
    plan: PlanHash,
    from: Timestamp,
    pub(crate) until: Timestamp,
    before: BTreeMap<ConversationKey, Before>,
    /// Conversations the order names that were answered of late.
    to_fall_silent: Vec<ConversationKey>,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    answered: u64,
    /// Thousandths of an answer expected per minute.
    per_minute: u64,
}

impl Watch {
    /// Begins to watch at `from`, comparing with how lively each conversation was until now.
    pub(crate) fn begin<'a>(
        (order, behind): (Order, Vec<Talker>),
        plan: PlanHash,
        (from, until): (Timestamp, Timestamp),
        services: impl Iterator<Item = &'a Service>,
        baseline: Option<&Compiled>,
        site: &Site,
    ) -> Self {
        let mut watch =
            Self { order, behind, plan, from, until, before: BTreeMap::new(), to_fall_silent: Vec::new() };
        for service in services {
            for conversation in &service.conversations {
                watch.note(service, conversation, baseline, site);
            }
        }
        watch.to_fall_silent.sort_unstable();
        watch
    }

    fn note(
        &mut self,
        service: &Service,
        conversation: &Conversation,
        baseline: Option<&Compiled>,
        site: &Site,
    ) {
        let key = conversation.key;
        let activity = &conversation.activity;
        let entry = baseline.and_then(|baseline| baseline.entry(baseline.position(&key)?));
        let period = entry.and_then(|entry| entry.period_ms).map(Duration::from_millis);
        let within = period.map_or(ALIVE_WITHIN, |period| (period * 3).max(ALIVE_WITHIN));
        let alive = activity.last_answer.is_some_and(|last| self.from.since(last) <= within);
        if !alive {
            return;
        }
        let (target, scope, behind) = (&self.order.target, self.order.scope, &self.behind[..]);
        if reaches(Question { target, scope, behind }, service) {
            // Under write quarantine it goes on, as far as its client lets it: refused writes reset it, so that its
            // pace says nothing, and an attacker could lift the order by it.
            if self.order.scope != Scope::WriteQuarantine {
                self.to_fall_silent.push(key);
            }
            return;
        }
        if entry.is_none() && protected(&key, site).is_none() {
            return;
        }
        let observed = activity.per_minute_thousandths(self.from);
        let learned = period.map(|period| 60_000_000 / u64::try_from(period.as_millis()).unwrap_or(1).max(1));
        let per_minute = learned.map_or(observed, |learned| learned.min(observed));
        let answered = activity.answered + activity.refused;
        self.before.insert(key, Before { answered, per_minute });
    }

    /// The order watched.
    pub(crate) const fn order(&self) -> &OrderId {
        &self.order.id
    }

    /// The verdict at the end.
    pub(crate) fn end<'a>(&self, services: impl Iterator<Item = &'a Service>) -> KeepVerdict {
        let mut now: BTreeMap<ConversationKey, (u64, Option<Timestamp>)> = BTreeMap::new();
        for conversation in services.flat_map(|service| &service.conversations) {
            let activity = &conversation.activity;
            now.insert(conversation.key, (activity.answered + activity.refused, activity.last_answer));
        }
        let window_ms = u64::try_from(self.until.since(self.from).as_millis()).unwrap_or(u64::MAX);
        let mut reasons = Vec::new();
        for (key, before) in &self.before {
            let expected = before.per_minute.saturating_mul(window_ms) / 60_000_000;
            let heard = now.get(key).map_or(0, |(answered, _)| answered.saturating_sub(before.answered));
            if expected >= 1 && (heard == 0 || heard * 2 < expected) {
                reasons.push(format!("{key}: {heard} answers where about {expected} were expected"));
            }
        }
        let healthy = reasons.is_empty();
        let late = self.from.saturating_add(IN_FLIGHT);
        let still = |key: &&ConversationKey| {
            now.get(key).is_some_and(|(_, last)| last.is_some_and(|last| last > late))
        };
        let talking: Vec<&ConversationKey> = self.to_fall_silent.iter().filter(still).collect();
        let effective = (!self.to_fall_silent.is_empty()).then_some(talking.is_empty());
        reasons.extend(talking.iter().map(|key| format!("not effective: {key} is still answered")));
        if reasons.is_empty() {
            reasons.push(match self.before.len() {
                0 => String::from(
                    "no normal or protected conversation was going on, so there was nothing to lose",
                ),
                count => format!("all {count} normal and protected conversations went on as before"),
            });
        }
        KeepVerdict {
            order: self.order.id.clone(),
            plan: self.plan.clone(),
            time: self.until,
            healthy,
            effective,
            compared: self.before.len(),
            reasons,
        }
    }
}
