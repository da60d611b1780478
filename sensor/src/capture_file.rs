//! Capture files: pcap and pcapng, plain, gzip or zstd, read as a stream.
//!
//! Frames are numbered from 1 as they stand in the file, as `tshark` numbers them. The file is never held whole:
//! memory is one block, at most [`MAX_BLOCK_OCTETS`], plus the decompressor's window.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use fieldwarden_model::{
    frame::{FrameRef, Loss, RawFrame},
    time::Timestamp,
};

use crate::{
    FrameSource, Next, Run, SourceError,
    expand::expand,
    pcap::{Found, Pcap},
    pcapng::{Pcapng, Piece},
    window::{Stop, Window},
};

/// The longest frame or block that is read: 16 MiB.
pub const MAX_BLOCK_OCTETS: usize = 16 * 1024 * 1024;

/// A capture file being read.
pub struct CaptureFile {
    name: String,
    capture: u16,
    window: Window,
    format: Format,
    frames: u64,
    current: Option<Piece>,
    /// The frame behind a loss that its own block told of.
    behind: Option<Found>,
    ended: bool,
    progress: Progress,
    /// The frames lent last, where there were several.
    run: Vec<Found>,
}

/// How far the reading has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Octets of the file as it stands on disk, 0 where that is not known.
    pub total: u64,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Octets read so far, as they stand on disk. May be asked from another thread.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl CaptureFile {
    /// Opens a file. `capture` is its place in the order given, from 0, which its frames then carry.
    ///
    /// # Errors
    /// [`SourceError::Unreadable`], [`SourceError::Foreign`], or a file header that is truncated.
    pub fn open(path: &Path, capture: u16) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|cause| SourceError::Unreadable { name: name.clone(), cause })?;
        let total = file.metadata().map_or(0, |metadata| metadata.len());
        Self::start(name, Box::new(file), capture, total)
    }

    /// Asks the system for at least so many octets at a time: the more, the more frames are at hand together, as threads that
    /// share them want it. One thread is quickest with what is asked for otherwise.
    pub fn read_ahead(&mut self, octets: usize) {
        self.window.widen(octets);
    }

    /// Reads a capture from anything that can be read; `name` is told in errors.
    ///
    /// # Errors
    /// As [`CaptureFile::open`].
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
        capture: u16,
    ) -> Result<Self, SourceError> {
        Self::start(name.into(), Box::new(reader), capture, 0)
    }

    fn start(
        name: String,
        reader: Box<dyn Read + Send>,
        capture: u16,
        total: u64,
    ) -> Result<Self, SourceError> {
        let progress = Progress { total, read: Arc::default() };
        let counted = Counted { reader, read: Arc::clone(&progress.read) };
        let opened = expand(Box::new(counted)).map_err(Stop::Io).and_then(|stream| {
            let mut window = Window::new(stream);
            let format = Format::recognise(&mut window)?;
            Ok((window, format))
        });
        match opened {
            Ok((window, Ok(format))) => Ok(Self {
                name,
                capture,
                window,
                format,
                frames: 0,
                current: None,
                behind: None,
                ended: false,
                progress,
                run: Vec::new(),
            }),
            Ok((_, Err(begins))) => Err(SourceError::Foreign { name, begins }),
            Err(Stop::Io(cause)) => Err(SourceError::Unreadable { name, cause }),
            Err(stop) => Err(told(stop, name, 0, 0)),
        }
    }

    /// The name told in errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many frames were found so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// A view of how far the reading has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Finds the next frame or loss; false at the end. For merging, which has to see the time before it takes.
    ///
    /// # Errors
    /// What ends this capture early; asking again says that it ended.
    pub(crate) fn advance(&mut self) -> Result<bool, SourceError> {
        self.current = None;
        if let Some(found) = self.behind.take() {
            self.frame(found);
            return Ok(true);
        }
        if self.ended {
            return Ok(false);
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.window).map(|found| found.map(Piece::Frame)),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.window),
        };
        match found {
            Ok(Some(Piece::Frame(found))) if found.lost > 0 => {
                let Found { time, interface, lost, .. } = found;
                self.behind = Some(found);
                self.current = Some(Piece::Loss(Loss { time, interface, frames: lost }));
                Ok(true)
            }
            Ok(Some(Piece::Frame(found))) => {
                self.frame(found);
                Ok(true)
            }
            Ok(Some(loss)) => {
                self.current = Some(loss);
                Ok(true)
            }
            Ok(None) => {
                self.ended = true;
                Ok(false)
            }
            Err(stop) => {
                self.ended = true;
                Err(told(stop, self.name.clone(), self.frames, self.window.offset()))
            }
        }
    }

    fn frame(&mut self, found: Found) {
        self.frames += 1;
        self.current = Some(Piece::Frame(found));
    }

    /// What [`CaptureFile::advance`] found last; [`Next::End`] where there was nothing.
    pub(crate) fn current(&self) -> Next<'_> {
        match &self.current {
            Some(Piece::Frame(found)) => self.view(found),
            Some(Piece::Loss(loss)) => Next::Loss(*loss),
            None => Next::End,
        }
    }

    /// The next frame, when all of it is in the window and nothing else comes before it.
    #[inline]
    fn at_hand(&mut self) -> Option<Found> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.at_hand(&mut self.window),
            Format::Pcapng(pcapng) if self.behind.is_none() => pcapng.at_hand(&mut self.window),
            Format::Pcapng(_) => None,
        }
    }

    /// A frame found, as it is handed out.
    #[inline]
    fn view(&self, found: &Found) -> Next<'_> {
        Next::Frame(FrameRef { capture: self.capture, number: self.frames }, self.raw(found))
    }

    #[inline]
    fn raw(&self, found: &Found) -> RawFrame<'_> {
        RawFrame {
            time: found.time,
            link_type: found.link_type,
            interface: found.interface,
            wire_length: found.wire_length,
            tag: None,
            bytes: self.window.slice(found.bytes.clone()),
        }
    }

    /// The number that the frame found last had when it was captured, where the file keeps it (`epb_packetid`).
    pub(crate) fn captured_number(&self) -> Option<u64> {
        match self.current.as_ref()? {
            Piece::Frame(found) => Some(found.id).filter(|id| *id > 0),
            Piece::Loss(_) => None,
        }
    }

    pub(crate) fn current_time(&self) -> Option<Timestamp> {
        match self.current.as_ref()? {
            Piece::Frame(found) => Some(found.time),
            Piece::Loss(loss) => Some(loss.time),
        }
    }
}

