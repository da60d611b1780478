//! Captures given on the command line: opened, merged by time, read with progress on a terminal.

use std::{
    io::IsTerminal as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use fieldwarden_model::{FrameRef, Loss, RawFrame};
use fieldwarden_sensor::{FrameSource as _, Merged, Room, Run};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, Outcome};

/// Work shorter than this shows no progress.
const PATIENCE: Duration = Duration::from_secs(2);
/// Frames between two looks at the clock.
const FRAMES_PER_LOOK: usize = 4096;
/// Frames taken together at most.
const FRAMES_AT_ONCE: usize = 16_384;
/// Octets read at a time where threads share the frames: some thousand frames, so that each has its work.
const OCTETS_TO_SHARE: usize = 1024 * 1024;

/// The captures of one command.
pub(crate) struct Captures {
    source: Merged,
    frames: u64,
}

impl Captures {
    /// Opens all of them; none is read when one is missing or foreign.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let source = Merged::open(paths).map_err(|fault| Failure::Input(fault.to_string()))?;
        Ok(Self { source, frames: 0 })
    }

    /// So many threads will share the frames.
    pub(crate) fn shared_by(mut self, threads: usize) -> Self {
        if threads > 1 {
            self.source.read_ahead(OCTETS_TO_SHARE);
        }
        self
    }

    /// The names, in the order given.
    pub(crate) fn names(&self) -> Vec<String> {
        self.source.captures().iter().map(|capture| capture.name().to_owned()).collect()
    }

    /// Frames read so far.
    pub(crate) const fn frames(&self) -> u64 {
        self.frames
    }

    /// Hands every frame to `take`, in the order of time. A capture that ends early, and frames that a capture itself
    /// lost, are told on standard error once; what was read stands.
    pub(crate) fn each(
        &mut self,
        doing: &str,
        mut take: impl FnMut(RawFrame<'_>, FrameRef) -> Outcome,
    ) -> Outcome {
        let mut lost = 0u64;
        self.runs(doing, |captured| match captured {
            Captured::Frames(frames) => {
                frames.iter().try_for_each(|(reference, frame)| take(*frame, *reference))
            }
            Captured::Loss(loss) => {
                lost = lost.saturating_add(loss.frames);
                Ok(())
            }
        })?;
        if lost > 0 {
            eprintln!("fieldwarden: note: {lost} frames are missing, which the capture itself lost");
        }
        Ok(())
    }

    /// Hands frames, as many at once as are at hand, and losses to `take`, in the order of time; for those who judge by both.
    pub(crate) fn runs(&mut self, doing: &str, mut take: impl FnMut(Captured<'_, '_>) -> Outcome) -> Outcome {
        let mut progress = Progress::new(doing);
        let mut room = Room::default();
        loop {
            let mut frames = room.take();
            match self.source.next_frames(FRAMES_AT_ONCE, &mut frames) {
                Ok(Run::Frames) => {
                    self.frames += frames.len() as u64;
                    take(Captured::Frames(&frames))?;
                }
                Ok(Run::Loss(loss)) => take(Captured::Loss(loss))?,
                Ok(Run::Idle) => {}
                Ok(Run::End) => return Ok(()),
                Err(fault) if fault.keeps_what_was_read() => eprintln!("fieldwarden: note: {fault}"),
                Err(fault) => return Err(Failure::Input(fault.to_string())),
            }
            let taken = frames.len();
            room.put_back(frames);
            progress.look(&self.source, taken);
        }
    }
}

/// What a capture holds.
pub(crate) enum Captured<'r, 'a> {
    /// Frames, and where they stand.
    Frames(&'r [(FrameRef, RawFrame<'a>)]),
    /// Frames that the capture itself lost at this place.
    Loss(Loss),
}

/// A bar on the terminal, for work that takes long enough to deserve one.
struct Progress {
    doing: String,
    since: Instant,
    until_look: usize,
    bar: Option<ProgressBar>,
    shown: bool,
}

impl Progress {
    fn new(doing: &str) -> Self {
        let shown = std::io::stderr().is_terminal();
        Self { doing: doing.to_owned(), since: Instant::now(), until_look: FRAMES_PER_LOOK, bar: None, shown }
    }

    fn look(&mut self, source: &Merged, frames: usize) {
        self.until_look = self.until_look.saturating_sub(frames.max(1));
        if self.until_look > 0 {
            return;
        }
        self.until_look = FRAMES_PER_LOOK;
        if !self.shown || self.since.elapsed() < PATIENCE {
            return;
        }
        let (done, total) = source
            .captures()
            .iter()
            .map(|capture| capture.progress())
            .fold((0, 0), |sum, one| (sum.0 + one.done(), sum.1 + one.total));
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} {bar:40} {percent} %  {eta} to go");
            ProgressBar::new(total)
                .with_message(self.doing.clone())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
