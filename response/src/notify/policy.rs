//! Whom a destination tells of what, and when, as its table says. What follows from it is the [`desk`](super::desk)'s business.

use std::time::Duration;

use fieldwarden_model::{Severity, Timestamp, week::WeeklyHours};

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
