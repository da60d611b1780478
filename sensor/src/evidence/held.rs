//! The ring as a source of frames, also while it is being written.

use std::{
    io,
    path::{Path, PathBuf},
};

use fieldwarden_model::{
    frame::{FrameRef, RawFrame},
    time::Timestamp,
};

use super::ring::segments;
use crate::{CaptureFile, FrameSource, Next, SourceError};

/// Frames of the ring, oldest first, each under the number it had when it was captured.
///
/// The segments are those there were when it was opened. One that is let go meanwhile, or that is damaged, is passed over
/// and named in [`Held::faults`]; the unfinished end of the newest is no fault.
pub struct Held {
    /// The newest first.
    waiting: Vec<PathBuf>,
    current: Option<CaptureFile>,
    faults: Vec<String>,
}

impl Held {
    /// Opens the ring in `folder`, from the segment on that was begun last before `from`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(folder: &Path, from: Timestamp) -> io::Result<Self> {
        let mut waiting = Vec::new();
        for (_, path) in segments(folder)?.into_iter().rev() {
            let first = begins(&path);
            waiting.push(path);
            if first.is_some_and(|first| first <= from) {
                break;
            }
        }
        Ok(Self { waiting, current: None, faults: Vec::new() })
    }

    /// What could not be read, in sentences.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Finds the next frame or loss; false at the end.
    fn advance(&mut self) -> bool {
        loop {
            if let Some(current) = &mut self.current {
                match current.advance() {
                    Ok(true) => return true,
                    Ok(false) => {}
                    Err(SourceError::Truncated { .. }) if self.waiting.is_empty() => {}
                    Err(fault) => self.faults.push(fault.to_string()),
                }
                self.current = None;
            }
            let Some(path) = self.waiting.pop() else { return false };
            match CaptureFile::open(&path, 0) {
                Ok(file) => self.current = Some(file),
                Err(fault) => self.faults.push(fault.to_string()),
            }
        }
    }
}

impl FrameSource for Held {
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError> {
        if !self.advance() {
            return Ok(Next::End);
        }
        let Some(current) = &self.current else { return Ok(Next::End) };
        let number = current.captured_number();
        Ok(match current.current() {
            Next::Frame(at, frame) => {
                Next::Frame(FrameRef { number: number.unwrap_or(at.number), ..at }, frame)
            }
            next => next,
        })
    }

    fn interface_name(&self, frame: FrameRef, interface: u16) -> Option<String> {
        self.current.as_ref()?.interface_name(frame, interface)
    }
}

/// The time of a segment's first frame.
fn begins(path: &Path) -> Option<Timestamp> {
    let mut file = CaptureFile::open(path, 0).ok()?;
    loop {
        match file.next_frame().ok()? {
            Next::Frame(_, RawFrame { time, .. }) => return Some(time),
            Next::Loss(_) => {}
            Next::Idle | Next::End => return None,
        }
    }
}
