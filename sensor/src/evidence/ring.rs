//! Segments on disk.
//!
//! A segment is called `ring-` and its number; numbers only grow. It is written by a [`Recorder`], block by whole block.
//! The oldest segments go first, when there is no room for another or when they are too old.

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, BufReader, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use fieldwarden_model::time::Timestamp;
use thiserror::Error;

use super::keeper::Batch;
use crate::{
    live::Counters,
    pcapng::SECTION_HEADER,
    record::{Interface, RecordError, Recorded, Recorder},
    window::ByteOrder,
};

/// Segments that a ring is divided into at least: by so large a part its past is shorter than its bound allows.
const PARTS: u64 = 16;
/// A segment is put onto the disk when it is full; a large one would keep the disk busy for too long at once.
const MAX_SEGMENT_OCTETS: u64 = 8 * 1024 * 1024;
/// A segment must hold the longest batch.
const MIN_SEGMENT_OCTETS: u64 = 256 * 1024;
/// The statistics at the end of a segment, for each interface.
const STATISTICS_OCTETS: u64 = 64;

/// How much the ring keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Octets on disk; at least [`Bounds::MIN_OCTETS`].
    pub octets: u64,
    /// How long frames are kept at most.
    pub age: Duration,
}

impl Bounds {
    /// The smallest ring: 4 MiB.
    pub const MIN_OCTETS: u64 = PARTS * MIN_SEGMENT_OCTETS;

    fn segment(&self) -> u64 {
        (self.octets / PARTS).clamp(MIN_SEGMENT_OCTETS, MAX_SEGMENT_OCTETS)
    }
}

/// What was found when a ring was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healed {
    /// Segments of earlier runs.
    pub segments: usize,
    /// Octets of a block that a crash had left unfinished; they were cut off.
    pub cut_octets: u64,
}

/// Why a ring cannot be kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RingError {
    /// The folder cannot be made or read.
    #[error("the evidence folder `{}` cannot be used: {cause}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process keeps its ring there.
    #[error("another process keeps evidence in `{}`\n\nhint: is a daemon running already?", .folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
}

pub(super) struct Ring {
    folder: PathBuf,
    interfaces: Vec<Interface>,
    bounds: Bounds,
    closed: VecDeque<Segment>,
    open: Option<Open>,
    next: u64,
    _lock: File,
}

struct Segment {
    path: PathBuf,
    octets: u64,
    last: Timestamp,
}

struct Open {
    recorder: Recorder,
    path: PathBuf,
    first: Timestamp,
    last: Timestamp,
    counters: Vec<Counters>,
}

