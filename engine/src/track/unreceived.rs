//! What packets carry that nobody receives as a message: octets that the stream had before, datagrams and segments with a
//! wrong checksum, and what an ICMP error quotes.
//!
//! Told to observers that ask for it ([`Observer::SHOWS_UNRECEIVED`]) and to nobody else: who judges must not take for said
//! what no receiver heard. Each packet is read by itself, with a parser of its own, so that nothing of it gets into the flow's.

use fieldwarden_model::{AddressSpace, LinkType, RawFrame};
use fieldwarden_protocols::{
    Direction, Dissector, Message, Ports, Protocol, Step,
    link::{Layers, TransportHeader, dissect, kind},
};

use super::{FlowKey, Observer, Origin, Packet, flow::Flow, recognition::Recognition, scene::Scene, verdict};

/// Why nobody receives a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreceived {
    /// The stream had these octets before: a retransmission, or a mirror's copy (RFC 9293 clause 3.10.7.4).
    Repeated,
    /// The packet is not sound: see [`super::Odd::Checksum`].
    Refused,
    /// It is quoted by an ICMP error (RFC 792, RFC 4443 clause 2.4).
    Quoted,
}

impl Unreceived {
    /// The name of the reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Refused => "wrong-checksum",
            Self::Quoted => "quoted",
        }
    }
}

/// A segment whose octets were all handed on before.
pub(super) fn repeated<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    octets: &[u8],
) {
    // What continues a message cannot be read by itself.
    if O::SHOWS_UNRECEIVED
        && matches!(&flow.recognition, Recognition::Stream(parser) if parser.begins(direction, octets))
    {
        tell(scene, flow, direction, octets, Unreceived::Repeated);
    }
}

/// A segment or datagram that is not sound.
pub(super) fn refused<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    octets: &[u8],
) {
    if O::SHOWS_UNRECEIVED {
        tell(scene, flow, direction, octets, Unreceived::Refused);
    }
}

fn tell<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    octets: &[u8],
    why: Unreceived,
) {
    let dissector = match flow.protocol {
        Some(protocol) => named(scene.dissectors, protocol),
        None => verdict::alone(scene.dissectors, flow.key.transport, direction, octets, flow.ports()),
    };
    let Some(dissector) = dissector else { return };
    let origin = Origin {
        key: &flow.key,
        direction,
        time: scene.time,
        frames: scene.frames,
        vlan: &flow.vlan,
        client_mac: flow.client_mac,
        server_mac: flow.server_mac,
    };
    read(scene.observer, &origin, dissector, octets, why);
}

fn named(
    dissectors: &'static [&'static dyn Dissector],
    protocol: Protocol,
) -> Option<&'static dyn Dissector> {
    dissectors.iter().copied().find(|dissector| dissector.protocol() == protocol)
}

/// Reads octets with a parser of their own, as far as they are whole messages.
fn read<O: Observer>(
    observer: &mut O,
    origin: &Origin<'_>,
    dissector: &dyn Dissector,
    octets: &[u8],
    why: Unreceived,
) {
    let mut session = dissector.session(origin.key.transport);
    let mut rest = octets;
    while !rest.is_empty() {
        let mut sink = |message: &Message<'_>| observer.unreceived(origin, why, message);
        match session.step(origin.direction, rest, &mut sink) {
            Step::Consumed(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
            Step::Need(_) | Step::Lost | Step::GiveUp => return,
        }
    }
}

/// The flow that a packet belongs, or would belong, to.
pub(super) struct Belongs {
    pub(super) key: FlowKey,
    pub(super) direction: Direction,
    /// Where the flow is known and its protocol too.
    pub(super) protocol: Option<Protocol>,
}

/// What an ICMP error quotes, as far as it was captured; `place` finds where it belongs.
pub(super) fn quoted<O: Observer>(
    packet: &Packet<'_>,
    dissectors: &'static [&'static dyn Dissector],
    place: &dyn Fn(&Layers<'_>, AddressSpace) -> Option<Belongs>,
    observer: &mut O,
) {
    let Some(bytes) = quotation(packet.layers) else { return };
    let wire_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let link_type = LinkType::RAW;
    let raw = RawFrame { time: packet.time, link_type, interface: 0, wire_length, tag: None, bytes };
    let layers = dissect(&raw);
    let is_whole = layers.network.is_some_and(|network| network.fragment.is_none());
    let Some(belongs) = place(&layers, packet.space).filter(|_| is_whole) else { return };
    let Belongs { key, direction, protocol } = belongs;
    let ports = Ports { server: key.server.port.unwrap_or(0), client: key.client.port.unwrap_or(0) };
    let dissector = match protocol {
        Some(protocol) => named(dissectors, protocol),
        None => verdict::alone(dissectors, key.transport, direction, layers.payload, ports),
    };
    let Some(dissector) = dissector else { return };
    let origin = Origin {
        key: &key,
        direction,
        time: packet.time,
        frames: &[packet.frame],
        vlan: &packet.layers.vlan,
        client_mac: None,
        server_mac: None,
    };
    read(observer, &origin, dissector, layers.payload, Unreceived::Quoted);
}

/// The packet that an ICMP error speaks of: behind eight octets, of the types that quote.
fn quotation<'a>(layers: &Layers<'a>) -> Option<&'a [u8]> {
    let (front, quoted) = layers.payload.split_at_checked(8)?;
    let of = *front.first()?;
    let quotes = match kind::kind(layers)? {
        kind::ICMP => matches!(of, 3..=5 | 11 | 12),
        kind::ICMP_V6 => matches!(of, 1..=4),
        _ => false,
    };
    (quotes && layers.transport == TransportHeader::None).then_some(quoted)
}
