//! What is kept per flow, and which side is the client.

use fieldwarden_model::{Endpoint, FrameRef, Mac, Talker, Timestamp, Transport, VlanStack};
use fieldwarden_protocols::{
    Direction, Dissector, Ports, Protocol,
    link::{Layers, TcpFlags},
};

use super::{FlowKey, half::Half, recognition::Recognition, table::Age};

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

    pub(super) const fn half_of(&self, direction: Direction) -> &Half {
        let [to_server, to_client] = &self.halves;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// Whether the sender of a direction has sent data, or its SYN.
    pub(super) const fn has_spoken(&self, direction: Direction) -> bool {
        let [client, server] = self.spoken;
        match direction {
            Direction::ToServer => client,
            Direction::ToClient => server,
        }
    }

    pub(super) const fn heard_until_mut(&mut self, direction: Direction) -> &mut Timestamp {
        let [client, server] = &mut self.heard_until;
        match direction {
            Direction::ToServer => client,
            Direction::ToClient => server,
        }
    }

    /// Whether a side that was heard before sends from another hardware address now.
    pub(super) fn moves(&self, direction: Direction, layers: &Layers<'_>) -> bool {
        let [client, server] = self.heard_until;
        let (heard_until, mac) = match direction {
            Direction::ToServer => (client, self.client_mac),
            Direction::ToClient => (server, self.server_mac),
        };
        heard_until > Timestamp::MIN
            && mac.is_some()
            && layers.source_mac.is_some()
            && layers.source_mac != mac
    }

    /// Remembers where the flow was last seen; whether it was in other VLANs than before.
    pub(super) fn seen(&mut self, direction: Direction, layers: &Layers<'_>, frame: FrameRef) -> bool {
        self.last_frame = frame;
        self.last_direction = direction;
        let tagged = !self.vlan.is_empty() || !layers.vlan.is_empty();
        let moved = tagged && self.vlan != layers.vlan;
        if moved {
            self.vlan.clone_from(&layers.vlan);
        }
        let (speaker, listener) = match direction {
            Direction::ToServer => (&mut self.client_mac, &mut self.server_mac),
            Direction::ToClient => (&mut self.server_mac, &mut self.client_mac),
        };
        if layers.source_mac.is_some() && layers.source_mac != *speaker {
            *speaker = layers.source_mac;
        }
        // Who is only spoken to is known by the address it is spoken to at, until it speaks itself.
        if listener.is_none() {
            *listener = layers.destination_mac;
        }
        moved
    }

    /// Whether a packet changes nothing in what is known of both ends, and nothing is to be told of its way.
    #[inline]
    pub(super) fn is_unchanged(&self, direction: Direction, layers: &Layers<'_>, time: Timestamp) -> bool {
        let (speaker, listener, heard_until) = match direction {
            Direction::ToServer => (self.client_mac, self.server_mac, self.heard_until[0]),
            Direction::ToClient => (self.server_mac, self.client_mac, self.heard_until[1]),
        };
        let tagged = !self.vlan.is_empty() || !layers.vlan.is_empty();
        self.begun
            && self.protocol.is_some()
            && time < heard_until
            && listener.is_some()
            && speaker == layers.source_mac
            && !layers.snapped
            && layers.anomalies.is_empty()
            && !(tagged && self.vlan != layers.vlan)
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

    /// Looks at every part of it that a packet touches, so that all of it is at hand soon.
    pub(super) fn look_at(&self) {
        let halves = self.halves.each_ref().map(|half| half.position);
        let parts = (self.last_frame, self.key.server.port, self.begun, self.heard_until, halves);
        core::hint::black_box((parts, self.told_active, self.protocol.is_some()));
    }

    /// Octets held beyond the size of the flow itself.
    pub(super) fn memory(&self) -> usize {
        self.recognition.memory() + self.halves.iter().map(Half::memory).sum::<usize>()
    }
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
