//! The way of a frame from the sensing thread to the disk: encoded into a batch, handed over, written by a thread of its
//! own. There are [`BATCHES`] batches, which go round; when none is free the disk is behind, and frames are left out
//! until one comes back.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fieldwarden_model::{
    frame::{Loss, RawFrame},
    time::Timestamp,
};

use super::ring::{Bounds, Healed, Ring, RingError};
use crate::{
    blocks::{self, Notes},
    record::Interface,
    tag::Restored,
};

/// Batches that go round: 4 MiB between the sensing thread and the disk.
const BATCHES: usize = 32;
const BATCH_OCTETS: usize = 128 * 1024;
/// A frame longer than this comes from no interface (64 KiB is the longest), and is left out.
const MAX_FRAME_OCTETS: usize = 96 * 1024;
/// How long a disk that refused is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// How the ring does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Frames put on disk since the start.
    pub kept: u64,
    /// Frames left out since the start, as the disk was slow or refused.
    pub left_out: u64,
    /// Octets on disk.
    pub octets: u64,
    /// Segments on disk.
    pub segments: usize,
    /// What the disk says, while it refuses.
    pub trouble: Option<String>,
}

/// Takes frames for the ring, and never makes its caller wait.
pub struct Keeper {
    batch: Option<Batch>,
    to_disk: Option<SyncSender<Batch>>,
    back: Receiver<Batch>,
    writer: Option<JoinHandle<()>>,
    interfaces: Vec<Missing>,
    status: Arc<Mutex<Status>>,
    left_out: u64,
}

/// What of an interface is to be told before its next frame.
#[derive(Clone, Debug, Default)]
struct Missing {
    lost: u64,
    left_out: u64,
    /// When the first and the last frame left out were heard.
    between: Option<(Timestamp, Timestamp)>,
}

/// Blocks of frames on their way to the disk.
pub(super) struct Batch {
    octets: Vec<u8>,
    /// Frames of each interface, and frames told lost.
    counts: Vec<(u64, u64)>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    refused: bool,
}

impl Batch {
    fn new(interfaces: usize) -> Self {
        Self {
            octets: Vec::with_capacity(BATCH_OCTETS + MAX_FRAME_OCTETS),
            counts: vec![(0, 0); interfaces],
            first: Timestamp::default(),
            last: Timestamp::default(),
            refused: false,
        }
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.iter().copied()
    }

    fn frames(&self) -> u64 {
        self.counts.iter().map(|(frames, _)| frames).sum()
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.counts.fill((0, 0));
        self.refused = false;
    }
}

impl Keeper {
    /// Opens the ring in `folder` and starts the thread that writes. `interfaces` in the order of
    /// [`RawFrame::interface`].
    ///
    /// # Errors
    /// The folder cannot be used, or no thread can be started.
    pub fn start(
        folder: &Path,
        interfaces: Vec<Interface>,
        bounds: Bounds,
    ) -> Result<(Self, Healed), RingError> {
        let count = interfaces.len();
        let (ring, healed) = Ring::open(folder, interfaces, bounds)?;
        let (to_disk, batches) = sync_channel(BATCHES);
        let (give_back, back) = channel();
        for _ in 0..BATCHES {
            // The receiver lives here.
            let _ = give_back.send(Batch::new(count));
        }
        let status = Arc::new(Mutex::new(Status {
            octets: ring.octets(),
            segments: ring.segments(),
            ..Status::default()
        }));
        let told = Arc::clone(&status);
        let writer = thread::Builder::new()
            .name("evidence".into())
            .spawn(move || write_all(ring, &batches, &give_back, &told))
            .map_err(|cause| RingError::Folder { folder: folder.to_path_buf(), cause })?;
        let interfaces = vec![Missing::default(); count];
        let keeper = Self {
            batch: None,
            to_disk: Some(to_disk),
            back,
            writer: Some(writer),
            interfaces,
            status,
            left_out: 0,
        };
        Ok((keeper, healed))
    }

