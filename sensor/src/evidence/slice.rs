//! Slices: an alert's own frames and what was heard around them, as a pcapng of its own.
//!
//! A source is read twice: once to measure what the slice would hold, so that it begins with the truth about itself and
//! stays within its bound, and once to write it. Time is the engine's: it is held where the source's runs backwards.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use fieldwarden_model::{
    frame::{FrameRef, LinkType, Loss, RawFrame},
    time::Timestamp,
};
use thiserror::Error;

use super::{
    measure::{Measure, grain_of, statistics},
    sealed::Sealed,
};
use crate::{
    FrameSource, Next, SourceError,
    blocks::{self, Interface, Notes},
    tag::Restored,
};

/// Slices cut in one reading of a source: as many files are open at once.
const AT_ONCE: usize = 64;
/// Interfaces that a slice describes at most; frames of further ones are left out.
const MAX_INTERFACES: usize = 1_024;

/// What a slice is to hold.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The file's name, without ending.
    pub name: String,
    /// What the slice is, for people; the header says it.
    pub facts: Vec<String>,
    /// Beside each of the alert's own frames.
    pub remark: String,
    /// The alert's time.
    pub time: Timestamp,
    /// The frames that the alert rests on.
    pub frames: Vec<FrameRef>,
}

/// How much a slice holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long before the alert's time, an hour at most.
    pub before: Duration,
    /// How long after it, an hour at most.
    pub after: Duration,
    /// Octets at most. The alert's own frames come first, then what is closest before it, then what comes after.
    pub octets: u64,
}

impl Limits {
    /// The longest time before or after.
    pub const MAX_TIME: Duration = Duration::from_secs(3_600);
}

/// A slice that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The file.
    pub path: PathBuf,
    /// Frames in it.
    pub frames: u64,
    /// Of these, the alert's own.
    pub own: u64,
    /// Own frames that the source does not hold (any more).
    pub missing: u64,
    /// Frames of the time asked for that were left out to stay within the bound.
    pub left_out: u64,
    /// Frames that the capture lost in that time, or that the ring could not keep.
    pub lost: u64,
    /// Octets.
    pub octets: u64,
    /// SHA-256 of the file, as `sha256sum` prints it.
    pub sha256: String,
    /// The first 16 digits of the SHA-256 of its first [`MARK_EVERY`](super::MARK_EVERY) octets, of twice as many, and so on.
    pub marks: Vec<String>,
}

/// Why slices cannot be cut.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SliceError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A slice cannot be written. What there was of it has been removed.
    #[error("the slice of evidence `{}` cannot be written: {cause}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Cuts slices into `folder`, out of a source that `open` opens as often as asked, always with the same frames.
///
/// # Errors
/// A slice exists already or cannot be written, or the source cannot be read at all. A source that ends early gives
/// what it has.
pub fn cut<S: FrameSource>(
    folder: &Path,
    wanted: &[Wanted],
    limits: Limits,
    open: &mut dyn FnMut() -> Result<S, SourceError>,
) -> Result<Vec<Slice>, SliceError> {
    let mut slices = Vec::with_capacity(wanted.len());
    for wanted in wanted.chunks(AT_ONCE) {
        let mut measures: Vec<Measure<'_>> = wanted.iter().map(|w| Measure::new(w, limits)).collect();
        let until = measures.iter().map(|m| m.until).max().unwrap_or(Timestamp::MIN);
        let names = read(&mut open()?, until, |time, item| {
            measures.iter_mut().for_each(|measure| measure.take(time, &item));
            Ok(())
        })?;
        let begin = |measure| Writing::begin(folder, measure, limits, &names);
        let mut writings = measures.into_iter().map(begin).collect::<Result<Vec<_>, _>>()?;
        read(&mut open()?, until, |time, item| {
            writings.iter_mut().try_for_each(|writing| writing.take(time, &item))
        })?;
        for writing in writings {
            slices.push(writing.finish()?);
        }
    }
    Ok(slices)
}

/// What a source holds.
pub(super) enum Item<'a> {
    Frame(FrameRef, RawFrame<'a>),
    Loss(Loss),
}

/// Names of interfaces, by capture and number.
type Names = BTreeMap<(u16, u16), String>;

/// Hands everything up to `until` to `take`, with the engine's time; returns the names of the interfaces met.
fn read<S: FrameSource>(
    source: &mut S,
    until: Timestamp,
    mut take: impl FnMut(Timestamp, Item<'_>) -> Result<(), SliceError>,
) -> Result<Names, SliceError> {
    let mut now = Timestamp::MIN;
    let mut names = Names::new();
    loop {
        let heard = match source.next_frame() {
            Ok(Next::Frame(at, frame)) => {
                now = now.max(frame.time);
                if now > until {
                    return Ok(names);
                }
                take(now, Item::Frame(at, frame))?;
                (at, frame.interface)
            }
            Ok(Next::Loss(loss)) => {
                // Before the first frame there is no time but its own.
                take(if now == Timestamp::MIN { loss.time } else { now }, Item::Loss(loss))?;
                continue;
            }
            Ok(Next::Idle) => continue,
            Ok(Next::End) => return Ok(names),
            Err(fault) if fault.keeps_what_was_read() => continue,
            Err(fault) => return Err(fault.into()),
        };
        let key = (heard.0.capture, heard.1);
        if names.len() < MAX_INTERFACES && !names.contains_key(&key) {
            names.insert(key, source.interface_name(heard.0, heard.1).unwrap_or_default());
        }
    }
}

/// A slice being written.
struct Writing<'a> {
    measure: Measure<'a>,
    grains: std::ops::Range<usize>,
    names: &'a Names,
    out: Sealed,
    buffer: Vec<u8>,
    interfaces: Vec<Described>,
    /// Losses told before any frame of their interface.
    waiting: Vec<Loss>,
    slice: Slice,
}

