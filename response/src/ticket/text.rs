//! What a ticket says, in plain words: what happened, to what, what was done, what is asked of whom.

use std::{collections::BTreeMap, fmt::Write as _};

use fieldwarden_model::{Incident, OrderState, Severity, Talker, digest::Digest};

use crate::{
    forward::content::deceives,
    store::{Said, Shown, Status, StoredOrder, Told},
};

/// Characters of a subject. Request Tracker keeps 200, others more.
const MAX_SUBJECT: usize = 180;
/// Characters of one line that holds words off the wire.
const MAX_LINE: usize = 500;
/// Lines of a remark that come back into the case.
const MAX_LINES: usize = 100;
/// Steps of the story, talkers and orders that are told.
const MAX_LISTED: usize = 20;

/// An incident as a ticket tells it.
#[derive(Clone, Debug)]
pub(super) struct Matter {
    pub(super) incident: Incident,
    pub(super) status: Status,
    names: BTreeMap<Talker, String>,
    orders: Vec<StoredOrder>,
}

impl From<Shown> for Matter {
    fn from(shown: Shown) -> Self {
        let mut names = BTreeMap::new();
        for alert in shown.alerts {
            let sides = [(Some(alert.client), alert.client_name), (alert.server, alert.server_name)];
            names.extend(sides.into_iter().filter_map(|(talker, name)| talker.zip(name)));
        }
        Self { incident: shown.case.incident, status: shown.case.status, names, orders: shown.orders }
    }
}

impl From<&Told> for Matter {
    fn from(told: &Told) -> Self {
        let (incident, status) = (told.incident.clone(), told.status);
        Self { incident, status, names: BTreeMap::new(), orders: Vec::new() }
    }
}

/// The correlation key of an incident: `FW-` and 16 hexadecimal digits of the SHA-256 of the site, the first talker (the attacker's side), the first that it
/// touched, and the techniques it was first told with. Two gateways that watch the same site find the same.
pub(super) fn key(site: &str, incident: &Incident) -> String {
    let mut talkers = incident.talkers.iter().map(ToString::to_string);
    let (talker, asset) = (talkers.next().unwrap_or_default(), talkers.next().unwrap_or_default());
    let mut digest = Digest::new().with("ticket").with(site).with(talker).with(asset);
    for technique in &incident.techniques {
        digest = digest.with(&technique.0);
    }
    format!("FW-{}", digest.short())
}

/// The first line of whatever we write into a ticket. It tells our words from those of people, and what is said once they stand there.
pub(super) fn mark(incident: &Incident, said: &Said) -> String {
    format!("Fieldwarden incident {}, revision {}, state {}", incident.id, said.revision, state(said))
}

/// The incident that a text of ours is about, and the state it brought the ticket to; none of a text that is not ours.
pub(super) fn marked(text: &str) -> Option<(&str, &str)> {
    let line = text.trim_start().lines().next()?;
    let (id, rest) = line.strip_prefix("Fieldwarden incident ")?.split_once(", revision ")?;
    Some((id, rest.split_once(", state ")?.1.trim()))
}

/// A short name for what a ticket says.
pub(super) fn state(said: &Said) -> String {
    // A list of plain values always serialises.
    Digest::new().with(serde_json::to_string(said).unwrap_or_default()).short()
}

/// The subject, which begins with the key that tickets are found by.
pub(super) fn subject(key: &str, matter: &Matter) -> String {
    let incident = &matter.incident;
    tamed(&format!("[{key}] {}: {}", word(incident.severity), incident.title), MAX_SUBJECT)
}

/// The whole ticket.
pub(super) fn body(site: &str, gateway: &str, matter: &Matter) -> String {
    let incident = &matter.incident;
    let mut text = format!("{}\nSite {site}, gateway {gateway}\n", mark(incident, &said(matter)));
    head(&mut text, "What happened");
    line(&mut text, &incident.title);
    for step in incident.story.iter().take(MAX_LISTED) {
        line(&mut text, &format!("{}  {}", step.time, step.what));
    }
    more(&mut text, incident.story.len());
    line(&mut text, &format!("first {}, last {}, {} alerts", incident.first, incident.last, incident.alerts));
    head(&mut text, "To whom");
    for (talker, side) in incident.talkers.iter().zip(sides()).take(MAX_LISTED) {
        line(&mut text, &format!("{side} {}", matter.named(talker)));
    }
    more(&mut text, incident.talkers.len());
    head(&mut text, "How much it matters");
    line(&mut text, &format!("{}, score {} of 100", word(incident.severity), incident.score));
    if !incident.techniques.is_empty() {
        let techniques: Vec<&str> =
            incident.techniques.iter().map(|technique| technique.0.as_str()).collect();
        line(&mut text, &format!("ATT&CK for ICS: {}", techniques.join(", ")));
    }
    head(&mut text, "What was done");
    matter.orders.iter().take(MAX_LISTED).for_each(|stored| line(&mut text, &told_order(stored)));
    more(&mut text, matter.orders.len());
    if matter.orders.is_empty() {
        line(&mut text, "Nothing yet: nobody has approved an order against it.");
    }
    asked(&mut text, matter);
    text
}

