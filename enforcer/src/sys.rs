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

    /// Octets the kernel may hold for the socket, each way; it uses what is there to be held.
    const BUFFER: libc::c_int = 16 << 20;

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
            // Making all tables is one message, and each part of it is answered by one.
            for (forced, asked) in
                [(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF), (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF)]
            {
                set_option(&socket, libc::SOL_SOCKET, forced, &BUFFER)
                    .or_else(|_| set_option(&socket, libc::SOL_SOCKET, asked, &BUFFER))?;
            }
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

/// Has the disk set room aside for octets `from..from + length` of a file, which keeps its length. What is set aside already costs
/// nothing. Whether the file system can do so at all.
pub(crate) fn set_aside(file: BorrowedFd<'_>, from: u64, length: u64) -> io::Result<bool> {
    let number = |octets: u64| libc::off_t::try_from(octets).map_err(io::Error::other);
    let (from, length) = (number(from)?, number(length)?);
    loop {
        // SAFETY: no pointer is passed, and the borrowed descriptor is open during the call.
        // JUSTIFICATION: std has no way to allocate without lengthening.
        if unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, from, length) } == 0 {
            return Ok(true);
        }
        let fault = io::Error::last_os_error();
        match fault.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EOPNOTSUPP | libc::ENOSYS) => return Ok(false),
            _ => return Err(fault),
        }
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

