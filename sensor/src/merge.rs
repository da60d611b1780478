//! Several captures as one, in the order of time.

use std::{cmp::Reverse, collections::BinaryHeap, path::Path};

use fieldwarden_model::time::Timestamp;

use crate::{CaptureFile, FrameSource, Next, SourceError};

/// Captures merged by time, ties in the order given. The order within one capture is kept, even where its times run
/// backwards: only the frames at the heads are compared.
///
/// A capture that ends early is told once, and the others go on.
pub struct Merged {
    captures: Vec<CaptureFile>,
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Captures to move on before the next frame is chosen, last first.
    due: Vec<usize>,
}

impl Merged {
    /// Merges captures that are already open; each tells its own place in the order given.
    #[must_use]
    pub fn new(captures: Vec<CaptureFile>) -> Self {
        let due = (0..captures.len()).rev().collect();
        Self { captures, heads: BinaryHeap::new(), due }
    }

    /// Opens and merges files.
    ///
    /// # Errors
    /// The first file that cannot be opened, as [`CaptureFile::open`] says.
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Self, SourceError> {
        let captures =
            paths.iter().zip(0u16..).map(|(path, capture)| CaptureFile::open(path.as_ref(), capture));
        captures.collect::<Result<_, _>>().map(Self::new)
    }

    /// The captures merged, in the order given, for their names and progress.
    #[must_use]
    pub fn captures(&self) -> &[CaptureFile] {
        &self.captures
    }
}

impl FrameSource for Merged {
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError> {
        while let Some(index) = self.due.pop() {
            let Some(capture) = self.captures.get_mut(index) else { continue };
            capture.advance()?;
            if let Some(time) = capture.current_time() {
                self.heads.push(Reverse((time, index)));
            }
        }
        let Some(Reverse((_, index))) = self.heads.pop() else { return Ok(Next::End) };
        self.due.push(index);
        let frame = self.captures.get(index).and_then(CaptureFile::current);
        Ok(frame.map_or(Next::End, |(at, frame)| Next::Frame(at, frame)))
    }
}
