//! Netlink messages, read and written in safe code: header, then attributes of type, length and value, each padded
//! to four octets. RFC 3549 describes the layout; numbers within nf_tables and conntrack messages are big-endian.
//!
//! What is read back is taken apart here and not by libnftnl, so that a fault of the library that wrote a rule
//! cannot confirm itself.

use std::{io, ops::Range, time::Duration};

use crate::sys::netlink_socket::NetlinkSocket;

/// The most octets of one datagram the kernel sends; its dumps use at most 32 KiB, its errors echo a message of ours.
const DATAGRAM: usize = 256 * 1024;
/// How long the kernel may take over one message.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often a dump that changed while it was told is asked for again.
const TRIES: usize = 5;
/// `nlmsghdr`, then `nfgenmsg`.
const HEADER: usize = 16;
const FAMILY_HEADER: usize = 4;
/// Attribute types carry two flags above the number.
const TYPE_MASK: u16 = 0x3fff;
const NESTED: u16 = 0x8000;

/// A request being written.
#[derive(Clone, Debug)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// A request of a netfilter subsystem about an address family.
    pub(crate) fn new(subsystem: u8, kind: u8, family: u8, flags: u16) -> Self {
        let mut octets = Vec::with_capacity(256);
        octets.extend(0u32.to_ne_bytes());
        octets.extend(u16::from_be_bytes([subsystem, kind]).to_ne_bytes());
        octets.extend((flags | REQUEST).to_ne_bytes());
        octets.extend(0u32.to_ne_bytes());
        octets.extend(0u32.to_ne_bytes());
        octets.extend([family, 0, 0, 0]);
        Self(octets)
    }

    /// Appends an attribute.
    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Appends an attribute made of attributes.
    pub(crate) fn with_nested(self, kind: u16, value: &[u8]) -> Self {
        self.with(kind | NESTED, value)
    }

    /// Appends a name.
    pub(crate) fn with_name(self, kind: u16, name: &str) -> Self {
        let mut value = name.as_bytes().to_vec();
        value.push(0);
        self.with(kind, &value)
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        for (at, number) in [(0, length), (8, sequence)] {
            if let Some(field) = self.0.get_mut(at..at + 4) {
                field.copy_from_slice(&number.to_ne_bytes());
            }
        }
        self.0
    }
}

/// The kernel is to act on the message.
const REQUEST: u16 = 1;
/// The kernel is to answer even when all went well.
pub(crate) const ACKNOWLEDGE: u16 = 4;
/// The kernel is to tell everything it has.
pub(crate) const DUMP: u16 = 0x300;
const DUMP_CHANGED: u16 = 0x10;
const KIND_ERROR: u16 = 2;
const KIND_DONE: u16 = 3;

/// One message of the kernel.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute<'a> {
    /// Its number, without flags.
    pub(crate) kind: u16,
    /// Its value.
    pub(crate) value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// Its value as a big-endian number of 32 bits, where it is one.
    pub(crate) fn number(self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    /// Its value as a big-endian number of 64 bits, where it is one.
    pub(crate) fn long_number(self) -> Option<u64> {
        self.value.try_into().ok().map(u64::from_be_bytes)
    }

    /// Its value as a text, without the NUL at its end.
    pub(crate) fn text(self) -> Option<&'a str> {
        let end = self.value.iter().position(|octet| *octet == 0).unwrap_or(self.value.len());
        std::str::from_utf8(self.value.get(..end)?).ok()
    }
}

/// The attributes in `octets`; it ends where they make no sense any longer.
pub(crate) fn attributes(octets: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (length, kind) = (u16_at(rest, 0)?, u16_at(rest, 2)?);
        let value = rest.get(4..usize::from(length))?;
        rest = rest.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
        Some(Attribute { kind: kind & TYPE_MASK, value })
    })
}

/// The first attribute of that number.
pub(crate) fn find(octets: &[u8], kind: u16) -> Option<Attribute<'_>> {
    attributes(octets).find(|attribute| attribute.kind == kind)
}

