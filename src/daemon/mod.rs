//! The wiring of a running gateway: a parent that keeps the privileges, a daemon that has none.

mod answers;
pub(crate) mod approved;
mod candidates;
mod containment;
pub(crate) mod control;
mod enforcer;
mod evidence;
mod handover;
mod hours;
mod judge;
mod learning;
mod listen;
mod memory;
pub(crate) mod operate;
pub(crate) mod parent;
mod rehearsal;
pub(crate) mod settings;

use std::time::{SystemTime, UNIX_EPOCH};

use fieldwarden_model::Timestamp;

/// What the parent says when the daemon found its words or a file wrong; the daemon has told the details itself.
pub(crate) const WORDS_OR_FILE_WRONG: &str = "the configuration is at fault (see above)";

/// The wall clock, for decisions of people and for idle time; frames bring their own.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// How much less of a processor than the engine a thread gets that works behind it (sched(7), nice values).
const BEHIND: i32 = 10;

/// Lets the engine's thread go before this one where both want the same processor: an alert is told on time, and what
/// waits for a disk can wait a little longer.
pub(crate) fn give_way() {
    // Without it, alerts are slower under load, and nothing else changes.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), BEHIND);
}
