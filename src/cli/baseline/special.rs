//! What of a baseline is shown beside its talkers and conversations: what holds in one mode alone, schedules, what is quiet.

use fieldwarden_engine::{
    Baseline,
    baseline::{Quiet, quiet::moment},
};
use fieldwarden_model::Timestamp;
use serde_json::{Value, json};

use super::{
    super::Outcome,
    LINES_VERSION,
    seen::{Seen, text},
    show::{details, entry_row, headline, talker_row},
};

/// What holds in one mode alone, and when each is due.
pub(super) fn modes(out: &mut impl std::io::Write, baseline: &Baseline, lines: usize) -> Outcome {
    for mode in &baseline.modes {
        writeln!(out, "\nIn {} alone:", mode.name)?;
        for known in &mode.talkers {
            writeln!(out, "  talker {}", known.talker)?;
        }
        for entry in &mode.conversations {
            writeln!(out, "  {}", headline(entry))?;
            for (what, text) in details(entry, lines) {
                writeln!(out, "    {what:<10}{text}")?;
            }
        }
    }
    for shift in &baseline.schedule {
        writeln!(out, "\nSchedule: {shift}")?;
    }
    Ok(())
}

/// What is quiet, until when and why; an end that passed, or none at all, is said.
pub(super) fn quiet(
    out: &mut impl std::io::Write,
    quiet: &Quiet,
    at: Timestamp,
    seen: Option<&Seen>,
) -> Outcome {
    let until = match quiet.until {
        Some(until) if !quiet.holds(at) => format!("OVER since {}: take it out", moment(until)),
        Some(until) => moment(until),
        None => String::from("OPEN-ENDED: give it an end"),
    };
    writeln!(out, "\n{}\n  {:<10}{until}\n  {:<10}{}", quiet.subject(), "until", "reason", quiet.reason)?;
    if let Some(by) = &quiet.accepted_by {
        writeln!(out, "  {:<10}{by}", "by")?;
    }
    if let Some(seen) = seen {
        writeln!(out, "  {:<10}{}", "seen", text(seen.quiet(quiet)))?;
    }
    Ok(())
}

/// What holds in one mode alone: the lines of talkers and conversations, with the mode; then the schedule.
pub(super) fn mode_rows(baseline: &Baseline) -> Vec<Value> {
    let mut rows = Vec::new();
    for mode in &baseline.modes {
        let own = mode.talkers.iter().map(talker_row).chain(mode.conversations.iter().map(entry_row));
        rows.extend(own.map(|mut row| {
            if let Value::Object(keys) = &mut row {
                keys.insert("mode".into(), mode.name.as_str().into());
            }
            row
        }));
    }
    let shift = |shift| json!({"type": "schedule", "version": LINES_VERSION, "schedule": format!("{shift}")});
    rows.extend(baseline.schedule.iter().map(shift));
    rows
}

pub(super) fn quiet_row(quiet: &Quiet, at: Timestamp) -> Value {
    json!({
        "type": "quiet",
        "version": LINES_VERSION,
        "scope": quiet.scope.to_string(),
        "until": quiet.until.map(moment),
        "over": !quiet.holds(at),
        "reason": quiet.reason,
        "accepted_by": quiet.accepted_by,
    })
}
