//! The order, as the daemon sees it: rehearse, propose, approve, keep, release.
//!
//! The daemon refuses what covers a protected entry before anything is written down; the enforcer refuses it again by
//! its own list. Every step is saved, and journaled under the operator's name, before the enforcer is asked for it.

use std::sync::{Mutex, PoisonError, mpsc::Sender};

use fieldwarden_engine::rehearse::KeepVerdict;
use fieldwarden_model::{
    IncidentId, Order, OrderId, OrderState, Protected, Scope, Talker, Target,
    order::{Answer, Ask, Ends, MAX_ENDS, OnDegraded, Plan, Report},
    protect,
};
use fieldwarden_response::store::{Approval, AuditEntry, By, Store, StoredOrder};

use super::{enforcer::Enforcer, judge::Query, now};
use crate::operator::{Operator, Role};

/// What is demanded, before it is an order.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Against whom.
    pub(crate) target: Target,
    /// How far it reaches; as the target says where absent.
    pub(crate) scope: Option<Scope>,
    /// For how long, in seconds.
    pub(crate) lapse_secs: u32,
    /// Provisional for how long, in seconds.
    pub(crate) keep_within_secs: u32,
    /// What to do when a protected conversation degrades meanwhile.
    pub(crate) on_degraded: OnDegraded,
    /// Why.
    pub(crate) reason: String,
    /// The incident it answers.
    pub(crate) incident: Option<IncidentId>,
}

/// What is told of an order that the store has in force and the enforcer knows no longer.
const UNKNOWN_BY_NOW: &str =
    "the enforcer knows nothing of it any more, so nothing of it is cut; how it ended was not heard";

/// Everything the daemon does about orders.
pub(crate) struct Containment {
    store: Store,
    enforcer: Option<Enforcer>,
    protected: Vec<Protected>,
    two_persons: bool,
    judge: Sender<Query>,
    /// One step at a time: two approvers at once must not both apply.
    step: Mutex<()>,
}

impl Containment {
    /// With the enforcer where the configuration names one.
    pub(crate) const fn new(
        store: Store,
        enforcer: Option<Enforcer>,
        protected: Vec<Protected>,
        two_persons: bool,
        judge: Sender<Query>,
    ) -> Self {
        Self { store, enforcer, protected, two_persons, judge, step: Mutex::new(()) }
    }

    /// What the enforcer would do about a demand. Nothing is written down.
    pub(crate) fn rehearse(&self, demand: &Demand, operator: &Operator) -> Result<Plan, String> {
        operator.require(Role::Viewer)?;
        let order = self.order(demand, operator)?;
        self.plan(&order)
    }

    /// For each of these conversations why a demand does not reach it; absent where it does or where nobody can tell.
    pub(crate) fn past(
        &self,
        demand: &Demand,
        ends: &[Ends],
        operator: &Operator,
    ) -> Result<Vec<Option<String>>, String> {
        let order = self.order(demand, operator)?;
        let mut past = Vec::with_capacity(ends.len());
        for ends in ends.chunks(MAX_ENDS) {
            let ask = Ask::Reach { order: order.clone(), ends: ends.to_vec() };
            match self.enforcer()?.ask(&ask, Some(&order.id))? {
                Answer::Reach { past: told } => past.extend(told),
                Answer::Refused { reason, .. } => return Err(format!("the enforcer refuses: {reason}")),
                _ => return Err("the enforcer answered something else".into()),
            }
        }
        Ok(past)
    }

    /// Writes an order down, rehearsed.
    pub(crate) fn propose(&self, demand: &Demand, operator: &Operator) -> Result<StoredOrder, String> {
        operator.require(Role::Responder)?;
        let order = self.order(demand, operator)?;
        let plan = self.plan(&order)?;
        if let Some(why) = &plan.not_enforceable {
            return Err(format!("nothing was proposed, since it cannot be enforced here: {why}"));
        }
        let (scope, target) = (order.scope.word(), &order.target);
        let detail = format!("{scope} of {target}, {} s: {}", order.lapse_secs, order.reason);
        let stored = StoredOrder {
            order,
            state: OrderState::Proposed,
            approvals: Vec::new(),
            plan: Some(plan),
            report: None,
        };
        self.save(&stored, "order-proposed", &detail, &operator.name)?;
        Ok(stored)
    }