/// Whether this network namespace has an interface of that name now.
pub(crate) fn has_interface(name: &std::ffi::CStr) -> bool {
    // SAFETY: the text ends in NUL and is only read.
    // JUSTIFICATION: std does not tell interfaces.
    unsafe { libc::if_nametoindex(name.as_ptr()) != 0 }
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

pub(crate) mod nft {
    //! libnftnl: transactions of the kernel's packet filter, as octets to be sent.

    use std::{
        ffi::{CStr, CString, c_char, c_void},
        ops::Range,
        ptr::NonNull,
    };

    use nftnl::{
        Batch, Chain, ChainType, Hook, MsgType, NlMsg, Policy, ProtoFamily, Rule, Table, nftnl_sys as lib,
    };

    /// One expression of a rule. Words are 32 bit registers, counted from 0.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Expression {
        /// Something the kernel knows about a packet into a word.
        Meta { key: u32, word: u32 },
        /// The rule ends here unless a word holds `value`.
        Equals { word: u32, value: Vec<u8> },
        /// Octets of a packet into words.
        Payload { base: u32, offset: u32, length: u32, word: u32 },
        /// The rule ends here unless the words from `word` on are in the set.
        Lookup { set: String, word: u32 },
        /// A word keeps the bits of `mask` alone.
        Masked { word: u32, mask: Vec<u8> },
        /// The rule ends here unless a word is one of `from` to `to`.
        Between { word: u32, from: Vec<u8>, to: Vec<u8> },
        /// Counts.
        Counter,
        /// Goes on in another chain, and behind this rule where that one says nothing.
        Jump { chain: String },
        /// No further rule of this hook's chain is asked.
        Accept,
        /// Drops the packet.
        Drop,
        /// Drops the packet and resets the TCP connection for whoever sent it.
        Reset,
    }

    /// Which packets a table sees.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) enum Family {
        /// IP packets that the gateway routes.
        Inet,
        /// Frames that it bridges.
        Bridge,
        /// Frames as an interface takes them in.
        Netdev,
    }

    impl Family {
        const fn of_library(self) -> ProtoFamily {
            match self {
                Self::Inet => ProtoFamily::Inet,
                Self::Bridge => ProtoFamily::Bridge,
                Self::Netdev => ProtoFamily::NetDev,
            }
        }
    }

    /// Where a chain hangs.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Place {
        /// Where packets are forwarded.
        Forward { priority: i32 },
        /// Where this interface takes frames in.
        Ingress { priority: i32, device: CString },
    }

    /// The table changes are about.
    pub(crate) struct Own(Table);

    impl Own {
        /// The table of that name in that family.
        pub(crate) fn new(name: &CStr, family: Family) -> Self {
            Self(Table::new(name, family.of_library()))
        }
    }

    /// A set as it is made.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct SetShape<'a> {
        /// Its name.
        pub(crate) name: &'a CStr,
        /// Its number within the transaction.
        pub(crate) id: u32,
        /// `enum nft_set_flags`.
        pub(crate) flags: u32,
        /// The type nft shows.
        pub(crate) key_type: u32,
        /// Octets of each part of a key; a part takes up whole words.
        pub(crate) parts: &'a [u8],
    }

    impl SetShape<'_> {
        /// Octets of a whole key.
        pub(crate) fn key_length(&self) -> u32 {
            self.parts.iter().map(|part| u32::from(part.next_multiple_of(4))).sum()
        }
    }

    /// Changes of our tables that happen together or not at all.
    pub(crate) struct Transaction {
        batch: Batch,
    }

    impl Transaction {
        /// Begins one.
        pub(crate) fn new() -> Self {
            Self { batch: Batch::new() }
        }

        /// Makes the table, empty, whatever it held before.
        pub(crate) fn make_table_anew(&mut self, table: &Own) {
            self.remove_table(table);
            self.batch.add(&table.0, MsgType::Add);
        }

        /// Removes the table, whether it is there or not.
        pub(crate) fn remove_table(&mut self, table: &Own) {
            // Deleting what is not there would fail the transaction, so it is made first.
            self.batch.add(&table.0, MsgType::Add);
            self.batch.add(&table.0, MsgType::Del);
        }

        /// Makes a chain. One with a place accepts what its rules do not drop.
        pub(crate) fn add_chain(&mut self, table: &Own, name: &CStr, place: Option<&Place>) {
            let mut chain = Chain::new(name, &table.0);
            match place {
                None => {}
                Some(Place::Forward { priority }) => chain.set_hook(Hook::Forward, *priority),
                Some(Place::Ingress { priority, device }) => {
                    // `NF_NETDEV_INGRESS` is 0; the library's own word for ingress is the one of IP tables.
                    chain.set_hook(Hook::PreRouting, *priority);
                    chain.set_device(device);
                }
            }
            if place.is_some() {
                chain.set_type(ChainType::Filter);
                chain.set_policy(Policy::Accept);
            }
            self.batch.add(&chain, MsgType::Add);
        }

        /// Makes a set.
        pub(crate) fn add_set(&mut self, table: &Own, shape: &SetShape<'_>) {
            let set = RawSet::new(&table.0, shape.name);
            set.put_u32(lib::NFTNL_SET_ID, shape.id);
            set.put_u32(lib::NFTNL_SET_FLAGS, shape.flags);
            set.put_u32(lib::NFTNL_SET_KEY_TYPE, shape.key_type);
            set.put_u32(lib::NFTNL_SET_KEY_LEN, shape.key_length());
            if shape.parts.len() > 1 {
                set.put_concatenation(shape.parts);
            }
            self.batch.add(&Message { set: &set, kind: libc_u16(libc::NFT_MSG_NEWSET) }, MsgType::Add);
        }

        /// Appends a rule. `set_ids` are the numbers of sets made in this transaction.
        pub(crate) fn add_rule(
            &mut self,
            table: &Own,
            chain: &CStr,
            rule: &[Expression],
            set_ids: &[(&str, u32)],
        ) {
            let chain = Chain::new(chain, &table.0);
            let mut written = Rule::new(&chain);
            for expression in rule {
                written.add_expr(&Written { expression, set_ids });
            }
            self.batch.add(&written, MsgType::Add);
        }

        /// Empties a set.
        pub(crate) fn flush_set(&mut self, table: &Own, name: &CStr) {
            let set = RawSet::new(&table.0, name);
            self.batch.add(&Message { set: &set, kind: libc_u16(libc::NFT_MSG_DELSETELEM) }, MsgType::Del);
        }

        /// Takes one key out, which must be there.
        pub(crate) fn delete_element(&mut self, table: &Own, name: &CStr, key: &[u8]) {
            let set = RawSet::new(&table.0, name);
            set.put_element(key, None);
            self.batch.add(&Message { set: &set, kind: libc_u16(libc::NFT_MSG_DELSETELEM) }, MsgType::Del);
        }

        /// Adds one key, which must not be there, that goes away after `timeout_ms`, or never.
        pub(crate) fn add_element(&mut self, table: &Own, name: &CStr, key: &[u8], timeout_ms: Option<u64>) {
            let set = RawSet::new(&table.0, name);
            set.put_element(key, timeout_ms);
            self.batch.add(&Message { set: &set, kind: libc_u16(libc::NFT_MSG_NEWSETELEM) }, MsgType::Add);
        }

        /// The octets to send and the sequence numbers the kernel acknowledges.
        pub(crate) fn finish(self) -> (Vec<u8>, Range<u32>) {
            let finalized = self.batch.finalize();
            (finalized.iter().flatten().copied().collect(), finalized.sequence_numbers())
        }
    }

    /// A set of libnftnl, freed with its elements.
    struct RawSet(NonNull<lib::nftnl_set>, ProtoFamily);

    impl RawSet {
        fn new(table: &Table, name: &CStr) -> Self {
            // SAFETY: takes nothing; the result is checked.
            // JUSTIFICATION: nftnl's `Set` knows neither timeouts nor keys of parts, here and below.
            let set = Self(owned(unsafe { lib::nftnl_set_alloc() }), table.get_family());
            set.put_u32(lib::NFTNL_SET_FAMILY, u32::from(set.1 as u16));
            // SAFETY: the set is alive; both texts end in NUL and are copied.
            unsafe {
                lib::nftnl_set_set_str(
                    set.0.as_ptr(),
                    attribute(lib::NFTNL_SET_TABLE),
                    table.get_name().as_ptr(),
                );
                lib::nftnl_set_set_str(set.0.as_ptr(), attribute(lib::NFTNL_SET_NAME), name.as_ptr());
            }
            set
        }

        fn put_u32(&self, name: u32, value: u32) {
            // SAFETY: the set is alive, and callers name attributes that are 32 bit numbers.
            unsafe { lib::nftnl_set_set_u32(self.0.as_ptr(), attribute(name), value) }
        }

        fn put_concatenation(&self, parts: &[u8]) {
            let length = u32::try_from(parts.len()).unwrap_or(0);
            let parts = parts.as_ptr().cast::<c_void>();
            // SAFETY: the set is alive; pointer and length are those of a live slice, which is copied.
            unsafe {
                lib::nftnl_set_set_data(
                    self.0.as_ptr(),
                    attribute(lib::NFTNL_SET_DESC_CONCAT),
                    parts,
                    length,
                );
            }
        }

        fn put_element(&self, key: &[u8], timeout_ms: Option<u64>) {
            let length = u32::try_from(key.len()).unwrap_or(0);
            // SAFETY: the element is checked to be there; the key is a live slice, which is copied; the set is alive
            // and takes the element over, to free it with itself.
            unsafe {
                let element = owned(lib::nftnl_set_elem_alloc()).as_ptr();
                let name = attribute(lib::NFTNL_SET_ELEM_KEY);
                lib::nftnl_set_elem_set(element, name, key.as_ptr().cast::<c_void>(), length);
                if let Some(timeout_ms) = timeout_ms {
                    let name = attribute(lib::NFTNL_SET_ELEM_TIMEOUT);
                    lib::nftnl_set_elem_set_u64(element, name, timeout_ms);
                }
                lib::nftnl_set_elem_add(self.0.as_ptr(), element);
            }
        }
    }

    impl Drop for RawSet {
        fn drop(&mut self) {
            // SAFETY: it was allocated by `new`, is freed once, and nothing else holds it.
            unsafe { lib::nftnl_set_free(self.0.as_ptr()) }
        }
    }

    /// A message about a set or its elements.
    struct Message<'a> {
        set: &'a RawSet,
        kind: u16,
    }

    // SAFETY: `write` writes one message of one set, with at most one element; that is far below the buffer's
    // `nft_nlmsg_maxsize`.
    unsafe impl NlMsg for Message<'_> {
        unsafe fn write(&self, buffer: *mut c_void, sequence: u32, change: MsgType) {
            let is_element = self.kind == libc_u16(libc::NFT_MSG_NEWSETELEM);
            let flags = match change {
                // Without the last flag an element that is there would keep its end, and nobody would be told.
                MsgType::Add if is_element => libc::NLM_F_CREATE | libc::NLM_F_ACK | libc::NLM_F_EXCL,
                MsgType::Add => libc::NLM_F_CREATE | libc::NLM_F_ACK,
                MsgType::Del => libc::NLM_F_ACK,
            };
            // SAFETY: the caller hands a buffer of `nft_nlmsg_maxsize`, the header written into it is what the second
            // call extends, and the set is alive.
            // JUSTIFICATION: nftnl's own messages of elements know no timeout.
            unsafe {
                let header = lib::nftnl_nlmsg_build_hdr(
                    buffer.cast::<c_char>(),
                    self.kind,
                    self.set.1 as u16,
                    libc_u16(flags),
                    sequence,
                );
                if self.kind == libc_u16(libc::NFT_MSG_NEWSET) {
                    lib::nftnl_set_nlmsg_build_payload(header, self.set.0.as_ptr());
                } else {
                    lib::nftnl_set_elems_nlmsg_build_payload(header, self.set.0.as_ptr());
                }
            }
        }
    }

    /// An expression as libnftnl wants it.
    struct Written<'a> {
        expression: &'a Expression,
        set_ids: &'a [(&'a str, u32)],
    }

    impl nftnl::expr::Expression for Written<'_> {
        fn to_expr(&self, rule: &Rule<'_>) -> NonNull<lib::nftnl_expr> {
            match self.expression {
                Expression::Meta { key, word } => allocate(
                    c"meta",
                    &[(lib::NFTNL_EXPR_META_KEY, *key), (lib::NFTNL_EXPR_META_DREG, register(*word))],
                ),
                Expression::Payload { base, offset, length, word } => allocate(
                    c"payload",
                    &[
                        (lib::NFTNL_EXPR_PAYLOAD_BASE, *base),
                        (lib::NFTNL_EXPR_PAYLOAD_OFFSET, *offset),
                        (lib::NFTNL_EXPR_PAYLOAD_LEN, *length),
                        (lib::NFTNL_EXPR_PAYLOAD_DREG, register(*word)),
                    ],
                ),
                Expression::Equals { word, value } => {
                    let written = allocate(
                        c"cmp",
                        &[(lib::NFTNL_EXPR_CMP_SREG, register(*word)), (lib::NFTNL_EXPR_CMP_OP, 0)],
                    );
                    put_octets(written, lib::NFTNL_EXPR_CMP_DATA, value);
                    written
                }
                Expression::Lookup { set, word } => {
                    let id = self.set_ids.iter().find(|(name, _)| name == set).map_or(0, |(_, id)| *id);
                    let written = allocate(
                        c"lookup",
                        &[
                            (lib::NFTNL_EXPR_LOOKUP_SREG, register(*word)),
                            (lib::NFTNL_EXPR_LOOKUP_SET_ID, id),
                        ],
                    );
                    let mut name = set.clone().into_bytes();
                    name.push(0);
                    put_octets(written, lib::NFTNL_EXPR_LOOKUP_SET, &name);
                    written
                }
                Expression::Masked { word, mask } => masked(*word, mask),
                Expression::Between { word, from, to } => {
                    let written = allocate(
                        c"range",
                        &[(lib::NFTNL_EXPR_RANGE_SREG, register(*word)), (lib::NFTNL_EXPR_RANGE_OP, 0)],
                    );
                    put_octets(written, lib::NFTNL_EXPR_RANGE_FROM_DATA, from);
                    put_octets(written, lib::NFTNL_EXPR_RANGE_TO_DATA, to);
                    written
                }
                Expression::Counter => nftnl::expr::Counter {}.to_expr(rule),
                Expression::Jump { chain } => {
                    let chain = CString::new(chain.as_str()).unwrap_or_default();
                    nftnl::expr::Verdict::Jump { chain }.to_expr(rule)
                }
                Expression::Accept => nftnl::expr::Verdict::Accept.to_expr(rule),
                Expression::Drop => nftnl::expr::Verdict::Drop.to_expr(rule),
                Expression::Reset => {
                    nftnl::expr::Verdict::Reject(nftnl::expr::RejectionType::TcpRst).to_expr(rule)
                }
            }
        }
    }

    fn masked(word: u32, mask: &[u8]) -> NonNull<lib::nftnl_expr> {
        let numbers = [
            (lib::NFTNL_EXPR_BITWISE_SREG, register(word)),
            (lib::NFTNL_EXPR_BITWISE_DREG, register(word)),
            (lib::NFTNL_EXPR_BITWISE_LEN, u32::try_from(mask.len()).unwrap_or(0)),
        ];
        let written = allocate(c"bitwise", &numbers);
        put_octets(written, lib::NFTNL_EXPR_BITWISE_MASK, mask);
        put_octets(written, lib::NFTNL_EXPR_BITWISE_XOR, &vec![0; mask.len()]);
        written
    }

    fn allocate(name: &CStr, numbers: &[(u32, u32)]) -> NonNull<lib::nftnl_expr> {
        // SAFETY: the name ends in NUL; the result is checked.
        // JUSTIFICATION: nftnl's own expressions use register 1 only, and keys of parts need more.
        let written = owned(unsafe { lib::nftnl_expr_alloc(name.as_ptr()) });
        for (attribute_of, value) in numbers {
            // SAFETY: the expression is alive, and callers name attributes that are 32 bit numbers.
            unsafe { lib::nftnl_expr_set_u32(written.as_ptr(), attribute(*attribute_of), *value) }
        }
        written
    }

    fn put_octets(expression: NonNull<lib::nftnl_expr>, name: u32, octets: &[u8]) {
        let length = u32::try_from(octets.len()).unwrap_or(0);
        // SAFETY: the expression is alive; pointer and length are those of a live slice, which is copied.
        // JUSTIFICATION: as for `allocate`.
        unsafe {
            lib::nftnl_expr_set(
                expression.as_ptr(),
                attribute(name),
                octets.as_ptr().cast::<c_void>(),
                length,
            );
        }
    }

    /// `NFT_REG32_00` and those after it.
    const fn register(word: u32) -> u32 {
        8 + word
    }

    fn owned<T>(pointer: *mut T) -> NonNull<T> {
        // Out of memory: std's own allocations abort likewise.
        NonNull::new(pointer).unwrap_or_else(|| std::process::abort())
    }

    fn attribute(name: u32) -> u16 {
        u16::try_from(name).unwrap_or(u16::MAX)
    }

    fn libc_u16(number: libc::c_int) -> u16 {
        u16::try_from(number).unwrap_or(u16::MAX)
    }
}
