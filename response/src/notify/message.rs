//! What a person reads: which incident, what happened, to which asset, what was done, what is asked, and how to acknowledge it.
//!
//! Whatever stood on the wire (a device's name, a title made of it) is shown within one line and within bounds: what ends a line, moves a cursor or
//! turns the direction of writing is U+FFFD.

use std::fmt::Write as _;

use fieldwarden_model::{Incident, OrderState, Severity, Timestamp, digest::Digest};

use super::policy::{Change, Notice, Plan, Why};
use crate::{
    forward::content::deceives,
    store::{Briefing, Status, StoredOrder},
};

/// Characters of a title that are told.
const MAX_TITLE: usize = 200;
/// Characters of a name.
const MAX_NAME: usize = 64;
/// Assets and talkers that are named.
const MAX_NAMED: usize = 5;
/// Steps of the story, and orders, that are told.
const MAX_STEPS: usize = 8;
/// Incidents of a digest that are told in full; the others are counted.
const MAX_LISTED: usize = 50;

/// One message, ready for any way.
#[derive(Clone, Debug)]
pub struct Message {
    /// Why it is told.
    pub why: Why,
    /// How bad the worst of it is.
    pub severity: Severity,
    /// What it is about: one incident, or more.
    pub items: Vec<Item>,
    /// Whom, where the way knows people.
    pub to: Vec<String>,
    /// The gateway that tells.
    pub gateway: String,
    /// When.
    pub time: Timestamp,
}

/// One incident in a message.
#[derive(Clone, Debug)]
pub struct Item {
    /// The incident, the assets it touched, the orders that answer it.
    pub briefing: Briefing,
    /// What of it.
    pub notice: Notice,
}

impl Message {
    /// The message that a plan makes; none where none of its incidents is kept any more.
    pub(super) fn new(
        plan: &Plan,
        gateway: &str,
        time: Timestamp,
        mut brief: impl FnMut(&Notice) -> Option<Briefing>,
    ) -> Option<Self> {
        let items: Vec<Item> = plan
            .notices
            .iter()
            .filter_map(|notice| Some(Item { briefing: brief(notice)?, notice: notice.clone() }))
            .collect();
        let (why, severity, to) = (plan.why, plan.severity, plan.to.clone());
        (!items.is_empty()).then(|| Self {
            why,
            severity,
            items,
            to,
            gateway: plain(gateway, MAX_NAME),
            time,
        })
    }

    /// The incident, where it is about one alone.
    #[must_use]
    pub fn single(&self) -> Option<&Item> {
        match self.items.as_slice() {
            [item] => Some(item),
            _ => None,
        }
    }

    /// What tells this message from every other, and a repeat of it from none: 16 hexadecimal digits.
    #[must_use]
    pub fn key(&self) -> String {
        let mut digest = Digest::new().with("notice");
        for item in &self.items {
            // Two messages about one revision (an order, a second call) differ in their changes.
            let changes = format!("{:?}", item.notice.changes);
            digest =
                digest.with(&item.notice.incident.0).with(item.notice.revision.to_be_bytes()).with(changes);
        }
        digest.short()
    }

    /// One line: how bad, what asset, what happened.
    #[must_use]
    pub fn subject(&self) -> String {
        let severity = self.severity.word().to_uppercase();
        match self.single() {
            Some(item) => {
                let what = item.notice.changes.last().map(word).unwrap_or_default();
                format!("[{severity}] {}: {} ({what})", item.asset(), item.title())
            }
            None => {
                let count = self.items.len();
                let what = match self.why {
                    Why::Unanswered => "not acknowledged",
                    Why::Change | Why::Waited => "with news",
                };
                format!("[{severity}] {count} incidents {what}, on {}", self.gateway)
            }
        }
    }