    /// Confirms an order and has it applied.
    pub(crate) fn approve(&self, id: &OrderId, operator: &Operator) -> Result<StoredOrder, String> {
        operator.require(Role::Approver)?;
        let _step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = self.store.order(id).map_err(|fault| fault.to_string())?;
        if stored.state != OrderState::Proposed {
            return Err(format!(
                "order {id} is {}, only a proposed one can be approved",
                stored.state.word()
            ));
        }
        if self.two_persons && stored.order.author == operator.name {
            return Err(format!(
                "{} proposed this order; another approver must confirm it (`two_persons`)",
                operator.name
            ));
        }
        let behind = stored.plan.as_ref().map_or(&[][..], |plan| &plan.behind);
        self.refuse_protected(&stored.order, behind)?;
        let plan = stored
            .plan
            .as_ref()
            .map(|plan| plan.hash.clone())
            .ok_or("the order has no plan; propose it anew")?;
        if stored.approvals.iter().any(|approval| approval.operator == operator.name) {
            return Err(format!(
                "{} approved this order already; another approver must confirm it",
                operator.name
            ));
        }
        stored.approvals.push(Approval { operator: operator.name.clone(), time: now() });
        if stored.approvals.len() < usize::from(stored.approvals_wanted()) {
            self.save(&stored, "order-approved-by-one", &stored.order.target.to_string(), &operator.name)?;
            return Ok(stored);
        }
        stored.state = OrderState::Approved;
        self.save(&stored, "order-approved", &stored.order.target.to_string(), &operator.name)?;
        let approved_by = stored.approvals.iter().map(|approval| approval.operator.clone()).collect();
        let ask = Ask::Apply { order: stored.order.clone(), plan, approved_by };
        match self.enforcer()?.ask(&ask, Some(id)) {
            Ok(Answer::Reported { report }) => self.take(&report),
            Ok(Answer::Refused { reason, .. }) => {
                self.refused(&mut stored, &reason)?;
                Err(format!("the enforcer refused: {reason}"))
            }
            Ok(_) => Err("the enforcer answered something else".into()),
            Err(unreachable) => {
                // Whether it was applied is not known; the enforcer's reports tell as soon as it is back.
                Err(unreachable)
            }
        }
    }

    /// Ends an order.
    pub(crate) fn release(
        &self,
        id: &OrderId,
        reason: &str,
        operator: &Operator,
    ) -> Result<StoredOrder, String> {
        operator.require(Role::Approver)?;
        let _step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = self.store.order(id).map_err(|fault| fault.to_string())?;
        match stored.state {
            OrderState::Proposed => {
                self.refused(&mut stored, &format!("withdrawn by {}: {reason}", operator.name))?;
                return Ok(stored);
            }
            OrderState::Approved => {
                stored = self.settle_one(stored, &self.listed()?)?;
                if !stored.state.in_force() {
                    return Ok(stored);
                }
            }
            state if state.in_force() => {}
            state => return Err(format!("order {id} is {} already", state.word())),
        }
        self.journal("order-release-asked", &id.0, reason, &operator.name)?;
        self.end(id, &operator.name, reason, false)
    }

    /// Ends every order in force.
    pub(crate) fn release_all(&self, reason: &str, operator: &Operator) -> Result<Vec<StoredOrder>, String> {
        operator.require(Role::Approver)?;
        let orders = self.store.unfinished_orders().map_err(|fault| fault.to_string())?;
        let (mut released, mut left) = (Vec::new(), Vec::new());
        for stored in &orders {
            match self.release(&stored.order.id, reason, operator) {
                Ok(ended) => released.push(ended),
                Err(why) => left.push(format!("order {}: {why}", stored.order.id)),
            }
        }
        // One that cannot be ended must not keep the others in force.
        if left.is_empty() {
            Ok(released)
        } else {
            Err(format!("{} released; {}", released.len(), left.join("; ")))
        }
    }

