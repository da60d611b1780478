//! What is kept per flow, and which side is the client.

use core::hash::{BuildHasher, Hasher};

use fieldwarden_model::{Endpoint, FrameRef, Mac, Talker, Timestamp, Transport, VlanStack};
use fieldwarden_protocols::{
    Direction, Dissector, Ports, Protocol,
    link::{Layers, TcpFlags},
};

use super::{FlowKey, pieces::Pieces, recognition::Recognition, table::Age};
use crate::map::Seed;

/// A flow as the tracker knows it.
pub(super) struct Flow<F> {
    pub(super) key: FlowKey,
    /// Whether the client is the lower end of the pair.
    pub(super) client_is_low: bool,
    /// The observer's own.
    pub(super) kept: F,
    pub(super) client_mac: Option<Mac>,
    pub(super) server_mac: Option<Mac>,
    pub(super) vlan: VlanStack,
    /// Until when the observer need not be told that the client, or the server, is heard.
    pub(super) heard_until: [Timestamp; 2],
    pub(super) last_frame: FrameRef,
    pub(super) last_direction: Direction,
    pub(super) spoken: [bool; 2],
    pub(super) answered: bool,
    /// Whether its first packet was told.
    pub(super) begun: bool,
    /// When it was last told that it is active.
    pub(super) told_active: Timestamp,
    pub(super) ended: bool,
    pub(super) protocol: Option<Protocol>,
    pub(super) recognition: Recognition,
    pub(super) halves: [Half; 2],
}

impl<F: Default> Flow<F> {
    pub(super) fn new(key: FlowKey, client_is_low: bool, frame: FrameRef) -> Self {
        Self {
            key,
            client_is_low,
            kept: F::default(),
            client_mac: None,
            server_mac: None,
            vlan: VlanStack::new(),
            heard_until: [Timestamp::MIN; 2],
            last_frame: frame,
            last_direction: Direction::ToServer,
            spoken: [false; 2],
            answered: false,
            begun: false,
            told_active: Timestamp::MIN,
            ended: false,
            protocol: None,
            recognition: Recognition::fresh(),
            halves: Default::default(),
        }
    }
}

impl<F> Flow<F> {
    pub(super) fn direction(&self, sender_is_low: bool) -> Direction {
        if sender_is_low == self.client_is_low { Direction::ToServer } else { Direction::ToClient }
    }

    pub(super) fn ports(&self) -> Ports {
        Ports { server: self.key.server.port.unwrap_or(0), client: self.key.client.port.unwrap_or(0) }
    }

    pub(super) fn half(&mut self, direction: Direction) -> &mut Half {
        let [to_server, to_client] = &mut self.halves;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    pub(super) const fn heard_until_mut(&mut self, direction: Direction) -> &mut Timestamp {
        let [client, server] = &mut self.heard_until;
        match direction {
            Direction::ToServer => client,
            Direction::ToClient => server,
        }
    }

    /// Remembers where the flow was last seen.
    pub(super) fn seen(&mut self, direction: Direction, layers: &Layers<'_>, frame: FrameRef) {
        self.last_frame = frame;
        self.last_direction = direction;
        if self.vlan != layers.vlan {
            self.vlan.clone_from(&layers.vlan);
        }
        let (speaker, listener) = match direction {
            Direction::ToServer => (&mut self.client_mac, &mut self.server_mac),
            Direction::ToClient => (&mut self.server_mac, &mut self.client_mac),
        };
        *speaker = layers.source_mac.or(*speaker);
        // Who is only spoken to is known by the address it is spoken to at, until it speaks itself.
        *listener = listener.or(layers.destination_mac);
    }

    /// Notes that a side has spoken; whether both have for the first time.
    pub(super) fn speaks(&mut self, direction: Direction) -> bool {
        let [client, server] = &mut self.spoken;
        match direction {
            Direction::ToServer => *client = true,
            Direction::ToClient => *server = true,
        }
        let both = *client && *server;
        !core::mem::replace(&mut self.answered, both) && both
    }

    pub(super) fn age(&self) -> Age {
        if self.ended {
            Age::Ended
        } else if self.protocol.is_some() || (self.answered && self.key.transport == Transport::Tcp) {
            Age::Settled
        } else {
            Age::Unsettled
        }
    }

    /// Octets held beyond the size of the flow itself.
    pub(super) fn memory(&self) -> usize {
        self.recognition.memory() + self.halves.iter().map(|half| half.waiting.charge()).sum::<usize>()
    }
}

/// Retransmissions are compared with this many of the last segments delivered in each direction.
const RECENT: usize = 4;

/// A segment whose octets were delivered, remembered by their hash.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    position: u64,
    length: u32,
    hash: u32,
}

/// Where and when a waiting piece came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) frame: FrameRef,
    pub(super) time: Timestamp,
}

/// One direction of a TCP stream. Positions are sequence numbers unwrapped to 64 bits.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Set once the first sequence number is known.
    pub(super) synchronised: bool,
    /// Whether the position is where handing on begins. Picked up in the middle, it may yet turn out to be earlier.
    pub(super) anchored: bool,
    /// What the other side expected next before anything was heard of this one.
    pub(super) expected: Option<u32>,
    /// Initial sequence number, where the SYN was seen.
    pub(super) initial: Option<u32>,
    /// First sequence number of data that was delivered, for a SYN that arrives late.
    pub(super) first: u32,
    /// Next sequence number to deliver, and its position.
    sequence: u32,
    pub(super) position: u64,
    /// Position up to which the other side acknowledged.
    pub(super) acknowledged: u64,
    /// Position of the FIN.
    pub(super) end: Option<u64>,
    /// Whether octets after the FIN were told already.
    pub(super) told_after_end: bool,
    /// What waits behind a hole.
    pub(super) waiting: Pieces<Mark>,
    /// What of `waiting` the tracker's total knows.
    pub(super) charged: usize,
    /// When the hole is given up, with the serial number under which the tracker knows that.
    pub(super) deadline: Option<(Timestamp, u64)>,
    recent: [Recent; RECENT],
    recent_next: u8,
}