/// Questions to the kernel, over one socket.
pub(crate) struct Kernel {
    socket: NetlinkSocket,
    buffer: Vec<u8>,
    /// Of the last question: answers to another one are not taken for answers to this.
    sequence: u32,
}

impl Kernel {
    /// Opens it.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self { socket: NetlinkSocket::open(PATIENCE)?, buffer: vec![0; DATAGRAM], sequence: 0 })
    }

    /// Asks and hands each answer's attributes to `take`.
    ///
    /// # Errors
    /// What the kernel said, or that it did not answer.
    pub(crate) fn ask(&mut self, request: &Request, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        self.put(request, take).map(|_| ())
    }

    /// Asks for a dump and hands each answer's attributes to `take`; what was told is given up and asked for again
    /// when it changed meanwhile.
    ///
    /// # Errors
    /// What the kernel said, or that it does not hold still.
    pub(crate) fn dump<T: Default>(
        &mut self,
        request: &Request,
        take: &dyn Fn(&mut T, &[u8]),
    ) -> io::Result<T> {
        for _ in 0..TRIES {
            let mut told = T::default();
            if self.put(request, &mut |attributes| take(&mut told, attributes))? == Steadiness::Steady {
                return Ok(told);
            }
        }
        Err(io::Error::other(format!("its content changed during each of {TRIES} readings")))
    }

    fn put(&mut self, request: &Request, take: &mut dyn FnMut(&[u8])) -> io::Result<Steadiness> {
        self.sequence = self.sequence.wrapping_add(1);
        self.socket.send(&request.clone().finish(self.sequence))?;
        let mut steadiness = Steadiness::Steady;
        loop {
            let length = self.socket.receive(&mut self.buffer)?;
            let datagram = self.buffer.get(..length).unwrap_or_default();
            for message in messages(datagram).filter(|message| message.sequence == self.sequence) {
                if message.flags & DUMP_CHANGED != 0 {
                    steadiness = Steadiness::Changed;
                }
                match message.kind {
                    KIND_DONE => return Ok(steadiness),
                    KIND_ERROR => return outcome(&message).map(|()| steadiness),
                    _ => take(message.payload.get(FAMILY_HEADER..).unwrap_or_default()),
                }
            }
        }
    }
}

/// Sends a transaction and waits until the kernel has acknowledged every part.
///
/// # Errors
/// The first part the kernel refused; then nothing was changed.
pub(crate) fn transact(octets: &[u8], sequence: Range<u32>) -> io::Result<()> {
    let socket = NetlinkSocket::open(PATIENCE)?;
    socket.send(octets)?;
    let mut outstanding: std::collections::BTreeSet<u32> = sequence.collect();
    let mut buffer = vec![0; DATAGRAM];
    while !outstanding.is_empty() {
        let length = socket.receive(&mut buffer)?;
        for message in messages(buffer.get(..length).unwrap_or_default()) {
            if message.kind == KIND_ERROR {
                outcome(&message)?;
                outstanding.remove(&message.sequence);
            }
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Steadiness {
    Steady,
    Changed,
}

fn outcome(message: &Message<'_>) -> io::Result<()> {
    let code = message.payload.first_chunk().map_or(0, |octets| i32::from_ne_bytes(*octets));
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.saturating_neg())) }
}

fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(rest, 0)?).ok()?;
        let message = Message {
            kind: u16_at(rest, 4)?,
            flags: u16_at(rest, 6)?,
            sequence: u32_at(rest, 8)?,
            payload: rest.get(HEADER..length)?,
        };
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|octets| u16::from_ne_bytes(*octets))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|octets| u32::from_ne_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_lie_about_their_length_end_the_list() {
        let octets = Request::new(10, 1, 1, 0).with_name(1, "plant").with(2, &7u32.to_be_bytes()).finish(1);
        let good = &octets[HEADER + FAMILY_HEADER..];
        assert_eq!(find(good, 1).and_then(Attribute::text), Some("plant"));
        assert_eq!(find(good, 2).and_then(Attribute::number), Some(7));
        for length in [0u16, 3, 200, u16::MAX] {
            let mut bad = good.to_vec();
            bad[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(attributes(&bad).count(), 0, "length {length}");
        }
    }
}
