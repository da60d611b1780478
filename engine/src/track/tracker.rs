//! The tracker: finds the flow of each packet, fires deadlines, enforces the caps.

mod below;
mod usual;

use core::{net::Ipv4Addr, time::Duration};
use std::collections::BTreeSet;

use fieldwarden_model::{AddressSpace, FrameRef, Talker, Timestamp, Transport};
use fieldwarden_protocols::{
    DISSECTORS, Direction, Dissector,
    link::{Fragment, Layers, Network, Tcp, TcpFlags, TransportHeader, dissect_reassembled},
};

use super::{
    ArpSaid, Copied, FlowKey, Heard, Observer, Opened, Packet, Settings, TrackEvent, Unattached, accept,
    copies::Copies,
    flow::{Flow, endpoint, sender_is_client},
    fragments::{Fragments, Outcome},
    half::Half,
    pieces::Overlap,
    recognition,
    scene::Scene,
    shard::{PlainEnds, wide},
    table::{self, Age, Pair, Table},
    tcp::{self, Segment},
    unreceived,
};
use crate::map::Seed;

/// How often it is told that octets pass over a flow whose protocol is not recognised.
const ACTIVE_EVERY: Duration = Duration::from_secs(1);

/// Follows the flows of one shard.
pub struct Tracker<O: Observer> {
    settings: Settings,
    dissectors: &'static [&'static dyn Dissector],
    seed: Seed,
    table: Table<Flow<O::Flow>>,
    holes: Holes,
    fragments: Fragments,
    copies: Option<Copies>,
    now: Timestamp,
    /// No deadline falls before this time; one may fall later than it says.
    quiet_until: Timestamp,
    /// The shortest silence after which any flow is let go.
    shortest_idle: Duration,
}

/// The holes in all streams, by the time at which they are given up.
#[derive(Debug, Default)]
struct Holes {
    due: BTreeSet<Due>,
    serial: u64,
    octets: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    time: Timestamp,
    serial: u64,
    flow: u32,
    direction: Direction,
}

/// The next thing that time brings about.
#[derive(Clone, Copy, Debug)]
enum Deadline {
    Hole(Due),
    Idle(u32),
    Fragments,
}

impl<O: Observer> Tracker<O> {
    /// A tracker that knows every dissector.
    #[must_use]
    pub fn new(settings: Settings, seed: Seed) -> Self {
        Self::recognising(DISSECTORS, settings, seed)
    }