    /// Keeps a frame, which `number` names within its capture. False where it was left out, as the disk is behind.
    pub fn keep(&mut self, number: u64, frame: &RawFrame<'_>) -> bool {
        if self.batch.is_none() {
            self.batch = self.free();
        }
        let interface = usize::from(frame.interface);
        let restored = Restored::of(frame);
        let Some((missing, batch)) = self.interfaces.get_mut(interface).zip(self.batch.as_mut()) else {
            self.leave_out(frame);
            return false;
        };
        if restored.len() > MAX_FRAME_OCTETS {
            self.leave_out(frame);
            return false;
        }
        if batch.octets.is_empty() {
            batch.first = frame.time;
        }
        let comment = missing.comment();
        let lost = missing.lost.saturating_add(missing.left_out);
        *missing = Missing::default();
        let notes = Notes { comment: &comment, number, lost };
        blocks::packet(&mut batch.octets, frame, &restored, frame.interface, &notes);
        if let Some((frames, told)) = batch.counts.get_mut(interface) {
            *frames += 1;
            *told = told.saturating_add(lost);
        }
        batch.last = frame.time;
        if batch.octets.len() >= BATCH_OCTETS {
            self.flush();
        }
        true
    }

    /// The capture lost frames: told before the next frame of the interface.
    pub fn lose(&mut self, loss: &Loss) {
        if let Some(missing) = self.interfaces.get_mut(usize::from(loss.interface)) {
            missing.lost = missing.lost.saturating_add(loss.frames);
        }
    }

    /// Hands over what has gathered. Called when the network is quiet, and now and then: what was not handed over is
    /// what a kill costs.
    pub fn flush(&mut self) {
        let Some(batch) = self.batch.take() else { return };
        if batch.octets.is_empty() {
            self.batch = Some(batch);
            return;
        }
        // There is room for every batch there is; the other end is gone only after a panic, and then nothing comes back.
        if let Some(to_disk) = &self.to_disk {
            let _ = to_disk.try_send(batch);
        }
    }

    /// How the ring does.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.left_out = self.left_out;
        status
    }

    /// Waits until everything handed over is on disk, and ends the segment.
    pub fn finish(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.flush();
        self.to_disk = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has been printed already.
            let _ = writer.join();
        }
    }

    /// A batch to fill, where one is free; what the disk refused with it is counted as left out.
    fn free(&mut self) -> Option<Batch> {
        let mut batch = self.back.try_recv().ok()?;
        if batch.refused {
            self.left_out += batch.frames();
            let between = (batch.first, batch.last);
            for (missing, (frames, lost)) in self.interfaces.iter_mut().zip(batch.counts.iter().copied()) {
                missing.lost = missing.lost.saturating_add(lost);
                missing.leave_out(frames, between);
            }
        }
        batch.clear();
        Some(batch)
    }

    fn leave_out(&mut self, frame: &RawFrame<'_>) {
        self.left_out += 1;
        if let Some(missing) = self.interfaces.get_mut(usize::from(frame.interface)) {
            missing.leave_out(1, (frame.time, frame.time));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Missing {
    fn leave_out(&mut self, frames: u64, (first, last): (Timestamp, Timestamp)) {
        if frames == 0 {
            return;
        }
        self.left_out += frames;
        let known = self.between.unwrap_or((first, last));
        self.between = Some((known.0.min(first), known.1.max(last)));
    }

    fn comment(&self) -> String {
        let Some((first, last)) = self.between else { return String::new() };
        format!(
            "{} frames from {first} to {last} were heard and judged but are not kept here: the disk did not take them",
            self.left_out
        )
    }
}

fn write_all(mut ring: Ring, batches: &Receiver<Batch>, give_back: &Sender<Batch>, status: &Mutex<Status>) {
    let mut refused_at: Option<Instant> = None;
    while let Ok(mut batch) = batches.recv() {
        let resting = refused_at.is_some_and(|since| since.elapsed() < RETRY);
        let written = if resting { None } else { Some(ring.write(&batch)) };
        let mut told = status.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Some(Ok(())) => {
                refused_at = None;
                told.trouble = None;
                told.kept += batch.frames();
            }
            Some(Err(fault)) => {
                refused_at = Some(Instant::now());
                told.trouble = Some(fault.to_string());
                ring.give_way();
                batch.refused = true;
            }
            None => batch.refused = true,
        }
        (told.octets, told.segments) = (ring.octets(), ring.segments());
        drop(told);
        // The keeper may have gone; then the batches that wait are still written.
        let _ = give_back.send(batch);
    }
}
