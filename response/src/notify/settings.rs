//! What a table of the configuration says about whom to tell and when.

use std::time::Duration;

use fieldwarden_model::{Section, Severity, section::Reader, week::WeeklyHours};

use super::policy::{Escalation, OnCall, Policy, Quiet, Storm};

/// The highest level of an on-call schedule.
const MAX_LEVEL: u64 = 9;

/// The policy of what tells people: `severity`, `to`, `storm_messages`, `storm_secs`, `escalate_after_secs`, `escalate_times`, and the tables
/// `quiet` and `on_call`. Each name in `to`, and in `people` of an on-call line, is held against `is_person`, which says why it is none.
pub(super) fn people(
    reader: &mut Reader<'_>,
    is_person: fn(&str) -> Result<(), String>,
    needs_somebody: bool,
) -> Option<Policy> {
    let least = reader.one_of("severity", &severities(Severity::Medium));
    let to = persons(reader, "to", is_person);
    let messages = usize::try_from(reader.within("storm_messages", 0..=1_000, 10)).unwrap_or(10);
    let within = Duration::from_secs(reader.within("storm_secs", 1..=86_400, 600));
    let storm = (messages > 0).then_some(Storm { messages, within });
    let after = Duration::from_secs(reader.within("escalate_after_secs", 0..=86_400, 900));
    let most = u8::try_from(reader.within("escalate_times", 1..=20, 3)).unwrap_or(3);
    let escalation = (!after.is_zero()).then_some(Escalation { after, most });
    let mut quiet = Vec::new();
    for table in reader.tables("quiet") {
        quiet.extend(reader.absorb(read_quiet(table)));
    }
    let mut on_call = Vec::new();
    for table in reader.tables("on_call") {
        on_call.extend(reader.absorb(read_on_call(table, is_person)));
    }
    if needs_somebody && to.is_empty() && on_call.is_empty() {
        let help = Some("write to = [..], or an on_call table".into());
        reader.fault_at("to", "nobody is to be told".into(), help);
    }
    Some(Policy { least: least?, tells_acknowledged: false, quiet, storm, escalation, to, on_call })
}

fn persons(
    reader: &mut Reader<'_>,
    key: &'static str,
    is_person: fn(&str) -> Result<(), String>,
) -> Vec<String> {
    let to = reader.or(key, Vec::<String>::new());
    for person in &to {
        if let Err(why) = is_person(person) {
            reader.fault_at(key, why, None);
        }
    }
    to
}

fn read_quiet(table: &Section) -> Result<Quiet, Vec<fieldwarden_model::Fault>> {
    let mut reader = Reader::new(table);
    let hours = WeeklyHours::read(&mut reader);
    let below = reader.one_of("below", &severities(Severity::Critical));
    let quiet = hours.zip(below).map(|(hours, below)| Quiet { hours, below });
    reader.finish_with(quiet)
}

fn read_on_call(
    table: &Section,
    is_person: fn(&str) -> Result<(), String>,
) -> Result<OnCall, Vec<fieldwarden_model::Fault>> {
    let mut reader = Reader::new(table);
    let hours = WeeklyHours::read(&mut reader);
    let level = u8::try_from(reader.within("level", 1..=MAX_LEVEL, 1)).unwrap_or(1);
    // `to` is the end of the hours.
    let to = persons(&mut reader, "people", is_person);
    if to.is_empty() {
        reader.fault_at("people", "names nobody".into(), None);
    }
    reader.finish_with(hours.map(|hours| OnCall { level, hours, to }))
}

/// Each with its word, what is usual first.
fn severities(usual: Severity) -> Vec<(&'static str, Severity)> {
    let others = Severity::ALL.into_iter().filter(|severity| *severity != usual);
    [usual].into_iter().chain(others).map(|severity| (severity.word(), severity)).collect()
}
