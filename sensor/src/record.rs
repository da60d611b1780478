//! Recordings: what was captured, as pcapng (draft-ietf-opsawg-pcapng).
//!
//! One section in little-endian order, one interface description for each interface with its name and a resolution of
//! nanoseconds, one enhanced packet block for each frame, one statistics block where the capture was found to have lost
//! frames, and at the end one for each interface with what the kernel received and dropped in all. A VLAN tag that the kernel took out is put back, so that the recording holds
//! the frame as it was on the wire and as any other capture program would have written it.
//!
//! A recording is bounded. It never overwrites a file, and a disk that runs full leaves whole blocks only.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use fieldwarden_model::{
    frame::{Loss, RawFrame},
    time::Timestamp,
};
use thiserror::Error;

pub use crate::blocks::Interface;
use crate::{
    blocks::{self, Notes, Statistics},
    live::Counters,
    tag::Restored,
};

/// Octets gathered before they are written.
const BUFFER_OCTETS: usize = 256 * 1024;
/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is in the recording.
    Kept,
    /// The recording reached its bound with this frame, which is left out like all that follow. Said once.
    Full,
    /// It was left out, as the recording is full or failed before.
    LeftOut,
}

/// Why a recording failed, naming the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file exists, and a recording never overwrites.
    #[error("`{}` exists already, and a recording never overwrites\n\nhint: name another file", .path.display())]
    Exists {
        /// The path asked for.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("cannot make the recording `{}`: {cause}", .path.display())]
    Create {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file cannot be written on. What it holds is whole up to here.
    #[error("the recording `{}` stops after {octets} octets: {cause}", .path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Octets it holds.
        octets: u64,
        /// What the system said.
        cause: io::Error,
    },
    /// A frame cites an interface that the recording was not told of.
    #[error("a frame of interface {interface} does not belong into `{}`, which has {known}", .path.display())]
    UnknownInterface {
        /// The path.
        path: PathBuf,
        /// The interface cited.
        interface: u16,
        /// How many there are.
        known: usize,
    },
}

/// A recording being written.
pub struct Recorder {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// Octets in the file, without the buffer.
    written: u64,
    bound: u64,
    /// Frames of each interface that were told lost so far.
    lost: Vec<u64>,
    last_time: Timestamp,
    left_out: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Full,
    Failed,
}

