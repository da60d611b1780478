//! System calls for packet sockets, and the memory shared with the kernel: all unsafe code of this package.
//!
//! JUSTIFICATION: std knows neither packet sockets nor memory shared with the kernel, and every crate that wraps them
//! loses the outermost VLAN tag or the drop counter. The functions here take and return ordinary values; what is
//! found in the shared memory is read by safe, checked code elsewhere.

use std::{
    array,
    ffi::{CStr, CString, c_char, c_int, c_void},
    io,
    mem::{size_of, zeroed},
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Where the status word stands in a block (`struct tpacket_block_desc`).
const STATUS_AT: usize = 8;
/// `BPF_RET | BPF_K` of the packet filter.
const RETURN_CONSTANT: u16 = 0x06;
/// Sockets that [`wait`] waits for at most.
pub(crate) const MAX_WAITED: usize = 8;

/// What a packet socket is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// Interface index; -1 once the interface is gone.
    pub(crate) index: c_int,
    /// Hardware type (`ARPHRD_`), 0 once the interface is gone.
    pub(crate) hardware: u16,
}

/// Sizes of a receive ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) block_octets: u32,
    pub(crate) blocks: u32,
    pub(crate) hold_millis: u32,
}

/// What waiting ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Ready,
    TimedOut,
    Failed,
}

