//! What `contain candidates` answers: the orders that could answer an incident, side by side, and which of them does the least
//! harm.
//!
//! Candidates follow from who did what to whom in the incident's alerts. Each is rehearsed as any order is. Recommended is the
//! one that stops everything the incident's own client does and costs the plant least: first counts how many conversations of
//! the baseline fall silent, then how many lose a class of operations, then how critical their ends are, then what else is lost.

use std::collections::BTreeSet;

use fieldwarden_engine::rehearse::{Affected, Effect, Rehearsal};
use fieldwarden_model::{
    Alert, IncidentId, Scope, Talker, Target, Transport, Verb,
    order::{MODBUS_PORT, OnDegraded, S7_PORT},
};
use serde_json::{Value, json};

use super::{
    answers::{Answers, Rows},
    containment::Demand,
};
use crate::operator::{Operator, Role};

/// Clients of an incident, and services of each, that candidates are made of at most.
const MAX_CLIENTS: usize = 3;
const MAX_SERVICES: usize = 6;

/// Something that was done, as an alert tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deed {
    client: Talker,
    server: Option<Talker>,
    port: Option<u16>,
    transport: Option<Transport>,
    verb: Option<Verb>,
}

/// A candidate, rehearsed.
#[derive(Debug)]
struct Weighed {
    target: Target,
    scope: Scope,
    /// Who would act, or why nobody would.
    point: Result<String, String>,
    /// How many of the deeds it stops.
    stops: usize,
    harm: Harm,
}

/// What a candidate costs, the worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Harm {
    /// Conversations of the baseline that fall silent.
    normal_silent: usize,
    /// Conversations of the baseline that lose a class of operations.
    normal_degraded: usize,
    /// The highest criticality of an end of these.
    criticality: u8,
    /// All that fall silent.
    silent: usize,
}

impl Answers {
    /// Every candidate against an incident, the recommended one first.
    pub(super) fn candidates(&self, incident: &IncidentId, lapse_secs: u32, operator: &Operator) -> Rows {
        operator.require(Role::Viewer)?;
        let shown = self.store.incident(incident).map_err(|fault| fault.to_string())?;
        let deeds = deeds(&shown.alerts);
        let mut weighed = Vec::new();
        for (target, scope) in against(&deeds) {
            let demand = Demand {
                target: target.clone(),
                scope: Some(scope),
                lapse_secs,
                keep_within_secs: lapse_secs.min(30),
                on_degraded: OnDegraded::Revert,
                reason: "candidate".into(),
                incident: Some(incident.clone()),
            };
            let plan = self.containment.rehearse(&demand, operator);
            let rehearsal = self.rehearsal(&demand, plan.as_ref().ok(), operator)?;
            let point = plan.and_then(|plan| plan.not_enforceable.map_or(Ok(plan.driver), Err));
            weighed.push(weigh(&rehearsal, point, &deeds));
        }
        if weighed.is_empty() {
            return Err(format!("no alert of incident {incident} says who did something to whom"));
        }
        weighed
            .sort_by_key(|one| (one.point.is_err(), std::cmp::Reverse(one.stops), one.harm, one.breadth()));
        let first = weighed.iter().position(|one| one.point.is_ok() && one.stops > 0);
        Ok(weighed.iter().enumerate().map(|(n, one)| one.row(first == Some(n), deeds.len())).collect())
    }
}

/// What was done: operations where the alerts tell any, otherwise who spoke to whom.
fn deeds(alerts: &[Alert]) -> BTreeSet<Deed> {
    let of = |alert: &Alert| Deed {
        client: alert.client,
        server: alert.server,
        port: alert.server_port,
        transport: alert.transport,
        verb: alert.operation,
    };
    let all: BTreeSet<Deed> = alerts.iter().map(of).collect();
    let done: BTreeSet<Deed> = all.iter().filter(|deed| deed.verb.is_some()).cloned().collect();
    if done.is_empty() { all } else { done }
}

