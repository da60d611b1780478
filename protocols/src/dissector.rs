//! What a protocol folder provides: recognition, a session that parses, and the notation of its points.

use alloc::boxed::Box;
use core::fmt;

use fieldwarden_model::{PointRange, Space, Transport};

use crate::message::{Direction, Protocol, Sink};

/// The ports of a flow. Below IP both are the [kind](crate::link::kind::kind) of its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The server's port.
    pub server: u16,
    /// The client's port.
    pub client: u16,
}

/// Whether octets look like a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// They are not.
    No,
    /// Not to be said before this many octets are there.
    Need(usize),
    /// They could be; the well-known port decides.
    Possible,
    /// They are, on any port.
    Certain,
}

/// What a session made of the front of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// That many octets, at least one, are dealt with; their messages went to the sink.
    Consumed(usize),
    /// A message begins here and is this long in all; more than was given, at most [`Dissector::max_message`].
    Need(usize),
    /// The framing is lost: skip to where [`Session::resynchronise`] finds a message again.
    Lost,
    /// This is not the protocol, or no longer.
    GiveUp,
}

/// The parser state of one flow.
pub trait Session: Send {
    /// Parses at most one frame of the protocol at the front of `bytes`, which is never empty. For datagrams `bytes`
    /// is one whole datagram, and `Need` means that it is cut short. Where the frame is a part of a message that waits for others,
    /// it is consumed all the same, and the sink is told to [keep](Sink::keep) who carried it.
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step;

    /// Octets are missing in this direction: forget what waited for them.
    fn gap(&mut self, direction: Direction);

    /// The other side acknowledges more octets of this direction than were seen: a request may be missing, so what
    /// answers it is no fault. Unlike after a [`Session::gap`] the octets may still come.
    fn doubt(&mut self, _direction: Direction) {}

    /// `bytes` are the first ones behind a gap, and begin a segment, where senders like to begin a message. Whether one
    /// does, so that the next step takes it from there even where it has faults that a search would not believe.
    fn resume(&mut self, _direction: Direction, _bytes: &[u8]) -> bool {
        false
    }

    /// The offset in `bytes` at which a message plausibly begins, after a gap or lost framing.
    fn resynchronise(&self, direction: Direction, bytes: &[u8]) -> Option<usize>;
}

/// How a protocol's people write points: `40101-40102`, `DB1.DBX0.0-0.7`.
pub trait Notation: Sync {
    /// Writes a range.
    ///
    /// # Errors
    /// Only those of `out`.
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result;

    /// Reads what [`Notation::write`] writes.
    fn read(&self, text: &str) -> Option<PointRange>;
}

/// Octets that the state of a session may take where its dissector states nothing else.
pub const MAX_SESSION: usize = 16 << 10;

/// The notation of protocols whose people have none, or whose points are not read: `area 9 block 2 point 3-5`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainNotation;

impl Notation for PlainNotation {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, block }, first, last } = *range;
        write!(out, "area {area} block {block} point {first}")?;
        if first == last { Ok(()) } else { write!(out, "-{last}") }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, rest) = text.strip_prefix("area ")?.split_once(" block ")?;
        let (block, span) = rest.split_once(" point ")?;
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let space = Space { area: digits(area)?, block: digits(block)? };
        let (first, last) = (digits(first)?, digits(last)?);
        (first <= last).then_some(PointRange { space, first, last })
    }
}

/// A number of digits alone: `+1` is none.
#[must_use]
pub fn digits<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A protocol.
pub trait Dissector: Sync {
    /// Its name.
    fn protocol(&self) -> Protocol;

    /// The layers below it whose messages it tells under names of their own.
    fn beneath(&self) -> &'static [Protocol] {
        &[]
    }

    /// Whether it runs over `transport`.
    fn carried_by(&self, transport: Transport) -> bool;

    /// Whether its messages are the upkeep of the network itself, as those of ARP and ICMP: each stands by itself and belongs
    /// to no flow, so that no conversation is made or judged of them. Asked of dissectors carried by the link alone.
    fn is_upkeep(&self) -> bool {
        false
    }

    /// Whether this is its well-known port; below IP, whether its frames are of this [kind](crate::link::kind::kind).
    fn well_known(&self, port: u16) -> bool;

    /// Whether the first octets of a stream, or a datagram, look like it.
    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe;

    /// A fresh session.
    fn session(&self, transport: Transport) -> Box<dyn Session>;

    /// The longest message in octets; a stream is never buffered beyond it.
    fn max_message(&self) -> usize;

    /// Octets that one conversation may hold at most, its session's state and what waits in both directions: a message each, in
    /// buffers that may have grown to twice their content, joined with the segment that came. A session that remembers more than
    /// a few kilobytes states its own number.
    fn max_memory(&self) -> usize {
        4 * self.max_message() + MAX_SESSION
    }

    /// How its points are written.
    fn notation(&self) -> &'static dyn Notation;
}
