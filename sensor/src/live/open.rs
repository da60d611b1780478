//! The privileged step: sockets that listen, and what they are asked for.

use std::{
    ffi::c_int,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use fieldwarden_model::frame::LinkType;
use thiserror::Error;

use crate::sys::{self, Geometry};

/// How long the kernel may hold a frame back to fill its block: most of the way from the wire to an alert.
pub(super) const HOLD_MILLIS: u32 = 1;
/// One block. A network that is not quite quiet uses up a block every millisecond, so that many small ones bridge a longer
/// pause of the reader than few large ones; a block must hold the largest frame, 64 KiB of a segment not yet cut up.
const BLOCK_OCTETS: u32 = 128 * 1024;
const BLOCKS_OF_A_MEGABYTE: u32 = 1024 * 1024 / BLOCK_OCTETS;
/// Every protocol (`ETH_P_ALL`).
const ALL_PROTOCOLS: u16 = 3;
/// `TPACKET_V3` as the socket option counts.
pub(super) const VERSION_3: c_int = 2;

/// How an interface is listened to. Both steps of opening a capture must be given the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// What all rings hold together.
    pub size: RingSize,
    /// How many rings share the frames.
    pub rings: RingCount,
    /// Who stamps the frames.
    pub times: Times,
}

impl Setup {
    /// The geometry of each ring.
    pub(super) fn geometry(self) -> Geometry {
        let blocks = u32::from(self.size.0) * BLOCKS_OF_A_MEGABYTE / u32::from(self.rings.0);
        let blocks = blocks.max(BLOCKS_OF_A_MEGABYTE);
        Geometry { block_octets: BLOCK_OCTETS, blocks, hold_millis: HOLD_MILLIS }
    }
}

/// How much the rings of an interface hold together.
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

    /// How many MiB.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for RingSize {
    /// 64 MiB: half a second of small frames at the full rate of a core, and half a second of a frame every
    /// millisecond.
    fn default() -> Self {
        Self(64)
    }
}

/// How many rings share the frames of an interface. The kernel gives both directions of a conversation to one ring, and
/// the frames of all rings are merged again by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingCount(u8);

impl RingCount {
    /// The most.
    pub const MAX: u8 = 8;

