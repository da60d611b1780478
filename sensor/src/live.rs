//! Live capture: a ring of blocks shared with the kernel (`TPACKET_V3`, packet(7)).
//!
//! In two steps, as a privileged parent opens the socket and the unprivileged daemon reads it: [`open`] makes the
//! socket, its ring and its binding; [`LiveCapture::from_fd`] maps the ring. From `open` on the kernel fills the ring,
//! so that nothing is lost while the descriptor changes hands.
//!
//! Times are the kernel's, in nanoseconds. The outermost VLAN tag, which the kernel takes out of a frame, comes in
//! [`RawFrame::tag`]; [`RawFrame::wire_length`] does not count it. What the machine itself sends through the
//! interface is heard too, as with any other capture program, save on the loopback interface, where everything would
//! be heard twice. The socket is never written to.

use std::{
    ffi::c_int,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use fieldwarden_model::{
    frame::{FrameRef, LinkType, Loss, RawFrame},
    time::Timestamp,
};
use thiserror::Error;

use crate::{
    FrameSource, Next, SourceError,
    ring::{self, Cursor, Packet},
    sys::{self, Geometry, Ring, Waited},
};

/// How long the kernel may hold a frame back to fill its block.
pub const HOLD: Duration = Duration::from_millis(HOLD_MILLIS as u64);

const HOLD_MILLIS: u32 = 40;
/// One block. A quiet network uses up a block every [`HOLD`], so that many small ones bridge a longer pause of the
/// reader than few large ones; a block must hold the largest frame, 64 KiB of a segment not yet cut up.
const BLOCK_OCTETS: u32 = 256 * 1024;
/// Every protocol (`ETH_P_ALL`).
const ALL_PROTOCOLS: u16 = 3;
/// `TPACKET_V3` as the socket option counts.
const VERSION_3: c_int = 2;

/// How much a ring holds. The two steps of opening a capture must name the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSize(u16);

impl RingSize {
    /// The least, in MiB.
    pub const MIN_MEGABYTES: u16 = 1;
    /// The most, in MiB.
    pub const MAX_MEGABYTES: u16 = 1024;

    /// So many MiB, held between the two bounds.
    #[must_use]
    pub fn megabytes(megabytes: u16) -> Self {
        Self(megabytes.clamp(Self::MIN_MEGABYTES, Self::MAX_MEGABYTES))
    }

    fn geometry(self) -> Geometry {
        let blocks = u32::from(self.0) * (1024 * 1024 / BLOCK_OCTETS);
        Geometry { block_octets: BLOCK_OCTETS, blocks, hold_millis: HOLD_MILLIS }
    }
}

impl Default for RingSize {
    /// 64 MiB: a second of gigabit Ethernet at half load.
    fn default() -> Self {
        Self(64)
    }
}

/// Why an interface cannot be captured on. Each names it and the way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such interface.
    #[error("there is no interface `{name}`\n\nhint: here are {}", .known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The interfaces there are.
        known: Vec<String>,
    },
    /// This process may not capture.
    #[error(
        "capturing on `{name}` needs the capability CAP_NET_RAW\n\nhint: start as root, or `setcap cap_net_raw+ep` on the program"
    )]
    NotPermitted {
        /// The interface.
        name: String,
    },
    /// The interface is down.
    #[error("interface `{name}` is down\n\nhint: `ip link set {name} up`")]
    Down {
        /// The interface.
        name: String,
    },
    /// Frames of this interface begin in a way that is not known here.
    #[error(
        "interface `{name}` is of hardware type {hardware}; only Ethernet, loopback and raw IP can be captured\n\nhint: name the interface that the mirror port is connected to"
    )]
    LinkType {
        /// The interface.
        name: String,
        /// Its type (`ARPHRD_`).
        hardware: u16,
    },
    /// The kernel has no memory for the ring.
    #[error("no memory for a ring of {megabytes} MiB on `{name}`\n\nhint: make the ring smaller")]
    Memory {
        /// The interface.
        name: String,
        /// The ring asked for.
        megabytes: u16,
    },
    /// What was handed over is not the socket that [`open`] made.
    #[error(
        "the descriptor given for `{name}` is not a capture socket with a ring of {megabytes} MiB: {cause}"
    )]
    Descriptor {
        /// The interface.
        name: String,
        /// The ring expected.
        megabytes: u16,
        /// What the system said.
        cause: io::Error,
    },
    /// The kernel refused something else.
    #[error("capturing on `{name}` failed at {step}: {cause}")]
    Refused {
        /// The interface.
        name: String,
        /// Which step.
        step: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

/// Makes a socket that listens on `interface` and fills its ring from now on. Needs CAP_NET_RAW; what it returns does
/// not. The descriptor is closed on exec; hand it over through a Unix socket or clear that flag.
///
/// # Errors
/// What [`OpenError`] says.
pub fn open(interface: &str, size: RingSize) -> Result<OwnedFd, OpenError> {
    let name = || interface.to_owned();
    let refused = |step| move |cause| OpenError::Refused { name: interface.to_owned(), step, cause };
    let Some(index) = sys::interface_index(interface) else {
        return Err(OpenError::Unknown { name: name(), known: sys::interface_names() });
    };
    let socket = sys::packet_socket().map_err(|cause| match cause.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => OpenError::NotPermitted { name: name() },
        _ => OpenError::Refused { name: name(), step: "making a packet socket", cause },
    })?;
    let fd = socket.as_fd();
    // Bound to no protocol first: the socket tells the hardware type, and hears nothing until all is set.
    sys::bind(fd, index, 0).map_err(refused("binding"))?;
    let hardware = sys::bound(fd).map_err(refused("asking for the hardware type"))?.hardware;
    if link_type(hardware).is_none() {
        return Err(OpenError::LinkType { name: name(), hardware });
    }
    if hardware == libc::ARPHRD_LOOPBACK {
        sys::set_number(fd, libc::PACKET_IGNORE_OUTGOING, 1)
            .map_err(refused("leaving out doubled frames"))?;
    }
    sys::set_number(fd, libc::PACKET_VERSION, VERSION_3).map_err(refused("choosing TPACKET_V3"))?;
    sys::make_ring(fd, size.geometry()).map_err(|cause| match cause.raw_os_error() {
        Some(libc::ENOMEM) => OpenError::Memory { name: name(), megabytes: size.0 },
        _ => OpenError::Refused { name: name(), step: "making the ring", cause },
    })?;
    sys::listen_to_all(fd, index).map_err(refused("promiscuous mode"))?;
    sys::bind(fd, index, ALL_PROTOCOLS).map_err(refused("binding"))?;
    match sys::pending_error(fd).map_err(refused("binding"))? {
        None => Ok(socket),
        Some(cause) if cause.raw_os_error() == Some(libc::ENETDOWN) => Err(OpenError::Down { name: name() }),
        Some(cause) => Err(refused("binding")(cause)),
    }
}