impl Ring {
    /// Opens the ring in `folder`, which is made where it does not exist, and heals what a crash left.
    pub(super) fn open(
        folder: &Path,
        interfaces: Vec<Interface>,
        bounds: Bounds,
    ) -> Result<(Self, Healed), RingError> {
        let wrong = |cause| RingError::Folder { folder: folder.to_path_buf(), cause };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("ring.lock"));
        let lock = lock.map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RingError::InUse { folder: folder.to_path_buf() }),
            Err(TryLockError::Error(cause)) => return Err(wrong(cause)),
        }
        let mut found = segments(folder).map_err(wrong)?;
        let mut healed = Healed::default();
        if let Some((_, path)) = found.last() {
            healed.cut_octets = heal(path).map_err(wrong)?;
            if !path.exists() {
                found.pop();
            }
        }
        healed.segments = found.len();
        let next = found.last().map_or(1, |(number, _)| number + 1);
        let closed = found.into_iter().map(|(_, path)| Segment::found(path)).collect::<io::Result<_>>();
        let bounds = Bounds { octets: bounds.octets.max(Bounds::MIN_OCTETS), ..bounds };
        let closed = closed.map_err(wrong)?;
        let mut ring =
            Self { folder: folder.to_path_buf(), interfaces, bounds, closed, open: None, next, _lock: lock };
        ring.let_go(0);
        Ok((ring, healed))
    }

    /// Writes a batch; all of it or nothing.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<(), RecordError> {
        let outlasted = self.open.as_ref().is_some_and(|open| {
            batch.last.since(open.first) >= self.bounds.age / u32::try_from(PARTS).unwrap_or(1)
        });
        if outlasted {
            self.close();
        }
        self.let_go_old(batch.last);
        for _ in 0..2 {
            let open = match &mut self.open {
                Some(open) => open,
                None => self.begin(batch.first)?,
            };
            match open.recorder.record_blocks(batch.octets()) {
                Ok(Recorded::Kept) => {
                    open.note(batch);
                    return Ok(());
                }
                Ok(_) => self.close(),
                Err(fault) => {
                    self.close();
                    return Err(fault);
                }
            }
        }
        Err(RecordError::Write {
            path: self.folder.clone(),
            octets: self.octets(),
            cause: io::ErrorKind::FileTooLarge.into(),
        })
    }

    /// Makes room where the disk has none left: what is oldest is worth least.
    pub(super) fn give_way(&mut self) {
        if let Some(oldest) = self.closed.pop_front() {
            remove(&oldest.path);
        }
    }

    /// Lets go what is too old by `now`.
    pub(super) fn let_go_old(&mut self, now: Timestamp) {
        let limit = now.saturating_sub(self.bounds.age);
        while self.closed.front().is_some_and(|oldest| oldest.last < limit) {
            self.give_way();
        }
    }

    pub(super) fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Open { recorder, path, last, counters, .. } = open;
        // What was written stands even where the disk refuses the statistics.
        let _ = recorder.finish(&counters);
        let octets = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.closed.push_back(Segment { path, octets, last });
    }

    /// Octets on disk.
    pub(super) fn octets(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |open| open.recorder.octets());
        self.closed.iter().map(|segment| segment.octets).sum::<u64>() + open
    }

    pub(super) fn segments(&self) -> usize {
        self.closed.len() + usize::from(self.open.is_some())
    }

    fn begin(&mut self, first: Timestamp) -> Result<&mut Open, RecordError> {
        let size = self.bounds.segment();
        self.let_go(size);
        let path = self.folder.join(format!("ring-{:010}.pcapng", self.next));
        let ends = STATISTICS_OCTETS * self.interfaces.len() as u64;
        let recorder = Recorder::create(&path, &self.interfaces, size.saturating_sub(ends));
        self.next += 1;
        let recorder = recorder.inspect_err(|fault| {
            // An empty file of ours would be taken for a segment.
            if !matches!(fault, RecordError::Exists { .. }) {
                remove(&path);
            }
        })?;
        let counters = vec![Counters::default(); self.interfaces.len()];
        Ok(self.open.insert(Open { recorder, path, first, last: first, counters }))
    }

    /// Deletes the oldest segments until `room` octets are free within the bound.
    fn let_go(&mut self, room: u64) {
        while !self.closed.is_empty() && self.octets() + room > self.bounds.octets {
            self.give_way();
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.close();
    }
}

impl Segment {
    fn found(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::metadata(&path)?;
        let written = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Frames were written as they came, so that the last write is about as old as the last frame.
        let last = Timestamp::from_nanos(i64::try_from(written.as_nanos()).unwrap_or(i64::MAX));
        Ok(Self { octets: metadata.len(), last, path })
    }
}

impl Open {
    fn note(&mut self, batch: &Batch) {
        self.last = self.last.max(batch.last);
        for (counters, (frames, lost)) in self.counters.iter_mut().zip(batch.counts()) {
            counters.received += frames;
            counters.dropped = counters.dropped.saturating_add(lost);
        }
    }
}

/// The segments in a folder, oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix("ring-").and_then(|rest| rest.strip_suffix(".pcapng"));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// A segment that cannot be removed is still there at the next start, and counted then.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Cuts a file back to its last whole block, as a writer that was killed may have left half of one; a file without
/// one goes. Returns the octets cut off.
fn heal(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(&file);
    let mut whole = 0;
    while let Some(octets) = next_block(&mut reader, length - whole, whole == 0)? {
        whole += octets;
    }
    if whole == 0 {
        fs::remove_file(path)?;
    } else if whole < length {
        file.set_len(whole)?;
        file.sync_all()?;
    }
    Ok(length - whole)
}

/// The length of the block at hand where it is whole, and the reader behind it.
fn next_block(reader: &mut BufReader<&File>, left: u64, first: bool) -> io::Result<Option<u64>> {
    if left < 12 {
        return Ok(None);
    }
    let mut head = [0; 8];
    reader.read_exact(&mut head)?;
    let length = ByteOrder::Little.u32(&head, 4);
    let is_whole = length >= 12 && length.is_multiple_of(4) && u64::from(length) <= left;
    if !is_whole || (first && ByteOrder::Little.u32(&head, 0) != SECTION_HEADER) {
        return Ok(None);
    }
    reader.seek_relative(i64::from(length) - 12)?;
    let mut tail = [0; 4];
    reader.read_exact(&mut tail)?;
    Ok((ByteOrder::Little.u32(&tail, 0) == length).then(|| u64::from(length)))
}