    /// A tracker that knows these dissectors only, tried in this order.
    #[must_use]
    pub fn recognising(
        dissectors: &'static [&'static dyn Dissector],
        settings: Settings,
        seed: Seed,
    ) -> Self {
        Self {
            settings,
            dissectors,
            seed,
            table: Table::new(seed),
            holes: Holes::default(),
            fragments: Fragments::new(seed, settings.fragment_policy),
            copies: None,
            now: Timestamp::MIN,
            quiet_until: Timestamp::MIN,
            shortest_idle: seconds(
                settings.flow_idle_secs.min(settings.unsettled_idle_secs).min(settings.linger_secs),
            ),
        }
    }

    /// Every talker counts as not heard yet.
    pub fn hear_anew(&mut self) {
        self.table.flows_mut().for_each(|flow| flow.heard_until = [Timestamp::MIN; 2]);
    }

    /// Takes the next packet, unless it is a copy of one taken before: then only that is told. `captured` is the time the
    /// capture gave it, which may run backwards where the packet's own must not; `seat` is what [`Tracker::seat`] found.
    pub fn packet_unless_copy(
        &mut self,
        packet: &Packet<'_>,
        captured: Timestamp,
        seat: Option<Seat>,
        observer: &mut O,
    ) -> Option<Box<Opened>> {
        if seat.is_some_and(|seat| self.usual(packet, captured, &seat, observer)) {
            return None;
        }
        let window = self.settings.copy_window_us;
        if window != 0 {
            let window = Duration::from_micros(u64::from(window));
            let copies = self.copies.get_or_insert_with(|| Copies::new(window, self.seed));
            if let Some(copied) = copies.meet(packet.layers, captured) {
                self.copy(packet, copied, observer);
                return None;
            }
        }
        self.packet_at(packet, seat, observer)
    }

    /// Takes the next packet.
    ///
    /// Fragments may complete a datagram that is a tunnel. What is inside is between other talkers, whose tracker may be
    /// another one: it is handed back, for [`Opened::distribute`] to take it there.
    pub fn packet(&mut self, packet: &Packet<'_>, observer: &mut O) -> Option<Box<Opened>> {
        self.carried(packet, &[packet.frame], observer)
    }

    /// Where the flow between two ends sits, as far as is known before a packet of it is taken.
    #[must_use]
    pub fn seat(&self, ends: &PlainEnds, space: AddressSpace) -> Option<Seat> {
        let end = |(address, port): (Ipv4Addr, u16)| (wide(address.into()), port);
        let (pair, sender_is_low) = Pair::of(end(ends.source), end(ends.destination), space, ends.transport);
        Some(Seat { pair, sender_is_low, index: self.table.find(&pair)? })
    }

    /// Looks at what a packet of the flow is going to need, so that it is at hand by then. Changes nothing.
    pub fn look_at(&self, seat: Option<&Seat>) {
        if let Some(flow) = seat.and_then(|seat| self.table.flow(seat.index)) {
            flow.look_at();
        }
    }

    /// Looks at what is remembered of the latest packets, before many are taken. Changes nothing.
    pub fn look_at_copies(&self) {
        if let Some(copies) = &self.copies {
            copies.look_at();
        }
    }

    /// What the observer keeps of the flow.
    #[must_use]
    pub fn kept(&self, seat: Option<&Seat>) -> Option<&O::Flow> {
        seat.and_then(|seat| self.table.flow(seat.index)).map(|flow| &flow.kept)
    }

    /// [`Tracker::packet`], with the place of its flow as [`Tracker::seat`] found it. Others may have sat there since.
    fn packet_at(
        &mut self,
        packet: &Packet<'_>,
        seat: Option<Seat>,
        observer: &mut O,
    ) -> Option<Box<Opened>> {
        // A frame cut short may have ports at a glance, and no header that can be read.
        let Some(seat) = seat.filter(|_| packet.layers.transport != TransportHeader::None) else {
            return self.packet(packet, observer);
        };
        self.advance(packet.time, observer);
        if self.table.is_at(seat.index, &seat.pair) && !may_open_another(packet.layers) {
            self.seated(packet, &seat, &[packet.frame], observer);
        } else {
            self.whole(packet, &[packet.frame], observer);
        }
        None
    }

    /// Takes the next packet, which `frames` carried.
    pub fn carried(
        &mut self,
        packet: &Packet<'_>,
        frames: &[FrameRef],
        observer: &mut O,
    ) -> Option<Box<Opened>> {
        self.advance(packet.time, observer);
        let fragment = packet.layers.network.and_then(|network| Some((network, network.fragment?)));
        let Some((network, fragment)) = fragment else {
            self.whole(packet, frames, observer);
            return None;
        };
        self.fragment(packet, &network, fragment, observer)
    }

    fn fragment(
        &mut self,
        packet: &Packet<'_>,
        network: &Network,
        fragment: Fragment,
        observer: &mut O,
    ) -> Option<Box<Opened>> {
        hear(packet, observer);
        tell_unattached(packet, observer);
        // A fragment cut short in the capture has a hole that nothing can fill.
        let octets = packet.layers.payload;
        if octets.is_empty() || packet.layers.missing != 0 {
            return None;
        }
        self.expect(packet.time.saturating_add(seconds(self.settings.fragment_secs)));
        let (outcome, overlap) =
            self.fragments.add(packet.space, network, fragment, octets, packet.frame, packet.time);
        if overlap == Overlap::Conflict {
            observer.unattached(&place(packet), TrackEvent::OverlapConflict);
        }
        self.bound_fragments(observer);
        let Outcome::Complete(datagram, frames) = outcome else { return None };
        let layers = &dissect_reassembled(packet.layers, &datagram);
        if layers.tunnels.len() > packet.layers.tunnels.len() {
            return Some(Box::new(Opened { datagram, frames }));
        }
        let Packet { time, frame, space, .. } = *packet;
        self.whole(&Packet { time, frame, space, layers }, &frames, observer);
        None
    }

    /// Time passes without a packet: fires every deadline up to `now`.
    pub fn advance(&mut self, now: Timestamp, observer: &mut O) {
        if now >= self.quiet_until {
            self.fire(now, observer);
        }
        self.now = self.now.max(now);
    }

    fn fire(&mut self, now: Timestamp, observer: &mut O) {
        loop {
            let next = self.next_deadline();
            self.quiet_until = next.map_or(Timestamp::MAX, |(time, _)| time);
            let Some((time, deadline)) = next.filter(|(time, _)| *time <= now) else { return };
            self.now = self.now.max(time);
            match deadline {
                Deadline::Hole(due) => self.give_up_hole(due, observer),
                Deadline::Idle(index) => self.expire(index, observer),
                Deadline::Fragments => self.drop_fragments(observer),
            }
        }
    }

    /// A deadline was set that may be the next one.
    fn expect(&mut self, time: Timestamp) {
        self.quiet_until = self.quiet_until.min(time);
    }

    /// The capture ends: hands on everything that waits, behind gaps. Flows are not told to have ended.
    pub fn finish(&mut self, observer: &mut O) {
        while self.fragments.oldest().is_some() {
            self.drop_fragments(observer);
        }
        for index in self.table.indexes() {
            self.visit(index, observer, |scene, flow| {
                if flow.key.transport == Transport::Tcp {
                    tcp::flush(scene, flow);
                }
            });
        }
    }

    /// Octets held: flows, what waits in them, fragments. Without what the observer keeps on the heap.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory()
            + self.table.flows().map(Flow::memory).sum::<usize>()
            + self.fragments.memory()
            + self.copies.as_ref().map_or(0, Copies::memory)
    }

    /// Octets one flow takes, without what waits in it.
    pub(crate) const fn flow_octets() -> usize {
        Table::<Flow<O::Flow>>::octets_each()
    }

    /// Flows known at present, ended ones that are still remembered included.
    #[must_use]
    pub fn flows(&self) -> usize {
        self.table.len()
    }

    /// A packet that is no fragment.
    fn whole(&mut self, packet: &Packet<'_>, frames: &[FrameRef], observer: &mut O) {
        let Some(ends) = Ends::of(packet.layers) else {
            return self.below(packet, frames, observer);
        };
        let (pair, sender_is_low) = ends.pair(packet.space);
        let index = self.flow_of(packet, &ends, pair, sender_is_low, observer);
        self.seated(packet, &Seat { pair, sender_is_low, index }, frames, observer);
    }

    /// A packet of a flow that is known by now.
    fn seated(&mut self, packet: &Packet<'_>, seat: &Seat, frames: &[FrameRef], observer: &mut O) {
        let layers = packet.layers;
        let Seat { sender_is_low, index, .. } = *seat;
        let Some(mut flow) = self.table.take(index) else { return };
        let direction = flow.direction(sender_is_low);
        let begins = !core::mem::replace(&mut flow.begun, true);
        // Another hardware address than before may be another talker.
        let moves = flow.moves(direction, layers);
        let heard_until = flow.heard_until_mut(direction);
        if packet.time >= *heard_until || moves {
            *heard_until = hear(packet, observer);
        }
        let moved = flow.seen(direction, layers, packet.frame);
        let mut scene = Scene {
            observer,
            settings: &self.settings,
            dissectors: self.dissectors,
            seed: self.seed,
            time: packet.time,
            frames,
        };
        if begins {
            scene.event(&mut flow, direction, TrackEvent::Started);
            flow.told_active = packet.time;
        } else if flow.protocol.is_none()
            && !layers.payload.is_empty()
            && packet.time.since(flow.told_active) >= ACTIVE_EVERY
        {
            flow.told_active = packet.time;
            scene.event(&mut flow, direction, TrackEvent::Active);
        }
        if moved && !begins {
            scene.event(&mut flow, direction, TrackEvent::Retagged);
        }
        if is_cut(layers) {
            scene.event(&mut flow, direction, TrackEvent::Snapped);
        }
        for anomaly in &layers.anomalies {
            scene.event(&mut flow, direction, TrackEvent::Layer(*anomaly));
        }
        let refused = flow.recognition.looks()
            && accept::is_checked(layers)
            && !accept::takes(&mut scene, &mut flow, direction, layers);
        match layers.transport {
            _ if refused => unreceived::refused(&mut scene, &mut flow, direction, layers.payload),
            TransportHeader::Tcp(header) => {
                tcp::segment(&mut scene, &mut flow, direction, &segment_of(layers, header));
            }
            TransportHeader::Udp(_) if !layers.payload.is_empty() => {
                if flow.speaks(direction) {
                    scene.event(&mut flow, direction, TrackEvent::Answered);
                }
                let ports = flow.ports();
                recognition::datagram(&mut scene, &mut flow, direction, ports, layers.payload);
            }
            TransportHeader::Udp(_) => {}
            TransportHeader::None => below::frame(&mut scene, &mut flow, direction, layers),
        }
        self.settle(index, &mut flow);
        self.table.touch(index, flow.age(), self.now);
        self.table.put(index, flow);
        self.expect(self.now.saturating_add(self.shortest_idle));
        self.bound_holes(observer);
    }

    /// A packet was seen before: told with its flow, where it has one.
    fn copy(&mut self, packet: &Packet<'_>, copied: Copied, observer: &mut O) {
        self.advance(packet.time, observer);
        let event = TrackEvent::Copy(copied);
        let known = Ends::of(packet.layers).and_then(|ends| {
            let (pair, sender_is_low) = ends.pair(packet.space);
            Some((self.table.find(&pair)?, sender_is_low))
        });
        let Some((index, sender_is_low)) = known else { return observer.unattached(&place(packet), event) };
        self.visit(index, observer, |scene, flow| {
            let direction = flow.direction(sender_is_low);
            scene.event(flow, direction, event);
        });
    }

    /// The flow a packet belongs to, which may begin with it.
    fn flow_of(
        &mut self,
        packet: &Packet<'_>,
        ends: &Ends,
        pair: Pair,
        sender_is_low: bool,
        observer: &mut O,
    ) -> u32 {
        let known = self.table.find(&pair);
        if let Some(index) = known {
            if !self.opens_another(index, packet.layers, sender_is_low) {
                return index;
            }
            self.end(index, observer);
            self.drop_flow(index);
        }
        while self.table.len() >= self.settings.max_flows.max(1) {
            self.evict(observer);
        }
        let flags = match packet.layers.transport {
            TransportHeader::Tcp(Tcp { flags, .. }) => flags,
            _ => TcpFlags(0),
        };
        let by_client =
            sender_is_client(self.dissectors, ends.transport, flags, ends.source, ends.destination);
        let key = ends.key(packet.space, by_client);
        let flow = Flow::new(key, by_client == sender_is_low, packet.frame);
        self.table.insert(pair, Box::new(flow), self.now)
    }

    fn opens_another(&mut self, index: u32, layers: &Layers<'_>, sender_is_low: bool) -> bool {
        let TransportHeader::Tcp(header) = layers.transport else { return false };
        if !header.flags.has(TcpFlags::SYN) {
            return false;
        }
        let Some(mut flow) = self.table.take(index) else { return false };
        let direction = flow.direction(sender_is_low);
        let another = tcp::opens_another(&mut flow, direction, &header);
        self.table.put(index, flow);
        another
    }

    /// Works on a flow outside of a packet; what is told refers to its last frame and the present time.
    fn visit(
        &mut self,
        index: u32,
        observer: &mut O,
        work: impl FnOnce(&mut Scene<'_, O>, &mut Flow<O::Flow>),
    ) {
        let Some(mut flow) = self.table.take(index) else { return };
        let frames = [flow.last_frame];
        let mut scene = Scene {
            observer,
            settings: &self.settings,
            dissectors: self.dissectors,
            seed: self.seed,
            time: self.now,
            frames: &frames,
        };
        let before = flow.age();
        work(&mut scene, &mut flow);
        self.settle(index, &mut flow);
        if flow.age() != before {
            // What was found once the waiting was over counts as if it had been found at once.
            self.table.touch(index, flow.age(), self.now);
            self.quiet_until = self.quiet_until.min(self.now.saturating_add(self.shortest_idle));
        }
        self.table.put(index, flow);
    }

    /// Brings the list of holes in line with what waits in a flow.
    #[inline]
    fn settle(&mut self, index: u32, flow: &mut Flow<O::Flow>) {
        if !flow.halves.iter().all(Half::is_calm) {
            self.settle_trouble(index, flow);
        }
    }

    #[inline(never)]
    fn settle_trouble(&mut self, index: u32, flow: &mut Flow<O::Flow>) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let half = flow.half(direction);
            let Some(trouble) = half.trouble_if_any() else { continue };
            self.holes.octets = self.holes.octets + trouble.waiting.charge() - trouble.charged;
            trouble.charged = trouble.waiting.charge();
            let first = trouble.waiting.first().map(|(_, mark)| mark.time);
            let wanted = first.map(|time| time.saturating_add(self.settings.gap_patience()));
            if let Some((time, serial)) = trouble.deadline
                && wanted != Some(time)
            {
                self.holes.due.remove(&Due { time, serial, flow: index, direction });
                trouble.deadline = None;
            }
            if let (Some(time), None) = (wanted, trouble.deadline) {
                self.quiet_until = self.quiet_until.min(time);
                self.holes.serial += 1;
                trouble.deadline = Some((time, self.holes.serial));
                self.holes.due.insert(Due { time, serial: self.holes.serial, flow: index, direction });
            }
            half.settle();
        }
    }

    fn next_deadline(&self) -> Option<(Timestamp, Deadline)> {
        let after = |time: Timestamp, secs: u32| time.saturating_add(seconds(secs));
        let hole = self.holes.due.first().map(|due| (due.time, Deadline::Hole(*due)));
        let fragments = self
            .fragments
            .oldest()
            .map(|time| (after(time, self.settings.fragment_secs), Deadline::Fragments));
        let idle = |age: Age, secs: u32| {
            let silent = |placed: Timestamp| after(placed, secs).saturating_add(table::GRAIN);
            self.table.oldest(age).map(|(index, placed)| (silent(placed), Deadline::Idle(index)))
        };
        [
            hole,
            fragments,
            idle(Age::Settled, self.settings.flow_idle_secs),
            idle(Age::Unsettled, self.settings.unsettled_idle_secs),
            idle(Age::Ended, self.settings.linger_secs),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(time, _)| *time)
    }

    fn give_up_hole(&mut self, due: Due, observer: &mut O) {
        let since = self.now.saturating_sub(self.settings.gap_patience());
        self.visit(due.flow, observer, |scene, flow| {
            tcp::overdue(scene, flow, due.direction, since);
        });
        // Should the flow not have known of it, the entry must still go.
        self.holes.due.remove(&due);
    }

    /// Silent for too long.
    fn expire(&mut self, index: u32, observer: &mut O) {
        self.end(index, observer);
        self.drop_flow(index);
    }

    fn end(&mut self, index: u32, observer: &mut O) {
        self.visit(index, observer, |scene, flow| {
            if flow.ended {
                return;
            }
            if flow.key.transport == Transport::Tcp {
                tcp::flush(scene, flow);
            }
            flow.ended = true;
            let direction = flow.last_direction;
            scene.event(flow, direction, TrackEvent::Ended);
        });
    }

    /// Lets the flow go that is missed least.
    fn evict(&mut self, observer: &mut O) {
        let Some(index) = Age::ALL.iter().find_map(|age| self.table.oldest(*age)).map(|(index, _)| index)
        else {
            return;
        };
        self.visit(index, observer, |scene, flow| {
            if flow.ended {
                return;
            }
            if flow.key.transport == Transport::Tcp {
                tcp::flush(scene, flow);
            }
            let direction = flow.last_direction;
            scene.event(flow, direction, TrackEvent::Limit { cap: "max_flows" });
        });
        self.drop_flow(index);
    }

    fn drop_flow(&mut self, index: u32) {
        let Some(mut flow) = self.table.remove(index) else { return };
        for direction in [Direction::ToServer, Direction::ToClient] {
            let Some(trouble) = flow.half(direction).trouble_if_any() else { continue };
            self.holes.octets -= trouble.charged;
            if let Some((time, serial)) = trouble.deadline {
                self.holes.due.remove(&Due { time, serial, flow: index, direction });
            }
        }
    }

    fn bound_holes(&mut self, observer: &mut O) {
        while self.holes.octets > self.settings.max_reassembly_octets
            && let Some(due) = self.holes.due.first().copied()
        {
            self.visit(due.flow, observer, |scene, flow| {
                let cap = "max_reassembly_octets";
                scene.event(flow, due.direction, TrackEvent::Limit { cap });
                tcp::overdue(scene, flow, due.direction, Timestamp::MIN);
            });
            self.holes.due.remove(&due);
        }
    }

    fn bound_fragments(&mut self, observer: &mut O) {
        while let Some(cap) = self.fragments.over(&self.settings)
            && let Some(gone) = self.fragments.let_go()
        {
            let place = Unattached { space: gone.space, time: self.now, frame: gone.frame };
            observer.unattached(&place, TrackEvent::Limit { cap });
        }
    }

    fn drop_fragments(&mut self, observer: &mut O) {
        if let Some(gone) = self.fragments.let_go() {
            let place = Unattached { space: gone.space, time: self.now, frame: gone.frame };
            observer.unattached(&place, TrackEvent::Gap { octets: None });
        }
    }
}