    /// The whole in plain text; lines end with `\n`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        if let Some(item) = self.single() {
            item.tell(&mut out);
        } else {
            let introduction = match self.why {
                Why::Unanswered => "Nobody has acknowledged these incidents:",
                Why::Change | Why::Waited => {
                    "What happened while quiet hours or a storm of messages held it back, the worst first:"
                }
            };
            line(&mut out, introduction);
            for item in self.items.iter().take(MAX_LISTED) {
                line(&mut out, "");
                item.list(&mut out);
            }
            if let Some(more) = self.items.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
                line(&mut out, "");
                line(&mut out, &format!("And {more} incidents more: fieldwarden incident list"));
            }
            line(&mut out, "");
            line(
                &mut out,
                "Asked of whoever reads this: acknowledge each that you look at, so that nobody is called again:",
            );
            line(&mut out, "  fieldwarden incident status ID acknowledged");
        }
        line(&mut out, "");
        line(&mut out, &format!("Told by {} at {}; times are UTC.", self.gateway, moment(self.time)));
        out
    }

    /// Two lines for a small screen.
    #[must_use]
    pub fn short(&self) -> String {
        match self.single() {
            Some(item) if item.is_over() => self.subject(),
            Some(item) => format!(
                "{}. Acknowledge: fieldwarden incident status {} acknowledged",
                self.subject(),
                item.id()
            ),
            None => format!("{}: fieldwarden incident list", self.subject()),
        }
    }
}

impl Item {
    fn incident(&self) -> &Incident {
        &self.briefing.case.incident
    }

    /// The incident's id, as a command takes it.
    #[must_use]
    pub fn id(&self) -> String {
        plain(&self.incident().id.0, MAX_NAME)
    }

    /// What happened, in one line.
    #[must_use]
    pub fn title(&self) -> String {
        plain(&self.incident().title, MAX_TITLE)
    }

    /// The asset it is about before all: what was touched last, by its name.
    #[must_use]
    pub fn asset(&self) -> String {
        let touched = self.briefing.assets.first();
        match (touched, self.incident().talkers.last()) {
            (Some((_, Some(name))), _) => plain(name, MAX_NAME),
            (Some((talker, None)), _) | (None, Some(talker)) => talker.to_string(),
            (None, None) => "the network".into(),
        }
    }

    fn is_over(&self) -> bool {
        self.briefing.case.status == Status::Closed
    }

    fn assets(&self) -> String {
        let named = |(talker, name): &(fieldwarden_model::Talker, Option<String>)| match name {
            Some(name) => format!("{} ({talker})", plain(name, MAX_NAME)),
            None => talker.to_string(),
        };
        let all: Vec<String> = self.briefing.assets.iter().map(named).collect();
        if all.is_empty() { self.asset() } else { some(&all) }
    }

    /// The changes in words, in their order.
    #[must_use]
    pub fn changes(&self) -> String {
        let mut words: Vec<String> = self.notice.changes.iter().map(word).collect();
        if self.notice.unlisted > 0 {
            words.push(format!("and {} changes more", self.notice.unlisted));
        }
        words.join("; ")
    }

    /// What was done about it.
    #[must_use]
    pub fn done(&self) -> String {
        let orders = &self.briefing.orders;
        if orders.is_empty() {
            return "nothing yet: nobody and nothing is contained".into();
        }
        let told: Vec<String> = orders.iter().rev().take(MAX_STEPS).map(order).collect();
        told.join("; ")
    }

    /// What is asked of whoever reads it.
    #[must_use]
    pub fn asked(&self) -> String {
        let stuck = self.briefing.orders.iter().any(|stored| stored.state == OrderState::Stuck);
        let proposed = self.briefing.orders.iter().any(|stored| stored.state == OrderState::Proposed);
        let acknowledge = "Look at it, and acknowledge it so that nobody else is called.";
        match (self.briefing.case.status, stuck, proposed) {
            (_, true, _) => {
                "An order is stuck: the device does not read back as desired. Look at the device now.".into()
            }
            (Status::New, _, true) => format!("{acknowledge} An order waits for an approval."),
            (_, _, true) => "An order waits for an approval.".into(),
            (Status::New, ..) => acknowledge.into(),
            (Status::Closed, ..) => "Nothing: it is closed.".into(),
            (Status::Acknowledged | Status::InProgress, ..) => match &self.briefing.case.assignee {
                Some(name) => {
                    format!("Nothing of you, unless you are {}, who works on it.", plain(name, MAX_NAME))
                }
                None => "Nothing more: somebody has acknowledged it.".into(),
            },
        }
    }

