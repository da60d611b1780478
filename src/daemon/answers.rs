//! What the control socket answers: rows of plain JSON, made from store, engine and enforcer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use fieldwarden_engine::{
    Switch,
    baseline::{ModeName, quiet::words_of},
};
use fieldwarden_model::{IncidentId, OrderState, Severity, Timestamp, order::OnDegraded};
use fieldwarden_response::{
    forward::Destination,
    outbox::Outbox,
    store::{AuditEntry, By, Filter, Status, Store, StoredOrder, WriteFilter},
};
use serde_json::{Value, json};

use super::{
    containment::{Containment, Demand},
    control::Request,
    judge::Query,
    memory::Trouble,
    now,
};
use crate::operator::{Operator, Role};

/// How long the engine may take for an answer between two frames.
const PATIENCE: Duration = Duration::from_secs(10);
const GONE: &str = "the engine does not answer; see the daemon's log";
/// Incidents shown at most.
const MAX_INCIDENTS: u32 = 1_000;

/// Everything an answer is made from.
pub(crate) struct Answers {
    /// Who may ask.
    pub(crate) operators: Vec<Operator>,
    /// What was found.
    pub(crate) store: Store,
    /// The ways outward.
    pub(crate) outbox: Arc<Outbox>,
    /// Where they lead.
    pub(crate) destinations: Vec<Arc<dyn Destination>>,
    /// Orders.
    pub(crate) containment: Arc<Containment>,
    /// The engine's thread.
    pub(crate) judge: Sender<Query>,
    /// What is wrong with the store.
    pub(crate) trouble: Arc<Trouble>,
    /// Whether the enforcer is there.
    pub(crate) enforcer_reachable: Arc<AtomicBool>,
}

pub(super) type Rows = Result<Vec<Value>, String>;

impl Answers {
    /// Answers one request of one operator.
    pub(crate) fn to(&self, request: Request, operator: &Operator) -> Rows {
        match request {
            Request::Status => self.status(operator),
            Request::Incidents { all, severity } => self.incidents(all, severity, operator),
            Request::Incident { id } => self.incident(&id, operator),
            Request::Assign { id, to } => self.case(operator, |by| self.store.assign(&id, Some(&to), by)),
            Request::Comment { id, text } => self.case(operator, |by| self.store.comment(&id, &text, by)),
            Request::Task { id, text } => {
                self.case(operator, |by| self.store.add_task(&id, &text, by).map(|_| ()))
            }
            Request::SetStatus { id, status } => {
                let status = Status::named(&status).ok_or_else(|| format!("`{status}` is no status"))?;
                self.case(operator, |by| self.store.set_status(&id, status, by))
            }
            Request::Writes { limit } => self.writes(limit, operator),
            Request::Rehearse { target, scope, lapse_secs } => {
                let demand = Demand {
                    target,
                    scope,
                    lapse_secs,
                    keep_within_secs: lapse_secs.min(30),
                    on_degraded: OnDegraded::Revert,
                    reason: "rehearsal".into(),
                    incident: None,
                };
                self.rehearse(&demand, operator)
            }
            Request::Candidates { incident, lapse_secs } => self.candidates(&incident, lapse_secs, operator),
            Request::Propose {
                target,
                scope,
                lapse_secs,
                keep_within_secs,
                hold_and_ask,
                reason,
                incident,
            } => {
                let on_degraded = if hold_and_ask { OnDegraded::HoldAndAsk } else { OnDegraded::Revert };
                let demand =
                    Demand { target, scope, lapse_secs, keep_within_secs, on_degraded, reason, incident };
                self.refuse_protected_behind_a_port(&demand, operator)?;
                Ok(vec![order_row(&self.containment.propose(&demand, operator)?)])
            }
            Request::Approve { order } => Ok(vec![order_row(&self.containment.approve(&order, operator)?)]),
            Request::Orders => Ok(self.containment.list(operator)?.iter().map(order_row).collect()),
            Request::Release { order, reason } => {
                Ok(vec![order_row(&self.containment.release(&order, &reason, operator)?)])
            }
            Request::ReleaseAll { reason } => {
                Ok(self.containment.release_all(&reason, operator)?.iter().map(order_row).collect())
            }
            Request::Modes => {
                operator.require(Role::Viewer)?;
                self.engine(|reply| Query::Modes { reply })
            }
            Request::SetMode { mode, until, reason } => {
                self.set_mode(mode.as_deref(), until, &reason, operator)
            }
            Request::Forwards => self.forwards(operator),
            Request::ForwardRetry { name, dead } => self.retry(&name, dead, operator),
            Request::ForwardPause { name, paused } => {
                operator.require(Role::Responder)?;
                let by = By { operator: operator.name.clone(), time: now() };
                let found = self.outbox.pause(&name, paused, by).map_err(|fault| fault.to_string())?;
                let what = if paused { "paused: what there is to tell it waits" } else { "resumed" };
                found.then(|| done(&format!("{name} is {what}"))).ok_or_else(|| self.no_destination(&name))
            }
            Request::ForwardDead { name } => self.dead_letters(&name, operator),
            Request::ForwardTest { name } => {
                operator.require(Role::Responder)?;
                let destination = self.destinations.iter().find(|destination| destination.name() == name);
                let destination = destination.ok_or_else(|| self.no_destination(&name))?;
                destination.test(now()).map(|answer| done(&answer)).map_err(|fault| fault.to_string())
            }
            Request::AuditVerify => self.audit_verify(operator),
        }
    }