impl FrameSource for CaptureFile {
    #[inline]
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError> {
        // The frame that is at hand goes out without a detour over `current`.
        if let Some(found) = self.at_hand() {
            self.frames += 1;
            return Ok(self.view(&found));
        }
        self.advance()?;
        Ok(self.current())
    }

    fn next_frames<'a>(
        &'a mut self,
        most: usize,
        out: &mut Vec<(FrameRef, RawFrame<'a>)>,
    ) -> Result<Run, SourceError> {
        let before = self.frames;
        let mut run = core::mem::take(&mut self.run);
        run.clear();
        while run.len() < most
            && let Some(found) = self.at_hand()
        {
            run.push(found);
        }
        self.run = run;
        if self.run.is_empty() {
            return Ok(Run::of(self.next_frame()?, out));
        }
        self.frames = before + self.run.len() as u64;
        let this = &*self;
        out.extend(
            this.run
                .iter()
                .zip(before + 1..)
                .map(|(found, number)| (FrameRef { capture: this.capture, number }, this.raw(found))),
        );
        Ok(Run::Frames)
    }

    fn interface_name(&self, _: FrameRef, interface: u16) -> Option<String> {
        let named = match &self.format {
            Format::Pcap(_) => None,
            Format::Pcapng(pcapng) => pcapng.interface_name(interface),
        };
        Some(named.map_or_else(|| file_name(&self.name), str::to_owned))
    }
}

impl Format {
    /// The format, or how the file begins instead.
    fn recognise(window: &mut Window) -> Result<Result<Self, String>, Stop> {
        match window.begin(4, "file header") {
            Ok(true) => {}
            Ok(false) => return Ok(Err("it is empty".into())),
            Err(Stop::Truncated { .. }) if !window.is_cut() => return Ok(Err(begins(window.bytes()))),
            Err(stop) => return Err(stop),
        }
        if let Some(pcap) = Pcap::begin(window)? {
            return Ok(Ok(Self::Pcap(pcap)));
        }
        if let Some(pcapng) = Pcapng::begin(window)? {
            return Ok(Ok(Self::Pcapng(pcapng)));
        }
        Ok(Err(begins(window.bytes())))
    }
}

/// The last part of a path: a slice of evidence says where its frames come from, wherever the file lies.
fn file_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn begins(bytes: &[u8]) -> String {
    let mut text = String::from("it starts with");
    for octet in bytes.iter().take(4) {
        // Writing to a String cannot fail.
        let _ = write!(text, " {octet:02x}");
    }
    text
}

fn told(stop: Stop, name: String, after: u64, offset: u64) -> SourceError {
    match stop {
        Stop::Io(cause) => SourceError::Interrupted { name, after, cause },
        Stop::Truncated { part, got, expected } => {
            SourceError::Truncated { name, after, part, got, expected }
        }
        Stop::Damaged(what) => SourceError::Damaged { name, after, offset, what },
    }
}

struct Counted {
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(room)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
#[path = "capture_file_tests.rs"]
mod tests;