/// Where the flow of a packet sits.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    pair: Pair,
    sender_is_low: bool,
    index: u32,
}

/// The TCP part of a packet.
fn segment_of<'a>(layers: &Layers<'a>, header: Tcp) -> Segment<'a> {
    let shift = if header.flags.has(TcpFlags::SYN) { layers.window_scale() } else { None };
    Segment { header, payload: layers.payload, missing: layers.missing, shift }
}

/// Whether a packet may open another connection between the ports of an earlier one.
fn may_open_another(layers: &Layers<'_>) -> bool {
    matches!(layers.transport, TransportHeader::Tcp(header) if header.flags.has(TcpFlags::SYN))
}

/// Both ends of a packet above IP.
struct Ends {
    network: Network,
    source: u16,
    destination: u16,
    transport: Transport,
}

impl Ends {
    /// Those of a packet that has ports.
    fn of(layers: &Layers<'_>) -> Option<Self> {
        let (source, destination, transport) = match layers.transport {
            TransportHeader::Tcp(header) => (header.source, header.destination, Transport::Tcp),
            TransportHeader::Udp(header) => (header.source, header.destination, Transport::Udp),
            TransportHeader::None => return None,
        };
        Some(Self { network: layers.network?, source, destination, transport })
    }

    /// The pair that both directions share, and whether the sender is its lower end.
    fn pair(&self, space: AddressSpace) -> (Pair, bool) {
        let sender = (wide(self.network.source), self.source);
        let receiver = (wide(self.network.destination), self.destination);
        Pair::of(sender, receiver, space, self.transport)
    }

