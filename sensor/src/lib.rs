//! Frames in, raw: live capture, capture files, recordings.
//!
//! Whatever the origin, frames come through one door, [`FrameSource`]: bytes as captured, link type, time, and the
//! VLAN tag where the kernel reports it beside the bytes. Nothing here looks into a frame.
//!
//! | module | what it does |
//! |---|---|
//! | [`capture_file`] | pcap and pcapng, plain, gzip or zstd, one block in memory at a time |
//! | [`merge`] | several captures in the order of time |
//! | [`live`] | a ring shared with the kernel (`TPACKET_V3`), opened with privileges and read without |
//! | [`record`] | pcapng writing, bounded, tags put back where they stood |
//! | [`tag`] | where a tag that the kernel took out belongs |
//!
//! Guarantees: nothing here ever transmits, no file makes it panic or hold more than one block
//! ([`capture_file::MAX_BLOCK_OCTETS`]), and what the kernel dropped is counted.
//! Unsafe code lives in `sys.rs` alone: system calls and the memory shared with the kernel.
#![deny(unsafe_code)]

pub mod capture_file;
mod error;
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
}

/// What a source has.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A frame, and where it stands: frames are numbered from 1 within their capture.
    Frame(FrameRef, RawFrame<'a>),
    /// Frames that the capture itself lost, told where the loss was noticed: behind the frames handed out before, and
    /// before those that follow.
    Loss(Loss),
    /// None arrived for as long as the source waits. Only a live capture says so; a frame captured up to
    /// [`live::HOLD`] ago may still be on its way.
    Idle,
    /// There will be none.
    End,
}