    /// Asks the enforcer about what may be in force by the store. Ends what was approved and never reached it, because one of the two
    /// died in that instant, and what it knows no longer: an order that ended while this daemon was away for longer than ended ones are
    /// listed, or whose journal is gone. Called whenever the enforcer is there again.
    pub(crate) fn settle(&self) -> Result<(), String> {
        let _step = self.step.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = self.store.unfinished_orders().map_err(|fault| fault.to_string())?;
        open.retain(|stored| stored.state == OrderState::Approved || stored.state.in_force());
        if open.is_empty() {
            return Ok(());
        }
        let listed = self.listed()?;
        for stored in open {
            let is_listed = listed.iter().any(|(order, _)| order.id == stored.order.id);
            if stored.state == OrderState::Approved {
                self.settle_one(stored, &listed)?;
            } else if !is_listed {
                // What is listed is heard of all the same, in its turn.
                let (order, state, cause) = (stored.order.id, OrderState::Reverted, UNKNOWN_BY_NOW.into());
                self.take(&Report { order, state, time: now(), cause, plan: None, lapses: None })?;
            }
        }
        Ok(())
    }

    /// The newest orders.
    pub(crate) fn list(&self, operator: &Operator) -> Result<Vec<StoredOrder>, String> {
        operator.require(Role::Viewer)?;
        self.store.orders(200).map_err(|fault| fault.to_string())
    }

    /// Takes down what the enforcer reports and lets the engine know.
    pub(crate) fn take(&self, report: &Report) -> Result<StoredOrder, String> {
        let known = self.store.order(&report.order).ok().map(|stored| stored.state);
        let stored = self.store.report_order(report.clone()).map_err(|fault| fault.to_string())?;
        if known != Some(report.state) {
            // The engine's thread ends last; without it there is nobody left to tell.
            let _ = self.judge.send(Query::Enforcement {
                order: Box::new(stored.order.clone()),
                behind: stored.plan.as_ref().map(|plan| plan.behind.clone()).unwrap_or_default(),
                report: Box::new(report.clone()),
            });
        }
        Ok(stored)
    }

    /// The engine's word on the plant while an order is provisional: keep it, undo it, or hold it and ask.
    pub(crate) fn verdict(&self, verdict: &KeepVerdict) -> Result<(), String> {
        let (id, healthy, why) = (&verdict.order, verdict.healthy, &verdict.reasons.join("; "));
        let stored = self.store.order(id).map_err(|fault| fault.to_string())?;
        let Some(plan) = stored.plan.as_ref().filter(|_| stored.state == OrderState::Provisional) else {
            return Ok(());
        };
        let hold = stored.order.on_degraded == OnDegraded::HoldAndAsk;
        if !healthy && !hold {
            self.journal("order-degraded", &id.0, why, "fieldwarden")?;
            return self.end(id, "fieldwarden", why, true).map(|_| ());
        }
        let action = if healthy { "order-kept" } else { "order-held-and-asked" };
        self.journal(action, &id.0, why, "fieldwarden")?;
        let keep = Ask::Keep {
            order: id.clone(),
            plan: plan.hash.clone(),
            verdict: why.clone(),
            degraded: !healthy,
        };
        match self.enforcer()?.ask(&keep, Some(id))? {
            Answer::Reported { report } => self.take(&report).map(|_| ()),
            Answer::Refused { reason, .. } => Err(format!("the enforcer did not keep order {id}: {reason}")),
            _ => Err("the enforcer answered something else".into()),
        }
    }