/// What a live capture heard and what it lost, since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that the kernel put into the ring.
    pub received: u64,
    /// Frames lost as the ring was full.
    pub dropped: u64,
    /// How many times the ring ran full.
    pub freezes: u64,
}

/// A live capture on one interface.
pub struct LiveCapture {
    name: String,
    socket: OwnedFd,
    ring: Ring,
    link_type: LinkType,
    interface: u16,
    patience: Duration,
    block: usize,
    cursor: Option<Cursor>,
    /// A frame before which a loss was told.
    held: Option<Packet>,
    frames: u64,
    last_time: Timestamp,
    counters: Counters,
    /// Of the frames dropped, those that were told as a loss.
    told: u64,
    gone: bool,
}

impl LiveCapture {
    /// Takes over a socket that [`open`] made with the same size. Needs no privileges. `interface` is the number its
    /// frames carry, from 0.
    ///
    /// # Errors
    /// [`OpenError::Descriptor`] for any other descriptor, [`OpenError::LinkType`].
    pub fn from_fd(
        socket: OwnedFd,
        name: impl Into<String>,
        size: RingSize,
        interface: u16,
    ) -> Result<Self, OpenError> {
        let name = name.into();
        let wrong = |cause| OpenError::Descriptor { name: name.clone(), megabytes: size.0, cause };
        let fd = socket.as_fd();
        let hardware = sys::bound(fd).map_err(wrong)?.hardware;
        if sys::number(fd, libc::PACKET_VERSION).map_err(wrong)? != VERSION_3 {
            return Err(wrong(io::ErrorKind::InvalidInput.into()));
        }
        let Some(link_type) = link_type(hardware) else { return Err(OpenError::LinkType { name, hardware }) };
        let ring = Ring::map(fd, size.geometry()).map_err(wrong)?;
        Ok(Self {
            name,
            socket,
            ring,
            link_type,
            interface,
            patience: Duration::from_millis(100),
            block: 0,
            cursor: None,
            held: None,
            frames: 0,
            last_time: Timestamp::default(),
            counters: Counters::default(),
            told: 0,
            gone: false,
        })
    }