/// An interface of the slice.
struct Described {
    capture: u16,
    interface: u16,
    link_type: LinkType,
    lost: u64,
}

impl<'a> Writing<'a> {
    fn begin(
        folder: &Path,
        measure: Measure<'a>,
        limits: Limits,
        names: &'a Names,
    ) -> Result<Self, SliceError> {
        let path = folder.join(format!("{}.pcapng", measure.wanted.name));
        let grains = measure.fitting(limits);
        let outside = measure.grains.iter().enumerate().filter(|(at, _)| !grains.contains(at));
        let left_out = outside.map(|(_, grain)| grain.frames).sum();
        let missing = measure.own.iter().filter(|own| own.is_none()).count() as u64;
        let slice = Slice {
            path: path.clone(),
            frames: 0,
            own: 0,
            missing,
            left_out,
            lost: measure.lost,
            octets: 0,
            sha256: String::new(),
            marks: Vec::new(),
        };
        let mut buffer = Vec::new();
        blocks::section(&mut buffer, &measure.facts(&grains, &slice));
        let out = Sealed::create(path)?;
        Ok(Self { measure, grains, names, out, buffer, interfaces: Vec::new(), waiting: Vec::new(), slice })
    }

    fn take(&mut self, time: Timestamp, item: &Item<'_>) -> Result<(), SliceError> {
        let measure = &self.measure;
        let within = (measure.from..=measure.until).contains(&time)
            && self.grains.contains(&grain_of(measure.from, time));
        match item {
            Item::Frame(at, frame) => {
                let own = measure.wanted.frames.iter().position(|own| own == at);
                let own = own.and_then(|place| measure.own.get(place)) == Some(&Some(frame.time));
                if within || own {
                    self.frame(*at, frame, own)?;
                }
            }
            Item::Loss(loss) if within => {
                self.waiting.push(*loss);
                self.told(loss.interface);
            }
            Item::Loss(_) => {}
        }
        Ok(())
    }

    fn frame(&mut self, at: FrameRef, frame: &RawFrame<'_>, own: bool) -> Result<(), SliceError> {
        let Some(interface) = self.describe(at.capture, frame.interface, frame.link_type) else {
            self.slice.left_out += 1;
            return Ok(());
        };
        self.told(frame.interface);
        let comment = if own { self.measure.wanted.remark.as_str() } else { "" };
        let notes = Notes { comment, number: at.number, lost: 0 };
        blocks::packet(&mut self.buffer, frame, &Restored::of(frame), interface, &notes);
        self.slice.frames += 1;
        self.slice.own += u64::from(own);
        self.out.write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// The number of an interface within the slice, described now if need be.
    fn describe(&mut self, capture: u16, interface: u16, link_type: LinkType) -> Option<u16> {
        let is = |known: &Described| {
            (known.capture, known.interface, known.link_type) == (capture, interface, link_type)
        };
        if let Some(known) = self.interfaces.iter().position(is) {
            return u16::try_from(known).ok();
        }
        if self.interfaces.len() >= MAX_INTERFACES {
            return None;
        }
        let name = self.names.get(&(capture, interface)).cloned().unwrap_or_default();
        blocks::interface(&mut self.buffer, &Interface { name, link_type });
        self.interfaces.push(Described { capture, interface, link_type, lost: 0 });
        u16::try_from(self.interfaces.len() - 1).ok()
    }

    /// Tells the losses that wait for an interface, if it is described.
    fn told(&mut self, interface: u16) {
        if self.waiting.is_empty() {
            return;
        }
        let Some((place, known)) =
            (0u16..).zip(&mut self.interfaces).find(|(_, known)| known.interface == interface)
        else {
            return;
        };
        for loss in self.waiting.extract_if(.., |loss| loss.interface == interface) {
            known.lost = known.lost.saturating_add(loss.frames);
            blocks::statistics(&mut self.buffer, place, &statistics(&loss, known.lost));
        }
    }

    fn finish(mut self) -> Result<Slice, SliceError> {
        while let Some(loss) = self.waiting.first().copied() {
            // No frame of it is here, so that nothing tells how its frames begin.
            if self.describe(0, loss.interface, LinkType::ETHERNET).is_none() {
                break;
            }
            self.told(loss.interface);
        }
        self.out.write(&self.buffer)?;
        self.out.finish(&mut self.slice)?;
        Ok(self.slice)
    }
}