/// The index of an interface.
pub(crate) fn interface_index(name: &str) -> Option<c_int> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` is a string that ends in NUL and lives through the call, which only reads it.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    c_int::try_from(index).ok().filter(|index| *index > 0)
}

/// The names of all interfaces of this network namespace, in the kernel's order; none where that fails.
pub(crate) fn interface_names() -> Vec<String> {
    let mut names = Vec::new();
    // SAFETY: takes nothing; null on failure, else an array that ends in an entry without a name and is ours until
    // it is freed below.
    let first = unsafe { libc::if_nameindex() };
    let mut entry = first;
    while !entry.is_null() {
        // SAFETY: `entry` lies within the array, as the walk ends at the last entry, the one whose name is null.
        let name = unsafe { (*entry).if_name };
        if name.is_null() {
            break;
        }
        // SAFETY: the name of an entry that is not the last is a string that ends in NUL.
        names.push(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned());
        // SAFETY: this was not the last entry, so that the next one lies within the array.
        entry = unsafe { entry.add(1) };
    }
    if !first.is_null() {
        // SAFETY: `first` came from if_nameindex, is freed once, and the names were copied.
        unsafe { libc::if_freenameindex(first) };
    }
    names
}

/// A packet socket that hears nothing until it is bound.
pub(crate) fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    checked(fd)?;
    // SAFETY: the descriptor is open, was made here, and nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds to an interface: to all protocols, or (`protocol` 0) to none yet.
pub(crate) fn bind(fd: BorrowedFd<'_>, index: c_int, protocol: u16) -> io::Result<()> {
    // SAFETY: sockaddr_ll is plain integers, for which all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = family();
    address.sll_protocol = protocol.to_be();
    address.sll_ifindex = index;
    // SAFETY: the address lives through the call, and the length is its own.
    checked(unsafe {
        libc::bind(fd.as_raw_fd(), ptr::from_ref(&address).cast(), length_of::<libc::sockaddr_ll>())
    })
}

/// What the socket is bound to.
pub(crate) fn bound(fd: BorrowedFd<'_>) -> io::Result<Bound> {
    // SAFETY: sockaddr_ll is plain integers, for which all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    let mut length = length_of::<libc::sockaddr_ll>();
    // SAFETY: the kernel writes at most `length` octets into `address`; both live through the call.
    checked(unsafe {
        libc::getsockname(fd.as_raw_fd(), ptr::from_mut(&mut address).cast(), &raw mut length)
    })?;
    if address.sll_family != family() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(Bound { index: address.sll_ifindex, hardware: address.sll_hatype })
}

/// Sets a packet option that is a number.
pub(crate) fn set_number(fd: BorrowedFd<'_>, option: c_int, value: c_int) -> io::Result<()> {
    set(fd, libc::SOL_PACKET, option, &value)
}

/// Reads a packet option that is a number.
pub(crate) fn number(fd: BorrowedFd<'_>, option: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    read(fd, libc::SOL_PACKET, option, &mut value).map(|()| value)
}

/// Demands that the interface takes in frames for every address.
pub(crate) fn listen_to_all(fd: BorrowedFd<'_>, index: c_int) -> io::Result<()> {
    let kind = libc::c_ushort::try_from(libc::PACKET_MR_PROMISC).unwrap_or_default();
    let request = libc::packet_mreq { mr_ifindex: index, mr_type: kind, mr_alen: 0, mr_address: [0; 8] };
    set(fd, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &request)
}

/// Has the socket pass over every frame until [`hear`]; frames passed over are not counted either.
pub(crate) fn pass_over(fd: BorrowedFd<'_>) -> io::Result<()> {
    // One instruction of the packet filter: "take 0 octets" (Linux: Documentation/networking/filter.rst).
    let mut none = libc::sock_filter { code: RETURN_CONSTANT, jt: 0, jf: 0, k: 0 };
    // The kernel copies the program during the call, through this pointer, so that `none` has to live as long.
    let program = libc::sock_fprog { len: 1, filter: &raw mut none };
    set(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Ends [`pass_over`].
pub(crate) fn hear(fd: BorrowedFd<'_>) -> io::Result<()> {
    set(fd, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &c_int::default())
}

/// Takes the socket into a group whose members share the frames by the hash of the conversation, the same for both
/// directions: into `group`, or into a new one, which nobody else has. The group's number.
pub(crate) fn join(fd: BorrowedFd<'_>, group: Option<c_int>) -> io::Result<c_int> {
    const HASH: c_int = 0;
    const NEW: c_int = 0x2000;
    let Some(group) = group else {
        set_number(fd, libc::PACKET_FANOUT, (HASH | NEW) << 16)?;
        return number(fd, libc::PACKET_FANOUT).map(|value| value & 0xffff);
    };
    set_number(fd, libc::PACKET_FANOUT, HASH << 16 | group).map(|()| group)
}

/// Has the network card stamp every frame it receives (Linux: Documentation/networking/timestamping.rst, 3). False where
/// it cannot, or not every frame. Needs CAP_NET_ADMIN, and changes the card for everyone, unless it does so already.
pub(crate) fn stamp_by_hardware(fd: BorrowedFd<'_>, interface: &str) -> io::Result<bool> {
    const SEND_NO_STAMPS: c_int = 0;
    let every = c_int::try_from(libc::HWTSTAMP_FILTER_ALL).unwrap_or_default();
    let mut config = libc::hwtstamp_config { flags: 0, tx_type: SEND_NO_STAMPS, rx_filter: 0 };
    if hardware_stamps(fd, interface, libc::SIOCGHWTSTAMP, &mut config).is_ok() && config.rx_filter == every {
        return Ok(true);
    }
    // What the card does for transmitted frames stays as it was found.
    config.flags = 0;
    config.rx_filter = every;
    hardware_stamps(fd, interface, libc::SIOCSHWTSTAMP, &mut config)?;
    Ok(config.rx_filter == every)
}

fn hardware_stamps(
    fd: BorrowedFd<'_>,
    interface: &str,
    request: libc::c_ulong,
    config: &mut libc::hwtstamp_config,
) -> io::Result<()> {
    // SAFETY: ifreq is plain integers and a union of such and of pointers, for which all zeros is a value.
    let mut named: libc::ifreq = unsafe { zeroed() };
    let last = named.ifr_name.len() - 1;
    for (place, octet) in named.ifr_name.iter_mut().take(last).zip(interface.bytes()) {
        *place = c_char::from_ne_bytes([octet]);
    }
    named.ifr_ifru.ifru_data = ptr::from_mut(config).cast();
    // SAFETY: both requests take an ifreq whose data points to a hwtstamp_config, which the kernel reads and writes
    // within the call; both live through it, and any integers are a value of it.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), request, &raw mut named) })
}

/// Has the kernel allocate a receive ring.
pub(crate) fn make_ring(fd: BorrowedFd<'_>, geometry: Geometry) -> io::Result<()> {
    const FRAME_OCTETS: u32 = 2048;
    let frames = geometry.block_octets / FRAME_OCTETS * geometry.blocks;
    let request = libc::tpacket_req3 {
        tp_block_size: geometry.block_octets,
        tp_block_nr: geometry.blocks,
        tp_frame_size: FRAME_OCTETS,
        tp_frame_nr: frames,
        tp_retire_blk_tov: geometry.hold_millis,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)
}

/// Frames seen, frames dropped, and times the ring was full, since it was asked last.
pub(crate) fn statistics(fd: BorrowedFd<'_>) -> io::Result<[u32; 3]> {
    let mut counts = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    read(fd, libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut counts)?;
    Ok([counts.tp_packets, counts.tp_drops, counts.tp_freeze_q_cnt])
}

/// Takes the error that the socket holds, if any.
pub(crate) fn pending_error(fd: BorrowedFd<'_>) -> io::Result<Option<io::Error>> {
    let mut code: c_int = 0;
    read(fd, libc::SOL_SOCKET, libc::SO_ERROR, &mut code)?;
    Ok(if code == 0 { None } else { Some(io::Error::from_raw_os_error(code)) })
}

/// Waits until one of the sockets has something, no longer than `patience`; a signal ends it early. Sockets past
/// [`MAX_WAITED`] are not waited for.
pub(crate) fn wait<'a>(
    sockets: impl Iterator<Item = BorrowedFd<'a>>,
    patience: Duration,
) -> io::Result<Waited> {
    let nobody = || libc::pollfd { fd: -1, events: libc::POLLIN, revents: 0 };
    let mut entries: [libc::pollfd; MAX_WAITED] = array::from_fn(|_| nobody());
    for (entry, socket) in entries.iter_mut().zip(sockets) {
        entry.fd = socket.as_raw_fd();
    }
    let wanted = libc::timespec {
        tv_sec: patience.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    };
    // SAFETY: the entries, as many as are told, and the time live through the call; a null mask changes none. The kernel
    // passes over entries whose descriptor is negative.
    let count = unsafe {
        libc::ppoll(entries.as_mut_ptr(), MAX_WAITED as libc::nfds_t, &raw const wanted, ptr::null())
    };
    match checked(count) {
        Err(cause) if cause.kind() == io::ErrorKind::Interrupted => Ok(Waited::TimedOut),
        Err(cause) => Err(cause),
        Ok(()) if entries.iter().any(|entry| entry.revents & (libc::POLLERR | libc::POLLNVAL) != 0) => {
            Ok(Waited::Failed)
        }
        Ok(()) if count > 0 => Ok(Waited::Ready),
        Ok(()) => Ok(Waited::TimedOut),
    }
}

/// The receive ring of one socket as it is shared with the kernel: blocks that belong to either side in turn.
pub(crate) struct Ring {
    memory: NonNull<u8>,
    block_octets: usize,
    blocks: usize,
}

// SAFETY: the memory belongs to this value alone (it is neither cloned nor handed out mutably), and neither mapping
// nor unmapping depends on the thread.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring that [`make_ring`] allocated with the same geometry.
    pub(crate) fn map(fd: BorrowedFd<'_>, geometry: Geometry) -> io::Result<Self> {
        let block_octets = geometry.block_octets as usize;
        let blocks = geometry.blocks as usize;
        let octets = block_octets.checked_mul(blocks).ok_or(io::ErrorKind::InvalidInput)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping at a place of the kernel's choice, which disturbs no other. The kernel refuses a
        // length other than the ring's, so that all of `octets` is backed by it.
        let memory =
            unsafe { libc::mmap(ptr::null_mut(), octets, access, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory, block_octets, blocks })
    }

    /// How many blocks there are.
    pub(crate) const fn blocks(&self) -> usize {
        self.blocks
    }

    /// A block, if the kernel has handed it over and it was not released since.
    pub(crate) fn block(&self, index: usize) -> Option<&[u8]> {
        let status = self.status(index)?;
        // Acquire: what the kernel wrote into the block before it set the status is seen behind this.
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: `index` is within the ring (`status` checked it), so that the whole block lies within the mapping,
        // which outlives the slice. The kernel does not write to a block whose status has TP_STATUS_USER, and only
        // `release` clears it, for which no slice may be alive as it borrows mutably. Any octets are valid as u8.
        Some(unsafe {
            slice::from_raw_parts(self.memory.add(index * self.block_octets).as_ptr(), self.block_octets)
        })
    }

    /// Gives a block back to the kernel.
    pub(crate) fn release(&mut self, index: usize) {
        if let Some(status) = self.status(index) {
            // Release: all reading of the block is done before the kernel sees this.
            status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        }
    }

    fn status(&self, index: usize) -> Option<&AtomicU32> {
        if index >= self.blocks {
            return None;
        }
        // SAFETY: the block lies within the mapping, which begins at a page and whose blocks are whole pages, so that
        // the word is aligned; it lives as long as `self`. The kernel writes it as one word, and this side touches it
        // as an atomic, or reads it within a slice while the kernel leaves it alone.
        Some(unsafe { self.memory.add(index * self.block_octets + STATUS_AT).cast::<AtomicU32>().as_ref() })
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: exactly what `map` mapped, unmapped once; no slice outlives `self`.
        unsafe { libc::munmap(self.memory.as_ptr().cast::<c_void>(), self.block_octets * self.blocks) };
    }
}

fn set<T: Copy>(fd: BorrowedFd<'_>, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    let value = ptr::from_ref(value).cast();
    // SAFETY: the kernel reads the octets of `value`, which lives through the call, and `T` is one of the plain
    // structures that this module passes; what one of them points to lives through the call too.
    checked(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, value, length_of::<T>()) })
}

fn read<T: Copy>(fd: BorrowedFd<'_>, level: c_int, option: c_int, value: &mut T) -> io::Result<()> {
    let mut length = length_of::<T>();
    let value = ptr::from_mut(value).cast();
    // SAFETY: the kernel writes at most `length` octets, the size of `value`, which lives through the call; `T` is
    // plain integers, for which any octets are a value.
    checked(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, value, &raw mut length) })
}

fn checked(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or_default()
}

fn family() -> u16 {
    u16::try_from(libc::AF_PACKET).unwrap_or_default()
}