fn asked(text: &mut String, matter: &Matter) {
    let incident = &matter.incident;
    head(text, "What is asked of whom");
    let touched = incident.talkers.get(1).map_or_else(|| "the plant".into(), |talker| matter.named(talker));
    line(
        text,
        &format!("Shift leader: is {touched} as it should be, and does anybody work on it with permission?"),
    );
    line(
        text,
        &format!(
            "Responder: on the gateway, `fieldwarden incident show {}`, then `fieldwarden contain rehearse` before anything is cut.",
            incident.id
        ),
    );
    line(
        text,
        "Whoever closes this ticket closes the case on the gateway with it; a further alert opens both again.",
    );
    head(text, "Evidence");
    line(text, &format!("`fieldwarden incident evidence {}` on the gateway", incident.id));
}

/// What a ticket says now.
pub(super) fn said(matter: &Matter) -> Said {
    let incident = &matter.incident;
    let state = |stored: &StoredOrder| (stored.order.id.0.clone(), stored.state.word().to_owned());
    Said {
        revision: incident.revision,
        severity: Some(incident.severity),
        status: matter.status,
        techniques: incident.techniques.len(),
        talkers: incident.talkers.len(),
        orders: matter.orders.iter().take(MAX_LISTED).map(state).collect(),
    }
}

/// What has changed that people should hear of, one line each; empty where nothing did.
pub(super) fn changes(before: &Said, matter: &Matter) -> Vec<String> {
    let (incident, mut lines) = (&matter.incident, Vec::new());
    if before.severity.is_none_or(|severity| severity < incident.severity) {
        lines.push(format!("It matters more: {}, score {} of 100.", word(incident.severity), incident.score));
    }
    if before.status != matter.status {
        let of = |status: Status| status.word().replace('_', " ");
        lines.push(format!("The case is {}; it was {}.", of(matter.status), of(before.status)));
    }
    for talker in incident.talkers.iter().skip(before.talkers).take(MAX_LISTED) {
        lines.push(format!("It reached {}.", matter.named(talker)));
    }
    if before.techniques < incident.techniques.len() {
        let techniques: Vec<&str> =
            incident.techniques.iter().map(|technique| technique.0.as_str()).collect();
        lines.push(format!("Techniques so far: {}.", techniques.join(", ")));
    }
    let new = |stored: &&StoredOrder| {
        !before.orders.iter().any(|(id, state)| *id == stored.order.id.0 && state == stored.state.word())
    };
    lines.extend(matter.orders.iter().take(MAX_LISTED).filter(new).map(told_order));
    lines
}

/// A remark of ours: the mark, and what has changed.
pub(super) fn remark(matter: &Matter, lines: &[String]) -> String {
    let mut text = format!("{}\n", mark(&matter.incident, &said(matter)));
    lines.iter().for_each(|told| line(&mut text, told));
    text
}

impl Matter {
    fn named(&self, talker: &Talker) -> String {
        self.names.get(talker).map_or_else(|| talker.to_string(), |name| format!("{name} ({talker})"))
    }
}

fn told_order(stored: &StoredOrder) -> String {
    let (order, cause) = (&stored.order, stored.report.as_ref().map(|report| report.cause.as_str()));
    let by: Vec<&str> = stored.approvals.iter().map(|approval| approval.operator.as_str()).collect();
    let mut told =
        format!("Order {}: {} {}, {}", order.id, order.scope.word(), order.target, stored.state.word());
    // Writing to a String cannot fail.
    let _ = match by.as_slice() {
        [] => write!(told, "; proposed by {}", order.author),
        people => write!(told, "; approved by {}", people.join(" and ")),
    };
    if let Some(cause) = cause.filter(|cause| !cause.is_empty()) {
        let _ = write!(told, "; {cause}");
    }
    if stored.state == OrderState::Stuck {
        told.push_str(". An operator must act now: see `fieldwarden contain list`");
    }
    told
}

fn sides() -> impl Iterator<Item = &'static str> {
    std::iter::once("from").chain(std::iter::repeat("touched"))
}

fn head(text: &mut String, words: &str) {
    text.push('\n');
    text.push_str(words);
    text.push('\n');
}

fn line(text: &mut String, words: &str) {
    text.push_str("  ");
    text.push_str(&tamed(words, MAX_LINE));
    text.push('\n');
}

fn more(text: &mut String, count: usize) {
    if let Some(rest) = count.checked_sub(MAX_LISTED).filter(|rest| *rest > 0) {
        line(text, &format!("and {rest} more"));
    }
}

/// Words that may come off the wire, as one line of bounded length without anything that moves a cursor, hides, or turns the direction of writing.
pub(super) fn tamed(text: &str, most: usize) -> String {
    let shown = text.chars().map(|c| if c.is_control() || deceives(c) { ' ' } else { c });
    let whole: String = shown.take(most + 1).collect();
    match whole.char_indices().nth(most) {
        Some(_) => whole.chars().take(most - 1).chain(['…']).collect(),
        None => whole.trim_end().to_owned(),
    }
}

/// What a person wrote, of bounded length, its lines kept.
pub(super) fn tamed_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| tamed(line, MAX_LINE)).take(MAX_LINES).collect();
    lines.join("\n").trim().to_owned()
}

/// The word for a severity at the beginning of a line.
pub(super) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}