    /// Demands a mode that the baseline speaks of, and for a while: what nobody ends would be normal for good. The journal has it
    /// before it holds.
    fn set_mode(
        &self,
        mode: Option<&str>,
        until: Option<Timestamp>,
        reason: &str,
        operator: &Operator,
    ) -> Rows {
        operator.require(Role::Engineer)?;
        let reason = words_of(reason).map_err(|why| format!("the reason {why}"))?;
        let by = By { operator: operator.name.clone(), time: now() };
        let switch = mode.map(|name| self.switch(name, until, by.time)).transpose()?;
        let (subject, end) = switch.map_or_else(
            || (String::from("schedule"), String::new()),
            |switch| {
                (
                    switch.mode.to_string(),
                    switch.until.map_or_else(String::new, |until| format!(" until {until}")),
                )
            },
        );
        let entry = AuditEntry {
            by,
            action: "mode".into(),
            subject: subject.clone(),
            detail: format!("{reason}{end}"),
        };
        self.store.audit(entry).map_err(|fault| fault.to_string())?;
        self.judge.send(Query::SetMode { switch }).map_err(|_| GONE)?;
        Ok(done(&format!("{subject}{end}: {reason}")))
    }

    fn switch(&self, name: &str, until: Option<Timestamp>, now: Timestamp) -> Result<Switch, String> {
        let mode: ModeName = name.parse().map_err(|why| format!("`{name}` is {why}"))?;
        let until = until.ok_or("say until when: `--until`")?;
        if until <= now {
            return Err(format!("{until} has passed"));
        }
        let known = self.engine(|reply| Query::Modes { reply })?;
        let names: Vec<&str> = known.iter().filter_map(|row| row.get("mode")?.as_str()).collect();
        if !names.contains(&name) {
            return Err(format!(
                "the baseline does not speak of a mode `{name}`; known are {}",
                names.join(", ")
            ));
        }
        Ok(Switch { mode, until: Some(until) })
    }

    fn status(&self, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let mut rows = self.engine(|reply| Query::Status { reply })?;
        let store = match self.trouble.sentence() {
            None => row("store", "good", &self.store.file().display().to_string()),
            Some(trouble) => row("store", "in trouble", &trouble),
        };
        rows.push(store);
        for status in self.outbox.status().map_err(|fault| fault.to_string())? {
            let state = if status.failures > 0 { "in trouble" } else { "good" };
            let error = status.last_error.map(|(_, error)| error).filter(|_| status.failures > 0);
            let detail = format!("{} waiting. {}", status.backlog.waiting, error.unwrap_or_default());
            rows.push(row(&format!("forward {}", status.backlog.destination), state, &detail));
        }
        let enforcer =
            if self.enforcer_reachable.load(Ordering::Relaxed) { "reachable" } else { "not reachable" };
        let orders = self.store.unfinished_orders().map_err(|fault| fault.to_string())?;
        rows.push(row("enforcer", enforcer, &format!("{} orders not finished", orders.len())));
        Ok(rows)
    }

    fn incidents(&self, all: bool, severity: Severity, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let filter = Filter { unclosed: !all, severity, limit: MAX_INCIDENTS };
        let cases = self.store.incidents(&filter).map_err(|fault| fault.to_string())?;
        cases
            .iter()
            .map(|case| {
                let mut row = serde_json::to_value(&case.incident).map_err(|fault| fault.to_string())?;
                if let Some(object) = row.as_object_mut() {
                    object.insert("status".into(), case.status.word().into());
                    object.insert("assignee".into(), json!(case.assignee));
                }
                Ok(row)
            })
            .collect()
    }

    fn incident(&self, id: &IncidentId, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let shown = self.store.incident(id).map_err(|fault| fault.to_string())?;
        let mut rows: Vec<Value> = shown
            .alerts
            .iter()
            .map(|alert| {
                let severity = alert.severity;
                json!({
                    "time": alert.time, "what": format!("alert, {severity}"), "who": alert.detector,
                    "text": alert.summary, "alert": alert,
                })
            })
            .collect();
        let incident = &shown.case.incident;
        let addends = incident.addends.iter().map(|addend| format!("{} {}", addend.points, addend.why));
        rows.push(json!({
            "time": incident.last, "what": format!("score {}", incident.score), "who": "",
            "text": addends.collect::<Vec<_>>().join(" + "), "addends": incident.addends,
        }));
        let story = shown.timeline.iter();
        rows.extend(story.map(|m| json!({"time": m.time, "what": "case", "who": m.who, "text": m.what})));
        let comments = shown.comments.iter();
        rows.extend(
            comments.map(|c| json!({"time": c.time, "what": "comment", "who": c.operator, "text": c.text})),
        );
        let tasks = shown.tasks.iter();
        rows.extend(tasks.map(|t| {
            let state = if t.done.is_some() { "done" } else { "to do" };
            json!({"time": t.added, "what": format!("task {}, {state}", t.number), "who": t.added_by, "text": t.text})
        }));
        rows.sort_by_key(|row| row.get("time").and_then(Value::as_str).map(str::to_owned));
        Ok(rows)
    }

