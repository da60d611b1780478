//! Frames without TCP or UDP: dispatched by their [`kind`](link::kind::kind), which a dissector calls its own.
//!
//! They make flows of datagrams between two talkers, hardware addresses below IP, without ports. Frames that no dissector
//! knows make none: who sent them is heard, and that is all. Nor do messages of the network's own upkeep
//! ([`Dissector::is_upkeep`]), which come between everybody and everybody: each is told by itself.

use fieldwarden_model::{AddressSpace, Endpoint, FrameRef, Mac, Talker, Transport, VlanStack};
use fieldwarden_protocols::{
    Direction, Dissector, Message, Ports, Probe,
    link::{
        Layers, TcpFlags,
        kind::{MAX_JOINED, kind, unit},
    },
};

use super::{
    super::{
        FlowKey, Observer, Origin, Packet, TrackEvent,
        flow::{Flow, sender_is_client},
        recognition,
        scene::Scene,
        shard::{hardware, wide},
        table::Pair,
        unreceived::{self, Belongs},
    },
    Ends, Seat, Tracker, hear, tell_unattached,
};
use crate::conversation::is_group_or_nobody;

impl<O: Observer> Tracker<O> {
    /// Takes a packet without TCP or UDP.
    pub(super) fn below(&mut self, packet: &Packet<'_>, frames: &[FrameRef], observer: &mut O) {
        let layers = packet.layers;
        if O::SHOWS_UNRECEIVED {
            let place = |layers: &Layers<'_>, space| self.belongs(layers, space);
            unreceived::quoted(packet, self.dissectors, &place, observer);
        }
        let own = |kind: &u16| self.dissectors.iter().copied().find(|dissector| is_of(*dissector, *kind));
        let known = kind(layers).and_then(|kind| Some((kind, own(&kind)?)));
        // A CAN frame says something even without data.
        let tells = !unit(layers, &mut [0; MAX_JOINED]).is_empty();
        let Some((kind, dissector)) = known.filter(|_| tells) else {
            hear(packet, observer);
            return tell_unattached(packet, observer);
        };
        if dissector.is_upkeep() {
            hear(packet, observer);
            tell_unattached(packet, observer);
            return upkeep(packet, dissector, frames, observer);
        }
        let (sender, receiver) = ends(layers);
        let place = |talker| match talker {
            Talker::Ip(address) => (wide(address), kind),
            Talker::Mac(mac) => (hardware(Some(mac)), kind),
        };
        let (pair, sender_is_low) = Pair::of(place(sender), place(receiver), packet.space, Transport::Link);
        let index = match self.table.find(&pair) {
            Some(index) => index,
            None => {
                while self.table.len() >= self.settings.max_flows.max(1) {
                    self.evict(observer);
                }
                let by_client = self.sender_is_client(layers, kind, receiver, sender_is_low);
                let (client, server) = if by_client { (sender, receiver) } else { (receiver, sender) };
                let key = key(packet, client, server);
                let flow = Flow::new(key, by_client == sender_is_low, packet.frame);
                self.table.insert(pair, Box::new(flow), self.now)
            }
        };
        self.seated(packet, &Seat { pair, sender_is_low, index }, frames, observer);
    }

    /// Where a packet above IP belongs.
    fn belongs(&self, layers: &Layers<'_>, space: AddressSpace) -> Option<Belongs> {
        let ends = Ends::of(layers)?;
        let (pair, sender_is_low) = ends.pair(space);
        if let Some(flow) = self.table.find(&pair).and_then(|index| self.table.flow(index)) {
            let direction = flow.direction(sender_is_low);
            return Some(Belongs { key: flow.key, direction, protocol: flow.protocol });
        }
        let Ends { source, destination, transport, .. } = ends;
        let by_client = sender_is_client(self.dissectors, transport, TcpFlags(0), source, destination);
        let direction = if by_client { Direction::ToServer } else { Direction::ToClient };
        Some(Belongs { key: ends.key(space, by_client), direction, protocol: None })
    }

    /// Whether the sender of a flow's first frame is its client: what can only be a question comes from the client, what can
    /// only be an answer from the server. Else who speaks to a group is the client, and of two who speak to each other
    /// the lower one, so that it does not depend on where a capture begins.
    fn sender_is_client(
        &self,
        layers: &Layers<'_>,
        kind: u16,
        receiver: Talker,
        sender_is_low: bool,
    ) -> bool {
        let mut room = [0; MAX_JOINED];
        let octets = unit(layers, &mut room);
        let ports = Ports { server: kind, client: kind };
        let may_go = |direction| {
            let mut own = self.dissectors.iter().filter(|dissector| is_of(**dissector, kind));
            own.any(|dissector| dissector.probe(direction, octets, ports) != Probe::No)
        };
        match (may_go(Direction::ToServer), may_go(Direction::ToClient)) {
            (true, false) => true,
            (false, true) => false,
            _ => is_group_or_nobody(receiver) || sender_is_low,
        }
    }
}

/// Hands a frame on.
pub(super) fn frame<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    layers: &Layers<'_>,
) {
    if flow.speaks(direction) {
        scene.event(flow, direction, TrackEvent::Answered);
    }
    let kind = kind(layers).unwrap_or(0);
    let ports = Ports { server: kind, client: kind };
    recognition::datagram(scene, flow, direction, ports, unit(layers, &mut [0; MAX_JOINED]));
}

/// Tells a message that belongs to no flow.
fn upkeep<O: Observer>(
    packet: &Packet<'_>,
    dissector: &dyn Dissector,
    frames: &[FrameRef],
    observer: &mut O,
) {
    let layers = packet.layers;
    let (sender, receiver) = ends(layers);
    let key = key(packet, sender, receiver);
    let vlan: &VlanStack = &layers.vlan;
    let origin = Origin {
        key: &key,
        direction: Direction::ToServer,
        time: packet.time,
        frames,
        vlan,
        client_mac: layers.source_mac,
        server_mac: layers.destination_mac,
    };
    let mut room = [0; MAX_JOINED];
    let octets = unit(layers, &mut room);
    let mut session = dissector.session(Transport::Link);
    session.step(Direction::ToServer, octets, &mut |message: &Message<'_>| observer.upkeep(&origin, message));
}

fn is_of(dissector: &dyn Dissector, kind: u16) -> bool {
    dissector.carried_by(Transport::Link) && dissector.well_known(kind)
}

/// Who sends, and to whom.
fn ends(layers: &Layers<'_>) -> (Talker, Talker) {
    let hardware = |mac: Option<Mac>| Talker::Mac(mac.unwrap_or_default());
    match layers.network {
        Some(network) => (Talker::Ip(network.source), Talker::Ip(network.destination)),
        None => (hardware(layers.source_mac), hardware(layers.destination_mac)),
    }
}

fn key(packet: &Packet<'_>, client: Talker, server: Talker) -> FlowKey {
    let end = |talker| Endpoint { talker, port: None };
    FlowKey { space: packet.space, transport: Transport::Link, client: end(client), server: end(server) }
}