    fn key(&self, space: AddressSpace, sender_is_client: bool) -> FlowKey {
        let sender = endpoint(self.network.source, self.source);
        let receiver = endpoint(self.network.destination, self.destination);
        let (client, server) = if sender_is_client { (sender, receiver) } else { (receiver, sender) };
        FlowKey { space, transport: self.transport, client, server }
    }
}

fn seconds(secs: u32) -> Duration {
    Duration::from_secs(u64::from(secs))
}

/// Tells who sent a frame: by IP address, by the sender of an ARP packet, or by hardware address. Answers until when that
/// need not be told again.
fn hear<O: Observer>(packet: &Packet<'_>, observer: &mut O) -> Timestamp {
    let layers = packet.layers;
    let (address, mac) = match (&layers.network, &layers.arp) {
        (Some(network), _) => (Some(network.source), layers.source_mac),
        (None, Some(arp)) => (Some(arp.sender.1.into()), Some(arp.sender.0)),
        (None, None) => (None, layers.source_mac),
    };
    // Who has no address yet (DHCP, ARP probes of RFC 5227, duplicate address detection) is known by its hardware.
    let talker = match address.filter(|address| !address.is_unspecified()) {
        Some(address) => Some(Talker::Ip(address)),
        None => mac.map(Talker::Mac),
    };
    let Some(talker) = talker else { return Timestamp::MIN };
    let arp = layers.arp.as_ref().filter(|_| layers.network.is_none());
    let arp = arp.map(|arp| ArpSaid { operation: arp.operation, target: arp.target.1 });
    observer.heard(&Heard { space: packet.space, talker, mac, arp, time: packet.time, frame: packet.frame })
}

/// Whether the capture lacks octets that mean something; one that lacks only padding or a check sequence is whole.
fn is_cut(layers: &Layers<'_>) -> bool {
    layers.snapped && (layers.missing != 0 || (layers.network.is_none() && layers.arp.is_none()))
}

fn place(packet: &Packet<'_>) -> Unattached {
    Unattached { space: packet.space, time: packet.time, frame: packet.frame }
}

/// Tells what is remarkable about a frame that belongs to no flow.
fn tell_unattached<O: Observer>(packet: &Packet<'_>, observer: &mut O) {
    if is_cut(packet.layers) {
        observer.unattached(&place(packet), TrackEvent::Snapped);
    }
    for anomaly in &packet.layers.anomalies {
        observer.unattached(&place(packet), TrackEvent::Layer(*anomaly));
    }
}
