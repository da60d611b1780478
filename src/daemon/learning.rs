//! Learning live: the same learner that `learn` runs over captures, beside the engine.
//!
//! What is learned is written to a file of its own, now and then and at the end. It is a draft: the daemon judges by what
//! people approved, so a person reads the draft before it becomes the baseline. Nobody chose what is learned from, so the guard
//! against poisoning is strict; what it sets apart stands in a file beside the draft.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fieldwarden_engine::baseline::{
    guard::{Guard, GuardedLearner, Lesson},
    learn::Settings,
};
use fieldwarden_model::{FrameRef, RawFrame, Site};
use serde_json::Value;

use super::answers::row;
use crate::cli;

/// How often the draft is written. A crash loses at most this much of what was learned since.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// The learner and where its draft goes.
pub(crate) struct Learning {
    learner: GuardedLearner,
    draft: PathBuf,
    written: Instant,
}

impl Learning {
    /// Starts with nothing learned.
    pub(crate) fn new(site: Site, draft: PathBuf) -> Self {
        let settings = Settings { site, ..cli::learner_settings() };
        let learner = GuardedLearner::new(settings, Guard::Strict);
        Self { learner, draft, written: Instant::now() }
    }

    /// Learns from a frame.
    pub(crate) fn frame(&mut self, frame: RawFrame<'_>, reference: FrameRef) {
        self.learner.frame(frame, reference);
    }

    /// Writes the draft when it is time; what went wrong, in a sentence.
    pub(crate) fn write_when_due(&mut self) -> Result<(), String> {
        if self.written.elapsed() < WRITE_EVERY {
            return Ok(());
        }
        self.written = Instant::now();
        write(&self.draft, &self.learner.so_far())
    }

    /// Writes the draft for the last time.
    pub(crate) fn finish(self) -> Result<(), String> {
        write(&self.draft, &self.learner.finish())
    }

    /// A line for `status`.
    pub(crate) fn status(&self) -> Value {
        let detail = format!("{} Draft: {}", cli::outline(&self.learner.settled()), self.draft.display());
        row("learning", "under way", &detail)
    }
}

fn write(draft: &Path, lesson: &Lesson) -> Result<(), String> {
    cli::write_lesson(draft, lesson).map_err(|fault| fault.to_string())
}
