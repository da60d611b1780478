//! What `contain rehearse` answers: what would fall silent, what goes on, and what would be done about it.

use std::{collections::BTreeMap, time::Duration};

use fieldwarden_engine::rehearse::{Affected, Effect, Rehearsal};
use fieldwarden_model::{
    Scope, Target, Timestamp,
    order::{Ends, MODBUS_PORT, Plan},
};
use fieldwarden_response::store::WriteFilter;
use serde_json::{Value, json};

use super::{
    answers::{Answers, Rows},
    containment::Demand,
    judge::{Query, WATCH_SHARE},
    now,
};
use crate::operator::{Operator, Role};

/// How far back a rehearsal counts the writes that would be stopped, and how many at most.
const A_DAY: Duration = Duration::from_secs(86_400);
const MAX_WRITES_COUNTED: u32 = 10_000;

impl Answers {
    /// What an order would do to the conversations heard, by the engine's memory and by the ways the enforcer knows; then
    /// what the enforcer would do.
    pub(super) fn rehearse(&self, demand: &Demand, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let plan = self.containment.rehearse(demand, operator);
        let rehearsal = self.rehearsal(demand, plan.as_ref().ok(), operator)?;
        let mut rows: Vec<Value> = rehearsal.conversations.iter().map(line_of).collect();
        let behind = plan.iter().flat_map(|plan| &plan.behind);
        rows.extend(behind.map(|talker| {
            json!({"what": "behind the port", "client": talker, "remark": "cut off, with whoever is there unheard"})
        }));
        if rehearsal.scope == Scope::WriteQuarantine {
            let written = self.written(&demand.target)?;
            rows.extend(stopped(&rehearsal, &written));
        }
        rows.extend(verified(&plan, demand));
        rows.extend(enforcement(plan));
        Ok(rows)
    }

    /// Refuses to move a port when a conversation is protected that was heard of a machine behind it: the enforcer may know
    /// that machine by its hardware address alone, and the list of what is protected names it by another.
    pub(super) fn refuse_protected_behind_a_port(
        &self,
        demand: &Demand,
        operator: &Operator,
    ) -> Result<(), String> {
        if !matches!(demand.target, Target::SwitchPort { .. }) {
            return Ok(());
        }
        let plan = self.containment.rehearse(demand, operator)?;
        let rehearsal = self.rehearsal(demand, Some(&plan), operator)?;
        let protected = rehearsal.conversations.iter().find_map(|line| line.protected.as_ref());
        protected.map_or(Ok(()), |name| {
            Err(format!("refused: {} would cut what is protected here: {name}", demand.target))
        })
    }

    /// The engine's list, with what the enforcer says of the ways where it answers.
    pub(super) fn rehearsal(
        &self,
        demand: &Demand,
        plan: Option<&Plan>,
        operator: &Operator,
    ) -> Result<Rehearsal, String> {
        let target = demand.target.clone();
        let scope = demand.scope.unwrap_or_else(|| Scope::usual(&target));
        let behind = plan.map(|plan| plan.behind.clone()).unwrap_or_default();
        let mut rehearsal = self.engine(|reply| Query::Rehearse { target, scope, behind, reply })?;
        if plan.is_some() {
            let ends: Vec<Ends> = rehearsal.conversations.iter().map(|line| line.ends.clone()).collect();
            rehearsal.go_on(self.containment.past(demand, &ends, operator)?);
        }
        Ok(rehearsal)
    }

    /// The writes of the last day that a write quarantine would have stopped: for each verb how many, and the last one.
    fn written(&self, target: &Target) -> Result<BTreeMap<&'static str, (usize, Timestamp)>, String> {
        let mut counted = BTreeMap::new();
        let Target::Conversation { client, server, server_port: port, .. } = *target else {
            return Ok(counted);
        };
        let filter = WriteFilter {
            client: Some(client),
            server: Some(server),
            from: now().saturating_sub(A_DAY),
            limit: MAX_WRITES_COUNTED,
            ..WriteFilter::default()
        };
        let writes = self.store.writes(&filter).map_err(|fault| fault.to_string())?;
        // What the engine tells of a write names its protocol, not its port.
        let spoken = spoken_at(port);
        for write in writes.iter().filter(|write| write.protocol == spoken) {
            let (count, last) = counted.entry(write.operation.word()).or_insert((0, write.time));
            *count += 1;
            *last = write.time.max(*last);
        }
        Ok(counted)
    }
}