/// Where positions begin: room below for what comes before the first octet seen.
const ORIGIN: u64 = 1 << 32;

impl Half {
    /// Begins, or begins anew, at a sequence number.
    pub(super) fn synchronise(&mut self, sequence: u32) {
        if !self.synchronised {
            self.first = sequence;
        }
        self.synchronised = true;
        self.sequence = sequence;
        // Positions only grow, so that nothing delivered before can be mistaken for what comes now.
        self.position = self.position.max(ORIGIN) + ORIGIN;
        self.acknowledged = self.position;
        self.end = None;
    }

    /// The position of a sequence number, within 2^31 of the next one.
    pub(super) fn position_of(&self, sequence: u32) -> u64 {
        self.position.wrapping_add_signed(i64::from(sequence.wrapping_sub(self.sequence).cast_signed()))
    }

    /// How far a sequence number lies from the next one, either way.
    pub(super) fn distance(&self, sequence: u32) -> u32 {
        sequence.wrapping_sub(self.sequence).cast_signed().unsigned_abs()
    }

    /// Handing on begins here.
    pub(super) fn anchor(&mut self, position: u64) {
        self.anchored = true;
        let back = self.position.saturating_sub(position);
        self.position -= back;
        self.sequence = self.sequence.wrapping_sub(u32::try_from(back & 0xffff_ffff).unwrap_or(0));
        self.advance_to(position);
    }

    /// Moves on to a later position.
    pub(super) fn advance_to(&mut self, position: u64) {
        let by = position.saturating_sub(self.position);
        self.position += by;
        // Sequence numbers count modulo 2^32 (RFC 9293 clause 3.4).
        self.sequence = self.sequence.wrapping_add(u32::try_from(by & 0xffff_ffff).unwrap_or(0));
    }

    /// Remembers delivered octets, to hold retransmissions against them.
    pub(super) fn remember(&mut self, seed: Seed, position: u64, octets: &[u8]) {
        let recent = Recent {
            position,
            length: u32::try_from(octets.len()).unwrap_or(u32::MAX),
            hash: hash(seed, octets),
        };
        if let Some(slot) = self.recent.get_mut(usize::from(self.recent_next) % RECENT) {
            *slot = recent;
        }
        self.recent_next = self.recent_next.wrapping_add(1);
    }

    /// Whether octets sent again differ from those delivered, as far as whole segments delivered lately can tell.
    pub(super) fn contradicts(&self, seed: Seed, position: u64, octets: &[u8]) -> bool {
        let end = position + octets.len() as u64;
        self.recent.iter().filter(|recent| recent.length != 0).any(|recent| {
            let stop = recent.position + u64::from(recent.length);
            recent.position >= position
                && stop <= end
                && hash(seed, super::pieces::between(position, octets, recent.position, stop)) != recent.hash
        })
    }
}

/// Seeded, so that nobody can craft other octets of the same hash.
fn hash(seed: Seed, octets: &[u8]) -> u32 {
    let mut hasher = seed.build_hasher();
    hasher.write(octets);
    u32::try_from(hasher.finish() >> 32).unwrap_or(0)
}

/// Whether the sender of a flow's first packet is its client.
///
/// TCP: who sends SYN is the client, who answers with SYN and ACK is the server. Otherwise the side on a dissector's
/// well-known port is the server; then, for TCP, the side below port 1024; then the side below the range that today's
/// systems take clients' ports from, where the other is within it. Else, and for a UDP flow without a well-known port,
/// who is heard first is the client.
pub(super) fn sender_is_client(
    dissectors: &[&dyn Dissector],
    transport: Transport,
    flags: TcpFlags,
    source: u16,
    destination: u16,
) -> bool {
    if flags.has(TcpFlags::SYN) {
        return !flags.has(TcpFlags::ACK);
    }
    match (well_known(dissectors, transport, source), well_known(dissectors, transport, destination)) {
        (true, false) => return false,
        (false, true) => return true,
        _ => {}
    }
    if transport == Transport::Udp {
        return true;
    }
    for bound in [1_024, FIRST_CLIENT_PORT] {
        match (source < bound, destination < bound) {
            (true, false) => return false,
            (false, true) => return true,
            _ => {}
        }
    }
    true
}

/// Linux takes clients' ports from 32 768 on, others from 49 152 on (RFC 6335 clause 6).
const FIRST_CLIENT_PORT: u16 = 32_768;

/// Whether a port belongs to one of the dissectors.
pub(super) fn well_known(dissectors: &[&dyn Dissector], transport: Transport, port: u16) -> bool {
    dissectors.iter().any(|dissector| dissector.carried_by(transport) && dissector.well_known(port))
}

/// An end of a flow above IP.
pub(super) const fn endpoint(address: core::net::IpAddr, port: u16) -> Endpoint {
    Endpoint { talker: Talker::Ip(address), port: Some(port) }
}