    /// So many, at least 1 and at most [`RingCount::MAX`].
    #[must_use]
    pub fn of(rings: u8) -> Self {
        Self(rings.clamp(1, Self::MAX))
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for RingCount {
    /// One, which is enough where one processor hands over what the network card receives.
    fn default() -> Self {
        Self(1)
    }
}

/// Who stamps frames with their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// The kernel, when it takes the frame from the network card.
    #[default]
    Kernel,
    /// The network card, where it stamps every frame; the kernel otherwise. Turning this on changes the card for
    /// everyone who uses it, and needs CAP_NET_ADMIN. The times are of the card's own clock: something
    /// (`phc2sys`, `ptp4l`) has to keep it right.
    Card,
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

/// Makes the sockets that listen on `interface`, one for each ring, and fills their rings from now on. Needs CAP_NET_RAW;
/// what it returns does not. The descriptors are closed on exec; hand them over through a Unix socket or clear that flag.
///
/// # Errors
/// What [`OpenError`] says.
pub fn open(interface: &str, setup: Setup) -> Result<Vec<OwnedFd>, OpenError> {
    let Some(index) = sys::interface_index(interface) else {
        return Err(OpenError::Unknown { name: interface.to_owned(), known: sys::interface_names() });
    };
    let opening = Opening { interface, index, setup };
    let sockets: Vec<OwnedFd> = (0..setup.rings.get()).map(|_| opening.socket()).collect::<Result<_, _>>()?;
    let mut group = None;
    for socket in &sockets {
        opening.listen(socket.as_fd(), &mut group)?;
    }
    // Only now, when every frame has its one ring, may frames come in.
    for socket in &sockets {
        sys::hear(socket.as_fd()).map_err(opening.refused("beginning to hear"))?;
    }
    Ok(sockets)
}

/// What is being opened.
struct Opening<'a> {
    interface: &'a str,
    index: c_int,
    setup: Setup,
}

impl Opening<'_> {
    /// A socket with its ring, which hears nothing yet.
    fn socket(&self) -> Result<OwnedFd, OpenError> {
        let name = || self.interface.to_owned();
        let socket = sys::packet_socket().map_err(|cause| match cause.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => OpenError::NotPermitted { name: name() },
            _ => OpenError::Refused { name: name(), step: "making a packet socket", cause },
        })?;
        let fd = socket.as_fd();
        sys::pass_over(fd).map_err(self.refused("hearing nothing at first"))?;
        // Bound to no protocol first: the socket tells the hardware type, and hears nothing until all is set.
        sys::bind(fd, self.index, 0).map_err(self.refused("binding"))?;
        let hardware = sys::bound(fd).map_err(self.refused("asking for the hardware type"))?.hardware;
        if link_type(hardware).is_none() {
            return Err(OpenError::LinkType { name: name(), hardware });
        }
        let by_card = self.setup.times == Times::Card && self.stamp_by_card(fd)?;
        if hardware == libc::ARPHRD_LOOPBACK || by_card {
            sys::set_number(fd, libc::PACKET_IGNORE_OUTGOING, 1)
                .map_err(self.refused("leaving out what is sent"))?;
        }
        sys::set_number(fd, libc::PACKET_VERSION, VERSION_3).map_err(self.refused("choosing TPACKET_V3"))?;
        sys::make_ring(fd, self.setup.geometry()).map_err(|cause| match cause.raw_os_error() {
            Some(libc::ENOMEM) => OpenError::Memory { name: name(), megabytes: self.setup.size.0 },
            _ => OpenError::Refused { name: name(), step: "making the ring", cause },
        })?;
        Ok(socket)
    }

    /// Asks for the card's stamps, where it gives every frame one; true when it does.
    fn stamp_by_card(&self, fd: BorrowedFd<'_>) -> Result<bool, OpenError> {
        match sys::stamp_by_hardware(fd, self.interface) {
            Ok(true) => {}
            // The card cannot: not supported, not of this kind, or it stamps fewer frames than all.
            Ok(false) => return Ok(false),
            Err(cause) => match cause.raw_os_error() {
                Some(libc::EOPNOTSUPP | libc::EINVAL | libc::ERANGE | libc::ENODEV | libc::ENOTTY) => {
                    return Ok(false);
                }
                _ => return Err(self.refused("turning the card's time stamps on")(cause)),
            },
        }
        let stamps = libc::SOF_TIMESTAMPING_RAW_HARDWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
        let stamps = c_int::try_from(stamps).unwrap_or_default();
        sys::set_number(fd, libc::PACKET_TIMESTAMP, stamps)
            .map_err(self.refused("asking for the card's time stamps"))?;
        Ok(true)
    }

    /// Binds a socket for good and, where there are several, takes it into their `group`.
    fn listen(&self, fd: BorrowedFd<'_>, group: &mut Option<c_int>) -> Result<(), OpenError> {
        sys::listen_to_all(fd, self.index).map_err(self.refused("promiscuous mode"))?;
        sys::bind(fd, self.index, ALL_PROTOCOLS).map_err(self.refused("binding"))?;
        match sys::pending_error(fd).map_err(self.refused("binding"))? {
            None => {}
            Some(cause) if cause.raw_os_error() == Some(libc::ENETDOWN) => {
                return Err(OpenError::Down { name: self.interface.to_owned() });
            }
            Some(cause) => return Err(self.refused("binding")(cause)),
        }
        if self.setup.rings.get() > 1 {
            *group = Some(sys::join(fd, *group).map_err(self.refused("sharing the frames between rings"))?);
        }
        Ok(())
    }

    fn refused(&self, step: &'static str) -> impl FnOnce(io::Error) -> OpenError + use<> {
        let name = self.interface.to_owned();
        move |cause| OpenError::Refused { name, step, cause }
    }
}

/// How frames of a hardware type begin (Linux: include/uapi/linux/if_arp.h).
pub(super) const fn link_type(hardware: u16) -> Option<LinkType> {
    const RAW_IP: u16 = 519;
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(LinkType::ETHERNET),
        libc::ARPHRD_NONE | RAW_IP | libc::ARPHRD_TUNNEL | libc::ARPHRD_TUNNEL6 | libc::ARPHRD_SIT => {
            Some(LinkType::RAW)
        }
        _ => None,
    }
}