    /// What became of an approved order: what the enforcer says, or that it never heard of it. Holding `step`, nobody
    /// else is on the way to the enforcer with it.
    fn settle_one(&self, mut stored: StoredOrder, listed: &[(Order, Report)]) -> Result<StoredOrder, String> {
        if let Some((_, report)) = listed.iter().find(|(order, _)| order.id == stored.order.id) {
            return self.take(report);
        }
        self.refused(&mut stored, "it never reached the enforcer; nothing was cut")?;
        Ok(stored)
    }

    /// Every order the enforcer knows.
    fn listed(&self) -> Result<Vec<(Order, Report)>, String> {
        match self.enforcer()?.ask(&Ask::List, None)? {
            Answer::Orders { orders } => Ok(orders),
            _ => Err("the enforcer answered something else".into()),
        }
    }

    fn end(&self, id: &OrderId, by: &str, reason: &str, degraded: bool) -> Result<StoredOrder, String> {
        let ask = Ask::Release { order: id.clone(), by: by.into(), reason: reason.into(), degraded };
        match self.enforcer()?.ask(&ask, Some(id))? {
            Answer::Reported { report } => self.take(&report),
            Answer::Refused { reason, .. } => Err(format!("the enforcer refused: {reason}")),
            _ => Err("the enforcer answered something else".into()),
        }
    }

    fn order(&self, demand: &Demand, operator: &Operator) -> Result<Order, String> {
        let scope = demand.scope.unwrap_or_else(|| Scope::usual(&demand.target));
        scope.fits(&demand.target)?;
        let mut order = Order {
            id: OrderId(String::new()),
            target: demand.target.clone(),
            scope,
            lapse_secs: demand.lapse_secs,
            keep_within_secs: demand.keep_within_secs,
            on_degraded: demand.on_degraded,
            reason: demand.reason.clone(),
            incident: demand.incident.clone(),
            author: operator.name.clone(),
            proposed: now(),
        };
        order.id = order.identify();
        self.refuse_protected(&order, &[])?;
        Ok(order)
    }

    /// Refuses what would cut a protected entry, by its target or by who is known `behind` the port it is against.
    fn refuse_protected(&self, order: &Order, behind: &[Talker]) -> Result<(), String> {
        let mut names = protect::all_refusals(order, &self.protected);
        names.extend(protect::behind(behind, &self.protected));
        if names.is_empty() {
            return Ok(());
        }
        Err(format!(
            "refused: {} would cut what is protected here: {}\n\nhint: name the client, server and port of the one conversation to cut",
            order.target,
            names.join(", ")
        ))
    }

    fn plan(&self, order: &Order) -> Result<Plan, String> {
        match self.enforcer()?.ask(&Ask::Rehearse { order: order.clone() }, Some(&order.id))? {
            Answer::Planned { plan } => self.refuse_protected(order, &plan.behind).map(|()| plan),
            Answer::Refused { reason, .. } => Err(format!("the enforcer refuses: {reason}")),
            _ => Err("the enforcer answered something else".into()),
        }
    }

    fn enforcer(&self) -> Result<&Enforcer, String> {
        self.enforcer.as_ref().ok_or_else(|| {
            "this gateway only observes: its configuration has no `[containment] enforcer`".to_owned()
        })
    }

    fn refused(&self, stored: &mut StoredOrder, why: &str) -> Result<(), String> {
        stored.state = OrderState::Refused;
        self.save(stored, "order-refused", why, "fieldwarden")
    }

    fn save(&self, stored: &StoredOrder, action: &str, detail: &str, operator: &str) -> Result<(), String> {
        let by = By { operator: operator.into(), time: now() };
        self.store.save_order(stored.clone(), action, detail, by).map_err(|fault| fault.to_string())
    }

    fn journal(&self, action: &str, subject: &str, detail: &str, operator: &str) -> Result<(), String> {
        let by = By { operator: operator.into(), time: now() };
        let entry = AuditEntry { by, action: action.into(), subject: subject.into(), detail: detail.into() };
        self.store.audit(entry).map_err(|fault| fault.to_string())
    }
}
