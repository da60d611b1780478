//! Live capture: rings of blocks shared with the kernel (`TPACKET_V3`, packet(7)).
//!
//! In two steps, as a privileged parent opens the sockets and the unprivileged daemon reads them: [`open()`] makes the
//! sockets, their rings and their binding; [`LiveCapture::from_fds`] maps the rings. From `open` on the kernel fills
//! the rings, so that nothing is lost while the descriptors change hands.
//!
//! Frames are handed out by reference: what the reader sees is the kernel's own block, given back when the reader asks for
//! more. For a frame there is no copy, no allocation, no lock and no system call; the system is asked only when every
//! ring is empty, and where a block says that frames were lost before it.
//!
//! Several rings ([`RingCount`]) share the frames of an interface by conversation. Their frames come out merged by time: a
//! frame waits four milliseconds at most for earlier ones of other rings. What comes later still is handed on as it
//! comes. The order handed on is the order recorded, so that a replay sees the same.
//!
//! Times are nanoseconds, of the kernel or of the network card ([`Times`]). The outermost VLAN tag, which the kernel takes
//! out of a frame, comes in [`RawFrame::tag`]; [`RawFrame::wire_length`] does not count it. What the machine itself
//! sends through the interface is heard too, as with any other capture program, save on the loopback interface, where
//! everything would be heard twice, and where the card stamps frames, which it does for those it receives. The sockets
//! are never written to.

mod open;
mod readers;

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::{Duration, Instant},
};

use fieldwarden_model::{
    frame::{FrameRef, LinkType, Loss, RawFrame},
    time::Timestamp,
};

pub use self::open::{OpenError, RingCount, RingSize, Setup, Times, open};
use self::{
    open::{VERSION_3, link_type},
    readers::{Choice, Readers},
};
use crate::{
    FrameSource, Next, Run, SourceError,
    ring::Packet,
    sys::{self, Ring, Waited},
};

/// A frame this old has been handed on, or will not be: the kernel holds none back for longer than a millisecond, and a
/// busy machine takes its time to say so.
pub const SETTLED: Duration = Duration::from_millis(80);

/// What a live capture heard and what it lost, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that the kernel put into the rings.
    pub received: u64,
    /// Frames lost as a ring was full.
    pub dropped: u64,
    /// How many times a ring ran full.
    pub freezes: u64,
}

/// Who stamped the frames heard so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Whether the card is wanted to ([`Times::Card`]).
    pub wanted: bool,
    /// Whether it does.
    pub by_card: bool,
    /// Frames the card stamped.
    pub card: u64,
    /// Frames the kernel stamped.
    pub kernel: u64,
}

/// A live capture on one interface.
pub struct LiveCapture {
    rings: Vec<Ring>,
    readers: Readers,
    sockets: Vec<OwnedFd>,
    patience: Duration,
    gone: bool,
    books: Books,
}

/// What a capture knows besides its rings.
struct Books {
    name: String,
    link_type: LinkType,
    interface: u16,
    frames: u64,
    last_time: Timestamp,
    counters: Counters,
    /// Of the frames dropped, those that were told as a loss.
    told: u64,
    stamps: Stamps,
    /// Where the card stamps frames: the stamp of one, and when it was seen here.
    card_clock: Option<(Timestamp, Instant)>,
}