    fn case<E: ToString>(&self, operator: &Operator, act: impl FnOnce(By) -> Result<(), E>) -> Rows {
        operator.require(Role::Responder)?;
        act(By { operator: operator.name.clone(), time: now() }).map_err(|fault| fault.to_string())?;
        Ok(done("noted"))
    }

    fn writes(&self, limit: u32, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let filter = WriteFilter { limit, ..WriteFilter::default() };
        let writes = self.store.writes(&filter).map_err(|fault| fault.to_string())?;
        writes.iter().map(|write| serde_json::to_value(write).map_err(|fault| fault.to_string())).collect()
    }

    fn forwards(&self, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let status = self.outbox.status().map_err(|fault| fault.to_string())?;
        let rows = status.iter().map(|way| {
            json!({
                "name": way.backlog.destination,
                "address": way.address,
                "state": way.state,
                "waiting": way.backlog.waiting,
                "oldest": way.backlog.oldest,
                "delivered": way.backlog.delivered,
                "dead": way.backlog.dead,
                "failures": way.failures,
                "last_confirmed": way.last_confirmed,
                "last_error": way.last_error.as_ref().map(|(_, error)| error),
            })
        });
        Ok(rows.collect())
    }

    fn retry(&self, name: &str, dead: bool, operator: &Operator) -> Rows {
        operator.require(Role::Responder)?;
        if !dead {
            let found = self.outbox.retry(name);
            return found
                .then(|| done(&format!("{name} is tried again now")))
                .ok_or_else(|| self.no_destination(name));
        }
        let by = By { operator: operator.name.clone(), time: now() };
        let revived = self.outbox.revive(name, by).map_err(|fault| fault.to_string())?;
        let (queued, gone) = revived.ok_or_else(|| self.no_destination(name))?;
        let gone = if gone > 0 { format!("; of {gone} nothing is kept any more") } else { String::new() };
        Ok(done(&format!("{queued} incidents are queued again for {name}{gone}")))
    }

    /// What a destination was never told, the latest first.
    fn dead_letters(&self, name: &str, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        if !self.destinations.iter().any(|destination| destination.name() == name) {
            return Err(self.no_destination(name));
        }
        let letters = self.store.dead_letters(name, 200).map_err(|fault| fault.to_string())?;
        Ok(letters.iter().map(|letter| json!(letter)).collect())
    }

    fn no_destination(&self, name: &str) -> String {
        let known: Vec<&str> = self.destinations.iter().map(|destination| destination.name()).collect();
        format!("there is no destination `{name}`; configured are: {}", known.join(", "))
    }

    fn audit_verify(&self, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let verdict = self.store.verify_audit().map_err(|fault| fault.to_string())?;
        match verdict.first_broken {
            None => {
                Ok(done(&format!("{} lines follow from each other; head {}", verdict.rows, verdict.head)))
            }
            Some(line) => Err(format!("the audit log is broken at line {line} of {}", verdict.rows)),
        }
    }

    /// Asks the engine's thread.
    pub(super) fn engine<T>(&self, query: impl FnOnce(Sender<T>) -> Query) -> Result<T, String> {
        let (reply, answer) = channel();
        self.judge.send(query(reply)).map_err(|_| GONE)?;
        answer.recv_timeout(PATIENCE).map_err(|_| GONE.into())
    }
}

/// One line of `status`.
pub(crate) fn row(what: &str, state: &str, detail: &str) -> Value {
    json!({"what": what, "state": state, "detail": detail})
}

fn done(sentence: &str) -> Vec<Value> {
    vec![json!({"done": sentence})]
}

fn order_row(stored: &StoredOrder) -> Value {
    let approved_by: Vec<&str> = stored.approvals.iter().map(|approval| approval.operator.as_str()).collect();
    let report = stored.report.as_ref();
    let (given, wanted) = (approved_by.len(), stored.approvals_wanted());
    let waits = stored.state == OrderState::Proposed && given > 0;
    let waits = waits.then(|| format!("approved by {given} of {wanted}: another approver must confirm it"));
    json!({
        "order": stored.order.id,
        "state": stored.state,
        "scope": stored.order.scope.word(),
        "target": stored.order.target.to_string(),
        "author": stored.order.author,
        "approved_by": approved_by,
        "proposed": stored.order.proposed,
        "lapses": report.and_then(|report| report.lapses),
        "approvals_wanted": wanted,
        "cause": report.map(|report| report.cause.clone()).or(waits),
        "reason": stored.order.reason,
        "incident": stored.order.incident,
        "plan": stored.plan,
    })
}