    fn tell(&self, out: &mut String) {
        let incident = self.incident();
        line(out, &format!("{}: {}", capital(incident.severity), self.title()));
        line(out, "");
        pair(out, "News", &self.changes());
        pair(out, "Asset", &self.assets());
        let talkers: Vec<String> = incident.talkers.iter().map(ToString::to_string).collect();
        pair(out, "Who is in it", &some(&talkers));
        let since = format!(
            "{} {}, the first at {}, the last at {}; {}",
            incident.alerts,
            if incident.alerts == 1 { "alert" } else { "alerts" },
            moment(incident.first),
            moment(incident.last),
            if incident.open { "it goes on" } else { "none has come since for a while" }
        );
        pair(out, "How long", &since);
        for step in incident.story.iter().take(MAX_STEPS) {
            pair(out, "What happened", &format!("{} {}", moment(step.time), plain(&step.what, MAX_TITLE)));
        }
        pair(out, "What was done", &self.done());
        pair(out, "What is asked", &self.asked());
        line(out, "");
        line(out, "To see it:");
        line(out, &format!("  fieldwarden incident show {}", self.id()));
        if !self.is_over() {
            line(out, "To acknowledge it:");
            line(out, &format!("  fieldwarden incident status {} acknowledged", self.id()));
        }
    }

    fn list(&self, out: &mut String) {
        let severity = self.incident().severity.word().to_uppercase();
        line(out, &format!("[{severity}] {}: {}", self.asset(), self.title()));
        line(out, &format!("  {}", self.changes()));
        line(out, &format!("  {} (case {})", self.id(), self.briefing.case.status.word().replace('_', " ")));
    }
}

/// A change in a few words.
fn word(change: &Change) -> String {
    match change {
        Change::Opened => "opened".into(),
        Change::Rose { from } => format!("severity rose from {from}"),
        Change::Reopened => "reopened".into(),
        Change::Acknowledged => "acknowledged".into(),
        Change::Closed => "closed".into(),
        Change::Order { order, state } => format!("order {} {}", plain(order, MAX_NAME), in_words(*state)),
        Change::Unanswered { call } => format!("not acknowledged, call {call}"),
        Change::Again => "told again".into(),
    }
}

/// What a state of an order means to somebody who does not know the word.
const fn in_words(state: OrderState) -> &'static str {
    match state {
        OrderState::Proposed => "proposed: it waits for a person",
        OrderState::Refused => "refused: nothing was changed",
        OrderState::Approved => "approved",
        OrderState::Applying => "is being applied",
        OrderState::Provisional => "in force, for now",
        OrderState::Kept => "in force until it lapses: contained",
        OrderState::Lapsed => "lapsed: it is no longer contained",
        OrderState::Released => "released by a person: it is no longer contained",
        OrderState::Reverted => "undone: it is not contained",
        OrderState::Stuck => "stuck: look at the device",
    }
}

fn order(stored: &StoredOrder) -> String {
    let target = plain(&stored.order.target.to_string(), MAX_NAME);
    let state = in_words(stored.state);
    format!(
        "{} against {target}: {state} ({})",
        stored.order.scope.word(),
        plain(&stored.order.id.0, MAX_NAME)
    )
}

const fn capital(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Info",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

/// `2026-11-27 22:14:05Z`.
fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {}Z", clock.get(..8).unwrap_or_default())
}

/// The first of them, and how many more.
fn some(all: &[String]) -> String {
    let mut text = all.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = all.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        // Writing to a String cannot fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn pair(out: &mut String, name: &str, text: &str) {
    line(out, &format!("{name:<14} {text}"));
}

/// At most so many characters, in one line, none of which deceives.
pub(super) fn plain(text: &str, most: usize) -> String {
    let tame = |c: char| if c.is_control() || deceives(c) { char::REPLACEMENT_CHARACTER } else { c };
    let mut out: String = text.chars().take(most).map(tame).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}
