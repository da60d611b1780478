//! Frames in, raw: live capture, capture files, recordings.
//!
//! Whatever the origin, frames come through one door, [`FrameSource`]: bytes as captured, link type, time, and the
//! VLAN tag where the kernel reports it beside the bytes. Nothing here looks into a frame.
//!
//! | module | what it does |
//! |---|---|
//! | [`capture_file`] | pcap and pcapng, plain, gzip or zstd, one block in memory at a time |
//! | [`merge`] | several captures in the order of time |
//! | [`live`] | rings shared with the kernel (`TPACKET_V3`), opened with privileges and read without |
//! | [`record`] | pcapng writing, bounded, tags put back where they stood |
//! | [`evidence`] | the ring of past frames on disk, and slices cut out of it or out of captures |
//! | [`tag`] | where a tag that the kernel took out belongs |
//!
//! Guarantees: nothing here ever transmits, no file makes it panic or hold more than one block
//! ([`capture_file::MAX_BLOCK_OCTETS`]), and what the kernel dropped is counted.
//! Unsafe code lives in `sys.rs` alone: system calls and the memory shared with the kernel.
#![deny(unsafe_code)]

mod blocks;
pub mod capture_file;
mod error;
pub mod evidence;
mod expand;
pub mod live;
pub mod merge;
mod pcap;
mod pcapng;
pub mod record;
mod ring;
#[cfg(test)]
mod samples;
#[expect(unsafe_code, reason = "system calls and the ring shared with the kernel have no safe form in std")]
mod sys;
pub mod tag;
mod window;

pub use capture_file::CaptureFile;
pub use error::{Damage, SourceError};
use fieldwarden_model::frame::{FrameRef, Loss, RawFrame};
pub use live::LiveCapture;
pub use merge::Merged;
pub use record::Recorder;

/// Where frames come from.
pub trait FrameSource {
    /// The next frame, borrowed until the next call.
    ///
    /// # Errors
    /// What [`SourceError`] says. Frames handed out before stand, and asking again goes on with whatever is left:
    /// the other captures of a merge, the frames after an interface came back, or [`Next::End`].
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError>;

    /// The name of the interface that a frame handed out before came from, where it is known.
    fn interface_name(&self, _frame: FrameRef, _interface: u16) -> Option<String> {
        None
    }

    /// The frames that are ready, 1 at least and `most` at most, put behind what `out` holds; all of them stay borrowed
    /// until the next call. Nothing is waited for once there is one. A loss is told by itself, between the frames it
    /// stands between.
    ///
    /// [`Room`] keeps a vector's memory from one call to the next.
    ///
    /// # Errors
    /// As [`FrameSource::next_frame`]; `out` is then as it was.
    fn next_frames<'a>(
        &'a mut self,
        most: usize,
        out: &mut Vec<(FrameRef, RawFrame<'a>)>,
    ) -> Result<Run, SourceError> {
        // A source that reads the next frame over the last one can lend only one at a time.
        let _ = most;
        Ok(Run::of(self.next_frame()?, out))
    }
}

/// What [`FrameSource::next_frames`] had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Frames.
    Frames,
    /// As [`Next::Loss`].
    Loss(Loss),
    /// As [`Next::Idle`].
    Idle,
    /// As [`Next::End`].
    End,
}

impl Run {
    /// A run of one.
    fn of<'a>(next: Next<'a>, out: &mut Vec<(FrameRef, RawFrame<'a>)>) -> Self {
        match next {
            Next::Frame(at, frame) => {
                out.push((at, frame));
                Self::Frames
            }
            Next::Loss(loss) => Self::Loss(loss),
            Next::Idle => Self::Idle,
            Next::End => Self::End,
        }
    }
}

/// Memory for frames taken together, kept between runs, whose frames are borrowed for one run only.
///
/// ```
/// # use fieldwarden_sensor::{FrameSource, Room, Run, SourceError};
/// # fn all(mut source: impl FrameSource) -> Result<(), SourceError> {
/// let mut room = Room::default();
/// loop {
///     let mut frames = room.take();
///     if source.next_frames(256, &mut frames)? == Run::End {
///         return Ok(());
///     }
///     // ... all frames of the run are at hand here ...
///     room.put_back(frames);
/// }
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Room(Vec<(FrameRef, RawFrame<'static>)>);

impl Room {
    /// An empty vector.
    #[must_use]
    pub fn take<'a>(&mut self) -> Vec<(FrameRef, RawFrame<'a>)> {
        std::mem::take(&mut self.0)
    }

    /// Keeps the memory of a vector for the next run.
    pub fn put_back(&mut self, mut frames: Vec<(FrameRef, RawFrame<'_>)>) {
        frames.clear();
        // Nothing is left to convert but the type; collecting a vector's own iterator reuses its memory.
        self.0 = frames.into_iter().map_while(|_| None).collect();
    }
}

/// What a source has.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A frame, and where it stands: frames are numbered from 1 within their capture.
    Frame(FrameRef, RawFrame<'a>),
    /// Frames that the capture itself lost, told where the loss was noticed: behind the frames handed out before, and
    /// before those that follow.
    Loss(Loss),
    /// None arrived for as long as the source waits. Only a live capture says so; a frame captured less
    /// than [`live::SETTLED`] ago may still be on its way.
    Idle,
    /// There will be none.
    End,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_for_frames_is_kept_between_runs() {
        let mut room = Room::default();
        let mut frames = room.take();
        frames.reserve(300);
        let (capacity, place) = (frames.capacity(), frames.as_ptr() as usize);
        room.put_back(frames);
        let again = room.take();
        assert_eq!((again.len(), again.capacity(), again.as_ptr() as usize), (0, capacity, place));
    }
}