    /// Sets how long [`FrameSource::next_frame`] waits before it says [`Next::Idle`]; zero does not wait. At first
    /// 100 ms.
    pub const fn wait_at_most(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The interface listened on.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its frames begin.
    #[must_use]
    pub const fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// What was heard and lost so far.
    ///
    /// # Errors
    /// The kernel refuses to say.
    pub fn counters(&mut self) -> Result<Counters, SourceError> {
        let [seen, dropped, freezes] =
            sys::statistics(self.socket.as_fd()).map_err(self.live("reading counters"))?;
        self.counters.received += u64::from(seen.saturating_sub(dropped));
        self.counters.dropped += u64::from(dropped);
        self.counters.freezes += u64::from(freezes);
        Ok(self.counters)
    }

    /// Frames lost that were not told yet, as the counters say that were asked last; `time` is when it was noticed.
    fn loss(&mut self, time: Timestamp) -> Option<Loss> {
        let frames = self.counters.dropped.checked_sub(self.told).filter(|frames| *frames > 0)?;
        self.told = self.counters.dropped;
        Some(Loss { time, interface: self.interface, frames })
    }

    /// What was lost behind the last frame; for the end of a capture, as [`FrameSource::next_frame`] tells the rest.
    ///
    /// # Errors
    /// The kernel refuses to say.
    pub fn loss_at_end(&mut self) -> Result<Option<Loss>, SourceError> {
        self.counters()?;
        Ok(self.loss(self.last_time))
    }

    /// The next frame of the block at hand, or of the next one; none when the kernel has not filled it yet.
    fn advance(&mut self) -> Result<Option<Packet>, SourceError> {
        loop {
            let Some(block) = self.ring.block(self.block) else { return Ok(None) };
            let begins = self.cursor.is_none();
            let is_losing = begins && ring::is_losing(block);
            let cursor = self.cursor.get_or_insert_with(|| Cursor::begin(block));
            if let Some(packet) = cursor.next(block) {
                if is_losing {
                    // The ring was full before this block was free: what was lost, was lost before its first frame.
                    self.counters()?;
                }
                return Ok(Some(packet));
            }
            // Frames that cannot be found in their block are lost like any other.
            self.counters.dropped += u64::from(cursor.left());
            self.cursor = None;
            self.ring.release(self.block);
            self.block = (self.block + 1) % self.ring.blocks();
        }
    }

    /// Waits for a block; true when there may be one.
    fn wait(&mut self) -> Result<bool, SourceError> {
        match sys::wait(self.socket.as_fd(), self.patience).map_err(self.live("waiting"))? {
            Waited::Ready => Ok(true),
            Waited::TimedOut => Ok(false),
            Waited::Failed => Err(self.failure()),
        }
    }

    fn failure(&mut self) -> SourceError {
        let name = self.name.clone();
        if sys::bound(self.socket.as_fd()).is_ok_and(|bound| bound.index <= 0) {
            self.gone = true;
            return SourceError::InterfaceGone { name };
        }
        match sys::pending_error(self.socket.as_fd()) {
            Ok(Some(cause)) if cause.raw_os_error() != Some(libc::ENETDOWN) => {
                SourceError::Live { name, step: "waiting", cause }
            }
            _ => SourceError::InterfaceDown { name },
        }
    }

    fn live(&self, step: &'static str) -> impl FnOnce(io::Error) -> SourceError + use<> {
        let name = self.name.clone();
        move |cause| SourceError::Live { name, step, cause }
    }
}

impl FrameSource for LiveCapture {
    fn next_frame(&mut self) -> Result<Next<'_>, SourceError> {
        let mut found = self.held.take();
        if found.is_none() {
            found = self.advance()?;
        }
        if found.is_none() {
            if self.gone {
                return Ok(Next::End);
            }
            if self.wait()? {
                found = self.advance()?;
            }
        }
        let Some(packet) = found else {
            // A block that ran full is told of by the block behind it; where none follows, the counters know.
            return Ok(self.loss_at_end()?.map_or(Next::Idle, Next::Loss));
        };
        if let Some(loss) = self.loss(packet.time) {
            self.held = Some(packet);
            return Ok(Next::Loss(loss));
        }
        let Some(block) = self.ring.block(self.block) else { return Ok(Next::Idle) };
        self.frames += 1;
        self.last_time = packet.time;
        let frame = RawFrame {
            time: packet.time,
            link_type: self.link_type,
            interface: self.interface,
            wire_length: packet.wire_length,
            tag: packet.tag,
            bytes: block.get(packet.bytes).unwrap_or_default(),
        };
        Ok(Next::Frame(FrameRef { capture: 0, number: self.frames }, frame))
    }
}

impl AsFd for LiveCapture {
    /// For waiting on several captures at once.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// How frames of a hardware type begin (Linux: include/uapi/linux/if_arp.h).
const fn link_type(hardware: u16) -> Option<LinkType> {
    const RAW_IP: u16 = 519;
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(LinkType::ETHERNET),
        libc::ARPHRD_NONE | RAW_IP | libc::ARPHRD_TUNNEL | libc::ARPHRD_TUNNEL6 | libc::ARPHRD_SIT => {
            Some(LinkType::RAW)
        }
        _ => None,
    }
}
