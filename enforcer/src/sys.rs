//! The one file with unsafe code: calls into the kernel that std has no words for, and into libnftnl.
//!
//! Each function checks its arguments in safe code and hands out owned values only; no pointer leaves this file.

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

pub(crate) mod netlink_socket {
    //! A netlink socket of the netfilter family.

    use super::{AsRawFd, Duration, FromRawFd, OwnedFd, io, set_option};

    /// The socket, bound to an address the kernel chose.
    #[derive(Debug)]
    pub(crate) struct NetlinkSocket(OwnedFd);

    impl NetlinkSocket {
        /// Opens one that gives up waiting after `patience`.
        pub(crate) fn open(patience: Duration) -> io::Result<Self> {
            // SAFETY: no pointer is passed; the result is checked before it is owned.
            // JUSTIFICATION: std has no netlink sockets.
            let fd = unsafe {
                libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_NETFILTER)
            };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: `fd` was just made by the kernel and nobody else owns it.
            let socket = unsafe { OwnedFd::from_raw_fd(fd) };
            let seconds = libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX);
            let limit = libc::timeval { tv_sec: seconds, tv_usec: patience.subsec_micros().into() };
            set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, &limit)?;
            set_option(&socket, libc::SOL_SOCKET, libc::SO_SNDTIMEO, &limit)?;
            // A batch that fails is answered by one message for each part of it.
            set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &(1 << 20))
                .or_else(|_| set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &(1 << 20)))?;
            Ok(Self(socket))
        }

        /// Sends one datagram to the kernel.
        pub(crate) fn send(&self, octets: &[u8]) -> io::Result<()> {
            // SAFETY: the pointer and the length are those of a live slice, which the call only reads.
            // JUSTIFICATION: std has no netlink sockets.
            let sent = unsafe { libc::send(self.0.as_raw_fd(), octets.as_ptr().cast(), octets.len(), 0) };
            if usize::try_from(sent) == Ok(octets.len()) { Ok(()) } else { Err(io::Error::last_os_error()) }
        }

        /// Receives one datagram from the kernel and returns how much of `into` it filled.
        pub(crate) fn receive(&self, into: &mut [u8]) -> io::Result<usize> {
            loop {
                // SAFETY: all of this is plain data for which zero is a value.
                let mut from: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
                let mut from_length = socklen::<libc::sockaddr_nl>();
                // SAFETY: pointers and lengths are those of live values, exclusively borrowed here.
                // JUSTIFICATION: std has no netlink sockets.
                let received = unsafe {
                    libc::recvfrom(
                        self.0.as_raw_fd(),
                        into.as_mut_ptr().cast(),
                        into.len(),
                        libc::MSG_TRUNC,
                        (&raw mut from).cast(),
                        &raw mut from_length,
                    )
                };
                let Ok(length) = usize::try_from(received) else { return Err(io::Error::last_os_error()) };
                if length > into.len() {
                    return Err(io::Error::other("the kernel's answer does not fit"));
                }
                // Any process may send us netlink messages; only the kernel's count.
                if from.nl_pid == 0 {
                    return Ok(length);
                }
            }
        }
    }

    fn socklen<T>() -> libc::socklen_t {
        libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
    }
}

/// What to wait for on a descriptor, and what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting<'a> {
    /// The descriptor.
    pub(crate) on: BorrowedFd<'a>,
    /// Whether to wait until it takes octets too, not only until it has some.
    pub(crate) until_writable: bool,
    /// Set when there is something to read, or the peer is gone.
    pub(crate) is_readable: bool,
}

/// Waits until something can be read or written, at most `patience`.
pub(crate) fn wait(waiting: &mut [Waiting<'_>], patience: Duration) -> io::Result<()> {
    let mut polled: Vec<libc::pollfd> = waiting
        .iter()
        .map(|w| {
            let events = if w.until_writable { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
            libc::pollfd { fd: w.on.as_raw_fd(), events, revents: 0 }
        })
        .collect();
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or(0);
    // Rounded up: waking a little early would spin until the deadline has come.
    let millis = libc::c_int::try_from(patience.as_millis().saturating_add(1)).unwrap_or(libc::c_int::MAX);
    // SAFETY: the pointer and the count are those of a live vector, exclusively borrowed for the call.
    // JUSTIFICATION: std cannot wait for several descriptors.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), count, millis) };
    if ready < 0 {
        let fault = io::Error::last_os_error();
        return if fault.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(fault) };
    }
    for (w, polled) in waiting.iter_mut().zip(&polled) {
        w.is_readable = polled.revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0;
    }
    Ok(())
}

/// The user at the other end, as the kernel noted when the connection was made.
pub(crate) fn peer_user(stream: &UnixStream) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    read_option(stream, libc::SOL_SOCKET, libc::SO_PEERCRED, &mut peer)?;
    Ok(peer.uid)
}

/// Takes over a descriptor that was handed to this program at its start.
pub(crate) fn inherited(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: no pointer is passed; an unknown descriptor is an error.
    // JUSTIFICATION: std cannot ask whether a number is an open descriptor.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    if flags < 0 || fd <= 2 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: no pointer is passed.
    // JUSTIFICATION: as above; what this program might run is not to have the socket.
    unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) };
    // SAFETY: it is open, above the standard streams, and this is called once, before anything else is opened by
    // number, with the number the parent gave for this purpose.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether a socket listens, rather than being connected.
pub(crate) fn listens(socket: &OwnedFd) -> io::Result<bool> {
    let mut value: libc::c_int = 0;
    read_option(socket, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, &mut value)?;
    Ok(value != 0)
}

/// Time since the machine started, suspension included.
pub(crate) fn uptime() -> io::Result<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live value, exclusively borrowed for the call.
    // JUSTIFICATION: std's `Instant` cannot be told as a number, which a journal that outlives the process needs.
    if unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Ok(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
}

/// Rules out that this process or one it starts gains privileges.
pub(crate) fn no_new_privileges() -> io::Result<()> {
    // SAFETY: this prctl takes numbers only.
    // JUSTIFICATION: std has no prctl.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The effective user of this process.
pub(crate) fn own_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    // JUSTIFICATION: std does not tell.
    unsafe { libc::geteuid() }
}

fn set_option<T: Copy>(socket: &impl AsRawFd, level: i32, option: i32, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer and the length are those of a live value, which the call only reads.
    // JUSTIFICATION: std has no words for these options.
    let outcome = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), length)
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn read_option<T: Copy>(socket: &impl AsRawFd, level: i32, option: i32, value: &mut T) -> io::Result<()> {
    let mut length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0);
    // SAFETY: the pointer and the length are those of a live plain value, exclusively borrowed for the call; callers
    // pass the C type that belongs to the option.
    // JUSTIFICATION: std has no words for these options.
    let outcome = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, std::ptr::from_mut(value).cast(), &raw mut length)
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
