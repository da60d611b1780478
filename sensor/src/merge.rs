//! Several captures as one, in the order of time.

use std::{cmp::Reverse, collections::BinaryHeap, io, path::Path};

use fieldwarden_model::{
    frame::{FrameRef, RawFrame},
    time::Timestamp,
};

use crate::{CaptureFile, FrameSource, Next, Run, SourceError};

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
        let open = |(place, path): (usize, &P)| match u16::try_from(place) {
            Ok(capture) => CaptureFile::open(path.as_ref(), capture),
            Err(_) => Err(SourceError::Unreadable {
                name: path.as_ref().display().to_string(),
                cause: io::Error::other("more captures than can be told apart (65,536)"),
            }),
        };
        paths.iter().enumerate().map(open).collect::<Result<_, _>>().map(Self::new)
    }

    /// [`CaptureFile::read_ahead`] of each.
    pub fn read_ahead(&mut self, octets: usize) {
        self.captures.iter_mut().for_each(|capture| capture.read_ahead(octets));
    }

    /// The captures merged, in the order given, for their names and progress.
    #[must_use]
    pub fn captures(&self) -> &[CaptureFile] {
        &self.captures
    }
}

impl FrameSource for Merged {
    #[inline]
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError> {
        // One capture has nothing to be compared with.
        if self.captures.len() == 1 {
            return self.captures.first_mut().map_or(Ok(Next::End), CaptureFile::next_frame);
        }
        self.earliest()
    }

    fn interface_name(&self, frame: FrameRef, interface: u16) -> Option<String> {
        self.captures.get(usize::from(frame.capture))?.interface_name(frame, interface)
    }

    fn next_frames<'a>(
        &'a mut self,
        most: usize,
        out: &mut Vec<(FrameRef, RawFrame<'a>)>,
    ) -> Result<Run, SourceError> {
        if self.captures.len() == 1 {
            return self.captures.first_mut().map_or(Ok(Run::End), |capture| capture.next_frames(most, out));
        }
        Ok(Run::of(self.earliest()?, out))
    }
}

impl Merged {
    /// The earliest of the frames at the heads.
    fn earliest(&mut self) -> Result<Next<'_>, SourceError> {
        while let Some(index) = self.due.pop() {
            let Some(capture) = self.captures.get_mut(index) else { continue };
            capture.advance()?;
            if let Some(time) = capture.current_time() {
                self.heads.push(Reverse((time, index)));
            }
        }
        let Some(Reverse((_, index))) = self.heads.pop() else { return Ok(Next::End) };
        self.due.push(index);
        Ok(self.captures.get(index).map_or(Next::End, CaptureFile::current))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::samples::{all, pcap_at};

    fn capture(number: u16, bytes: Vec<u8>) -> CaptureFile {
        CaptureFile::from_reader(format!("{number}.pcap"), Cursor::new(bytes), number).unwrap()
    }

    #[test]
    fn frames_come_by_time_then_in_the_order_given_and_no_file_is_shuffled() {
        let captures =
            [pcap_at(&[10, 5, 11]), pcap_at(&[7, 10]), pcap_at(&[]), pcap_at(&[10])].into_iter().zip(0u16..);
        let mut merged = Merged::new(captures.map(|(bytes, number)| capture(number, bytes)).collect());
        let (frames, errors) = all(&mut merged);
        let order: Vec<_> =
            frames.iter().map(|f| (f.time.nanos() / 1_000, f.at.capture, f.at.number)).collect();
        assert_eq!(order, [(7, 1, 1), (10, 0, 1), (5, 0, 2), (10, 1, 2), (10, 3, 1), (11, 0, 3)]);
        assert!(errors.is_empty());
    }

    #[test]
    fn a_capture_cut_short_is_told_once_and_the_others_go_on() {
        let mut cut = pcap_at(&[1, 4]);
        cut.truncate(cut.len() - 1);
        let mut merged = Merged::new(vec![capture(0, cut), capture(1, pcap_at(&[2, 3, 5]))]);
        let (frames, errors) = all(&mut merged);
        let order: Vec<_> = frames.iter().map(|f| (f.at.capture, f.at.number)).collect();
        assert_eq!(order, [(0, 1), (1, 1), (1, 2), (1, 3)]);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().starts_with("`0.pcap` is truncated after frame 1"));
    }
}