/// The orders that could stop some of it.
fn against(deeds: &BTreeSet<Deed>) -> Vec<(Target, Scope)> {
    let clients: BTreeSet<Talker> = deeds.iter().map(|deed| deed.client).collect();
    let mut orders: Vec<(Target, Scope)> = Vec::new();
    for client in clients.into_iter().take(MAX_CLIENTS) {
        let services: BTreeSet<_> = deeds
            .iter()
            .filter(|deed| deed.client == client)
            .filter_map(|deed| Some((deed.server?, deed.port, deed.transport)))
            .collect();
        for (server, server_port, transport) in services.into_iter().take(MAX_SERVICES) {
            let service = Target::Conversation { client, server, server_port, transport };
            let pair = Target::Conversation { client, server, server_port: None, transport: None };
            if transport == Some(Transport::Tcp) && [Some(MODBUS_PORT), Some(S7_PORT)].contains(&server_port)
            {
                orders.push((service.clone(), Scope::WriteQuarantine));
            }
            orders.push((service, Scope::CutConversation));
            orders.push((pair, Scope::CutConversation));
        }
        orders.push((Target::Talker { talker: client }, Scope::IsolateTalker));
    }
    let mut known: Vec<(Target, Scope)> = Vec::new();
    for order in orders {
        if !known.contains(&order) {
            known.push(order);
        }
    }
    known
}

fn weigh(rehearsal: &Rehearsal, point: Result<String, String>, deeds: &BTreeSet<Deed>) -> Weighed {
    let mut harm = Harm::default();
    for line in &rehearsal.conversations {
        let is_normal = usize::from(line.baseline_entry.is_some());
        match &line.effect {
            Effect::FallsSilent => {
                harm.silent += 1;
                harm.normal_silent += is_normal;
            }
            Effect::ReadsOn { stopped } if !stopped.is_empty() => harm.normal_degraded += is_normal,
            Effect::ReadsOn { .. } | Effect::GoesOn { .. } => continue,
        }
        if is_normal > 0 {
            harm.criticality = harm.criticality.max(line.criticality().unwrap_or_default());
        }
    }
    let (target, scope) = (rehearsal.target.clone(), rehearsal.scope);
    let stops = deeds.iter().filter(|deed| stops(&target, scope, deed, &rehearsal.conversations)).count();
    Weighed { target, scope, point, stops, harm }
}

/// Whether an order stops a deed, as far as it comes by where the order acts.
fn stops(target: &Target, scope: Scope, deed: &Deed, lines: &[Affected]) -> bool {
    let names = match target {
        Target::Talker { talker } => deed.client == *talker || deed.server == Some(*talker),
        Target::Conversation { client, server, server_port, transport } => {
            deed.client == *client
                && deed.server == Some(*server)
                && server_port.is_none_or(|port| deed.port == Some(port))
                && transport.is_none_or(|transport| deed.transport == Some(transport))
        }
        Target::SwitchPort { .. } => false,
    };
    let reads = deed.verb.is_none_or(|verb| verb == Verb::Read);
    let goes_on = lines.iter().any(|line| {
        let is_it = line.client == deed.client
            && Some(line.server) == deed.server
            && (deed.port.is_none() || line.server_port == deed.port);
        is_it && matches!(line.effect, Effect::GoesOn { .. })
    });
    names && !goes_on && !(scope == Scope::WriteQuarantine && reads)
}

impl Weighed {
    /// How much it takes beside what was heard: of two that cost the same the narrower one is better.
    const fn breadth(&self) -> u8 {
        match (self.scope, &self.target) {
            (Scope::WriteQuarantine, _) => 0,
            (_, Target::Conversation { server_port: Some(_), .. }) => 1,
            (_, Target::Conversation { .. }) => 2,
            _ => 3,
        }
    }

    fn row(&self, is_recommended: bool, deeds: usize) -> Value {
        let Harm { normal_silent, normal_degraded, criticality, silent } = self.harm;
        json!({
            "what": if is_recommended { "recommended" } else { "candidate" },
            "scope": self.scope.word(),
            "target": self.target.to_string(),
            "possible": self.point.is_ok(),
            "stops": format!("{} of {deeds}", self.stops),
            "silent": silent,
            "normal_silent": normal_silent,
            "normal_degraded": normal_degraded,
            "criticality": criticality,
            "remark": self.reason(is_recommended, deeds),
        })
    }

