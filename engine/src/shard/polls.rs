//! Polls that stop: conversations of the baseline that are asked no longer, or answered no longer, and those that go on again.
//!
//! Nothing is done per message: how lively conversations are is kept anyway, and looked at when the first of them may be overdue. Time
//! counts while the sensor hears anything at all, so that neither the end of a capture nor a gap in it silences the plant.

use std::time::Duration;

use fieldwarden_model::{FrameRef, Timestamp};

use super::{Conversation, Judge, What, entry_of, run};
use crate::{
    baseline::compiled::CompiledEntry,
    blindness::Need,
    detect::{Stop, Stopped, Subject},
    track::Pulse,
};

/// Requests without an answer that make a silence: below it one was lost.
const UNANSWERED: u32 = 3;
/// Others are looked at when they may be overdue, and not twice a second.
const SOON: Duration = Duration::from_secs(1);
/// Overdue conversations are looked at this often, for they may go on.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// What a conversation stopped doing, as far as it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Poll {
    /// It goes on, or was never one.
    #[default]
    On,
    /// It stopped.
    Off(Stop),
}

/// How long a conversation may be silent.
#[derive(Clone, Copy, Debug)]
struct Patience {
    asking: Duration,
    answering: Duration,
}

/// What is known of the service beside the conversation.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// When it was last not seen as it should be.
    blind_at: Timestamp,
    /// Whether connections are tried since the last answer.
    in_vain: bool,
}

impl Judge {
    /// Looks at every poll of the baseline, if one may be overdue.
    pub(super) fn look_at_polls(&mut self, now: Timestamp, pulse: Pulse) {
        let Some(baseline) = self.rules.baseline.clone() else {
            self.polls_due = Timestamp::MAX;
            return;
        };
        // What was lost may have been their messages.
        let lacks = self.lost.at(now).with(self.stepped.at(now));
        if lacks.blinds(&[Need::Requests, Need::Answers, Need::Time]) {
            self.polls_due = now.saturating_add(LOOK_AGAIN);
            return;
        }
        let rules = self.rules.clone();
        let context = rules.context();
        let observations = &mut self.observations;
        let mut due = Timestamp::MAX;
        self.services.each_mut(|service| {
            if !service.known || service.to_group {
                return;
            }
            let answers = service.conversations.iter().filter_map(|known| known.activity.last_answer);
            // What is tried after the last answer of all is tried in vain.
            let in_vain = answers.max().is_some_and(|answer| service.tried > answer);
            let seen = Seen { blind_at: service.blind_at, in_vain };
            for conversation in &mut service.conversations {
                let Some(entry) = entry_of(Some(&baseline), conversation.entry) else { continue };
                let Some(period) = entry.period_ms else { continue };
                if conversation.idle {
                    due = due.min(now.saturating_add(LOOK_AGAIN));
                    continue;
                }
                let patience = Patience {
                    asking: context.settings.lost_poll.patience(period, entry.pace.pause_ms),
                    answering: context.settings.silent_controller.patience(period),
                };
                let before = conversation.poll;
                let next = conversation.look(pulse, seen, patience);
                let again = if conversation.poll == Poll::On { SOON } else { LOOK_AGAIN };
                due = due.min(next.max(now.saturating_add(again)));
                match (before, conversation.poll) {
                    (Poll::Off(_), Poll::On) => {
                        let resumed = What::Resumed(Box::new(conversation.key));
                        observations.push(now, FrameRef::default(), resumed);
                    }
                    (Poll::On, Poll::Off(stop)) => {
                        let stopped = conversation.stopped(stop, entry, now);
                        run(&context, &Subject::Stopped(stopped), &mut service.memory, observations);
                    }
                    _ => {}
                }
            }
        });
        self.polls_due = due;
    }
}

impl Conversation {
    /// Notes whether its poll goes on, and tells when that may be otherwise.
    fn look(&mut self, pulse: Pulse, seen: Seen, patience: Patience) -> Timestamp {
        let (poll, next) = self.poll_by(pulse, seen, patience);
        let recent = |at: Option<Timestamp>, patience: Duration| {
            at.is_some_and(|at| pulse.heard.since(at) <= patience)
        };
        // A gap in the capture excuses a silence, and is no return.
        let is_back = match self.poll {
            Poll::On => true,
            Poll::Off(Stop::Asking) => recent(Some(self.activity.last), patience.asking),
            Poll::Off(Stop::Answering) => recent(self.activity.last_answer, patience.answering),
        };
        match (self.poll, poll) {
            (Poll::On, _) => self.poll = poll,
            (Poll::Off(_), Poll::On) if is_back => self.poll = poll,
            _ => {}
        }
        next
    }

    /// What it does by the time of the last frame, and when that may be otherwise.
    fn poll_by(&self, pulse: Pulse, seen: Seen, patience: Patience) -> (Poll, Timestamp) {
        let activity = &self.activity;
        let asked = activity.last.max(pulse.awake);
        let answered = activity.last_answer.map(|answer| answer.max(pulse.awake));
        let next = [
            Some(asked.saturating_add(patience.asking)),
            answered.map(|at| at.saturating_add(patience.answering)),
        ];
        let next = next.into_iter().flatten().min().unwrap_or(Timestamp::MAX);
        // Where the service is not seen as it should be since then, nobody knows whether it went on.
        let silent = |since: Timestamp, for_long: Duration, last: Timestamp| {
            pulse.heard.since(since) > for_long && seen.blind_at < last
        };
        let unanswered = answered.is_some_and(|since| {
            self.unanswered >= UNANSWERED
                && silent(since, patience.answering, activity.last_answer.unwrap_or(since))
        });
        let poll = if silent(asked, patience.asking, activity.last) {
            // Connections that are tried again and again are asking, too.
            Poll::Off(if unanswered || seen.in_vain { Stop::Answering } else { Stop::Asking })
        } else if unanswered {
            Poll::Off(Stop::Answering)
        } else {
            Poll::On
        };
        (poll, next)
    }

    fn stopped<'a>(&'a self, stop: Stop, entry: &'a CompiledEntry, time: Timestamp) -> Stopped<'a> {
        let since = match stop {
            Stop::Asking => self.activity.last,
            Stop::Answering => self.activity.last_answer.unwrap_or(self.activity.last),
        };
        Stopped { stop, conversation: &self.key, entry, since, time }
    }
}