impl LiveCapture {
    /// Takes over the sockets that [`open()`] made with the same setup. Needs no privileges. `interface` is the number
    /// its frames carry, from 0.
    ///
    /// # Errors
    /// [`OpenError::Descriptor`] for any other descriptor or number of them, [`OpenError::LinkType`].
    pub fn from_fds(
        sockets: Vec<OwnedFd>,
        name: impl Into<String>,
        setup: Setup,
        interface: u16,
    ) -> Result<Self, OpenError> {
        let name = name.into();
        let megabytes = setup.size.get();
        let wrong = |cause| OpenError::Descriptor { name: name.clone(), megabytes, cause };
        if sockets.len() != usize::from(setup.rings.get()) {
            return Err(wrong(io::Error::other(format!("{} sockets", sockets.len()))));
        }
        let (mut rings, mut link, mut stamps) = (Vec::new(), LinkType::ETHERNET, Stamps::default());
        stamps.wanted = setup.times == Times::Card;
        for socket in &sockets {
            let fd = socket.as_fd();
            let hardware = sys::bound(fd).map_err(wrong)?.hardware;
            if sys::number(fd, libc::PACKET_VERSION).map_err(wrong)? != VERSION_3 {
                return Err(wrong(io::ErrorKind::InvalidInput.into()));
            }
            link = link_type(hardware).ok_or_else(|| OpenError::LinkType { name: name.clone(), hardware })?;
            stamps.by_card = sys::number(fd, libc::PACKET_TIMESTAMP).map_err(wrong)? != 0;
            rings.push(Ring::map(fd, setup.geometry()).map_err(wrong)?);
        }
        let books = Books {
            name,
            link_type: link,
            interface,
            frames: 0,
            last_time: Timestamp::default(),
            counters: Counters::default(),
            told: 0,
            stamps,
            card_clock: None,
        };
        let readers = Readers::new(rings.len());
        Ok(Self { rings, readers, sockets, patience: Duration::from_millis(100), gone: false, books })
    }

    /// Sets how long [`FrameSource::next_frame`] waits before it says [`Next::Idle`]; zero does not wait. At first
    /// 100 ms.
    pub const fn wait_at_most(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The interface listened on.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.books.name
    }

    /// How its frames begin.
    #[must_use]
    pub const fn link_type(&self) -> LinkType {
        self.books.link_type
    }

    /// Who stamped the frames heard so far.
    #[must_use]
    pub const fn stamps(&self) -> Stamps {
        self.books.stamps
    }

    /// The time before which no frame is still on its way, when the machine's clock says `now` and the source was
    /// [`Next::Idle`]. The card's clock need not agree with the machine's: where it stamps the frames, time goes on from
    /// the last one, and before the first there is none.
    #[must_use]
    pub fn settled(&self, now: Timestamp) -> Option<Timestamp> {
        let now = if self.books.stamps.by_card {
            let (stamped, seen) = self.books.card_clock?;
            stamped.saturating_add(seen.elapsed())
        } else {
            now
        };
        Some(now.saturating_sub(SETTLED))
    }

    /// What was heard and lost so far.
    ///
    /// # Errors
    /// The kernel refuses to say.
    pub fn counters(&mut self) -> Result<Counters, SourceError> {
        let counters = &mut self.books.counters;
        counters.dropped += self.readers.asked();
        for socket in &self.sockets {
            let [seen, dropped, freezes] = sys::statistics(socket.as_fd())
                .map_err(|cause| live(&self.books.name, "reading counters", cause))?;
            counters.received += u64::from(seen.saturating_sub(dropped));
            counters.dropped += u64::from(dropped);
            counters.freezes += u64::from(freezes);
        }
        Ok(*counters)
    }

    /// What was lost behind the last frame; for the end of a capture, as [`FrameSource::next_frame`] tells the rest.
    ///
    /// # Errors
    /// The kernel refuses to say.
    pub fn loss_at_end(&mut self) -> Result<Option<Loss>, SourceError> {
        self.counters()?;
        Ok(self.books.loss(self.books.last_time))
    }

    /// Finds the next frame, waiting where there is none: its ring, or what there is instead. What was handed out before
    /// goes back to the kernel.
    fn ready(&mut self) -> Result<Result<usize, Run>, SourceError> {
        self.readers.give_back(&mut self.rings);
        let mut has_waited = false;
        let (ring, time) = loop {
            let choice = self.readers.choose(&self.rings);
            // A ring whose last block has not come back looks as if it had one to read, and waiting would not wait.
            self.readers.give_back(&mut self.rings);
            let patience = match choice {
                Choice::Ring(ring, time) => break (ring, time),
                Choice::Wait(patience) => patience,
                Choice::Nothing if self.gone => return Ok(Err(Run::End)),
                // What a full ring lost is told of by the block behind it; where none follows, the counters know.
                Choice::Nothing if has_waited => {
                    return Ok(Err(self.loss_at_end()?.map_or(Run::Idle, Run::Loss)));
                }
                Choice::Nothing => self.patience,
            };
            has_waited |= !self.wait(patience)? || choice == Choice::Nothing;
        };
        if self.books.stamps.by_card {
            self.books.card_clock = Some((time, Instant::now()));
        }
        if self.readers.is_losing() {
            self.counters()?;
        }
        // A ring was full before the block at hand was free: what was lost, was lost before its first frame.
        Ok(self.books.loss(time).map_or(Ok(ring), |loss| Err(Run::Loss(loss))))
    }