    fn reason(&self, is_recommended: bool, deeds: usize) -> String {
        let point = match &self.point {
            Ok(point) => format!("by {point}"),
            Err(why) => return why.clone(),
        };
        let Harm { normal_silent, normal_degraded, criticality, silent } = self.harm;
        let cost = match (normal_silent, normal_degraded) {
            (0, 0) => String::from("costs nothing that the baseline lists"),
            (0, count) => format!("takes a class of operations from {count} conversations of the baseline"),
            (count, _) => format!("silences {count} conversations of the baseline"),
        };
        let critical =
            if criticality > 0 { format!(", up to criticality {criticality}") } else { String::new() };
        let all = if self.stops == deeds { "all" } else { "some" };
        let why =
            if is_recommended { format!("the least harm of those that stop {all}: ") } else { String::new() };
        format!("{why}{cost}{critical}; {silent} conversations fall silent, {point}")
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Timestamp, order::Ends};

    use super::*;

    const ROGUE: &str = "10.2.0.66";
    const PLC: &str = "10.1.0.10";

    fn talker(text: &str) -> Talker {
        text.parse().unwrap()
    }

    fn deed(server: &str, port: u16, verb: Option<Verb>) -> Deed {
        let (client, server) = (talker(ROGUE), Some(talker(server)));
        Deed { client, server, port: Some(port), transport: Some(Transport::Tcp), verb }
    }

    fn line(server: &str, port: u16, is_normal: bool, effect: Effect) -> Affected {
        let (client, server) = (talker(ROGUE), talker(server));
        Affected {
            space: Default::default(),
            client,
            client_asset: None,
            server,
            server_asset: None,
            transport: Transport::Tcp,
            server_port: Some(port),
            protocol: "modbus".into(),
            unit: None,
            operations_per_minute: None,
            last_seen: Timestamp::default(),
            answered: true,
            baseline_entry: is_normal.then(|| "entry".into()),
            protected: None,
            effect,
            ends: Ends { client, server, client_mac: None, server_mac: None, tags: 0 },
        }
    }

    fn weighed(order: &(Target, Scope), lines: Vec<Affected>, deeds: &BTreeSet<Deed>) -> Weighed {
        let rehearsal = Rehearsal {
            target: order.0.clone(),
            scope: order.1,
            time: Timestamp::default(),
            conversations: lines,
        };
        weigh(&rehearsal, Ok("nftables".into()), deeds)
    }

    #[test]
    fn candidates_go_from_the_narrowest_to_the_talker_and_only_writes_are_stopped_by_a_quarantine() {
        let deeds = BTreeSet::from([deed(PLC, 502, Some(Verb::Write)), deed(PLC, 502, Some(Verb::Read))]);
        let orders = against(&deeds);
        let scopes: Vec<Scope> = orders.iter().map(|(_, scope)| *scope).collect();
        let (cut, isolate) = (Scope::CutConversation, Scope::IsolateTalker);
        assert_eq!(scopes, [Scope::WriteQuarantine, cut, cut, isolate]);
        let stopped: Vec<usize> =
            orders.iter().map(|order| weighed(order, Vec::new(), &deeds).stops).collect();
        assert_eq!(stopped, [1, 2, 2, 2], "its reads go on under quarantine");
    }

    #[test]
    fn what_does_not_come_by_is_not_stopped_and_what_the_plant_needs_is_harm() {
        let deeds = BTreeSet::from([deed(PLC, 502, Some(Verb::Write))]);
        let isolate = (Target::Talker { talker: talker(ROGUE) }, Scope::IsolateTalker);
        let past = Effect::GoesOn { why: "does not cross".into() };
        assert_eq!(weighed(&isolate, vec![line(PLC, 502, false, past)], &deeds).stops, 0);
        let both = vec![
            line(PLC, 502, false, Effect::FallsSilent),
            line("10.1.0.20", 102, true, Effect::FallsSilent),
        ];
        let broad = weighed(&isolate, both, &deeds);
        assert_eq!((broad.harm.silent, broad.harm.normal_silent), (2, 1));
        let orders = against(&deeds);
        let narrow = weighed(&orders[1], vec![line(PLC, 502, false, Effect::FallsSilent)], &deeds);
        assert!(narrow.harm < broad.harm && narrow.stops == broad.stops);
        assert!(narrow.reason(true, 1).contains("the least harm of those that stop all"), "{narrow:?}");
    }
}