fn spoken_at(port: Option<u16>) -> &'static str {
    if port == Some(MODBUS_PORT) { "modbus" } else { "s7comm" }
}

/// A conversation as a line.
fn line_of(line: &Affected) -> Value {
    let (what, why) = match &line.effect {
        Effect::FallsSilent => ("falls silent", None),
        Effect::ReadsOn { .. } => ("reads on", None),
        Effect::GoesOn { why } => ("goes on", Some(format!("cannot be enforced here: it {why}"))),
    };
    let protected = line.protected.as_ref().map(|name| format!("protected: {name}"));
    let remarks: Vec<String> = [protected, why].into_iter().flatten().collect();
    let (client, server) = (line.client_asset.as_ref(), line.server_asset.as_ref());
    json!({
        "what": what,
        "client": line.client,
        "client_name": client.map(|asset| &asset.name),
        "client_role": client.map(|asset| &asset.role),
        "server": line.server,
        "server_name": server.map(|asset| &asset.name),
        "server_role": server.map(|asset| &asset.role),
        "criticality": line.criticality(),
        "port": line.server_port,
        "transport": line.transport,
        "protocol": line.protocol,
        "unit": line.unit,
        "per_minute": line.operations_per_minute,
        "last_seen": line.last_seen,
        "answered": line.answered,
        "baseline_entry": line.baseline_entry,
        "remark": (!remarks.is_empty()).then(|| remarks.join("; ")),
    })
}

/// What a client under write quarantine asks no more, one line for each class of operations.
fn stopped(rehearsal: &Rehearsal, written: &BTreeMap<&'static str, (usize, Timestamp)>) -> Vec<Value> {
    let Target::Conversation { client, server, server_port: port, .. } = rehearsal.target else {
        return Vec::new();
    };
    let mut classes: BTreeMap<&str, String> = BTreeMap::new();
    for line in &rehearsal.conversations {
        let Effect::ReadsOn { stopped } = &line.effect else { continue };
        for verb in stopped {
            classes.insert(verb.word(), format!("{verb}: whatever is not one whole read"));
        }
    }
    for (verb, (count, _)) in written {
        classes.insert(verb, format!("{verb}: {count} times in the last 24 h"));
    }
    let line = |(verb, remark): (&str, String)| {
        json!({
            "what": "falls silent",
            "client": client,
            "server": server,
            "port": port,
            "protocol": spoken_at(port),
            "last_seen": written.get(verb).map(|(_, last)| last),
            "remark": remark,
        })
    };
    classes.into_iter().map(line).collect()
}

/// How long it takes until an order that can be enforced is known to hold, and to harm nobody.
fn verified(plan: &Result<Plan, String>, demand: &Demand) -> Option<Value> {
    plan.as_ref().ok().filter(|plan| plan.not_enforceable.is_none())?;
    let watch = Duration::from_secs(demand.keep_within_secs.into()).mul_f64(WATCH_SHARE).as_secs();
    let remark = format!(
        "read back from the device as part of being applied; the plant is watched for {watch} s, and what is not kept \
         {} s after it was applied ends by itself",
        demand.keep_within_secs
    );
    Some(json!({"what": "verified", "remark": remark}))
}

/// What the enforcer would do, step by step, or why it would not.
fn enforcement(plan: Result<Plan, String>) -> Vec<Value> {
    match plan {
        Ok(plan) => {
            let mut rows: Vec<Value> =
                plan.steps.iter().map(|step| json!({"what": "step", "remark": step})).collect();
            let possible = plan.not_enforceable.is_none();
            let remark =
                plan.not_enforceable.unwrap_or_else(|| format!("enforceable here by {}", plan.driver));
            rows.push(json!({"what": "enforcement", "possible": possible, "remark": remark}));
            rows
        }
        Err(why) => vec![json!({"what": "enforcement", "possible": false, "remark": why})],
    }
}