    /// Waits for a block of a ring that has none; true when there may be one.
    fn wait(&mut self, patience: Duration) -> Result<bool, SourceError> {
        let lacking = self.sockets.iter().zip(self.readers.lacking()).filter(|(_, lacks)| *lacks);
        match sys::wait(lacking.map(|(socket, _)| socket.as_fd()), patience) {
            Ok(Waited::Ready) => Ok(true),
            Ok(Waited::TimedOut) => Ok(false),
            Ok(Waited::Failed) => Err(self.failure()),
            Err(cause) => Err(live(&self.books.name, "waiting", cause)),
        }
    }

    fn failure(&mut self) -> SourceError {
        let name = self.books.name.clone();
        let mut failures = self.sockets.iter().map(|socket| sys::pending_error(socket.as_fd()));
        let pending = failures.find_map(|failure| failure.ok().flatten());
        let first = self.sockets.first().map(AsFd::as_fd);
        if first.is_some_and(|fd| sys::bound(fd).is_ok_and(|bound| bound.index <= 0)) {
            self.gone = true;
            return SourceError::InterfaceGone { name };
        }
        match pending {
            Some(cause) if cause.raw_os_error() != Some(libc::ENETDOWN) => {
                SourceError::Live { name, step: "waiting", cause }
            }
            _ => SourceError::InterfaceDown { name },
        }
    }
}

impl Books {
    /// Frames lost that were not told yet, as the counters say that were asked last; `time` is when it was noticed.
    fn loss(&mut self, time: Timestamp) -> Option<Loss> {
        let frames = self.counters.dropped.checked_sub(self.told).filter(|frames| *frames > 0)?;
        self.told = self.counters.dropped;
        Some(Loss { time, interface: self.interface, frames })
    }

    /// A frame as it is handed out.
    fn frame<'a>(&mut self, packet: Packet, block: &'a [u8]) -> (FrameRef, RawFrame<'a>) {
        self.frames += 1;
        self.last_time = packet.time;
        let stamped = if packet.by_hardware { &mut self.stamps.card } else { &mut self.stamps.kernel };
        *stamped += 1;
        let frame = RawFrame {
            time: packet.time,
            link_type: self.link_type,
            interface: self.interface,
            wire_length: packet.wire_length,
            tag: packet.tag,
            bytes: block.get(packet.bytes).unwrap_or_default(),
        };
        (FrameRef { capture: 0, number: self.frames }, frame)
    }
}

impl FrameSource for LiveCapture {
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError> {
        let ring = match self.ready()? {
            Ok(ring) => ring,
            Err(Run::Loss(loss)) => return Ok(Next::Loss(loss)),
            Err(Run::End) => return Ok(Next::End),
            Err(Run::Idle | Run::Frames) => return Ok(Next::Idle),
        };
        let Self { rings, readers, books, .. } = self;
        Ok(readers.take(ring, rings).map_or(Next::Idle, |(packet, block)| {
            let (at, frame) = books.frame(packet, block);
            Next::Frame(at, frame)
        }))
    }

    fn next_frames<'a>(
        &'a mut self,
        most: usize,
        out: &mut Vec<(FrameRef, RawFrame<'a>)>,
    ) -> Result<Run, SourceError> {
        let mut ring = match self.ready()? {
            Ok(ring) => ring,
            Err(run) => return Ok(run),
        };
        let Self { rings, readers, books, .. } = self;
        let rings: &'a [Ring] = rings;
        let bound = out.len().saturating_add(most.max(1));
        while let Some((packet, block)) = readers.take(ring, rings) {
            out.push(books.frame(packet, block));
            if out.len() >= bound {
                break;
            }
            match readers.choose(rings) {
                // What was lost before this block is told before its frames: by the next call.
                Choice::Ring(next, _) if !readers.is_losing() => ring = next,
                _ => break,
            }
        }
        Ok(Run::Frames)
    }
}

fn live(name: &str, step: &'static str, cause: io::Error) -> SourceError {
    SourceError::Live { name: name.to_owned(), step, cause }
}