impl Recorder {
    /// Makes a new file, readable by its owner alone, that will not grow past `bound` octets of frames.
    ///
    /// # Errors
    /// The file exists, cannot be made or cannot be written.
    pub fn create(path: &Path, interfaces: &[Interface], bound: u64) -> Result<Self, RecordError> {
        let path = path.to_path_buf();
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => Self::onto(file, path, interfaces, bound),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(RecordError::Exists { path }),
            Err(cause) => Err(RecordError::Create { path, cause }),
        }
    }

    /// Records into a file that is open and empty already; `path` is told in errors.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn onto(
        file: File,
        path: PathBuf,
        interfaces: &[Interface],
        bound: u64,
    ) -> Result<Self, RecordError> {
        let mut recorder = Self {
            path,
            file,
            buffer: Vec::with_capacity(BUFFER_OCTETS),
            written: 0,
            bound,
            lost: vec![0; interfaces.len()],
            last_time: Timestamp::default(),
            left_out: 0,
            state: State::Open,
        };
        blocks::section(&mut recorder.buffer, &[]);
        for interface in interfaces {
            blocks::interface(&mut recorder.buffer, interface);
        }
        recorder.flush()?;
        Ok(recorder)
    }

    /// Records a frame.
    ///
    /// # Errors
    /// The file cannot be written: said once, frames are then left out. Or the frame's interface is unknown.
    pub fn record(&mut self, frame: &RawFrame<'_>) -> Result<Recorded, RecordError> {
        self.knows(frame.interface)?;
        if self.state != State::Open {
            self.left_out += 1;
            return Ok(Recorded::LeftOut);
        }
        let restored = Restored::of(frame);
        let notes = Notes::default();
        if self.octets() + blocks::packet_octets(&restored, &notes) > self.bound {
            self.state = State::Full;
            self.left_out += 1;
            return Ok(Recorded::Full);
        }
        blocks::packet(&mut self.buffer, frame, &restored, frame.interface, &notes);
        self.last_time = self.last_time.max(frame.time);
        if self.buffer.len() >= BUFFER_OCTETS {
            self.flush()?;
        }
        Ok(Recorded::Kept)
    }

    /// Records that the capture lost frames, at this place among the frames.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub fn record_loss(&mut self, loss: &Loss) -> Result<Recorded, RecordError> {
        self.knows(loss.interface)?;
        if self.state != State::Open {
            return Ok(Recorded::LeftOut);
        }
        let Some(lost) = self.lost.get_mut(usize::from(loss.interface)) else {
            return Ok(Recorded::LeftOut);
        };
        let dropped = lost.saturating_add(loss.frames);
        let told = Statistics { time: loss.time, received: None, dropped, comment: "" };
        if self.written + self.buffer.len() as u64 + blocks::statistics_octets(&told) > self.bound {
            self.state = State::Full;
            return Ok(Recorded::Full);
        }
        *lost = dropped;
        blocks::statistics(&mut self.buffer, loss.interface, &told);
        Ok(Recorded::Kept)
    }

    /// Records whole blocks that were made elsewhere for the interfaces of this recording; all of them or none.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub(crate) fn record_blocks(&mut self, made: &[u8]) -> Result<Recorded, RecordError> {
        if self.state != State::Open {
            return Ok(Recorded::LeftOut);
        }
        if self.octets() + made.len() as u64 > self.bound {
            self.state = State::Full;
            return Ok(Recorded::Full);
        }
        self.buffer.extend_from_slice(made);
        self.flush()?;
        Ok(Recorded::Kept)
    }

    fn knows(&self, interface: u16) -> Result<(), RecordError> {
        if usize::from(interface) < self.lost.len() {
            return Ok(());
        }
        Err(RecordError::UnknownInterface { path: self.path.clone(), interface, known: self.lost.len() })
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        let mut gone = 0;
        while let Some(rest) = self.buffer.get(gone..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
                Ok(0) => return Err(self.failed(gone, io::ErrorKind::WriteZero.into())),
                Ok(octets) => gone += octets,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failed(gone, cause)),
            }
        }
        self.written += gone as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the recording: counters of each interface in their order, then everything onto the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self, counters: &[Counters]) -> Result<(), RecordError> {
        if self.state == State::Failed {
            return Ok(());
        }
        for ((interface, counters), lost) in (0u16..).zip(counters).zip(&self.lost) {
            let told = Statistics {
                time: self.last_time,
                received: Some(counters.received),
                dropped: counters.dropped.max(*lost),
                comment: "",
            };
            blocks::statistics(&mut self.buffer, interface, &told);
        }
        self.flush()?;
        let octets = self.written;
        self.file.sync_all().map_err(|cause| RecordError::Write { path: self.path, octets, cause })
    }

    /// Octets recorded so far.
    #[must_use]
    pub const fn octets(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Frames left out, as the recording was full or failed.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Cuts the file back to its last whole block, and takes no more frames.
    fn failed(&mut self, gone: usize, cause: io::Error) -> RecordError {
        let whole = blocks::whole_blocks(&self.buffer, gone);
        self.written += whole;
        self.buffer = Vec::new();
        self.state = State::Failed;
        // Should this fail too, a cut last block is left, behind which readers stop.
        let _ = self.file.set_len(self.written);
        RecordError::Write { path: self.path.clone(), octets: self.written, cause }
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::frame::{LinkType, VlanTag};
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        CaptureFile,
        samples::{all, all_and_lost},
    };

    /// A folder of this test's own, removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("fieldwarden-sensor-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn interfaces() -> Vec<Interface> {
        ["span0", "span1"].map(|name| Interface { name: name.into(), link_type: LinkType::ETHERNET }).into()
    }

    fn frame(bytes: &[u8]) -> RawFrame<'_> {
        RawFrame {
            time: Timestamp::from_nanos(1_767_323_045_000_000_006),
            link_type: LinkType::ETHERNET,
            interface: 1,
            wire_length: 1514,
            tag: None,
            bytes,
        }
    }

    #[test]
    fn a_recording_reads_back_with_its_tags_in_place() {
        let folder = Folder::new("round-trip");
        let path = folder.0.join("a.pcapng");
        let mut recorder = Recorder::create(&path, &interfaces(), u64::MAX).unwrap();
        let plain = frame(&[3; 61]);
        let tagged = RawFrame { tag: Some(VlanTag { protocol: 0x8100, control: 20 }), ..plain };
        assert_eq!(recorder.record(&plain).unwrap(), Recorded::Kept);
        assert_eq!(recorder.record(&tagged).unwrap(), Recorded::Kept);
        assert!(recorder.record(&RawFrame { interface: 2, ..plain }).is_err());
        recorder.finish(&[Counters { received: 2, dropped: 1, freezes: 1 }; 2]).unwrap();

        let (frames, errors) = all(&mut CaptureFile::open(&path, 0).unwrap());
        assert!(errors.is_empty() && frames.len() == 2, "{errors:?}");
        assert_eq!(frames[0].bytes, [3; 61]);
        assert_eq!((frames[0].time, frames[0].interface, frames[0].wire_length), (plain.time, 1, 1514));
        let expected = [&[3; 12][..], &[0x81, 0, 0, 20], &[3; 49]].concat();
        assert_eq!((frames[1].bytes.as_slice(), frames[1].wire_length), (expected.as_slice(), 1518));
        assert!(matches!(Recorder::create(&path, &interfaces(), 9), Err(RecordError::Exists { .. })));
    }

    #[test]
    fn a_loss_reads_back_where_it_was_recorded_and_is_not_counted_again_at_the_end() {
        let folder = Folder::new("loss");
        let path = folder.0.join("a.pcapng");
        let mut recorder = Recorder::create(&path, &interfaces(), u64::MAX).unwrap();
        let time = Timestamp::from_nanos(1_767_323_045_000_000_009);
        let losses = [(1, 4), (1, 1), (0, 9)].map(|(interface, frames)| Loss { time, interface, frames });
        recorder.record(&frame(&[3; 60])).unwrap();
        recorder.record_loss(&losses[0]).unwrap();
        recorder.record(&frame(&[3; 60])).unwrap();
        recorder.record_loss(&losses[1]).unwrap();
        recorder.record_loss(&losses[2]).unwrap();
        assert!(recorder.record_loss(&Loss { interface: 2, ..losses[0] }).is_err());
        let counted = |dropped| Counters { received: 2, dropped, freezes: 1 };
        recorder.finish(&[counted(9), counted(5)]).unwrap();
        let (frames, errors, read) = all_and_lost(&mut CaptureFile::open(&path, 0).unwrap());
        assert_eq!((frames.len(), errors.len()), (2, 0));
        assert_eq!(read, [(1, losses[0]), (2, losses[1]), (2, losses[2])]);
    }

    #[test]
    fn a_full_recording_says_so_once_and_stays_readable() {
        let folder = Folder::new("bound");
        let path = folder.0.join("a.pcapng");
        let mut recorder = Recorder::create(&path, &interfaces(), 1_000).unwrap();
        let outcomes: Vec<_> = (0..20).map(|_| recorder.record(&frame(&[3; 60])).unwrap()).collect();
        assert_eq!(outcomes.iter().filter(|o| **o == Recorded::Full).count(), 1);
        assert_eq!(outcomes.last(), Some(&Recorded::LeftOut));
        let kept = outcomes.iter().filter(|o| **o == Recorded::Kept).count();
        assert_eq!(recorder.left_out(), 20 - kept as u64);
        assert!(recorder.octets() <= 1_000);
        recorder.finish(&[]).unwrap();
        assert_eq!(all(&mut CaptureFile::open(&path, 0).unwrap()).0.len(), kept);
    }

    #[test]
    fn a_full_disk_is_told_once_with_the_path() {
        let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = Recorder::onto(full(), "/evidence/a.pcapng".into(), &[], u64::MAX).err().unwrap();
        assert!(
            error
                .to_string()
                .starts_with("the recording `/evidence/a.pcapng` stops after 0 octets: No space left")
        );
    }

    #[test]
    fn only_whole_blocks_stay_behind_a_write_that_failed_half_way() {
        let folder = Folder::new("half-way");
        let path = folder.0.join("a.pcapng");
        let mut recorder = Recorder::create(&path, &interfaces(), u64::MAX).unwrap();
        let header = recorder.octets();
        for _ in 0..3 {
            recorder.record(&frame(&[3; 60])).unwrap();
        }
        // The disk took two blocks of 92 octets and half of the third.
        std::io::Write::write_all(&mut recorder.file, &recorder.buffer[..230]).unwrap();
        let error = recorder.failed(230, io::ErrorKind::StorageFull.into());
        assert!(error.to_string().contains(&format!("stops after {} octets", header + 184)), "{error}");
        assert_eq!(recorder.record(&frame(&[3; 60])).unwrap(), Recorded::LeftOut);
        recorder.finish(&[]).unwrap();
        let (frames, errors) = all(&mut CaptureFile::open(&path, 0).unwrap());
        assert_eq!((frames.len(), errors.len()), (2, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_frames_read_back_as_they_were(
            frames in vec((vec(any::<u8>(), 0..3_000), 0..i64::MAX, 0u32..100_000), 0..40),
        ) {
            let folder = Folder::new("any");
            let path = folder.0.join("a.pcapng");
            let _ = std::fs::remove_file(&path);
            let mut recorder = Recorder::create(&path, &interfaces(), u64::MAX).unwrap();
            for (bytes, nanos, wire_length) in &frames {
                let time = Timestamp::from_nanos(*nanos);
                recorder.record(&RawFrame { time, wire_length: *wire_length, ..frame(bytes) }).unwrap();
            }
            recorder.finish(&[]).unwrap();
            let (read, errors) = all(&mut CaptureFile::open(&path, 0).unwrap());
            prop_assert!(errors.is_empty());
            prop_assert_eq!(read.len(), frames.len());
            for (read, (bytes, nanos, wire_length)) in read.iter().zip(&frames) {
                prop_assert_eq!(&read.bytes, bytes);
                prop_assert_eq!(read.time.nanos(), *nanos);
                prop_assert_eq!(read.wire_length as usize, bytes.len().max(*wire_length as usize));
            }
        }
    }
}
